/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox_test.c - letters keep their order and their bytes; three writers and one reader. */
#include "machine/mailbox.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_new_mailbox_is_empty(void **state)
{
    (void)state;
    size_t length = 77;
    nf_mailbox *mailbox = nf_mailbox_new(4, 32);
    assert_non_null(mailbox);
    assert_null(nf_mailbox_peek(mailbox, &length));
    nf_mailbox_free(mailbox);
    nf_mailbox_free(NULL);
}

static void a_letter_is_its_head_and_its_body(void **state)
{
    (void)state;
    size_t length = 0;
    nf_mailbox *mailbox = nf_mailbox_new(4, 32);

    assert_true(nf_mailbox_post(mailbox, "head", 4, " body", 5));
    assert_true(nf_mailbox_post(mailbox, "alone", 5, NULL, 9));
    assert_true(nf_mailbox_post(mailbox, NULL, 0, "body", 4));
    assert_true(nf_mailbox_post(mailbox, NULL, 0, NULL, 0));

    void *letter = nf_mailbox_peek(mailbox, &length);
    assert_int_equal(length, 9);
    assert_memory_equal(letter, "head body", 9);
    assert_int_equal((uintptr_t)letter % 16, 0);
    assert_ptr_equal(nf_mailbox_peek(mailbox, &length), letter); /* it stays */
    nf_mailbox_drop(mailbox);

    letter = nf_mailbox_peek(mailbox, &length);
    assert_int_equal(length, 5);
    assert_memory_equal(letter, "alone", 5);
    nf_mailbox_drop(mailbox);
    letter = nf_mailbox_peek(mailbox, &length);
    assert_int_equal(length, 4);
    assert_memory_equal(letter, "body", 4);
    nf_mailbox_drop(mailbox);
    assert_non_null(nf_mailbox_peek(mailbox, &length));
    assert_int_equal(length, 0);
    nf_mailbox_drop(mailbox);
    assert_null(nf_mailbox_peek(mailbox, &length));
    nf_mailbox_free(mailbox);
}

static void a_letter_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[128] = {1};
    size_t length;
    nf_mailbox *mailbox = nf_mailbox_new(2, 100);

    assert_false(nf_mailbox_post(mailbox, bytes, 101, NULL, 0));
    assert_false(nf_mailbox_post(mailbox, bytes, 50, bytes, 51));
    assert_false(nf_mailbox_post(mailbox, bytes, 0, bytes, 101));
    assert_false(nf_mailbox_post(mailbox, bytes, 2, bytes, SIZE_MAX));
    assert_false(nf_mailbox_post(mailbox, bytes, SIZE_MAX, bytes, 2));
    assert_null(nf_mailbox_peek(mailbox, &length)); /* nothing was left behind */
    assert_true(nf_mailbox_post(mailbox, bytes, 50, bytes, 50));
    assert_non_null(nf_mailbox_peek(mailbox, &length));
    assert_int_equal(length, 100);
    nf_mailbox_free(mailbox);
}

static void check_laps(uint32_t cells)
{
    size_t length;
    nf_mailbox *mailbox = nf_mailbox_new(cells, 4);
    uint32_t posted = 0, taken = 0;

    for (uint32_t lap = 0; lap < 5; lap++) {
        for (uint32_t i = 0; i < cells; i++) {
            assert_true(nf_mailbox_post(mailbox, &posted, sizeof(posted), NULL, 0));
            posted++;
        }
        assert_false(nf_mailbox_post(mailbox, &posted, sizeof(posted), NULL, 0));
        /* One place comes free and is filled: the ring turns by one each lap. */
        assert_memory_equal(nf_mailbox_peek(mailbox, &length), &taken, sizeof(taken));
        nf_mailbox_drop(mailbox);
        taken++;
        assert_true(nf_mailbox_post(mailbox, &posted, sizeof(posted), NULL, 0));
        posted++;
        assert_false(nf_mailbox_post(mailbox, &posted, sizeof(posted), NULL, 0));
        for (; taken < posted; taken++) {
            assert_memory_equal(nf_mailbox_peek(mailbox, &length), &taken, sizeof(taken));
            nf_mailbox_drop(mailbox);
        }
        assert_null(nf_mailbox_peek(mailbox, &length));
    }
    nf_mailbox_free(mailbox);
}

static void a_full_mailbox_refuses_until_a_letter_is_dropped(void **state)
{
    (void)state;
    check_laps(1);
    check_laps(2);
    check_laps(64);
}

/* --- threads
 * ---------------------------------------------------------------------------------------- */

enum { WRITERS = 3, LETTERS = 30000, CELLS = 64, BODY_MAX = 100 };

typedef struct letter {
    uint32_t writer, number;
} letter;

typedef struct writer {
    nf_mailbox *mailbox;
    uint32_t number;
    pthread_t thread;
} writer;

static size_t body_of(const letter *head, uint8_t body[BODY_MAX])
{
    size_t length = (head->number * 31 + head->writer) % (BODY_MAX + 1);
    memset(body, (int)(head->number + head->writer), length);
    return length;
}

static void *write_letters(void *context)
{
    const writer *self = context;
    uint8_t body[BODY_MAX];

    for (uint32_t i = 0; i < LETTERS; i++) {
        letter head = {self->number, i};
        size_t length = body_of(&head, body);
        while (!nf_mailbox_post(self->mailbox, &head, sizeof(head), body, length)) {
            sched_yield(); /* full */
        }
    }
    return NULL;
}

static void read_letters(nf_mailbox *mailbox)
{
    uint32_t next[WRITERS] = {0};
    uint8_t body[BODY_MAX];

    for (uint32_t taken = 0; taken < WRITERS * LETTERS;) {
        size_t length;
        const uint8_t *bytes = nf_mailbox_peek(mailbox, &length);
        if (bytes == NULL) {
            sched_yield();
            continue;
        }
        letter head;
        assert_true(length >= sizeof(head));
        memcpy(&head, bytes, sizeof(head));
        assert_true(head.writer < WRITERS);
        assert_int_equal(head.number, next[head.writer]); /* none lost, doubled or overtaken */
        next[head.writer]++;
        assert_int_equal(length - sizeof(head), body_of(&head, body));
        assert_memory_equal(bytes + sizeof(head), body, length - sizeof(head));
        nf_mailbox_drop(mailbox);
        taken++;
    }
}

static void letters_of_three_writers_arrive_whole_and_in_order(void **state)
{
    (void)state;
    size_t length;
    nf_mailbox *mailbox = nf_mailbox_new(CELLS, sizeof(letter) + BODY_MAX);
    writer writers[WRITERS];

    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i].mailbox = mailbox;
        writers[i].number = i;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_letters, &writers[i]), 0);
    }
    read_letters(mailbox);
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
    }
    assert_null(nf_mailbox_peek(mailbox, &length));
    nf_mailbox_free(mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_mailbox_is_empty),
        cmocka_unit_test(a_letter_is_its_head_and_its_body),
        cmocka_unit_test(a_letter_that_is_too_long_is_refused),
        cmocka_unit_test(a_full_mailbox_refuses_until_a_letter_is_dropped),
        cmocka_unit_test(letters_of_three_writers_arrive_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
