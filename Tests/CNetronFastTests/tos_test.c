/* SPDX-License-Identifier: Apache-2.0 */
/* tos_test.c - ECN and DSCP across the tunnel (RFC 6040, figure 4). */
#include "machine/ip.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_ecn_fields_gives_what_figure_4_says),
        cmocka_unit_test(a_wrong_header_checksum_stays_wrong),
        cmocka_unit_test(the_outer_byte_is_the_inner_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
