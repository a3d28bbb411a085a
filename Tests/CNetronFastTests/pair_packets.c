/* SPDX-License-Identifier: Apache-2.0 */
/* pair_packets.c - the inner packets of a small world: each carries a number, so that it is known
 * which of them came. */
#include "packets.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void address4(uint8_t *packet, unsigned from, unsigned to)
{
    memcpy(packet + 12, pair_prefix4(from).address, 4);
    memcpy(packet + 16, pair_prefix4(to).address, 4);
}

static void address6(uint8_t *packet, unsigned from, unsigned to)
{
    memcpy(packet + 8, pair_prefix6(from).address, 16);
    memcpy(packet + 24, pair_prefix6(to).address, 16);
}

size_t pair_udp4(uint8_t *out, unsigned from, unsigned to, size_t length, uint32_t serial)
{
    assert_true(length >= PAIR_HEADER_BYTES + 4);
    recipe r = {.udp = true, .sequence = serial, .payload = length - PAIR_HEADER_BYTES};
    make_packet(out, &r);
    address4(out, from, to);
    put32(out + PAIR_HEADER_BYTES, serial);
    reseal(out, length);
    return length;
}

size_t pair_udp6(uint8_t *out, unsigned from, unsigned to, size_t length, uint32_t serial)
{
    const size_t at = PAIR_HEADER_BYTES + 20;
    assert_true(length >= at + 4);
    recipe r = {.v6 = true, .udp = true, .sequence = serial, .payload = length - at};
    make_packet(out, &r);
    address6(out, from, to);
    put32(out + at, serial);
    reseal(out, length);
    return length;
}

static void put_mss(uint8_t *options, uint16_t mss)
{
    options[0] = 2;
    options[1] = 4;
    put16(options + 2, mss);
}

size_t pair_syn4(uint8_t *out, unsigned from, unsigned to, uint16_t mss)
{
    recipe r = {.flags = SYN, .options = 4};
    size_t length = make_packet(out, &r);
    address4(out, from, to);
    put_mss(out + 40, mss);
    reseal(out, length);
    return length;
}

size_t pair_syn6(uint8_t *out, unsigned from, unsigned to, uint16_t mss)
{
    recipe r = {.v6 = true, .flags = SYN, .options = 4};
    size_t length = make_packet(out, &r);
    address6(out, from, to);
    put_mss(out + 60, mss);
    reseal(out, length);
    return length;
}

unsigned pair_seen(const pair_world *world, unsigned node, uint32_t serial)
{
    return world->nodes[node].times_seen[serial % PAIR_SERIALS_MAX];
}

void pair_assert_all_seen(const pair_world *world, unsigned node, uint32_t first, uint32_t end)
{
    for (uint32_t serial = first; serial < end; serial++) {
        if (pair_seen(world, node, serial) != 1) {
            fail_msg("packet %u came %u times to node %u", serial, pair_seen(world, node, serial),
                     node);
        }
    }
}
