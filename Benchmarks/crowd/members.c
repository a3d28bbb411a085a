/* SPDX-License-Identifier: Apache-2.0 */
/* members.c - the members of the crowd: an engine each, and one socket with an address for each. */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    DATAGRAM_BYTES_MAX = 2048,
    MAPPED_AT = 12,         /* IPv4 in an address of IPv6 */
    DIALS_PER_SECOND = 150, /* a node takes 200 from all */
    GATHER_SECONDS = 60,
    PAUSE_NS = 500000,
    TYPE_DATA = 5, /* docs/protocol.md, 4 */
    HELLO = 1,     /* kinds of control messages: docs/protocol.md, 10 */
    OBSERVED = 4,
};

static const uint64_t second_ns = 1000000000;

static netron_endpoint gateway_endpoint(const struct crowd *crowd)
{
    netron_endpoint endpoint;
    memset(&endpoint, 0, sizeof(endpoint));
    endpoint.address[10] = endpoint.address[11] = 0xff;
    memcpy(endpoint.address + MAPPED_AT, &crowd->gateway.sin_addr, 4);
    endpoint.port = ntohs(crowd->gateway.sin_port);
    return endpoint;
}

void members_make(struct crowd *crowd)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
    crowd->members = calloc(crowd->count, sizeof(*crowd->members));
    if (!crowd->members) {
        crowd_die("memory");
    }
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct member *member = &crowd->members[i];
        netron_options options = {.size = sizeof(options), .peers_max = 2};
        options.network_secret = crowd->secret;
        options.network_secret_length = crowd->secret_length;
        netron_identity_new(options.identity_seed);
        int result = netron_engine_new(&member->engine, &options);
        if (result != NETRON_OK) {
            fprintf(stderr, "crowd: %s\n", netron_error_text(result));
            exit(1);
        }
        uint8_t id[NETRON_ID_BYTES];
        netron_engine_id(member->engine, id);
        netron_network_address(crowd->secret, crowd->secret_length, id, member->address);
        netron_engine_set_time(member->engine, wall_ms, crowd_now());
    }
}

/* --- the socket ------------------------------------------------------------------------------- */

static void send_one(const struct crowd *crowd, uint32_t number, uint8_t *bytes, size_t length)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.bytes = {0}};
    struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(crowd_address(number))};
    struct sockaddr_in to = crowd->gateway;
    struct iovec piece = {bytes, length};
    struct msghdr message = {.msg_name = &to,
                             .msg_namelen = sizeof(to),
                             .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.bytes)};
    control.header.cmsg_level = IPPROTO_IP;
    control.header.cmsg_type = IP_PKTINFO;
    control.header.cmsg_len = CMSG_LEN(sizeof(source));
    memcpy(CMSG_DATA(&control.header), &source, sizeof(source));
    if (sendmsg(crowd->udp, &message, 0) < 0 && errno != ECONNREFUSED && errno != ENOBUFS) {
        crowd_die("sendmsg");
    }
}

/* What a member has to say but sealed packets, which go to `sealed`. */
static bool send_due(struct crowd *crowd, uint32_t number, uint8_t *sealed)
{
    uint8_t bytes[DATAGRAM_BYTES_MAX];
    netron_endpoint to;
    uint8_t tos;
    bool any = false;
    for (;;) {
        int length = netron_engine_poll_datagram(crowd->members[number].engine, bytes,
                                                 sizeof(bytes), &to, &tos);
        if (length <= 0) {
            return any;
        }
        if (sealed && bytes[0] == TYPE_DATA && length == DATAGRAM_BYTES) {
            memcpy(sealed, bytes, (size_t)length);
            any = true;
        } else if (to.kind == NETRON_ENDPOINT_UDP) {
            send_one(crowd, number, bytes, (size_t)length);
        }
    }
}

/* The next datagram, and which member it is for. */
static bool receive_one(struct crowd *crowd)
{
    uint8_t bytes[DATAGRAM_BYTES_MAX];
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))] __attribute__((aligned(8)));
    struct iovec piece = {bytes, sizeof(bytes)};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t length = recvmsg(crowd->udp, &message, MSG_DONTWAIT);
    if (length < 0) {
        return false;
    }
    struct cmsghdr *found = CMSG_FIRSTHDR(&message);
    if (found && found->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(found), sizeof(info));
        uint32_t number = (ntohl(info.ipi_addr.s_addr) - crowd_address(0)) >> 8;
        netron_endpoint from = gateway_endpoint(crowd);
        if (number < crowd->count) {
            (void)!netron_engine_receive(crowd->members[number].engine, bytes, (size_t)length,
                                         &from, 0, crowd_now());
        }
    }
    return true;
}

/* --- what happens to members ------------------------------------------------------------------ */

/* Greetings are answered, as the gateway repeats what is not. */
static void answer(struct crowd *crowd, struct member *member, const netron_event *event)
{
    uint8_t said[] = {1, OBSERVED, 4, 0, 0, 0, 0, 0, 0};
    if (event->length < 2 || event->bytes[1] != HELLO) {
        return;
    }
    memcpy(said + 3, &crowd->gateway.sin_addr, 4);
    memcpy(said + 7, &crowd->gateway.sin_port, 2);
    (void)!netron_engine_send_message(member->engine, event->id, said, sizeof(said), crowd_now());
}

static void dial(struct crowd *crowd, struct member *member)
{
    netron_endpoint gateway = gateway_endpoint(crowd);
    (void)!netron_engine_dial(member->engine, &gateway, NULL, crowd_now());
}

static void handle_events(struct crowd *crowd, struct member *member)
{
    static netron_event event; /* too large for the stack's taste */
    while (netron_engine_poll_event(member->engine, &event)) {
        if (event.kind == NETRON_EVENT_PEER_UP) {
            netron_prefix gateway = {.family = 6, .length = 128};
            memcpy(crowd->gateway_id, event.id, sizeof(event.id));
            netron_network_address(crowd->secret, crowd->secret_length, event.id, gateway.address);
            memcpy(crowd->destination, gateway.address, sizeof(gateway.address));
            (void)!netron_engine_set_prefixes(member->engine, event.id, &gateway, 1, crowd_now());
            member->is_up = true;
        } else if (event.kind == NETRON_EVENT_PEER_DOWN || event.kind == NETRON_EVENT_DIAL_FAILED) {
            member->is_up = false;
            dial(crowd, member);
        } else if (event.kind == NETRON_EVENT_MESSAGE) {
            answer(crowd, member, &event);
        }
    }
}

void members_serve(struct crowd *crowd)
{
    while (receive_one(crowd)) {
    }
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct member *member = &crowd->members[i];
        if (netron_engine_deadline(member->engine) <= crowd_now()) {
            netron_engine_tick(member->engine, crowd_now());
        }
        handle_events(crowd, member);
        send_due(crowd, i, NULL);
    }
}

/* Whether full packets need no fragments on the way to the gateway. */
static bool is_wide(const struct member *member)
{
    netron_peer_info info;
    return member->is_up && netron_engine_peers(member->engine, &info, 1) == 1 &&
           info.path_mtu >= DATAGRAM_BYTES;
}

static bool all_wide(const struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++) {
        if (!is_wide(&crowd->members[i])) {
            return false;
        }
    }
    return true;
}

void members_gather(struct crowd *crowd)
{
    uint64_t begun = crowd_now();
    uint32_t dialled = 0;
    while (dialled < crowd->count || !all_wide(crowd)) {
        uint64_t passed = crowd_now() - begun;
        if (passed > GATHER_SECONDS * second_ns) {
            fprintf(stderr, "crowd: not all reached the gateway\n");
            exit(1);
        }
        while (dialled < crowd->count && dialled < passed * DIALS_PER_SECOND / second_ns) {
            dial(crowd, &crowd->members[dialled++]);
        }
        members_serve(crowd);
        crowd_pause(PAUSE_NS);
    }
}

void members_seal(struct crowd *crowd, uint32_t number, const uint8_t *packet, uint8_t *out)
{
    netron_engine *engine = crowd->members[number].engine;
    int result = netron_engine_send_packet(engine, packet, PACKET_BYTES, crowd_now());
    if (result != NETRON_OK || !send_due(crowd, number, out)) {
        fprintf(stderr, "crowd: member %u cannot seal: %s\n", number, netron_error_text(result));
        exit(1);
    }
}
