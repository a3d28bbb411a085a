/* SPDX-License-Identifier: Apache-2.0 */
/* reclaim_test.c - nothing is freed under a reader, and nobody who sleeps holds anything up. */
#include "machine/reclaim.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void with_all_readers_offline_a_stamp_has_passed(void **state)
{
    (void)state;
    nf_reclaim reclaim;
    nf_reclaim_init(&reclaim);
    assert_true(nf_reclaim_passed(&reclaim, nf_reclaim_retire(&reclaim)));
}

static void a_reader_in_its_batch_holds_the_stamp(void **state)
{
    (void)state;
    for (uint32_t reader = 0; reader < NETRON_LANES_MAX; reader++) {
        nf_reclaim reclaim;
        nf_reclaim_init(&reclaim);
        nf_reclaim_online(&reclaim, reader);
        uint64_t stamp = nf_reclaim_retire(&reclaim);
        assert_false(nf_reclaim_passed(&reclaim, stamp));
        assert_false(nf_reclaim_passed(&reclaim, stamp)); /* asking changes nothing */
        nf_reclaim_online(&reclaim, reader);              /* its next batch */
        assert_true(nf_reclaim_passed(&reclaim, stamp));
    }
}

static void a_reader_that_goes_to_sleep_holds_nothing(void **state)
{
    (void)state;
    nf_reclaim reclaim;
    nf_reclaim_init(&reclaim);
    nf_reclaim_online(&reclaim, 2);
    uint64_t stamp = nf_reclaim_retire(&reclaim);
    assert_false(nf_reclaim_passed(&reclaim, stamp));
    nf_reclaim_offline(&reclaim, 2);
    assert_true(nf_reclaim_passed(&reclaim, stamp));
    nf_reclaim_online(&reclaim, 2); /* and it comes back to what is new */
    assert_true(nf_reclaim_passed(&reclaim, stamp));
}

static void a_reader_that_began_after_the_stamp_holds_nothing(void **state)
{
    (void)state;
    nf_reclaim reclaim;
    nf_reclaim_init(&reclaim);
    uint64_t stamp = nf_reclaim_retire(&reclaim);
    nf_reclaim_online(&reclaim, 0);
    assert_true(nf_reclaim_passed(&reclaim, stamp));
}

static void the_slowest_reader_decides(void **state)
{
    (void)state;
    nf_reclaim reclaim;
    nf_reclaim_init(&reclaim);
    nf_reclaim_online(&reclaim, 0);
    nf_reclaim_online(&reclaim, 3);
    uint64_t stamp = nf_reclaim_retire(&reclaim);
    nf_reclaim_online(&reclaim, 1);
    nf_reclaim_online(&reclaim, 0);
    assert_false(nf_reclaim_passed(&reclaim, stamp));
    nf_reclaim_online(&reclaim, 3);
    assert_true(nf_reclaim_passed(&reclaim, stamp));
}

static void stamps_grow_and_pass_in_order(void **state)
{
    (void)state;
    nf_reclaim reclaim;
    nf_reclaim_init(&reclaim);
    uint64_t first = nf_reclaim_retire(&reclaim);
    nf_reclaim_online(&reclaim, 1);
    uint64_t second = nf_reclaim_retire(&reclaim);
    uint64_t third = nf_reclaim_retire(&reclaim);
    assert_true(first < second && second < third);
    assert_true(nf_reclaim_passed(&reclaim, first));
    assert_false(nf_reclaim_passed(&reclaim, second));
    assert_false(nf_reclaim_passed(&reclaim, third));
    nf_reclaim_online(&reclaim, 1);
    assert_true(nf_reclaim_passed(&reclaim, second));
    assert_true(nf_reclaim_passed(&reclaim, third));
}

static void readers_do_not_share_cache_lines(void **state)
{
    (void)state;
    nf_reclaim reclaim;
    const char *before = (const char *)&reclaim.epoch;
    for (uint32_t reader = 0; reader < NETRON_LANES_MAX; reader++) {
        const char *seen = (const char *)&reclaim.readers[reader].seen;
        assert_true(seen - before >= NF_RECLAIM_LINE_BYTES);
        before = seen;
    }
}

/* --- threads
 * ---------------------------------------------------------------------------------------- */

enum { READERS = 3, SWAPS = 4000, BATCH = 16, WAITING_MAX = 8 };

/** Plain fields: a sanitizer sees every use of them that comes after the free or beside it. */
typedef struct snapshot {
    uint64_t number, copy;
} snapshot;

typedef struct world {
    nf_reclaim reclaim;
    _Atomic(snapshot *) published;
    atomic_bool done;
} world;

typedef struct reader {
    world *shared;
    uint32_t number;
    uint64_t broken;
    uint64_t batches;
    pthread_t thread;
} reader;

static snapshot *make(uint64_t number)
{
    snapshot *made = malloc(sizeof(*made));
    assert_non_null(made);
    *made = (snapshot){number, number};
    return made;
}

static void *read_batches(void *context)
{
    reader *self = context;
    world *shared = self->shared;
    uint64_t last = 0;

    while (!atomic_load(&shared->done)) {
        nf_reclaim_online(&shared->reclaim, self->number);
        for (int i = 0; i < BATCH; i++) {
            const snapshot *s = atomic_load_explicit(&shared->published, memory_order_acquire);
            self->broken += s->number != s->copy || s->number < last;
            last = s->number;
        }
        self->batches++;
        if (self->batches % (3 + self->number) == 0) {
            nf_reclaim_offline(&shared->reclaim, self->number);
            sched_yield();
        }
    }
    nf_reclaim_offline(&shared->reclaim, self->number);
    return NULL;
}

/** Spoils and frees, so that a reader who still had it would notice without a sanitizer too. */
static void destroy(snapshot *s)
{
    s->number = UINT64_MAX;
    s->copy = 0;
    free(s);
}

static void swap_and_free(world *shared)
{
    snapshot *waiting[WAITING_MAX];
    uint64_t stamps[WAITING_MAX];
    uint32_t count = 0;

    for (uint64_t number = 1; number <= SWAPS; number++) {
        snapshot *fresh = make(number);
        waiting[count] = atomic_exchange_explicit(&shared->published, fresh, memory_order_acq_rel);
        stamps[count] = nf_reclaim_retire(&shared->reclaim);
        count++;
        while (count > 0) {
            if (nf_reclaim_passed(&shared->reclaim, stamps[0])) {
                destroy(waiting[0]);
                count--;
                for (uint32_t i = 0; i < count; i++) {
                    waiting[i] = waiting[i + 1];
                    stamps[i] = stamps[i + 1];
                }
            } else if (count == WAITING_MAX || number == SWAPS) {
                sched_yield();
            } else {
                break;
            }
        }
    }
}

static void nothing_is_freed_under_a_reader(void **state)
{
    (void)state;
    world shared;
    reader readers[READERS];
    nf_reclaim_init(&shared.reclaim);
    atomic_init(&shared.published, make(0));
    atomic_init(&shared.done, false);

    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = (reader){.shared = &shared, .number = i};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_batches, &readers[i]), 0);
    }
    swap_and_free(&shared);
    atomic_store(&shared.done, true);
    for (uint32_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].broken, 0);
    }
    destroy(atomic_load(&shared.published));
}

/* --- the fence -----------------------------------------------------------------------------------
 *
 * A reader that wakes stores that it is there and then loads the pointer; a processor may do the
 * second first. Then it finds the old pointer, and the writer finds nobody. Two threads do both at
 * the same moment, very often: without the fence it happens in some of a million rounds. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

/* A sanitizer looks at each access, and its own stores stand between. */
#ifdef IS_SANITIZED
enum { ROUNDS = 50000 };
#else
enum { ROUNDS = 2000000 };
#endif
enum { PAUSE_MAX = 64 };

typedef struct duel {
    nf_reclaim reclaim;
    _Alignas(NF_RECLAIM_LINE_BYTES) _Atomic uint32_t published; /* the number of the round */
    _Alignas(NF_RECLAIM_LINE_BYTES) _Atomic uint32_t reader, reader_done;
    _Alignas(NF_RECLAIM_LINE_BYTES) _Atomic uint32_t writer, writer_done;
    uint32_t found; /* by the reader in this round */
} duel;

/* Waits until the other has come as far. */
static void await_round(const _Atomic uint32_t *other, uint32_t round)
{
    for (unsigned spin = 1; atomic_load_explicit(other, memory_order_acquire) < round; spin++) {
        if (spin % 1024 == 0) {
            sched_yield(); /* there may be one processor */
        }
    }
}

static void pause_for(uint32_t turns)
{
    for (volatile uint32_t turn = 0; turn < turns; turn++) {
    }
}

static void *wake_and_look(void *context)
{
    duel *d = context;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        atomic_store_explicit(&d->reader, round, memory_order_release);
        await_round(&d->writer, round);
        pause_for(round / PAUSE_MAX % PAUSE_MAX);
        nf_reclaim_online(&d->reclaim, 0);
        d->found = atomic_load_explicit(&d->published, memory_order_acquire);
        atomic_store_explicit(&d->reader_done, round, memory_order_release);
        await_round(&d->writer_done, round);
        nf_reclaim_offline(&d->reclaim, 0);
    }
    return NULL;
}

static void who_wakes_is_seen_or_sees_what_is_new(void **state)
{
    (void)state;
    static duel d;
    pthread_t reader;
    unsigned freed_in_use = 0;
    nf_reclaim_init(&d.reclaim);
    assert_int_equal(pthread_create(&reader, NULL, wake_and_look, &d), 0);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        atomic_store_explicit(&d.writer, round, memory_order_release);
        await_round(&d.reader, round);
        pause_for(round % PAUSE_MAX);
        atomic_store_explicit(&d.published, round, memory_order_release);
        bool passed = nf_reclaim_passed(&d.reclaim, nf_reclaim_retire(&d.reclaim));
        await_round(&d.reader_done, round);
        freed_in_use += passed && d.found != round; /* the reader is online until now */
        atomic_store_explicit(&d.writer_done, round, memory_order_release);
    }
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(freed_in_use, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_all_readers_offline_a_stamp_has_passed),
        cmocka_unit_test(a_reader_in_its_batch_holds_the_stamp),
        cmocka_unit_test(a_reader_that_goes_to_sleep_holds_nothing),
        cmocka_unit_test(a_reader_that_began_after_the_stamp_holds_nothing),
        cmocka_unit_test(the_slowest_reader_decides),
        cmocka_unit_test(stamps_grow_and_pass_in_order),
        cmocka_unit_test(readers_do_not_share_cache_lines),
        cmocka_unit_test(nothing_is_freed_under_a_reader),
        cmocka_unit_test(who_wakes_is_seen_or_sees_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
