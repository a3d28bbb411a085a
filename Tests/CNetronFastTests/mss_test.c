/* SPDX-License-Identifier: Apache-2.0 */
/* mss_test.c - the MSS of TCP SYNs is lowered to the path, and nothing else is touched. */
#include "machine/ip.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MTU = 1400, MSS4 = MTU - 40, MSS6 = MTU - 60 };

typedef struct syn {
    bool v6;
    uint8_t options[40];
    uint8_t length; /* of the options */
    uint8_t flags;  /* 0: SYN */
} syn;

static size_t make_syn(uint8_t *packet, const syn *s)
{
    recipe r = {
        .v6 = s->v6,
        .flags = s->flags == 0 ? SYN : s->flags,
        .options = s->length,
    };
    size_t length = make_packet(packet, &r);
    memcpy(packet + (s->v6 ? 60 : 40), s->options, s->length);
    reseal(packet, length);
    return length;
}

/* Clamps a copy in a room that ends with it; copies it back. */
static void clamp(uint8_t *packet, size_t length, uint16_t mtu, bool partial)
{
    uint8_t *room = malloc(length + (length == 0));
    memcpy(room, packet, length);
    nf_mss_clamp(room, length, mtu, partial);
    memcpy(packet, room, length);
    free(room);
}

static void expect_unchanged(uint8_t *packet, size_t length, uint16_t mtu)
{
    uint8_t before[300];
    memcpy(before, packet, length);
    clamp(packet, length, mtu, false);
    assert_memory_equal(packet, before, length);
}

static void a_large_mss_becomes_what_fits(void **state)
{
    (void)state;
    static const struct {
        uint16_t offered, mtu, kept4, kept6;
    } cases[] = {
        {1460, MTU, MSS4, MSS6},
        {65535, MTU, MSS4, MSS6},
        {MSS4 + 1, MTU, MSS4, MSS6},
        {MSS4, MTU, MSS4, MSS6},
        {MSS6 + 1, MTU, MSS6 + 1, MSS6},
        {MSS6, MTU, MSS6, MSS6},
        {536, MTU, 536, 536},
        {0, MTU, 0, 0},
        {1460, 65535, 1460, 1460},
        {1460, 61, 21, 1},
        {1460, 60, 20, 1460}, /* no room at all is left alone */
        {1460, 40, 1460, 1460},
        {1460, 0, 1460, 1460},
    };
    uint8_t packet[300];
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            syn s = {.v6 = v6 != 0, .options = {2, 4}, .length = 4};
            put16(s.options + 2, cases[i].offered);
            size_t length = make_syn(packet, &s);
            clamp(packet, length, cases[i].mtu, false);
            assert_int_equal(get16(packet + (s.v6 ? 62 : 42)),
                             s.v6 ? cases[i].kept6 : cases[i].kept4);
            assert_true(is_valid(packet, length));
        }
    }
}

static void the_checksum_is_that_of_a_recomputation(void **state)
{
    (void)state;
    uint8_t packet[300], again[300];
    for (unsigned offered = 1361; offered <= 65535; offered += 7) {
        /* At an even and at an odd place. */
        for (uint8_t nops = 0; nops < 2; nops++) {
            syn s = {.options = {1, 1, 1, 1, 1, 1, 1, 1}, .length = 8};
            s.options[nops] = 2;
            s.options[nops + 1] = 4;
            put16(s.options + nops + 2, offered);
            size_t length = make_syn(packet, &s);
            clamp(packet, length, MTU, false);
            assert_int_equal(get16(packet + 42 + nops), MSS4);
            memcpy(again, packet, length);
            reseal(again, length);
            assert_memory_equal(packet, again, length);
        }
    }
}

static void a_partial_checksum_is_left_to_the_host(void **state)
{
    (void)state;
    uint8_t packet[300];
    syn s = {.options = {2, 4, 5, 180}, .length = 4};
    size_t length = make_syn(packet, &s);
    make_partial(packet, length);
    unsigned field = get16(packet + 36);
    clamp(packet, length, MTU, true);
    assert_int_equal(get16(packet + 42), MSS4);
    assert_int_equal(get16(packet + 36), field);
}

static void a_wrong_tcp_checksum_stays_wrong(void **state)
{
    (void)state;
    uint8_t packet[300];
    syn s = {.options = {2, 4, 5, 180}, .length = 4};
    size_t length = make_syn(packet, &s);
    packet[37] ^= 1;
    unsigned before = l4_sum(packet, length);
    clamp(packet, length, MTU, false);
    assert_int_equal(get16(packet + 42), MSS4);
    assert_int_equal(l4_sum(packet, length), before);
}

static void the_mss_is_found_among_other_options(void **state)
{
    (void)state;
    static const struct {
        syn s;
        uint8_t at; /* of the value, in the options; 0: none is to be changed */
    } cases[] = {
        {{.options = {1, 1, 2, 4, 5, 180, 0, 0}, .length = 8}, 4},
        {{.options = {4, 2, 3, 3, 7, 2, 4, 5, 180, 0, 0, 0}, .length = 12}, 7},
        {{.options = {2, 4, 5, 180}, .length = 4, .flags = SYN | ACK}, 2},
        {{.options = {0, 2, 2, 4, 5, 180, 0, 0}, .length = 8}, 0}, /* behind the end */
        {{.options = {2, 3, 5, 180, 1, 1, 1, 1}, .length = 8}, 0}, /* of a wrong length */
        {{.options = {2, 5, 5, 180, 1, 1, 1, 1}, .length = 8}, 0}, /* the same */
        {{.options = {9, 0, 2, 4, 5, 180, 1, 1}, .length = 8}, 0}, /* never ends */
        {{.options = {9, 1, 2, 4, 5, 180, 1, 1}, .length = 8}, 0}, /* the same */
        {{.options = {9, 9, 2, 4, 5, 180, 1, 1}, .length = 8}, 0}, /* longer than the header */
        {{.options = {1, 1, 1, 1, 1, 2, 4, 255}, .length = 8}, 0}, /* cut off */
        {{.options = {1, 1, 1, 1, 1, 1, 1, 2}, .length = 8}, 0},   /* the same */
        {{.options = {1, 1, 1, 1}, .length = 4}, 0},
        {{.length = 0}, 0},
        {{.options = {2, 4, 5, 180}, .length = 4, .flags = ACK}, 0}, /* no SYN */
        {{.options = {2, 4, 5, 180}, .length = 4, .flags = FIN | RST | PSH | ACK | URG}, 0},
    };
    uint8_t packet[300];
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            syn s = cases[i].s;
            s.v6 = v6 != 0;
            size_t length = make_syn(packet, &s);
            if (cases[i].at == 0) {
                expect_unchanged(packet, length, MTU);
                continue;
            }
            clamp(packet, length, MTU, false);
            assert_int_equal(get16(packet + (s.v6 ? 60 : 40) + cases[i].at), s.v6 ? MSS6 : MSS4);
            assert_true(is_valid(packet, length));
        }
    }
}

static void both_of_two_mss_options_are_lowered(void **state)
{
    (void)state;
    uint8_t packet[300];
    syn s = {.options = {2, 4, 5, 180, 2, 4, 6, 0}, .length = 8};
    size_t length = make_syn(packet, &s);
    clamp(packet, length, MTU, false);
    assert_int_equal(get16(packet + 42), MSS4);
    assert_int_equal(get16(packet + 46), MSS4);
    assert_true(is_valid(packet, length));
}

static void only_first_fragments_of_plain_tcp_are_clamped(void **state)
{
    (void)state;
    uint8_t packet[300];
    syn s = {.options = {2, 4, 5, 180}, .length = 4};
    size_t length = make_syn(packet, &s);
    put16(packet + 6, 0x2000);
    reseal(packet, length);
    clamp(packet, length, MTU, false);
    assert_int_equal(get16(packet + 42), MSS4);
    length = make_syn(packet, &s);
    put16(packet + 6, 0x0001);
    reseal(packet, length);
    expect_unchanged(packet, length, MTU);
    length = make_syn(packet, &s);
    packet[9] = UDP;
    expect_unchanged(packet, length, MTU);
    s.v6 = true;
    length = make_syn(packet, &s);
    packet[6] = 60;
    expect_unchanged(packet, length, MTU);
    length = make_syn(packet, &s);
    packet[0] = 0x50;
    expect_unchanged(packet, length, MTU);
}

static void ip_options_are_passed_over(void **state)
{
    (void)state;
    uint8_t packet[300], plain[300];
    syn s = {.options = {2, 4, 5, 180}, .length = 4};
    size_t length = make_syn(plain, &s);
    memcpy(packet, plain, 20);
    memset(packet + 20, 1, 8);
    memcpy(packet + 28, plain + 20, length - 20);
    packet[0] = 0x47;
    length += 8;
    reseal(packet, length);
    clamp(packet, length, MTU, false);
    assert_int_equal(get16(packet + 50), MSS4);
    assert_true(is_valid(packet, length));
    /* A header as long as can be, of which less and less is there. */
    packet[0] = 0x4f;
    for (; length >= 40; length--) {
        expect_unchanged(packet, length, MTU);
    }
}

static void an_ip_header_shorter_than_can_be_hides_no_syn(void **state)
{
    (void)state;
    uint8_t packet[300];
    syn s = {.options = {2, 4, 5, 180}, .length = 4};
    size_t length = make_syn(packet, &s);
    /* What would be a SYN with a large MSS, were the IP header 16 bytes long. */
    packet[0] = 0x44;
    put16(packet + 28, 0x6002);
    put32(packet + 36, 0x0204ffff);
    expect_unchanged(packet, length, MTU);
}

static void a_syn_cut_off_anywhere_is_read_within_its_bounds(void **state)
{
    (void)state;
    uint8_t packet[300];
    for (unsigned v6 = 0; v6 < 2; v6++) {
        syn s = {.v6 = v6 != 0, .options = {2, 4, 5, 180, 1, 1, 1, 1}, .length = 8};
        size_t whole = make_syn(packet, &s);
        for (size_t length = 0; length < whole; length++) {
            make_syn(packet, &s);
            expect_unchanged(packet, length, MTU);
        }
        clamp(packet, whole, MTU, false);
        assert_int_equal(get16(packet + (s.v6 ? 62 : 42)), s.v6 ? MSS6 : MSS4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_mss_becomes_what_fits),
        cmocka_unit_test(the_checksum_is_that_of_a_recomputation),
        cmocka_unit_test(a_partial_checksum_is_left_to_the_host),
        cmocka_unit_test(a_wrong_tcp_checksum_stays_wrong),
        cmocka_unit_test(the_mss_is_found_among_other_options),
        cmocka_unit_test(both_of_two_mss_options_are_lowered),
        cmocka_unit_test(only_first_fragments_of_plain_tcp_are_clamped),
        cmocka_unit_test(ip_options_are_passed_over),
        cmocka_unit_test(an_ip_header_shorter_than_can_be_hides_no_syn),
        cmocka_unit_test(a_syn_cut_off_anywhere_is_read_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
