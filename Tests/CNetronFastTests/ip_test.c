/* SPDX-License-Identifier: Apache-2.0 */
/* ip_test.c - reading packets, ECN across the tunnel, MSS clamping, ICMP answers. */
#include "machine/ip.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- reading ---------------------------------------------------------------------------------- */

static void a_whole_packet_is_read(void **state)
{
    (void)state;
    uint8_t packet[200];
    nf_ip ip;
    recipe r4 = {.udp = true, .tos = 0xb9, .payload = 9};
    size_t length = make_packet(packet, &r4);
    assert_true(nf_ip_parse(&ip, packet, length));
    assert_int_equal(ip.family, 4);
    assert_int_equal(ip.tos, 0xb9);
    assert_ptr_equal(ip.source, packet + 12);
    assert_ptr_equal(ip.destination, packet + 16);
    recipe r6 = {.v6 = true, .tos = 0xb9, .payload = 9};
    length = make_packet(packet, &r6);
    assert_true(nf_ip_parse(&ip, packet, length));
    assert_int_equal(ip.family, 6);
    assert_int_equal(ip.tos, 0xb9);
    assert_ptr_equal(ip.source, packet + 8);
    assert_ptr_equal(ip.destination, packet + 24);
}

/* The same bytes, in a room that ends where they end. */
static bool parses(const uint8_t *bytes, size_t length)
{
    uint8_t *room = malloc(1 + length);
    memcpy(room + 1, bytes, length);
    nf_ip ip;
    bool whole = nf_ip_parse(&ip, room + 1, length);
    free(room);
    return whole;
}

static void a_packet_of_any_other_length_is_refused(void **state)
{
    (void)state;
    uint8_t packet[200] = {0};
    for (unsigned v6 = 0; v6 < 2; v6++) {
        recipe r = {.v6 = v6 != 0, .payload = 20};
        size_t right = make_packet(packet, &r);
        for (size_t length = 0; length < sizeof(packet); length++) {
            assert_int_equal(parses(packet, length), length == right);
        }
    }
}

static void headers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    uint8_t packet[60] = {0x45};
    for (unsigned first = 0; first < 256; first++) {
        packet[0] = (uint8_t)first;
        put16(packet + 2, 40);
        put16(packet + 4, 0);
        /* 40 bytes: an IPv4 header of 20 to 40, or an IPv6 header alone. */
        bool right = (first >= 0x45 && first <= 0x4a) || first >> 4 == 6;
        assert_int_equal(parses(packet, 40), right);
    }
    packet[0] = 0x45;
    put16(packet + 2, 20);
    assert_true(parses(packet, 20));
    put16(packet + 2, 19);
    assert_false(parses(packet, 19));
}

/* --- ECN: RFC 6040, figure 4 ------------------------------------------------------------------ */

enum { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DROP = 4 };

static const uint8_t figure4[4][4] = {
    /* outer:    Not-ECT  ECT(1)   ECT(0)   CE */
    [NOT_ECT] = {NOT_ECT, NOT_ECT, NOT_ECT, DROP},
    [ECT1] = {ECT1, ECT1, ECT1, CE},
    [ECT0] = {ECT0, ECT1, ECT0, CE},
    [CE] = {CE, CE, CE, CE},
};

static uint8_t tos_of(const uint8_t *packet)
{
    return packet[0] >> 4 == 4 ? packet[1] : (uint8_t)(get16(packet) >> 4);
}

static void check_decapsulation(bool v6, uint8_t dscp, uint8_t inner, uint8_t outer_tos)
{
    uint8_t packet[200], before[200];
    recipe r = {.v6 = v6, .tos = (uint8_t)(dscp << 2 | inner), .payload = 7, .id = 0xfffe};
    size_t length = make_packet(packet, &r);
    memcpy(before, packet, length);
    uint8_t expected = figure4[inner][outer_tos & 3];
    assert_int_equal(nf_tos_decapsulate(packet, outer_tos), expected != DROP);
    if (expected == DROP || expected == inner) {
        assert_memory_equal(packet, before, length);
        return;
    }
    assert_int_equal(tos_of(packet), dscp << 2 | expected);
    assert_true(is_valid(packet, length));
    /* Nothing but the field, and its checksum where there is one. */
    if (v6) {
        packet[1] = before[1];
    } else {
        packet[1] = before[1];
        memcpy(packet + 10, before + 10, 2);
    }
    assert_memory_equal(packet, before, length);
}

static void every_pair_of_ecn_fields_gives_what_figure_4_says(void **state)
{
    (void)state;
    for (unsigned dscp = 0; dscp < 64; dscp++) {
        for (unsigned pair = 0; pair < 16; pair++) {
            /* The outer DSCP must not matter. */
            uint8_t outer = (uint8_t)((dscp * 37 & 0xfc) | (pair & 3));
            check_decapsulation(false, (uint8_t)dscp, (uint8_t)(pair >> 2), outer);
            check_decapsulation(true, (uint8_t)dscp, (uint8_t)(pair >> 2), outer);
        }
    }
}

static void a_wrong_header_checksum_stays_wrong(void **state)
{
    (void)state;
    uint8_t packet[200];
    recipe r = {.tos = ECT0, .payload = 7};
    size_t length = make_packet(packet, &r);
    packet[10] ^= 0x11;
    unsigned before = plain_sum(0, packet, 20);
    assert_true(nf_tos_decapsulate(packet, CE));
    assert_int_equal(plain_sum(0, packet, 20), before);
    assert_false(is_valid(packet, length));
}

static void the_outer_byte_is_the_inner_one(void **state)
{
    (void)state;
    for (unsigned tos = 0; tos < 256; tos++) {
        assert_int_equal(nf_tos_encapsulate((uint8_t)tos), tos);
    }
}

/* --- MSS -------------------------------------------------------------------------------------- */

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

/* --- ICMP ------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(a_whole_packet_is_read),
        cmocka_unit_test(a_packet_of_any_other_length_is_refused),
        cmocka_unit_test(headers_that_cannot_be_are_refused),
        cmocka_unit_test(every_pair_of_ecn_fields_gives_what_figure_4_says),
        cmocka_unit_test(a_wrong_header_checksum_stays_wrong),
        cmocka_unit_test(the_outer_byte_is_the_inner_one),
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
    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
