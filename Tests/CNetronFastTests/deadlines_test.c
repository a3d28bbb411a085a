/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines_test.c - the heap of deadlines: rules, and against a plain list. */
#include "machine/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void with_no_deadline_nothing_is_due(void **state)
{
    (void)state;
    nf_deadlines d;
    assert_true(nf_deadlines_init(&d, 8));
    assert_true(nf_deadlines_next(&d) == UINT64_MAX);
    assert_int_equal(nf_deadlines_pop(&d, UINT64_MAX), UINT32_MAX);
    nf_deadlines_free(&d);
    nf_deadlines_free(&d); /* free again is nothing */
}

static void an_owner_is_due_at_its_time_and_not_before(void **state)
{
    (void)state;
    nf_deadlines d;
    assert_true(nf_deadlines_init(&d, 8));
    nf_deadlines_set(&d, 7, 100);
    assert_int_equal(nf_deadlines_next(&d), 100);
    assert_int_equal(nf_deadlines_pop(&d, 99), UINT32_MAX);
    assert_int_equal(nf_deadlines_next(&d), 100);
    assert_int_equal(nf_deadlines_pop(&d, 100), 7);
    assert_true(nf_deadlines_next(&d) == UINT64_MAX);
    assert_int_equal(nf_deadlines_pop(&d, UINT64_MAX), UINT32_MAX);
    nf_deadlines_free(&d);
}

static void an_owner_has_one_place_that_moves(void **state)
{
    (void)state;
    nf_deadlines d;
    assert_true(nf_deadlines_init(&d, 4));
    nf_deadlines_set(&d, 0, 50);
    nf_deadlines_set(&d, 1, 60);
    nf_deadlines_set(&d, 0, 70); /* later */
    assert_int_equal(nf_deadlines_next(&d), 60);
    nf_deadlines_set(&d, 0, 10); /* earlier */
    assert_int_equal(nf_deadlines_next(&d), 10);
    nf_deadlines_set(&d, 0, 10); /* the same */
    assert_int_equal(nf_deadlines_pop(&d, 1000), 0);
    assert_int_equal(nf_deadlines_pop(&d, 1000), 1);
    assert_int_equal(nf_deadlines_pop(&d, 1000), UINT32_MAX);
    nf_deadlines_free(&d);
}

static void a_cleared_owner_is_not_due_and_may_come_back(void **state)
{
    (void)state;
    nf_deadlines d;
    assert_true(nf_deadlines_init(&d, 3));
    nf_deadlines_set(&d, 2, UINT64_MAX); /* had none */
    nf_deadlines_set(&d, 0, 1);
    nf_deadlines_set(&d, 1, 2);
    nf_deadlines_set(&d, 2, 3);
    nf_deadlines_set(&d, 0, UINT64_MAX);
    assert_int_equal(nf_deadlines_next(&d), 2);
    nf_deadlines_set(&d, 2, UINT64_MAX); /* the heap's last */
    nf_deadlines_set(&d, 0, 0);
    assert_int_equal(nf_deadlines_pop(&d, 5), 0);
    assert_int_equal(nf_deadlines_pop(&d, 5), 1);
    assert_int_equal(nf_deadlines_pop(&d, 5), UINT32_MAX);
    nf_deadlines_free(&d);
}

static void a_heap_for_one_owner_works(void **state)
{
    (void)state;
    nf_deadlines d;
    assert_true(nf_deadlines_init(&d, 1));
    nf_deadlines_set(&d, 0, UINT64_MAX - 1);
    assert_true(nf_deadlines_next(&d) == UINT64_MAX - 1);
    assert_int_equal(nf_deadlines_pop(&d, UINT64_MAX), 0);
    nf_deadlines_free(&d);
}

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

enum { OWNERS = 97 };

static uint64_t earliest(const uint64_t list[OWNERS])
{
    uint64_t first = UINT64_MAX;
    for (uint32_t owner = 0; owner < OWNERS; owner++) {
        first = list[owner] < first ? list[owner] : first;
    }
    return first;
}

/** Every owner with a deadline has its place, and no parent is later than its child. */
static void check_heap(const nf_deadlines *d, const uint64_t list[OWNERS])
{
    uint32_t count = 0;
    for (uint32_t owner = 0; owner < OWNERS; owner++) {
        assert_true(d->at[owner] == list[owner]);
        if (list[owner] == UINT64_MAX) {
            assert_int_equal(d->position[owner], UINT32_MAX);
            continue;
        }
        count++;
        assert_true(d->position[owner] < d->count);
        assert_int_equal(d->heap[d->position[owner]], owner);
    }
    assert_int_equal(d->count, count);
    for (uint32_t i = 1; i < d->count; i++) {
        assert_true(d->at[d->heap[(i - 1) / 2]] <= d->at[d->heap[i]]);
    }
}

static void the_heap_agrees_with_a_plain_list(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        nf_deadlines d;
        uint64_t list[OWNERS], random = seed, now = 0;
        assert_true(nf_deadlines_init(&d, OWNERS));
        for (uint32_t owner = 0; owner < OWNERS; owner++) {
            list[owner] = UINT64_MAX;
        }
        for (int i = 0; i < 4000; i++) {
            uint32_t owner = (uint32_t)(draw(&random) % OWNERS);
            uint64_t at = draw(&random) % 4 == 0 ? UINT64_MAX : now + draw(&random) % 64;
            nf_deadlines_set(&d, owner, at);
            list[owner] = at;
            assert_true(nf_deadlines_next(&d) == earliest(list));
            if (draw(&random) % 3 == 0) {
                now += draw(&random) % 8;
                uint64_t first = earliest(list);
                uint32_t due = nf_deadlines_pop(&d, now);
                assert_true((due != UINT32_MAX) == (first <= now));
                if (due != UINT32_MAX) {
                    assert_true(list[due] == first);
                    list[due] = UINT64_MAX;
                }
            }
            check_heap(&d, list);
        }
        nf_deadlines_free(&d);
    }
}

static void owners_come_out_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    enum { MANY = 16384 };
    nf_deadlines d;
    uint64_t random = 3, last = 0;
    assert_true(nf_deadlines_init(&d, MANY));
    for (uint32_t owner = 0; owner < MANY; owner++) {
        nf_deadlines_set(&d, owner, draw(&random) % 100000);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t next = nf_deadlines_next(&d);
        assert_true(next >= last);
        assert_int_not_equal(nf_deadlines_pop(&d, 100000), UINT32_MAX);
        last = next;
    }
    assert_int_equal(nf_deadlines_pop(&d, UINT64_MAX), UINT32_MAX);
    nf_deadlines_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_no_deadline_nothing_is_due),
        cmocka_unit_test(an_owner_is_due_at_its_time_and_not_before),
        cmocka_unit_test(an_owner_has_one_place_that_moves),
        cmocka_unit_test(a_cleared_owner_is_not_due_and_may_come_back),
        cmocka_unit_test(a_heap_for_one_owner_works),
        cmocka_unit_test(the_heap_agrees_with_a_plain_list),
        cmocka_unit_test(owners_come_out_in_the_order_of_their_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
