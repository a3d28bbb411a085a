/* SPDX-License-Identifier: Apache-2.0 */
/* join_rules_test.c - what must not be joined, a rule at a time, on pairs that would be joined but
 * for that rule. */
#include "machine/join.h"

#include "train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- a table of rules ------------------------------------------------------------------------- */

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
    return cmocka_run_group_tests_name("join rules", tests, NULL, NULL);
}
