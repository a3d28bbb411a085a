/* SPDX-License-Identifier: Apache-2.0 */
/* icmp_test.c - errors that are answered, and packets that get no answer. */
#include "machine/ip.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t own4[4] = {10, 1, 0, 1};
static const uint8_t own6[16] = {0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static size_t answer(nf_icmp_kind kind, const uint8_t *packet, size_t length, uint8_t *out)
{
    uint8_t *room = malloc(length + (length == 0));
    memcpy(room, packet, length);
    const uint8_t *own = length > 0 && packet[0] >> 4 == 6 ? own6 : own4;
    size_t n = nf_icmp_answer(kind, room, length, own, 1400, out);
    free(room);
    return n;
}

static void check_answer4(nf_icmp_kind kind, const uint8_t *packet, size_t length)
{
    uint8_t out[NF_ICMP_BYTES_MAX];
    size_t n = answer(kind, packet, length, out);
    size_t quoted = length < 576 - 28 ? length : 576 - 28;
    assert_int_equal(n, 28 + quoted);
    assert_int_equal(out[0], 0x45);
    assert_int_equal(get16(out + 2), n);
    assert_int_equal(out[9], 1);
    assert_int_equal(plain_sum(0, out, 20), 0xffff);
    assert_int_equal(plain_sum(0, out + 20, n - 20), 0xffff);
    assert_memory_equal(out + 12, own4, 4);
    assert_memory_equal(out + 16, packet + 12, 4);
    assert_int_equal(out[20], 3);
    assert_int_equal(out[21], kind == NF_ICMP_TOO_BIG ? 4 : 1);
    assert_int_equal(get32(out + 24), kind == NF_ICMP_TOO_BIG ? 1400 : 0);
    assert_memory_equal(out + 28, packet, quoted);
}

static void check_answer6(nf_icmp_kind kind, const uint8_t *packet, size_t length)
{
    uint8_t out[NF_ICMP_BYTES_MAX];
    size_t n = answer(kind, packet, length, out);
    size_t quoted = length < 1280 - 48 ? length : 1280 - 48;
    assert_int_equal(n, 48 + quoted);
    assert_int_equal(get32(out), 0x60000000);
    assert_int_equal(get16(out + 4), n - 40);
    assert_int_equal(out[6], 58);
    assert_int_equal(plain_sum(pseudo_sum(out, 58, n - 40), out + 40, n - 40), 0xffff);
    assert_memory_equal(out + 8, own6, 16);
    assert_memory_equal(out + 24, packet + 8, 16);
    assert_int_equal(out[40], kind == NF_ICMP_TOO_BIG ? 2 : 1);
    assert_int_equal(out[41], kind == NF_ICMP_TOO_BIG ? 0 : 3);
    assert_int_equal(get32(out + 44), kind == NF_ICMP_TOO_BIG ? 1400 : 0);
    assert_memory_equal(out + 48, packet, quoted);
}

static void answers_are_whole_and_quote_the_packet(void **state)
{
    (void)state;
    static const size_t payloads[] = {0, 1, 100, 500, 508, 509, 1171, 1172, 1173, 1400};
    uint8_t packet[2000];
    for (size_t i = 0; i < COUNT(payloads); i++) {
        recipe r = {.payload = payloads[i]};
        size_t length = make_packet(packet, &r);
        check_answer4(NF_ICMP_UNREACHABLE, packet, length);
        check_answer4(NF_ICMP_TOO_BIG, packet, length);
        r.v6 = true;
        length = make_packet(packet, &r);
        check_answer6(NF_ICMP_UNREACHABLE, packet, length);
        check_answer6(NF_ICMP_TOO_BIG, packet, length);
    }
}

static void an_mtu_beyond_16_bits_is_told_as_the_largest(void **state)
{
    (void)state;
    uint8_t packet[200], out[NF_ICMP_BYTES_MAX];
    recipe r = {.payload = 10};
    size_t length = make_packet(packet, &r);
    assert_true(nf_icmp_answer(NF_ICMP_TOO_BIG, packet, length, own4, 70000, out) > 0);
    assert_int_equal(get16(out + 26), 65535);
    r.v6 = true;
    length = make_packet(packet, &r);
    assert_true(nf_icmp_answer(NF_ICMP_TOO_BIG, packet, length, own6, 70000, out) > 0);
    assert_int_equal(get32(out + 44), 70000);
}

static bool is_answered(const uint8_t *packet, size_t length)
{
    uint8_t out[NF_ICMP_BYTES_MAX];
    bool unreachable = answer(NF_ICMP_UNREACHABLE, packet, length, out) != 0;
    bool too_big = answer(NF_ICMP_TOO_BIG, packet, length, out) != 0;
    assert_int_equal(unreachable, too_big);
    return unreachable;
}

static void sources_and_destinations_that_are_no_single_host_get_none4(void **state)
{
    (void)state;
    static const struct {
        uint32_t source, destination;
        bool answered;
    } cases[] = {
        {0x0a000001, 0x0a000002, true},  {0x00000000, 0x0a000002, false},
        {0x00ffffff, 0x0a000002, false}, {0x01000000, 0x0a000002, true},
        {0x7effffff, 0x0a000002, true},  {0x7f000001, 0x0a000002, false},
        {0x7fffffff, 0x0a000002, false}, {0x80000000, 0x0a000002, true},
        {0xdfffffff, 0x0a000002, true},  {0xe0000001, 0x0a000002, false},
        {0xefffffff, 0x0a000002, false}, {0xf0000000, 0x0a000002, false},
        {0xffffffff, 0x0a000002, false}, {0x0a000001, 0xdfffffff, true},
        {0x0a000001, 0xe0000000, false}, {0x0a000001, 0xefffffff, false},
        {0x0a000001, 0xffffffff, false},
    };
    uint8_t packet[200];
    recipe r = {.payload = 10};
    size_t length = make_packet(packet, &r);
    for (size_t i = 0; i < COUNT(cases); i++) {
        put32(packet + 12, cases[i].source);
        put32(packet + 16, cases[i].destination);
        assert_int_equal(is_answered(packet, length), cases[i].answered);
    }
}

static void sources_and_destinations_that_are_no_single_host_get_none6(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, last;       /* of the source; zeros between */
        uint8_t destination_first; /* of the destination */
        bool answered;
    } cases[] = {
        {0xfd, 1, 0xfd, true}, {0, 0, 0xfd, false},    {0, 1, 0xfd, false},
        {0, 2, 0xfd, true},    {0xff, 1, 0xfd, false}, {0xfe, 1, 0xfd, true},
        {0x80, 0, 0xfd, true}, {0xfd, 1, 0xff, false}, {0xfd, 1, 0xfe, true},
    };
    uint8_t packet[200];
    recipe r = {.v6 = true, .payload = 10};
    size_t length = make_packet(packet, &r);
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(packet + 8, 0, 16);
        packet[8] = cases[i].first;
        packet[23] = cases[i].last;
        packet[24] = cases[i].destination_first;
        assert_int_equal(is_answered(packet, length), cases[i].answered);
    }
}

static void icmp_errors_get_none(void **state)
{
    (void)state;
    uint8_t packet[200];
    for (unsigned type = 0; type < 256; type++) {
        recipe r = {.payload = 10};
        size_t length = make_packet(packet, &r);
        packet[9] = 1;
        packet[20] = (uint8_t)type;
        /* Errors are 3, 4, 5, 11, 12; what is unknown might be one. */
        bool query =
            type == 0 || type == 8 || type == 9 || type == 10 || (type >= 13 && type <= 18);
        assert_int_equal(is_answered(packet, length), query);
        r.v6 = true;
        length = make_packet(packet, &r);
        packet[6] = 58;
        packet[40] = (uint8_t)type;
        assert_int_equal(is_answered(packet, length), type >= 128 && type != 137);
    }
    /* Without a type, who knows. */
    uint8_t bare[20] = {0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 10, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    assert_false(is_answered(bare, sizeof(bare)));
    bare[9] = 6;
    assert_true(is_answered(bare, sizeof(bare)));
}

static void later_fragments_get_none4(void **state)
{
    (void)state;
    static const struct {
        uint16_t fragment;
        bool answered;
    } cases[] = {{0, true},  {DF, true},      {0x2000, true},
                 {1, false}, {0x2001, false}, {0x1000, false}};
    uint8_t packet[200];
    for (size_t i = 0; i < COUNT(cases); i++) {
        recipe r = {.fragment = cases[i].fragment, .payload = 10};
        size_t length = make_packet(packet, &r);
        assert_int_equal(is_answered(packet, length), cases[i].answered);
    }
}

/* IPv6 with the extension headers given and 8 bytes of ICMPv6 of a type behind them. */
static bool is_chain_answered(uint8_t first, const uint8_t *chain, size_t bytes, uint8_t type)
{
    uint8_t packet[400];
    recipe r = {.v6 = true, .payload = bytes + 8};
    make_packet(packet, &r);
    size_t length = 40 + bytes + 8;
    put16(packet + 4, (unsigned)(length - 40));
    packet[6] = first;
    memcpy(packet + 40, chain, bytes);
    memset(packet + 40 + bytes, 0, 8);
    packet[40 + bytes] = type;
    return is_answered(packet, length);
}

static void extension_headers_are_looked_through(void **state)
{
    (void)state;
    enum { ECHO = 128, UNREACHABLE = 1 };
    static const uint8_t kinds[] = {0, 43, 60, 135};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        uint8_t chain[24] = {60, 1, [16] = 58};
        assert_true(is_chain_answered(kinds[i], chain, sizeof(chain), ECHO));
        assert_false(is_chain_answered(kinds[i], chain, sizeof(chain), UNREACHABLE));
    }
    uint8_t authentication[12] = {58, 1};
    assert_true(is_chain_answered(51, authentication, sizeof(authentication), ECHO));
    assert_false(is_chain_answered(51, authentication, sizeof(authentication), UNREACHABLE));
    uint8_t fragment[8] = {58, 0, 0, 1};
    assert_true(is_chain_answered(44, fragment, sizeof(fragment), ECHO));
    assert_false(is_chain_answered(44, fragment, sizeof(fragment), UNREACHABLE));
    fragment[3] = 8;
    assert_false(is_chain_answered(44, fragment, sizeof(fragment), ECHO));
    fragment[2] = 0x80;
    fragment[3] = 0;
    assert_false(is_chain_answered(44, fragment, sizeof(fragment), ECHO));
    /* A reserved byte is no length. */
    uint8_t reserved[8] = {58, 255, 0, 0};
    assert_true(is_chain_answered(44, reserved, sizeof(reserved), ECHO));
}

static void a_chain_that_is_cut_off_or_endless_gets_none(void **state)
{
    (void)state;
    uint8_t longer[8] = {TCP, 2};
    assert_false(is_chain_answered(60, longer, sizeof(longer), 128));
    uint8_t exact[8] = {58, 1}; /* ends where the packet does: no type */
    assert_false(is_chain_answered(60, exact, sizeof(exact), 128));
    exact[0] = 60; /* or no header */
    assert_false(is_chain_answered(60, exact, sizeof(exact), 128));
    uint8_t many[8 * 30] = {0};
    for (size_t at = 0; at < sizeof(many); at += 8) {
        many[at] = 60;
    }
    many[sizeof(many) - 8] = 58;
    assert_false(is_chain_answered(60, many, sizeof(many), 128));
}

static void what_is_no_packet_gets_none(void **state)
{
    (void)state;
    uint8_t packet[200];
    for (unsigned v6 = 0; v6 < 2; v6++) {
        recipe r = {.v6 = v6 != 0, .payload = 10};
        size_t whole = make_packet(packet, &r);
        for (size_t length = 0; length < whole; length++) {
            assert_false(is_answered(packet, length));
        }
        assert_true(is_answered(packet, whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_whole_and_quote_the_packet),
        cmocka_unit_test(an_mtu_beyond_16_bits_is_told_as_the_largest),
        cmocka_unit_test(sources_and_destinations_that_are_no_single_host_get_none4),
        cmocka_unit_test(sources_and_destinations_that_are_no_single_host_get_none6),
        cmocka_unit_test(icmp_errors_get_none),
        cmocka_unit_test(later_fragments_get_none4),
        cmocka_unit_test(extension_headers_are_looked_through),
        cmocka_unit_test(a_chain_that_is_cut_off_or_endless_gets_none),
        cmocka_unit_test(what_is_no_packet_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
