/* SPDX-License-Identifier: Apache-2.0 */
/* join_test.c - what is joined is the super-packet that it was cut from, and what is joined with
 * nothing is left as it is. */
#include "machine/join.h"

#include "train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const nf_vnet no_vnet;

/* What comes of the pieces when they are written one behind the other. */
static size_t flatten(uint8_t *out, const nf_piece *pieces, uint32_t count)
{
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(out + length, pieces[i].bytes, pieces[i].length);
        length += pieces[i].length;
    }
    return length;
}

static void expect_joined(const train *t,
                          const recipe *whole,
                          const nf_piece *pieces,
                          uint32_t count,
                          const nf_vnet *vnet,
                          uint16_t gso_size)
{
    static uint8_t super[PACKET_BYTES_MAX], expected[PACKET_BYTES_MAX];
    assert_int_equal(count, t->count);
    assert_ptr_equal(pieces[0].bytes, t->packets[0]);
    size_t length = flatten(super, pieces, count);
    assert_int_equal(length, make_packet(expected, whole));
    make_partial(expected, length);
    assert_memory_equal(super, expected, length);
    assert_int_equal(vnet->flags, NF_VNET_NEEDS_CSUM);
    assert_int_equal(vnet->gso_type, whole->v6 ? NF_VNET_GSO_TCPV6 : NF_VNET_GSO_TCPV4);
    assert_int_equal(vnet->header_length, headers_of(whole));
    assert_int_equal(vnet->gso_size, gso_size);
    assert_int_equal(vnet->checksum_start, whole->v6 ? 40 : 20);
    assert_int_equal(vnet->checksum_offset, 16);
}

/* --- what is joined --------------------------------------------------------------------------- */

static void segments_become_the_super_packet_they_were(void **state)
{
    (void)state;
    static const struct {
        size_t payload;
        uint16_t gso_size;
    } sizes[] = {{2, 1}, {2001, 1000}, {2000, 1000}, {64, 1}, {64 * 1000, 1000}, {5, 3}};
    static uint8_t super[PACKET_BYTES_MAX], cut[PACKET_BYTES_MAX];
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (unsigned kind = 0; kind < 16; kind++) {
            recipe r = {
                .v6 = (kind & 1) != 0,
                .tos = 0xb9,
                .flags = (uint8_t)(ACK | ((kind & 2) != 0 ? PSH : 0) | ((kind & 4) != 0 ? ECE : 0)),
                .options = 12,
                .id = 0xffff,
                .fragment = (kind & 8) != 0 ? DF : 0,
                .sequence = UINT32_C(0xffffff80),
                .payload = sizes[i].payload,
            };
            size_t length = make_packet(super, &r), n;
            make_partial(super, length);
            memcpy(cut, super, length);
            nf_vnet vnet = {.flags = NF_VNET_NEEDS_CSUM,
                            .gso_type = r.v6 ? NF_VNET_GSO_TCPV6 : NF_VNET_GSO_TCPV4,
                            .header_length = (uint16_t)headers_of(&r),
                            .gso_size = sizes[i].gso_size,
                            .checksum_start = r.v6 ? 40 : 20,
                            .checksum_offset = 16};
            nf_segmenter segmenter;
            assert_true(nf_segment_begin(&segmenter, &vnet, cut, length));
            train t = {0};
            const uint8_t *segment;
            while ((segment = nf_segment_next(&segmenter, &n)) != NULL) {
                t.packets[t.count] = malloc(n);
                memcpy(t.packets[t.count], segment, n);
                t.lengths[t.count++] = n;
            }
            nf_joiner joiner = {0};
            const nf_piece *pieces;
            nf_vnet joined;
            assert_int_equal(join_train(&joiner, &t, (kind & 1) != 0), t.count);
            uint32_t count = nf_join_take(&joiner, &pieces, &joined);
            assert_int_equal(flatten(cut, pieces, count), length);
            assert_memory_equal(cut, super, length);
            assert_memory_equal(&joined, &vnet, sizeof(vnet));
            free_train(&t);
        }
    }
}

static void a_shorter_packet_is_the_last(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        recipe r = {.v6 = v6 != 0, .flags = ACK, .payload = LENGTH};
        train t = {0};
        make_train(&t, &r, 5, LENGTH - 1);
        nf_joiner joiner = {0};
        const nf_piece *pieces;
        nf_vnet vnet;
        assert_int_equal(join_train(&joiner, &t, true), 5);
        recipe next = r;
        next.sequence += 5 * LENGTH - 1;
        next.id = 5;
        next.payload = 1;
        uint8_t behind[200];
        size_t length = make_packet(behind, &next);
        assert_false(nf_join_add(&joiner, behind, length, true));
        uint32_t count = nf_join_take(&joiner, &pieces, &vnet);
        r.payload = 5 * LENGTH - 1;
        expect_joined(&t, &r, pieces, count, &vnet, LENGTH);
        free_train(&t);
    }
}

static void psh_ends_a_run_and_marks_the_whole(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        recipe r = {.v6 = v6 != 0, .flags = ACK, .payload = LENGTH};
        train t = {0};
        make_train(&t, &r, 2, LENGTH);
        recipe pushed = r;
        pushed.sequence = 2 * LENGTH;
        pushed.id = 2;
        pushed.flags |= PSH;
        add_to_train(&t, &pushed);
        nf_joiner joiner = {0};
        const nf_piece *pieces;
        nf_vnet vnet;
        assert_int_equal(join_train(&joiner, &t, true), 3);
        uint8_t behind[200];
        recipe next = r;
        next.sequence = 3 * LENGTH;
        next.id = 3;
        size_t length = make_packet(behind, &next);
        assert_false(nf_join_add(&joiner, behind, length, true));
        uint32_t count = nf_join_take(&joiner, &pieces, &vnet);
        r.payload = 3 * LENGTH;
        r.flags |= PSH;
        expect_joined(&t, &r, pieces, count, &vnet, LENGTH);
        free_train(&t);
        /* Alone or first, it takes nothing behind it. */
        make_train(&t, &pushed, 2, LENGTH);
        assert_int_equal(join_train(&joiner, &t, true), 1);
        assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), 1);
        free_train(&t);
    }
}

static void at_most_64_pieces_are_joined(void **state)
{
    (void)state;
    recipe r = {.flags = ACK, .payload = LENGTH};
    train t = {0};
    make_train(&t, &r, NF_JOIN_PIECES_MAX + 1, LENGTH);
    nf_joiner joiner = {0};
    const nf_piece *pieces;
    nf_vnet vnet;
    assert_int_equal(join_train(&joiner, &t, true), NF_JOIN_PIECES_MAX);
    assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), NF_JOIN_PIECES_MAX);
    free_train(&t);
}

static void at_most_65535_bytes_are_joined(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        size_t headers = v6 != 0 ? 60 : 40;
        for (size_t more = 0; more < 2; more++) {
            recipe r = {.v6 = v6 != 0, .flags = ACK, .payload = 33000};
            train t = {0};
            make_train(&t, &r, 2, NF_JOIN_BYTES_MAX - headers - 33000 + more);
            nf_joiner joiner = {0};
            const nf_piece *pieces;
            nf_vnet vnet;
            assert_int_equal(join_train(&joiner, &t, true), more == 0 ? 2 : 1);
            uint32_t count = nf_join_take(&joiner, &pieces, &vnet);
            if (more == 0) {
                r.payload = NF_JOIN_BYTES_MAX - headers;
                expect_joined(&t, &r, pieces, count, &vnet, 33000);
            }
            free_train(&t);
        }
    }
}

static void ids_mean_nothing_with_df(void **state)
{
    (void)state;
    recipe r = {.fragment = DF, .flags = ACK, .id = 7, .payload = LENGTH};
    train t = {0};
    add_to_train(&t, &r);
    r.sequence = LENGTH;
    add_to_train(&t, &r);
    nf_joiner joiner = {0};
    const nf_piece *pieces;
    nf_vnet vnet;
    assert_int_equal(join_train(&joiner, &t, true), 2);
    nf_join_take(&joiner, &pieces, &vnet);
    assert_int_equal(get16(pieces[0].bytes + 6), DF);
    free_train(&t);
}

/* --- what is left alone ----------------------------------------------------------------------- */

static void a_packet_alone_is_untouched(void **state)
{
    (void)state;
    static uint8_t packet[PACKET_BYTES_MAX], before[PACKET_BYTES_MAX];
    for (unsigned kind = 0; kind < 16; kind++) {
        recipe r = {.v6 = (kind & 1) != 0, .udp = (kind & 2) != 0};
        r.flags = (uint8_t)(ACK | ((kind & 4) != 0 ? PSH : 0));
        r.payload = LENGTH;
        size_t length = make_packet(packet, &r);
        if ((kind & 8) != 0) {
            packet[length - 1] ^= 1; /* a wrong checksum is none of our business */
        }
        memcpy(before, packet, length);
        for (unsigned checksummed = 0; checksummed < 2; checksummed++) {
            nf_joiner joiner = {0};
            const nf_piece *pieces;
            nf_vnet vnet = {.flags = 9, .gso_type = 9, .gso_size = 9};
            assert_true(nf_join_add(&joiner, packet, length, checksummed != 0));
            assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), 1);
            assert_ptr_equal(pieces[0].bytes, packet);
            assert_int_equal(pieces[0].length, length);
            assert_memory_equal(packet, before, length);
            assert_memory_equal(&vnet, &no_vnet, sizeof(vnet));
            assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), 0);
        }
    }
}

static void an_empty_joiner_takes_anything(void **state)
{
    (void)state;
    uint8_t packet[200];
    for (unsigned v6 = 0; v6 < 2; v6++) {
        recipe r = {.v6 = v6 != 0, .flags = ACK, .options = 8, .payload = 10};
        size_t whole = make_packet(packet, &r);
        for (size_t length = 1; length <= whole; length++) {
            for (unsigned told = 0; told < 2; told++) {
                uint8_t *room = malloc(length);
                memcpy(room, packet, length);
                size_t l3 = v6 != 0 ? 40 : 20;
                if (told != 0 && length >= l3) {
                    put16(room + (v6 != 0 ? 4 : 2), (unsigned)(length - (v6 != 0 ? 40 : 0)));
                    if (v6 == 0) {
                        put16(room + 10, 0);
                        put16(room + 10, ~plain_sum(0, room, 20) & 0xffff);
                    }
                }
                nf_joiner joiner = {0};
                const nf_piece *pieces;
                nf_vnet vnet;
                assert_true(nf_join_add(&joiner, room, length, true));
                (void)nf_join_add(&joiner, room, length, false);
                assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), 1);
                assert_int_equal(pieces[0].length, length);
                free(room);
            }
        }
    }
}

static void one_that_does_not_fit_is_the_first_of_the_next(void **state)
{
    (void)state;
    recipe r = {.flags = ACK, .payload = LENGTH};
    train t = {0};
    make_train(&t, &r, 2, LENGTH);
    recipe other = r;
    other.sequence = 5000;
    train u = {0};
    make_train(&u, &other, 3, LENGTH);
    nf_joiner joiner = {0};
    const nf_piece *pieces;
    nf_vnet vnet;
    assert_int_equal(join_train(&joiner, &t, true), 2);
    assert_int_equal(join_train(&joiner, &u, true), 0);
    assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), 2);
    assert_int_equal(join_train(&joiner, &u, true), 3);
    uint32_t count = nf_join_take(&joiner, &pieces, &vnet);
    other.payload = 3 * LENGTH;
    expect_joined(&u, &other, pieces, count, &vnet, LENGTH);
    free_train(&t);
    free_train(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_become_the_super_packet_they_were),
        cmocka_unit_test(a_shorter_packet_is_the_last),
        cmocka_unit_test(psh_ends_a_run_and_marks_the_whole),
        cmocka_unit_test(at_most_64_pieces_are_joined),
        cmocka_unit_test(at_most_65535_bytes_are_joined),
        cmocka_unit_test(ids_mean_nothing_with_df),
        cmocka_unit_test(a_packet_alone_is_untouched),
        cmocka_unit_test(an_empty_joiner_takes_anything),
        cmocka_unit_test(one_that_does_not_fit_is_the_first_of_the_next),
    };
    return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
