/* SPDX-License-Identifier: Apache-2.0 */
/* checksum_test.c - sums against plain arithmetic, at every length and alignment. */
#include "machine/checksum.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A folded sum as it lies in memory, read as the network reads it. */
static unsigned in_network_order(uint16_t folded)
{
    uint8_t bytes[2];
    memcpy(bytes, &folded, 2);
    return get16(bytes);
}

static unsigned sum_of(const uint8_t *bytes, size_t length)
{
    return in_network_order(nf_checksum_fold(nf_checksum_add(0, bytes, length)));
}

/* RFC 1071, section 3. */
static void the_example_of_the_rfc_comes_out(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(sum_of(bytes, sizeof(bytes)), 0xddf2);
}

static void every_length_and_alignment_gives_the_plain_sum(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 300; length++) {
        for (size_t shift = 0; shift < 9; shift++) {
            /* Exactly as long as it is, so that a byte read behind it is noticed. */
            uint8_t *room = malloc(shift + length + (length == 0));
            for (size_t i = 0; i < shift + length; i++) {
                room[i] = (uint8_t)(255 - i * 5 * (shift + 1));
            }
            assert_int_equal(sum_of(room + shift, length), plain_sum(0, room + shift, length));
            free(room);
        }
    }
}

static void each_byte_counts_in_its_own_place(void **state)
{
    (void)state;
    uint8_t bytes[210] = {0};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 0x5a;
        assert_int_equal(sum_of(bytes, sizeof(bytes)), (i & 1) == 0 ? 0x5a00 : 0x5a);
        bytes[i] = 0;
    }
}

static void no_carry_is_lost_in_the_largest_packet(void **state)
{
    (void)state;
    enum { LENGTH = 65535 };
    uint8_t *bytes = malloc(LENGTH);
    memset(bytes, 0xff, LENGTH);
    assert_int_equal(sum_of(bytes, LENGTH), plain_sum(0, bytes, LENGTH));
    assert_int_equal(sum_of(bytes, LENGTH - 1), 0xffff);
    uint64_t large = nf_checksum_add(UINT64_C(0xffffffffffff), bytes, LENGTH - 1);
    assert_int_equal(nf_checksum_fold(large), 0xffff);
    free(bytes);
}

static void a_sum_may_be_taken_in_parts(void **state)
{
    (void)state;
    uint8_t bytes[255];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = stream_byte((uint32_t)i);
    }
    for (size_t cut = 0; cut < sizeof(bytes); cut += 2) {
        uint64_t sum = nf_checksum_add(0, bytes, cut);
        sum = nf_checksum_add(sum, bytes + cut, sizeof(bytes) - cut);
        assert_int_equal(in_network_order(nf_checksum_fold(sum)),
                         plain_sum(0, bytes, sizeof(bytes)));
    }
}

static void folding_keeps_every_carry(void **state)
{
    (void)state;
    static const struct {
        uint64_t sum;
        uint16_t folded;
    } cases[] = {
        {0, 0},
        {1, 1},
        {0xffff, 0xffff},
        {0x10000, 1},
        {0x1fffe, 0xffff},
        {0x1ffff, 1},
        {UINT64_C(0xffffffff), 0xffff},
        {UINT64_C(0x100000000), 1},
        {UINT64_C(0xfffffffffffffffe), 0xfffe},
        {UINT64_MAX, 0xffff},
        {UINT64_C(0x0001000200030004), 10},
        {UINT64_C(0x8000800080008000), 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(nf_checksum_fold(cases[i].sum), cases[i].folded);
    }
}

static void a_pseudo_header_is_that_of_its_family(void **state)
{
    (void)state;
    uint8_t packet[2000];
    for (unsigned i = 0; i < 4; i++) {
        recipe r = {.v6 = (i & 1) != 0, .udp = (i & 2) != 0, .payload = 1234};
        size_t length = make_packet(packet, &r);
        uint8_t protocol;
        size_t l4_length = length - l4_of(packet, &protocol);
        uint64_t sum = nf_checksum_pseudo(packet, protocol, (uint32_t)l4_length);
        assert_int_equal(in_network_order(nf_checksum_fold(sum)),
                         pseudo_sum(packet, protocol, l4_length));
    }
    /* IPv6 counts 32 bits of length. */
    recipe r = {.v6 = true};
    make_packet(packet, &r);
    assert_int_equal(in_network_order(nf_checksum_fold(nf_checksum_pseudo(packet, TCP, 0x12345))),
                     pseudo_sum(packet, TCP, 0x12345));
}

static void a_partial_checksum_is_completed(void **state)
{
    (void)state;
    uint8_t packet[2000], whole[2000];
    for (unsigned i = 0; i < 4; i++) {
        for (size_t payload = 0; payload < 70; payload++) {
            recipe r = {.v6 = (i & 1) != 0, .udp = (i & 2) != 0, .payload = payload};
            size_t length = make_packet(packet, &r);
            memcpy(whole, packet, length);
            make_partial(packet, length);
            assert_true(nf_checksum_complete(packet, length, r.v6 ? 40 : 20, r.udp ? 6 : 16));
            assert_memory_equal(packet, whole, length);
        }
    }
}

/* Chooses the last 16 bits so that the sum is 0xffff and the checksum 0. */
static size_t make_zero(uint8_t *packet, bool udp)
{
    recipe r = {.udp = udp, .payload = 30};
    size_t length = make_packet(packet, &r);
    put16(packet + length - 2, 0);
    make_partial(packet, length);
    put16(packet + length - 2, ~plain_sum(0, packet + 20, length - 20) & 0xffff);
    return length;
}

static void a_udp_checksum_is_never_zero(void **state)
{
    (void)state;
    uint8_t packet[100];
    size_t length = make_zero(packet, true);
    assert_true(nf_checksum_complete(packet, length, 20, 6));
    assert_int_equal(get16(packet + 26), 0xffff);
    assert_true(is_valid(packet, length));
    length = make_zero(packet, false);
    assert_true(nf_checksum_complete(packet, length, 20, 16));
    assert_int_equal(get16(packet + 36), 0);
    assert_true(is_valid(packet, length));
}

static void offsets_outside_of_the_packet_are_refused(void **state)
{
    (void)state;
    enum { LENGTH = 60 };
    static const struct {
        uint16_t start, offset;
        bool taken;
    } cases[] = {
        {0, 0, true},
        {20, 16, true},
        {20, LENGTH - 20 - 2, true},
        {20, LENGTH - 20 - 1, false},
        {LENGTH - 2, 0, true},
        {LENGTH - 1, 0, false},
        {LENGTH, 0, false},
        {LENGTH + 1, 0, false},
        {0, UINT16_MAX, false},
        {UINT16_MAX, 0, false},
        {UINT16_MAX, UINT16_MAX, false},
        {UINT16_MAX - 19, 20, false}, /* 0, were it 16 bits */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t *packet = calloc(1, LENGTH);
        assert_int_equal(nf_checksum_complete(packet, LENGTH, cases[i].start, cases[i].offset),
                         cases[i].taken);
        if (!cases[i].taken) {
            for (size_t at = 0; at < LENGTH; at++) {
                assert_int_equal(packet[at], 0);
            }
        }
        free(packet);
    }
    uint8_t one[1] = {0};
    assert_false(nf_checksum_complete(one, 1, 0, 0));
    assert_false(nf_checksum_complete(one, 0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_comes_out),
        cmocka_unit_test(every_length_and_alignment_gives_the_plain_sum),
        cmocka_unit_test(each_byte_counts_in_its_own_place),
        cmocka_unit_test(no_carry_is_lost_in_the_largest_packet),
        cmocka_unit_test(a_sum_may_be_taken_in_parts),
        cmocka_unit_test(folding_keeps_every_carry),
        cmocka_unit_test(a_pseudo_header_is_that_of_its_family),
        cmocka_unit_test(a_partial_checksum_is_completed),
        cmocka_unit_test(a_udp_checksum_is_never_zero),
        cmocka_unit_test(offsets_outside_of_the_packet_are_refused),
    };
    return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
