/* SPDX-License-Identifier: Apache-2.0 */
/* two_engines.c - two nodes in one process: they shake hands and pass a packet each way, in memory.
 *
 * An engine has no socket, no clock and no thread: this program is its network and its time.
 *   cc two_engines.c $(pkg-config --cflags --libs netronfast) -o two_engines */
#include <netron/netron.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATAGRAM_BYTES_MAX = 4096, ROUNDS_MAX = 64 };

static const uint8_t secret[] = "a secret of at least 16 bytes";

struct node {
    const char *name;
    netron_engine *engine;
    uint8_t id[NETRON_ID_BYTES];
    netron_endpoint endpoint; /* where the other one sees it */
    netron_prefix inside;     /* its address in the network */
    int up;                   /* there is a session with the other one */
};

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, netron_error_text(result));
        exit(1);
    }
}

static void make_node(struct node *node, const char *name, uint8_t number, uint64_t now)
{
    netron_options options = {.size = sizeof(options)};
    options.network_secret = secret;
    options.network_secret_length = sizeof(secret) - 1;
    netron_identity_new(options.identity_seed);

    memset(node, 0, sizeof(*node));
    node->name = name;
    check(netron_engine_new(&node->engine, &options), "netron_engine_new");
    netron_engine_id(node->engine, node->id);
    netron_engine_set_time(node->engine, UINT64_C(1790000000000), now);

    /* 192.0.2.NUMBER port 4242 outside, 10.1.0.NUMBER inside. */
    static const uint8_t outside[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 0};
    memcpy(node->endpoint.address, outside, sizeof(outside));
    node->endpoint.address[15] = number;
    node->endpoint.port = 4242;
    node->inside = (netron_prefix){.address = {10, 1, 0, number}, .family = 4, .length = 32};
}

/* Carries what `from` wants to send to `to`, and looks at what happened to `from`. */
static int carry(struct node *from, struct node *to, uint64_t now)
{
    uint8_t datagram[DATAGRAM_BYTES_MAX];
    netron_endpoint target;
    netron_event event;
    uint8_t tos;
    int length, count = 0;

    while ((length = netron_engine_poll_datagram(from->engine, datagram, sizeof(datagram), &target,
                                                 &tos)) > 0) {
        /* A refused datagram is counted by the engine; here there is none to refuse. */
        check(
            netron_engine_receive(to->engine, datagram, (size_t)length, &from->endpoint, tos, now),
            "netron_engine_receive");
        count++;
    }
    check(length, "netron_engine_poll_datagram");
    while (netron_engine_poll_event(from->engine, &event)) {
        if (event.kind == NETRON_EVENT_PEER_UP) {
            printf("%s: session, round trip %.1f ms\n", from->name, (double)event.rtt_ns / 1e6);
            from->up = 1;
            check(netron_engine_set_prefixes(from->engine, event.id, &to->inside, 1, now),
                  "netron_engine_set_prefixes");
        }
    }
    return count;
}

/* An IPv4 packet with a UDP datagram (without a checksum, which IPv4 allows) in it. */
static size_t
make_packet(uint8_t *packet, const struct node *from, const struct node *to, const char *text)
{
    size_t text_length = strlen(text), length = 28 + text_length;
    uint32_t sum = 0;

    memset(packet, 0, 28);
    packet[0] = 0x45; /* version 4, 20 bytes of header */
    packet[2] = (uint8_t)(length >> 8);
    packet[3] = (uint8_t)length;
    packet[8] = 64; /* TTL */
    packet[9] = 17; /* UDP */
    memcpy(packet + 12, from->inside.address, 4);
    memcpy(packet + 16, to->inside.address, 4);
    for (int i = 0; i < 20; i += 2) {
        sum += (uint32_t)packet[i] << 8 | packet[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16));
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
    packet[21] = packet[23] = 9; /* both ports: discard */
    packet[24] = (uint8_t)((8 + text_length) >> 8);
    packet[25] = (uint8_t)(8 + text_length);
    memcpy(packet + 28, text, text_length);
    return length;
}

static void pass(struct node *from, struct node *to, const char *text, uint64_t *now)
{
    uint8_t sent[256], got[2048];
    size_t length = make_packet(sent, from, to, text);

    check(netron_engine_send_packet(from->engine, sent, length, *now), "netron_engine_send_packet");
    int received = 0;
    for (int round = 0; round < ROUNDS_MAX && received == 0; round++) {
        *now += 1000000;
        carry(from, to, *now);
        carry(to, from, *now);
        received = netron_engine_poll_packet(to->engine, got, sizeof(got));
    }
    if (received != (int)length || memcmp(sent, got, length) != 0) {
        fprintf(stderr, "%s to %s: the packet did not arrive as it was sent\n", from->name,
                to->name);
        exit(1);
    }
    printf("%s to %s: \"%s\"\n", from->name, to->name, text);
}

int main(void)
{
    struct node ada, bob;
    uint64_t now = 1000000000; /* a clock of our own, in nanoseconds */

    make_node(&ada, "ada", 1, now);
    make_node(&bob, "bob", 2, now);
    check(netron_engine_dial(ada.engine, &bob.endpoint, bob.id, now), "netron_engine_dial");

    for (int round = 0; round < ROUNDS_MAX && !(ada.up && bob.up); round++) {
        now += 1000000; /* a way takes 1 ms */
        carry(&ada, &bob, now);
        carry(&bob, &ada, now);
        netron_engine_tick(ada.engine, now);
        netron_engine_tick(bob.engine, now);
    }
    if (!ada.up || !bob.up) {
        fprintf(stderr, "no session came about\n");
        return 1;
    }
    pass(&ada, &bob, "hello, bob", &now);
    pass(&bob, &ada, "hello, ada", &now);

    netron_engine_free(ada.engine);
    netron_engine_free(bob.engine);
    return 0;
}
