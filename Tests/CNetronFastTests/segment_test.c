/* SPDX-License-Identifier: Apache-2.0 */
/* segment_test.c - every segment is a packet of its own, and together they are the super-packet. */
#include "machine/segment.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ROOM = 66000 };

static nf_vnet vnet_of(const recipe *r, uint16_t gso_size)
{
    return (nf_vnet){
        .flags = NF_VNET_NEEDS_CSUM,
        .gso_type = r->udp  ? NF_VNET_GSO_UDP_L4
                    : r->v6 ? NF_VNET_GSO_TCPV6
                            : NF_VNET_GSO_TCPV4,
        .header_length = (uint16_t)headers_of(r),
        .gso_size = gso_size,
        .checksum_start = r->v6 ? 40 : 20,
        .checksum_offset = r->udp ? 6 : 16,
    };
}

/* A super-packet as a host hands it over, in a room that ends where it does. */
static uint8_t *make_super(const recipe *r, size_t *length)
{
    static uint8_t room[ROOM];
    *length = make_packet(room, r);
    make_partial(room, *length);
    uint8_t *super = malloc(*length);
    memcpy(super, room, *length);
    return super;
}

/* The flags of segment `index` of a TCP super-packet. */
static uint8_t expected_flags(uint8_t flags, size_t index, bool last)
{
    if (!last) {
        flags &= (uint8_t)~(FIN | PSH);
    }
    if (index > 0) {
        flags &= (uint8_t)~CWR;
    }
    return flags;
}

/* Everything in a segment's headers, against the packet that the recipe makes for its place. */
static void check_segment(const recipe *super,
                          size_t index,
                          size_t at,
                          size_t payload,
                          const uint8_t *segment,
                          size_t length)
{
    static uint8_t expected[ROOM];
    recipe r = *super;
    r.id = (uint16_t)(super->id + index);
    r.sequence = super->sequence + (uint32_t)at;
    r.flags = expected_flags(super->flags, index, at + payload == super->payload);
    r.payload = payload;
    assert_int_equal(length, make_packet(expected, &r));
    assert_true(is_valid(segment, length));
    /* The two ways to write a sum of zero make no difference; the reference takes care of UDP's. */
    assert_memory_equal(segment, expected, length);
}

static void check_cut(const recipe *r, uint16_t gso_size)
{
    size_t length, n, at = 0, index = 0;
    uint8_t *super = make_super(r, &length);
    nf_vnet vnet = vnet_of(r, gso_size);
    nf_segmenter segmenter;
    assert_true(nf_segment_begin(&segmenter, &vnet, super, length));
    const uint8_t *segment;
    while ((segment = nf_segment_next(&segmenter, &n)) != NULL) {
        assert_true(segment >= super && segment + n <= super + length);
        size_t left = r->payload - at;
        size_t payload = left < gso_size ? left : gso_size;
        check_segment(r, index, at, payload, segment, n);
        at += payload;
        index++;
    }
    assert_int_equal(at, r->payload);
    assert_null(nf_segment_next(&segmenter, &n));
    free(super);
}

static void segments_are_valid_and_together_the_whole(void **state)
{
    (void)state;
    static const struct {
        size_t payload;
        uint16_t gso_size;
    } sizes[] = {
        {1, 1},       {1, 1400},    {1399, 1400},  {1400, 1400},  {1401, 1400},
        {2800, 1400}, {2801, 1400}, {64000, 1360}, {700, 1},      {5000, 17},
        {5000, 63},   {5000, 64},   {65000, 1361}, {3000, 65535}, {536 * 3, 536},
    };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            recipe r = {
                .v6 = (kind & 1) != 0,
                .udp = (kind & 2) != 0,
                .tos = 0xb8 | (kind & 3),
                .flags = ACK,
                .id = 0xfffd,
                .sequence = UINT32_C(0xfffff000),
                .payload = sizes[i].payload,
            };
            check_cut(&r, sizes[i].gso_size);
        }
    }
}

static void a_packet_of_the_largest_size_is_cut(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        recipe r = {.v6 = (kind & 1) != 0, .udp = (kind & 2) != 0, .flags = ACK};
        r.payload = 65535U + (r.v6 ? 40 : 0) - headers_of(&r);
        check_cut(&r, 1340);
    }
}

static void tcp_options_go_into_every_segment(void **state)
{
    (void)state;
    for (uint8_t options = 0; options <= 40; options += 4) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            recipe r = {.v6 = v6 != 0, .options = options, .flags = ACK, .payload = 4000};
            check_cut(&r, 1348);
        }
    }
}

/* FIN and PSH in the last alone, CWR in the first alone, the others in all. */
static void flags_go_where_they_belong(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        if ((flags & (SYN | RST)) != 0) {
            continue;
        }
        recipe r = {.v6 = (flags & 1) != 0, .flags = (uint8_t)flags, .payload = 100};
        check_cut(&r, 30);
        check_cut(&r, 100); /* first and last at once */
    }
}

static void df_is_kept_and_ids_count_up(void **state)
{
    (void)state;
    for (unsigned df = 0; df < 2; df++) {
        for (unsigned udp = 0; udp < 2; udp++) {
            size_t length, n;
            recipe r = {.udp = udp != 0,
                        .fragment = df != 0 ? DF : 0,
                        .id = 0xffff,
                        .flags = ACK,
                        .payload = 300};
            uint8_t *super = make_super(&r, &length);
            nf_vnet vnet = vnet_of(&r, 100);
            nf_segmenter segmenter;
            assert_true(nf_segment_begin(&segmenter, &vnet, super, length));
            for (unsigned i = 0; i < 3; i++) {
                const uint8_t *segment = nf_segment_next(&segmenter, &n);
                assert_non_null(segment);
                assert_int_equal(get16(segment + 4), (0xffff + i) & 0xffff);
                assert_int_equal(get16(segment + 6), df != 0 ? DF : 0);
            }
            free(super);
        }
    }
}

static void the_congestion_mark_of_the_host_changes_nothing(void **state)
{
    (void)state;
    size_t length, n;
    recipe r = {.flags = ACK | CWR, .payload = 300};
    uint8_t *super = make_super(&r, &length);
    nf_vnet vnet = vnet_of(&r, 100);
    vnet.gso_type |= NF_VNET_GSO_ECN;
    vnet.header_length = 9999; /* a hint that nothing depends on */
    nf_segmenter segmenter;
    assert_true(nf_segment_begin(&segmenter, &vnet, super, length));
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *segment = nf_segment_next(&segmenter, &n);
        check_segment(&r, i, i * 100, 100, segment, n);
    }
    assert_null(nf_segment_next(&segmenter, &n));
    free(super);
}

static void a_udp_checksum_is_never_zero(void **state)
{
    (void)state;
    size_t length, n;
    recipe r = {.udp = true, .payload = 200};
    uint8_t *super = make_super(&r, &length);
    nf_vnet vnet = vnet_of(&r, 100);
    /* What the checksum of the first segment is, its last word takes away. */
    uint8_t first[128];
    recipe alone = {.udp = true, .payload = 100};
    size_t first_length = make_packet(first, &alone);
    unsigned word = get16(first + first_length - 2) + get16(first + 26);
    put16(super + first_length - 2, (word & 0xffff) + (word >> 16));
    nf_segmenter segmenter;
    assert_true(nf_segment_begin(&segmenter, &vnet, super, length));
    const uint8_t *segment = nf_segment_next(&segmenter, &n);
    assert_int_equal(get16(segment + 26), 0xffff);
    assert_true(is_valid(segment, n));
    free(super);
}

/* Puts bytes between the IP header and what follows; @return the new room */
static uint8_t *insert(uint8_t *super, size_t *length, size_t at, const uint8_t *more, size_t n)
{
    uint8_t *room = malloc(*length + n);
    memcpy(room, super, at);
    memcpy(room + at, more, n);
    memcpy(room + at + n, super + at, *length - at);
    free(super);
    *length += n;
    reseal(room, *length);
    return room;
}

static void check_with_more(bool v6, const uint8_t *more, size_t more_length, bool taken)
{
    size_t length, n, at = 0;
    recipe r = {.v6 = v6, .flags = ACK, .payload = 500};
    uint8_t *super = make_super(&r, &length);
    if (v6) {
        super[6] = 60;
        super = insert(super, &length, 40, more, more_length);
    } else {
        super[0] = (uint8_t)(0x45 + more_length / 4);
        super = insert(super, &length, 20, more, more_length);
    }
    nf_vnet vnet = vnet_of(&r, 128);
    vnet.checksum_start = (uint16_t)(vnet.checksum_start + more_length);
    nf_segmenter segmenter;
    assert_int_equal(nf_segment_begin(&segmenter, &vnet, super, length), taken);
    const uint8_t *segment;
    while (taken && (segment = nf_segment_next(&segmenter, &n)) != NULL) {
        assert_true(is_valid(segment, n));
        assert_memory_equal(segment + (v6 ? 40 : 20), more, more_length);
        size_t headers = headers_of(&r) + more_length;
        for (size_t i = headers; i < n; i++) {
            assert_int_equal(segment[i], stream_byte((uint32_t)(at + i - headers)));
        }
        at += n - headers;
    }
    assert_int_equal(at, taken ? 500 : 0);
    free(super);
}

static void ip_options_and_extension_headers_go_into_every_segment(void **state)
{
    (void)state;
    uint8_t options[40];
    memset(options, 1, sizeof(options));
    for (size_t n = 0; n <= sizeof(options); n += 4) {
        check_with_more(false, options, n, true);
    }
    uint8_t extension[72] = {TCP, 0};
    check_with_more(true, extension, 8, true);
    extension[1] = 6;
    check_with_more(true, extension, 56, true);
    extension[1] = 7;
    check_with_more(true, extension, 64, false); /* longer than NF_SEGMENT_HEADERS_MAX */
}

static void headers_of_the_largest_size_are_kept(void **state)
{
    (void)state;
    size_t length, n;
    recipe r = {.options = 40, .flags = ACK, .payload = 1000};
    uint8_t *super = make_super(&r, &length);
    uint8_t options[40];
    memset(options, 1, sizeof(options));
    super[0] = 0x4f;
    super = insert(super, &length, 20, options, sizeof(options));
    nf_vnet vnet = vnet_of(&r, 10);
    vnet.checksum_start = 60;
    nf_segmenter segmenter;
    assert_true(nf_segment_begin(&segmenter, &vnet, super, length));
    unsigned count = 0;
    const uint8_t *segment;
    while ((segment = nf_segment_next(&segmenter, &n)) != NULL) {
        assert_int_equal(n, NF_SEGMENT_HEADERS_MAX + 10);
        assert_true(is_valid(segment, n));
        count++;
    }
    assert_int_equal(count, 100);
    free(super);
}

/* --- what does not agree ---------------------------------------------------------------------- */

enum kind { V4 = 1, V6 = 2, U4 = 4, U6 = 8, ALL = 15 };

typedef struct flaw {
    const char *name;
    unsigned kinds;     /* of super-packets that it is a flaw of */
    unsigned vnet_at;   /* a byte of the header of the host */
    uint8_t vnet_xor;   /* 0: none */
    unsigned packet_at; /* a byte of the packet */
    uint8_t packet_xor; /* 0: none */
} flaw;

/* On a little-endian host the low byte of a 16-bit field is the first. */
static const flaw flaws[] = {
    {"no checksum asked for", ALL, offsetof(nf_vnet, flags), 1, 0, 0},
    {"no kind", V4 | U4, offsetof(nf_vnet, gso_type), 5, 0, 0},
    {"a kind for the other family", V4 | V6, offsetof(nf_vnet, gso_type), 5, 0, 0},
    {"a kind for the other protocol", V4, offsetof(nf_vnet, gso_type), 4, 0, 0},
    {"a kind that nobody knows", ALL, offsetof(nf_vnet, gso_type), 0x40, 0, 0},
    {"a checksum that starts elsewhere", ALL, offsetof(nf_vnet, checksum_start), 4, 0, 0},
    {"a checksum that starts far behind", ALL, offsetof(nf_vnet, checksum_start) + 1, 0x80, 0, 0},
    {"a checksum that lies elsewhere", ALL, offsetof(nf_vnet, checksum_offset), 2, 0, 0},
    {"another version", ALL, 0, 0, 0, 0x10},
    {"an IPv4 header longer than that", V4 | U4, 0, 0, 0, 0x03},
    {"an IPv4 header shorter than can be", V4 | U4, 0, 0, 0, 0x01},
    {"another IPv4 length", V4 | U4, 0, 0, 3, 0x01},
    {"another IPv4 protocol", V4 | U4, 0, 0, 9, 0x01},
    {"more fragments", V4 | U4, 0, 0, 6, 0x20},
    {"a later fragment", V4 | U4, 0, 0, 7, 0x01},
    {"another IPv6 length", V6 | U6, 0, 0, 5, 0x01},
    {"another IPv6 protocol", V6 | U6, 0, 0, 6, 0x01},
    {"an extension header that is not there", V6, 0, 0, 6, TCP ^ 60},
    {"a TCP header shorter than can be", V4, 0, 0, 20 + 12, 0x50 ^ 0x40},
    {"a TCP header shorter than can be", V6, 0, 0, 40 + 12, 0x50 ^ 0x40},
    {"a TCP header longer than the packet", V4, 0, 0, 20 + 12, 0x50 ^ 0xf0},
    {"a TCP header longer than the packet", V6, 0, 0, 40 + 12, 0x50 ^ 0xf0},
    {"SYN", V4, 0, 0, 20 + 13, SYN},
    {"RST", V6, 0, 0, 40 + 13, RST},
    {"another UDP length", U4, 0, 0, 20 + 5, 0x01},
    {"another UDP length", U6, 0, 0, 40 + 5, 0x01},
};

static bool begins(const flaw *f, unsigned kind)
{
    recipe r = {.v6 = (kind & (V6 | U6)) != 0, .udp = (kind & (U4 | U6)) != 0, .flags = ACK};
    r.payload = 40; /* a TCP header of 60 bytes would fill it */
    size_t length;
    uint8_t *super = make_super(&r, &length);
    nf_vnet vnet = vnet_of(&r, 16);
    if (f != NULL) {
        ((uint8_t *)&vnet)[f->vnet_at] ^= f->vnet_xor;
        super[f->packet_at] ^= f->packet_xor;
    }
    nf_segmenter segmenter;
    bool began = nf_segment_begin(&segmenter, &vnet, super, length);
    free(super);
    return began;
}

static void what_does_not_agree_is_refused(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < ALL; kind <<= 1) {
        assert_true(begins(NULL, kind));
    }
    for (size_t i = 0; i < COUNT(flaws); i++) {
        for (unsigned kind = 1; kind < ALL; kind <<= 1) {
            if ((flaws[i].kinds & kind) != 0 && begins(&flaws[i], kind)) {
                fail_msg("%s is taken, kind %u", flaws[i].name, kind);
            }
        }
    }
}

static void a_segment_of_no_bytes_is_refused(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        size_t length;
        recipe r = {.v6 = (kind & 1) != 0, .udp = (kind & 2) != 0, .flags = ACK, .payload = 10};
        uint8_t *super = make_super(&r, &length);
        nf_vnet vnet = vnet_of(&r, 0);
        nf_segmenter segmenter;
        assert_false(nf_segment_begin(&segmenter, &vnet, super, length));
        free(super);
        r.payload = 0;
        super = make_super(&r, &length);
        vnet = vnet_of(&r, 100);
        assert_false(nf_segment_begin(&segmenter, &vnet, super, length));
        free(super);
    }
}

static void a_packet_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        size_t whole;
        recipe r = {.v6 = (kind & 1) != 0, .udp = (kind & 2) != 0, .flags = ACK, .payload = 10};
        uint8_t *super = make_super(&r, &whole);
        nf_vnet vnet = vnet_of(&r, 4);
        for (size_t length = 0; length < whole; length++) {
            for (unsigned told = 0; told < 2; told++) {
                uint8_t *room = malloc(length + (length == 0));
                memcpy(room, super, length);
                /* Told that it is that long, only the L4 header can be short. */
                if (told != 0 && length >= (r.v6 ? 40U : 20U)) {
                    put16(room + (r.v6 ? 4 : 2), (unsigned)(length - (r.v6 ? 40 : 0)));
                }
                nf_segmenter segmenter;
                bool began = nf_segment_begin(&segmenter, &vnet, room, length);
                assert_int_equal(began, told != 0 && !r.udp && length > headers_of(&r));
                free(room);
            }
        }
        free(super);
    }
}

static void a_routing_header_is_refused(void **state)
{
    (void)state;
    size_t length;
    recipe r = {.v6 = true, .flags = ACK, .payload = 100};
    uint8_t *super = make_super(&r, &length);
    static const uint8_t extension[8] = {TCP, 0};
    super[6] = 0;
    super = insert(super, &length, 40, extension, sizeof(extension));
    nf_vnet vnet = vnet_of(&r, 50);
    vnet.checksum_start = 48;
    nf_segmenter segmenter;
    static const struct {
        uint8_t kind;
        bool taken;
    } cases[] = {{0, true}, {60, true}, {43, false}, {44, false}, {51, false}, {TCP, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        super[6] = cases[i].kind;
        assert_int_equal(nf_segment_begin(&segmenter, &vnet, super, length), cases[i].taken);
    }
    super[6] = 60;
    super[41] = 1; /* longer than where the checksum starts */
    assert_false(nf_segment_begin(&segmenter, &vnet, super, length));
    vnet.checksum_start = 3000; /* and that behind the packet */
    super[40] = 60;
    super[41] = 255;
    assert_false(nf_segment_begin(&segmenter, &vnet, super, length));
    vnet.checksum_start = 48;
    super[41] = 0;
    super[40] = UDP;
    assert_false(nf_segment_begin(&segmenter, &vnet, super, length));
    free(super);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_valid_and_together_the_whole),
        cmocka_unit_test(a_packet_of_the_largest_size_is_cut),
        cmocka_unit_test(tcp_options_go_into_every_segment),
        cmocka_unit_test(flags_go_where_they_belong),
        cmocka_unit_test(df_is_kept_and_ids_count_up),
        cmocka_unit_test(the_congestion_mark_of_the_host_changes_nothing),
        cmocka_unit_test(a_udp_checksum_is_never_zero),
        cmocka_unit_test(ip_options_and_extension_headers_go_into_every_segment),
        cmocka_unit_test(headers_of_the_largest_size_are_kept),
        cmocka_unit_test(what_does_not_agree_is_refused),
        cmocka_unit_test(a_segment_of_no_bytes_is_refused),
        cmocka_unit_test(a_packet_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_routing_header_is_refused),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
