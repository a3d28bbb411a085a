/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.c - two groups of sockets on the loopback, and what goes from one to the other. */
#include "sockets.h"

#include "linux/interface.h"
#include "namespace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

const char *const families[2] = {"127.0.0.1", "::1"};
const char *const others[2] = {"10.7.0.2", "fd00:7::2"};

nf_udp_group here, there;
nf_receiver *receiver;
uint8_t payload[SOCKETS_PAYLOAD_BYTES];

void reopen(uint32_t here_off, uint32_t there_off)
{
    nf_udp_close(&here);
    nf_udp_close(&there);
    assert_int_equal(nf_udp_open(&here, 0, 0, here_off), 0);
    assert_int_equal(nf_udp_open(&there, 0, 0, there_off), 0);
}

int open_sockets(void **state)
{
    (void)state;
    receiver = nf_receiver_new();
    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i ^ i >> 8 ^ 0x40);
    }
    for (size_t i = 0; i < 2; i++) {
        netron_prefix address = prefix_of(others[i], i == 0 ? 32 : 128);
        if (nf_address_add(LOOPBACK_INDEX, &address) != 0) {
            return -1;
        }
    }
    return receiver == NULL || !address_settled(others[1], 0) ? -1 : 0;
}

int close_sockets(void **state)
{
    (void)state;
    nf_udp_close(&here);
    nf_udp_close(&there);
    nf_receiver_free(receiver);
    return 0;
}

int each(void **state)
{
    (void)state;
    reopen(0, 0);
    return 0;
}

nf_departure departure_to(const char *address, uint32_t length, uint32_t segment)
{
    return (nf_departure){.bytes = payload,
                          .length = length,
                          .segment = segment,
                          .to = endpoint_of(address, there.port)};
}

outcome send_all(const nf_departure *messages, uint32_t count)
{
    outcome outcome = {0};
    outcome.done =
        nf_udp_send(&here.socket[0], messages, count, &outcome.refused, &outcome.too_big);
    return outcome;
}

void send_well(const nf_departure *message)
{
    outcome outcome = send_all(message, 1);
    assert_int_equal(outcome.done, 1);
    assert_int_equal(outcome.refused, 0);
    assert_false(outcome.too_big);
}

int receive_some(nf_udp *udp, nf_arrival **arrivals)
{
    assert_true(readable(udp->fd));
    int count = nf_udp_receive(udp, receiver, arrivals);
    assert_true(count > 0);
    return count;
}

nf_arrival receive_one(nf_udp *udp)
{
    nf_arrival *arrivals;
    assert_int_equal(receive_some(udp, &arrivals), 1);
    nf_arrival arrival = arrivals[0];
    assert_int_equal(nf_udp_receive(udp, receiver, &arrivals), 0);
    return arrival;
}

int receive_train(const nf_departure *train)
{
    uint32_t offset = 0;
    int pieces = 0;
    while (offset < train->length) {
        nf_arrival *arrivals;
        int count = receive_some(&there.socket[0], &arrivals);
        for (int i = 0; i < count; i++, pieces++) {
            uint32_t left = train->length - offset;
            uint32_t whole = left < train->segment ? left : train->segment;
            assert_int_equal(arrivals[i].segment, whole);
            assert_true(arrivals[i].length <= left);
            assert_true(arrivals[i].length == left || arrivals[i].length % train->segment == 0);
            assert_memory_equal(arrivals[i].bytes, train->bytes + offset, arrivals[i].length);
            offset += arrivals[i].length;
        }
    }
    nf_arrival *none;
    assert_int_equal(nf_udp_receive(&there.socket[0], receiver, &none), 0);
    return pieces;
}

uint32_t steered_to(nf_udp_group *group, const char *address, const void *bytes, uint32_t length)
{
    nf_departure message = {.bytes = bytes,
                            .length = length,
                            .segment = length,
                            .to = endpoint_of(address, group->port)};
    uint32_t found = UINT32_MAX;
    send_well(&message);
    for (uint32_t i = 0; i < group->count; i++) {
        nf_arrival *arrivals;
        int count = nf_udp_receive(&group->socket[i], receiver, &arrivals);
        if (count > 0) {
            assert_int_equal(count, 1);
            assert_int_equal(found, UINT32_MAX);
            assert_memory_equal(arrivals[0].bytes, bytes, length);
            found = i;
        }
    }
    return found;
}
