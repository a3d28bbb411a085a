/* SPDX-License-Identifier: Apache-2.0 */
/* join_test.c - what is joined is the super-packet that it was cut from; what must not be joined
 * is tried a rule at a time, on pairs that would be joined but for that rule. */
#include "machine/join.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ROOM = 66000, LENGTH = 100 /* of the payload of most packets here */ };

static const nf_vnet no_vnet;

/* Packets of one flow, each in memory of its own. */
typedef struct train {
    uint8_t *packets[80];
    size_t lengths[80];
    unsigned count;
} train;

static uint8_t *add_to_train(train *t, const recipe *r)
{
    static uint8_t room[ROOM];
    size_t length = make_packet(room, r);
    uint8_t *packet = malloc(length);
    memcpy(packet, room, length);
    t->packets[t->count] = packet;
    t->lengths[t->count++] = length;
    return packet;
}

static void free_train(train *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        free(t->packets[i]);
    }
    t->count = 0;
}

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

/* Adds all of a train. @return how many went in before one did not fit */
static unsigned join_train(nf_joiner *joiner, const train *t, bool checksummed)
{
    unsigned taken = 0;
    while (taken < t->count &&
           nf_join_add(joiner, t->packets[taken], t->lengths[taken], checksummed)) {
        taken++;
    }
    return taken;
}

/* `count` packets in sequence, the last `last` bytes long. */
static void make_train(train *t, const recipe *base, unsigned count, size_t last)
{
    recipe r = *base;
    for (unsigned i = 0; i < count; i++) {
        if (i == count - 1) {
            r.payload = last;
        }
        add_to_train(t, &r);
        r.sequence += (uint32_t)r.payload;
        r.id++;
    }
}

static void expect_joined(const train *t,
                          const recipe *whole,
                          const nf_piece *pieces,
                          uint32_t count,
                          const nf_vnet *vnet,
                          uint16_t gso_size)
{
    static uint8_t super[ROOM], expected[ROOM];
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
    static uint8_t super[ROOM], cut[ROOM];
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
    static uint8_t packet[ROOM], before[ROOM];
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

/* --- what is never joined: a table of rules --------------------------------------------------- */

enum where { IP, L4 };
enum whom { SECOND, BOTH }; /* whose byte is changed */

typedef struct rule {
    const char *name;
    uint8_t family; /* 0: both */
    enum where where;
    uint8_t at, flip;
    enum whom whom;
    uint16_t fragment; /* of both packets, before */
} rule;

static const rule rules[] = {
    {"another DSCP", 4, IP, 1, 0x04, SECOND, 0},
    {"another ECN", 4, IP, 1, 0x01, SECOND, 0},
    {"another DF", 4, IP, 6, 0x40, SECOND, 0},
    {"another DF", 4, IP, 6, 0x40, SECOND, DF},
    {"an id that does not count up", 4, IP, 5, 0x04, SECOND, 0},
    {"more fragments", 4, IP, 6, 0x20, BOTH, 0},
    {"the reserved bit", 4, IP, 6, 0x80, BOTH, DF},
    {"a later fragment", 4, IP, 7, 0x01, BOTH, 0},
    {"a later fragment", 4, IP, 6, 0x10, BOTH, 0},
    {"another TTL", 4, IP, 8, 0x01, SECOND, 0},
    {"another protocol", 4, IP, 9, 0x80, BOTH, 0},
    {"another source", 4, IP, 12, 0x01, SECOND, 0},
    {"another source", 4, IP, 15, 0x01, SECOND, 0},
    {"another destination", 4, IP, 16, 0x01, SECOND, 0},
    {"another destination", 4, IP, 19, 0x01, SECOND, 0},
    {"another traffic class", 6, IP, 0, 0x01, SECOND, 0},
    {"another ECN", 6, IP, 1, 0x10, SECOND, 0},
    {"another flow label", 6, IP, 1, 0x01, SECOND, 0},
    {"another flow label", 6, IP, 3, 0x01, SECOND, 0},
    {"another next header", 6, IP, 6, 0x80, BOTH, 0},
    {"another hop limit", 6, IP, 7, 0x01, SECOND, 0},
    {"another source", 6, IP, 8, 0x01, SECOND, 0},
    {"another source", 6, IP, 23, 0x01, SECOND, 0},
    {"another destination", 6, IP, 24, 0x01, SECOND, 0},
    {"another destination", 6, IP, 39, 0x01, SECOND, 0},
    {"another source port", 0, L4, 0, 0x01, SECOND, 0},
    {"another destination port", 0, L4, 3, 0x01, SECOND, 0},
    {"a later sequence number", 0, L4, 7, 0x80, SECOND, 0},
    {"a sequence number far off", 0, L4, 4, 0x80, SECOND, 0},
    {"another acknowledgement", 0, L4, 8, 0x01, SECOND, 0},
    {"another acknowledgement", 0, L4, 11, 0x01, SECOND, 0},
    {"a reserved bit", 0, L4, 12, 0x01, SECOND, 0},
    {"FIN", 0, L4, 13, FIN, BOTH, 0},
    {"SYN", 0, L4, 13, SYN, BOTH, 0},
    {"RST", 0, L4, 13, RST, BOTH, 0},
    {"no ACK", 0, L4, 13, ACK, BOTH, 0},
    {"URG", 0, L4, 13, URG, BOTH, 0},
    {"CWR", 0, L4, 13, CWR, BOTH, 0},
    {"another ECE", 0, L4, 13, ECE, SECOND, 0},
    {"another window", 0, L4, 14, 0x01, SECOND, 0},
    {"another window", 0, L4, 15, 0x01, SECOND, 0},
    {"another urgent pointer", 0, L4, 19, 0x01, SECOND, 0},
    {"another option", 0, L4, 20 + 2, 0x01, SECOND, 0},
    {"another option", 0, L4, 20 + 11, 0x01, SECOND, 0},
};

static void flip(uint8_t *packet, size_t length, const rule *broken)
{
    bool v4 = packet[0] >> 4 == 4;
    size_t l4 = v4 ? 20 : 40;
    packet[(broken->where == IP ? 0 : l4) + broken->at] ^= broken->flip;
    if ((v4 ? packet[9] : packet[6]) == TCP) {
        reseal(packet, length);
    } else if (v4) {
        put16(packet + 10, 0);
        put16(packet + 10, ~plain_sum(0, packet, 20) & 0xffff);
    }
}

/* How many of two packets in sequence go in, with that one difference. */
static unsigned join_pair(bool v6, const rule *broken)
{
    recipe r = {.v6 = v6, .flags = ACK, .options = 12, .payload = LENGTH};
    r.fragment = broken != NULL ? broken->fragment : 0;
    train t = {0};
    make_train(&t, &r, 2, LENGTH);
    if (broken != NULL) {
        flip(t.packets[1], t.lengths[1], broken);
        if (broken->whom == BOTH) {
            flip(t.packets[0], t.lengths[0], broken);
        }
    }
    nf_joiner joiner = {0};
    unsigned taken = join_train(&joiner, &t, true);
    free_train(&t);
    return taken;
}

static void each_rule_keeps_packets_apart(void **state)
{
    (void)state;
    assert_int_equal(join_pair(false, NULL), 2);
    assert_int_equal(join_pair(true, NULL), 2);
    for (size_t i = 0; i < COUNT(rules); i++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            if (rules[i].family != 0 && (rules[i].family == 6) != (v6 != 0)) {
                continue;
            }
            if (join_pair(v6 != 0, &rules[i]) != 1) {
                fail_msg("joined in spite of %s (IPv%d)", rules[i].name, v6 != 0 ? 6 : 4);
            }
        }
    }
}

/* Two packets of these recipes, in whatever sequence they say. */
static unsigned join_two(const recipe *first, const recipe *second)
{
    train t = {0};
    add_to_train(&t, first);
    add_to_train(&t, second);
    nf_joiner joiner = {0};
    unsigned taken = join_train(&joiner, &t, true);
    free_train(&t);
    return taken;
}

static void the_other_family_is_another_flow(void **state)
{
    (void)state;
    recipe a = {.flags = ACK, .payload = LENGTH};
    recipe b = {.v6 = true, .flags = ACK, .sequence = LENGTH, .payload = LENGTH - 20};
    assert_int_equal(join_two(&a, &b), 1);
    /* Headers of the same length do not make them one either. */
    a.options = 20;
    assert_int_equal(join_two(&a, &b), 1);
}

static void udp_is_never_joined(void **state)
{
    (void)state;
    recipe a = {.udp = true, .payload = LENGTH};
    assert_int_equal(join_two(&a, &a), 1);
    a.v6 = true;
    assert_int_equal(join_two(&a, &a), 1);
}

static void a_longer_packet_does_not_follow(void **state)
{
    (void)state;
    recipe a = {.flags = ACK, .payload = LENGTH};
    recipe b = {.flags = ACK, .id = 1, .sequence = LENGTH, .payload = LENGTH};
    assert_int_equal(join_two(&a, &b), 2);
    b.payload++;
    assert_int_equal(join_two(&a, &b), 1);
}

static void packets_without_payload_are_not_joined(void **state)
{
    (void)state;
    recipe a = {.flags = ACK, .payload = LENGTH};
    recipe b = {.flags = ACK, .id = 1, .sequence = LENGTH, .payload = 0};
    assert_int_equal(join_two(&a, &b), 1);
    a.sequence = LENGTH;
    a.payload = 0;
    assert_int_equal(join_two(&a, &b), 1);
}

static void other_options_of_another_length_are_another_header(void **state)
{
    (void)state;
    recipe a = {.flags = ACK, .options = 12, .payload = LENGTH};
    recipe b = {.flags = ACK, .options = 8, .id = 1, .sequence = LENGTH, .payload = LENGTH};
    assert_int_equal(join_two(&a, &b), 1);
}

/* Both with the same bytes between the IP header and TCP. */
static void check_inserted(bool v6, const uint8_t *more, size_t n)
{
    recipe r = {.v6 = v6, .flags = ACK, .payload = LENGTH};
    train t = {0};
    make_train(&t, &r, 2, LENGTH);
    for (unsigned i = 0; i < 2; i++) {
        size_t l3 = v6 ? 40 : 20;
        uint8_t *room = malloc(t.lengths[i] + n);
        memcpy(room, t.packets[i], l3);
        memcpy(room + l3, more, n);
        memcpy(room + l3 + n, t.packets[i] + l3, t.lengths[i] - l3);
        if (v6) {
            room[6] = 60;
        } else {
            room[0] = 0x46;
        }
        free(t.packets[i]);
        t.packets[i] = room;
        t.lengths[i] += n;
        reseal(room, t.lengths[i]);
        assert_true(is_valid(room, t.lengths[i]));
    }
    nf_joiner joiner = {0};
    assert_int_equal(join_train(&joiner, &t, true), 1);
    free_train(&t);
}

static void ip_options_and_extension_headers_are_never_joined(void **state)
{
    (void)state;
    static const uint8_t options[4] = {1, 1, 1, 0};
    check_inserted(false, options, sizeof(options));
    static const uint8_t extension[8] = {TCP, 0, 1, 4};
    check_inserted(true, extension, sizeof(extension));
}

/* Options that look like the TCP header, with one behind that looks like its end. */
static void ip_options_are_not_taken_for_tcp(void **state)
{
    (void)state;
    train t = {0};
    recipe r = {.flags = ACK, .payload = LENGTH};
    make_train(&t, &r, 2, LENGTH);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *room = calloc(1, t.lengths[i] + 4);
        memcpy(room, t.packets[i], 20);
        memcpy(room + 24, t.packets[i] + 20, t.lengths[i] - 20);
        free(t.packets[i]);
        t.packets[i] = room;
        t.lengths[i] += 4;
        room[0] = 0x46;
        put32(room + 24, (uint32_t)(i * (LENGTH + 4)));
        put32(room + 28, 0);
        put16(room + 32, 0x5000 | ACK);
        reseal(room, t.lengths[i]);
        /* Empty options leave the sum of the 20 bytes in front right. */
        assert_int_equal(plain_sum(0, room, 20), 0xffff);
    }
    nf_joiner joiner = {0};
    assert_int_equal(join_train(&joiner, &t, true), 1);
    free_train(&t);
}

static void a_tcp_header_shorter_than_can_be_is_never_joined(void **state)
{
    (void)state;
    for (uint8_t words = 0; words <= 5; words++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            train t = {0};
            recipe r = {.v6 = v6 != 0, .flags = ACK, .payload = LENGTH};
            add_to_train(&t, &r);
            r.id++;
            r.sequence += LENGTH + 20 - 4U * words;
            add_to_train(&t, &r);
            for (unsigned i = 0; i < 2; i++) {
                t.packets[i][(v6 != 0 ? 40 : 20) + 12] = (uint8_t)(words << 4);
                reseal(t.packets[i], t.lengths[i]);
            }
            nf_joiner joiner = {0};
            assert_int_equal(join_train(&joiner, &t, true), words == 5 ? 2 : 1);
            free_train(&t);
        }
    }
}

static void a_run_that_was_taken_leaves_nothing_behind(void **state)
{
    (void)state;
    train t = {0};
    recipe r = {.flags = ACK, .payload = LENGTH};
    make_train(&t, &r, 2, LENGTH);
    nf_joiner joiner = {0};
    const nf_piece *pieces;
    nf_vnet vnet;
    assert_int_equal(join_train(&joiner, &t, true), 2);
    assert_int_equal(nf_join_take(&joiner, &pieces, &vnet), 2);
    /* The next in sequence, but wrong; then the one that would have followed the run. */
    r.sequence = 2 * LENGTH;
    r.id = 2;
    train u = {0};
    add_to_train(&u, &r)[60] ^= 1;
    r.id = 3;
    add_to_train(&u, &r);
    assert_int_equal(join_train(&joiner, &u, false), 1);
    free_train(&t);
    free_train(&u);
}

static void a_wrong_length_is_never_joined(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (unsigned which = 0; which < 2; which++) {
            recipe r = {.v6 = v6 != 0, .flags = ACK, .payload = LENGTH};
            train t = {0};
            make_train(&t, &r, 2, LENGTH);
            uint8_t *packet = t.packets[which];
            put16(packet + (v6 != 0 ? 4 : 2), get16(packet + (v6 != 0 ? 4 : 2)) - 1);
            if (v6 == 0) {
                put16(packet + 10, 0);
                put16(packet + 10, ~plain_sum(0, packet, 20) & 0xffff);
            }
            nf_joiner joiner = {0};
            assert_int_equal(join_train(&joiner, &t, true), 1);
            free_train(&t);
        }
    }
}

/* --- checksums -------------------------------------------------------------------------------- */

static void a_wrong_checksum_is_not_made_right(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (unsigned wrong = 0; wrong < 3; wrong++) { /* the first, the second, none */
            for (unsigned checksummed = 0; checksummed < 2; checksummed++) {
                recipe r = {.v6 = v6 != 0, .flags = ACK, .payload = LENGTH};
                train t = {0};
                make_train(&t, &r, 2, LENGTH);
                if (wrong < 2) {
                    t.packets[wrong][t.lengths[wrong] - 1] ^= 1;
                }
                nf_joiner joiner = {0};
                unsigned expected = wrong == 2 || checksummed != 0 ? 2 : 1;
                assert_int_equal(join_train(&joiner, &t, checksummed != 0), expected);
                free_train(&t);
            }
        }
    }
}

static void a_wrong_header_checksum_is_not_made_right(void **state)
{
    (void)state;
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        recipe r = {.flags = ACK, .payload = LENGTH};
        train t = {0};
        make_train(&t, &r, 2, LENGTH);
        t.packets[wrong][11] ^= 1;
        nf_joiner joiner = {0};
        assert_int_equal(join_train(&joiner, &t, true), 1);
        free_train(&t);
    }
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
        cmocka_unit_test(each_rule_keeps_packets_apart),
        cmocka_unit_test(the_other_family_is_another_flow),
        cmocka_unit_test(udp_is_never_joined),
        cmocka_unit_test(a_longer_packet_does_not_follow),
        cmocka_unit_test(packets_without_payload_are_not_joined),
        cmocka_unit_test(other_options_of_another_length_are_another_header),
        cmocka_unit_test(ip_options_and_extension_headers_are_never_joined),
        cmocka_unit_test(ip_options_are_not_taken_for_tcp),
        cmocka_unit_test(a_tcp_header_shorter_than_can_be_is_never_joined),
        cmocka_unit_test(a_run_that_was_taken_leaves_nothing_behind),
        cmocka_unit_test(a_wrong_length_is_never_joined),
        cmocka_unit_test(a_wrong_checksum_is_not_made_right),
        cmocka_unit_test(a_wrong_header_checksum_is_not_made_right),
    };
    return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
