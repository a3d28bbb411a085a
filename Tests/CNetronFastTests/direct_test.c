/* SPDX-License-Identifier: Apache-2.0 */
/* direct_test.c - when a lane has a socket for one peer alone: it leads, another leads, nobody
 * does.
 */
#include "loop/worker.h"
#include "machine/limits.h"
#include "namespace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#define WINDOW_NS (50 * NF_MILLISECOND_NS)
enum { MANY = 600, FEW = 300 };

static nf_worker worker;
static nf_udp_group group;

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

/* What is closed is let go of. */
static void turn_loop(void)
{
    (void)uv_run(&worker.loop, UV_RUN_NOWAIT);
}

static int make_worker(void **state)
{
    (void)state;
    memset(&worker, 0, sizeof(worker));
    assert_int_equal(nf_udp_open(&group, 0, 1, 0), 0);
    assert_int_equal(uv_loop_init(&worker.loop), 0);
    worker.udp = &group.socket[1];
    worker.links.count = 1;
    worker.direct.udp.fd = -1;
    worker.lane.now_ns = NF_SECOND_NS;
    nf_direct_review(&worker, on_readable); /* the first window begins */
    return 0;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static int free_worker(void **state)
{
    (void)state;
    uv_walk(&worker.loop, close_handle, NULL);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&worker.loop), 0);
    nf_direct_free(&worker.direct);
    nf_udp_close(&group);
    return 0;
}

static netron_endpoint peer(unsigned number)
{
    netron_endpoint endpoint = endpoint_of("127.0.0.1", (uint16_t)(9000 + number));
    return endpoint;
}

/* So many datagrams from a peer come by the open socket, each alone or in trains. */
static void hear(unsigned number, unsigned count, bool alone)
{
    nf_arrival arrival = {.from = peer(number), .length = 200, .segment = alone ? 200 : 100};
    memcpy(arrival.local.address, arrival.from.address, sizeof(arrival.local.address));
    for (unsigned i = 0; i < count; i++) {
        nf_direct_count(&worker.direct, &arrival);
    }
}

/* The window ends. */
static void review(uint64_t after_ns)
{
    worker.lane.now_ns += after_ns;
    nf_direct_review(&worker, on_readable);
}

static bool is_open_to(unsigned number)
{
    netron_endpoint wanted = peer(number);
    return worker.direct.open && nf_endpoint_equal(&worker.direct.remote, &wanted);
}

static void who_leads_gets_a_socket(void **state)
{
    (void)state;
    hear(1, FEW, true);
    review(WINDOW_NS);
    assert_false(worker.direct.open);
    hear(1, MANY, true);
    review(WINDOW_NS - 1); /* not yet */
    assert_false(worker.direct.open);
    review(1);
    assert_true(is_open_to(1));
}

static void two_of_the_same_strength_get_none(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        hear(1, 1, true);
        hear(2, 1, true);
    }
    review(WINDOW_NS);
    assert_false(worker.direct.open);
}

static void trains_and_other_lanes_get_none(void **state)
{
    (void)state;
    hear(1, 10 * MANY, false);
    review(WINDOW_NS);
    assert_false(worker.direct.open);
    worker.links.count = 2;
    hear(1, MANY, true);
    review(WINDOW_NS);
    assert_false(worker.direct.open);
}

static void a_lead_of_long_ago_is_none(void **state)
{
    (void)state;
    hear(1, MANY, true);
    review(4 * WINDOW_NS);
    assert_false(worker.direct.open);
    hear(1, MANY, true);
    review(4 * WINDOW_NS - 1);
    assert_true(is_open_to(1));
}

/* What the direct socket takes does not come by the open one: who leads there is another. */
static void another_who_leads_takes_it_over(void **state)
{
    (void)state;
    hear(1, MANY, true);
    review(WINDOW_NS);
    assert_true(is_open_to(1));
    int before = worker.direct.udp.fd;
    hear(2, FEW, true);
    review(WINDOW_NS);
    assert_true(is_open_to(1));
    assert_int_equal(worker.direct.udp.fd, before);

    hear(2, MANY, true);
    review(WINDOW_NS);
    assert_false(worker.direct.open);
    assert_int_equal(worker.direct.udp.fd, -1);
    /* Until the loop has let go of the old one there is no new one. */
    hear(2, MANY, true);
    review(WINDOW_NS);
    assert_false(worker.direct.open);
    turn_loop();
    hear(2, MANY, true);
    review(WINDOW_NS);
    assert_true(is_open_to(2));
}

/* Datagrams that waited in the open socket when the direct one came, which has later ones already.
 */
static void who_has_it_keeps_it_while_earlier_datagrams_are_read(void **state)
{
    (void)state;
    hear(1, MANY, true);
    review(WINDOW_NS);
    int before = worker.direct.udp.fd;
    hear(1, MANY, true);
    review(WINDOW_NS);
    assert_true(is_open_to(1));
    assert_int_equal(worker.direct.udp.fd, before);
    review(10 * NF_SECOND_NS);
    review(WINDOW_NS);
    assert_false(worker.direct.open);
    turn_loop();
}

static void one_that_falls_silent_loses_it(void **state)
{
    (void)state;
    hear(1, MANY, true);
    review(WINDOW_NS);
    assert_true(is_open_to(1));
    review(10 * NF_SECOND_NS);
    assert_true(is_open_to(1));
    worker.direct.heard_ns = worker.lane.now_ns; /* as the worker notes */
    review(10 * NF_SECOND_NS);
    assert_true(is_open_to(1));
    review(WINDOW_NS);
    assert_false(worker.direct.open);
    turn_loop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_leads_gets_a_socket, make_worker, free_worker),
        cmocka_unit_test_setup_teardown(two_of_the_same_strength_get_none, make_worker,
                                        free_worker),
        cmocka_unit_test_setup_teardown(trains_and_other_lanes_get_none, make_worker, free_worker),
        cmocka_unit_test_setup_teardown(a_lead_of_long_ago_is_none, make_worker, free_worker),
        cmocka_unit_test_setup_teardown(another_who_leads_takes_it_over, make_worker, free_worker),
        cmocka_unit_test_setup_teardown(who_has_it_keeps_it_while_earlier_datagrams_are_read,
                                        make_worker, free_worker),
        cmocka_unit_test_setup_teardown(one_that_falls_silent_loses_it, make_worker, free_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
