/* SPDX-License-Identifier: Apache-2.0 */
/* ip_test.c - reading packets. */
#include "machine/ip.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_packet_is_read),
        cmocka_unit_test(a_packet_of_any_other_length_is_refused),
        cmocka_unit_test(headers_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
