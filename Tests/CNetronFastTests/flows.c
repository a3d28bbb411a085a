/* SPDX-License-Identifier: Apache-2.0 */
/* flows.c - TCP through two devices. */
#include "flows.h"

#include "sides.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FLOWS = 8, FLOW_BYTES = 4 << 20 };

static struct sockaddr_in inner(int number, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a010001u + (uint32_t)number);
    return address;
}

/* One TCP flow through the tunnel, both ends in this thread: bytes come out in order and whole. */
static void carry(int client, int server)
{
    static uint8_t out[65536], in[65536];
    size_t sent = 0, got = 0;
    while (got < FLOW_BYTES) {
        struct pollfd both[2] = {{server, POLLIN, 0}, {client, POLLOUT, 0}};
        assert_true(poll(both, sent < FLOW_BYTES ? 2 : 1, BOUND_SECONDS * 1000) > 0);
        if (sent < FLOW_BYTES && (both[1].revents & POLLOUT) != 0) {
            for (size_t i = 0; i < sizeof(out); i++) {
                out[i] = (uint8_t)((sent + i) % 251);
            }
            ssize_t n = send(client, out, sizeof(out), MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
        }
        if ((both[0].revents & POLLIN) != 0) {
            ssize_t n = recv(server, in, sizeof(in), 0);
            assert_true(n > 0);
            for (ssize_t i = 0; i < n; i++) {
                assert_int_equal(in[i], (got + (size_t)i) % 251);
            }
            got += (size_t)n;
        }
    }
}

void carry_flows(void)
{
    for (uint16_t flow = 0; flow < FLOWS; flow++) {
        int from = flow % 2;
        int listener = socket_in(1 - from, SOCK_STREAM);
        struct sockaddr_in address = inner(1 - from, (uint16_t)(5000 + flow));
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        int client = socket_in(from, SOCK_STREAM);
        assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
        int server = accept(listener, NULL, NULL);
        assert_true(server >= 0);
        carry(client, server);
        close(client);
        close(server);
        close(listener);
    }
}
