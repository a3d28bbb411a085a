/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_damage_test.c - messages that were changed, cut, sent out of turn or recorded. */
#include "meeting.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One message of a meeting, and who reads it. */
typedef struct delivery {
    unsigned written_after; /* steps of meet() */
    nf_handshake_result (*read)(meeting *m);
    size_t length;
} delivery;

static const delivery deliveries[] = {
    {1, read1, NF_MESSAGE1_BYTES},
    {3, read2, NF_MESSAGE2_BYTES},
    {5, read3, NF_MESSAGE3_BYTES},
};

static uint8_t *bytes_of(meeting *m, size_t i)
{
    uint8_t *messages[] = {m->message1, m->message2, m->message3};
    return messages[i];
}

static void a_changed_bit_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(deliveries); i++) {
        const meeting before = meet(deliveries[i].written_after);
        for (size_t at = 0; at < deliveries[i].length; at++) {
            /* In the headers each bit; beyond, one a byte (the top one of a key is not special). */
            unsigned step = at < NOISE23_AT || at % 32 == 31 ? 1 : 8;
            for (unsigned bit = step == 1 ? 0 : at % 8; bit < 8; bit += step) {
                meeting m = before;
                bytes_of(&m, i)[at] ^= (uint8_t)(1u << bit);
                assert_int_not_equal(deliveries[i].read(&m), NF_HANDSHAKE_OK);
            }
        }
        meeting m = before;
        assert_int_equal(deliveries[i].read(&m), NF_HANDSHAKE_OK);
    }
}

static void another_length_is_malformed_and_no_byte_past_it_is_read(void **state)
{
    (void)state;
    meeting one = meet(1);
    meeting two = meet(3);
    meeting three = meet(5);
    static uint8_t longer[NF_MESSAGE1_BYTES + 1];
    for (size_t length = 0; length <= NF_MESSAGE1_BYTES; length++) {
        /* On the heap, so that reading past the end is seen by the sanitizer. */
        uint8_t *copy = test_malloc(length + (length == 0));
        if (length != NF_MESSAGE1_BYTES) {
            memcpy(copy, one.message1, length);
            assert_int_equal(
                nf_handshake_read1(&one.b.handshake, &one.b.identity, &one.b.network, copy, length),
                NF_HANDSHAKE_MALFORMED);
        }
        if (length < NF_MESSAGE2_BYTES) {
            memcpy(copy, two.message2, length);
            assert_int_equal(nf_handshake_read2(&two.a.handshake, copy, length),
                             NF_HANDSHAKE_MALFORMED);
        }
        if (length < NF_MESSAGE3_BYTES) {
            memcpy(copy, three.message3, length);
            assert_int_equal(nf_handshake_read3(&three.b.handshake, copy, length),
                             NF_HANDSHAKE_MALFORMED);
        }
        test_free(copy);
    }
    memcpy(longer, one.message1, NF_MESSAGE1_BYTES);
    assert_int_equal(nf_handshake_read1(&one.b.handshake, &one.b.identity, &one.b.network, longer,
                                        sizeof(longer)),
                     NF_HANDSHAKE_MALFORMED);
    memcpy(longer, two.message2, NF_MESSAGE2_BYTES);
    assert_int_equal(nf_handshake_read2(&two.a.handshake, longer, NF_MESSAGE2_BYTES + 1),
                     NF_HANDSHAKE_MALFORMED);
    memcpy(longer, three.message3, NF_MESSAGE3_BYTES);
    assert_int_equal(nf_handshake_read3(&three.b.handshake, longer, NF_MESSAGE3_BYTES + 1),
                     NF_HANDSHAKE_MALFORMED);
    /* Nothing of all that ended a handshake. */
    assert_int_equal(read2(&two), NF_HANDSHAKE_OK);
    assert_int_equal(read3(&three), NF_HANDSHAKE_OK);
}

static void a_forged_message_ends_a_handshake_but_not_its_copy(void **state)
{
    (void)state;
    const meeting before = meet(5);
    meeting m = before;
    m.message3[60] ^= 1;
    assert_int_equal(read3(&m), NF_HANDSHAKE_FORGED);
    m.message3[60] ^= 1;
    assert_int_equal(read3(&m), NF_HANDSHAKE_FORGED);

    m.b.handshake = before.b.handshake;
    m.message3[60] ^= 1;
    for (int i = 0; i < 3; i++) {
        nf_handshake copy = m.b.handshake;
        assert_int_equal(nf_handshake_read3(&copy, m.message3, sizeof(m.message3)),
                         NF_HANDSHAKE_FORGED);
    }
    m.message3[60] ^= 1;
    nf_handshake copy = m.b.handshake;
    assert_int_equal(nf_handshake_read3(&copy, m.message3, sizeof(m.message3)), NF_HANDSHAKE_OK);
    m.b.handshake = copy;
    assert_keys_agree(&m);

    m = meet(3);
    m.message2[100] ^= 1;
    assert_int_equal(read2(&m), NF_HANDSHAKE_FORGED);
    m.message2[100] ^= 1;
    assert_int_equal(read2(&m), NF_HANDSHAKE_FORGED);
}

static void a_message_out_of_turn_or_of_another_meeting_is_refused(void **state)
{
    (void)state;
    meeting m = meet(6);
    assert_int_equal(read2(&m), NF_HANDSHAKE_MALFORMED); /* each was read already */
    assert_int_equal(read3(&m), NF_HANDSHAKE_MALFORMED);
    assert_keys_agree(&m);
    /* To the wrong side. */
    assert_int_equal(nf_handshake_read3(&m.a.handshake, m.message3, sizeof(m.message3)),
                     NF_HANDSHAKE_MALFORMED);
    assert_int_equal(nf_handshake_read2(&m.b.handshake, m.message2, sizeof(m.message2)),
                     NF_HANDSHAKE_MALFORMED);

    /* Recorded from an earlier meeting of the same two, by the same indexes. */
    meeting later = begin_meeting();
    later.a.ephemeral[1] ^= 1;
    write1(&later);
    memcpy(later.message2, m.message2, sizeof(m.message2));
    assert_int_equal(read2(&later), NF_HANDSHAKE_FORGED);
    later = begin_meeting();
    later.b.ephemeral[1] ^= 1;
    write1(&later);
    assert_int_equal(read1(&later), NF_HANDSHAKE_OK);
    assert_int_equal(write2(&later), NF_HANDSHAKE_OK);
    memcpy(later.message3, m.message3, sizeof(m.message3));
    assert_int_equal(read3(&later), NF_HANDSHAKE_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_bit_anywhere_is_refused),
        cmocka_unit_test(another_length_is_malformed_and_no_byte_past_it_is_read),
        cmocka_unit_test(a_forged_message_ends_a_handshake_but_not_its_copy),
        cmocka_unit_test(a_message_out_of_turn_or_of_another_meeting_is_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
