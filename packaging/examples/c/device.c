/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - a node on a real interface: makes it, says what it found, dials, ends on SIGINT.
 *
 *   cc device.c $(pkg-config --cflags --libs netronfast) -o device
 *   ./device INTERFACE ADDRESS SECRET PORT [ENDPOINT ENDPOINT-PORT PEER-ADDRESS]
 *
 * for instance, on two hosts, as root:
 *   ./device netron0 10.1.0.1 'the same long secret' 4242
 *   ./device netron0 10.1.0.2 'the same long secret' 4242 192.0.2.1 4242 10.1.0.1
 *
 * Whoever dials gives the peer's inner address; the one who is dialled sends all of 10.1.0.0/24 to
 * the one peer it has. A node of the `netron` command learns this by messages instead. */
#include <netron/netron.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { NETWORK_LENGTH = 24 };

/* Called on a thread of the device: only says that there is something, through a pipe. */
static void wake(void *context)
{
    const int *writer = context;
    /* A full pipe has said so already. */
    if (write(*writer, "", 1) < 0) {
        return;
    }
}

static int parse_prefix(const char *text, uint8_t length, netron_prefix *out)
{
    memset(out, 0, sizeof(*out));
    out->family = 4;
    out->length = length;
    return inet_pton(AF_INET, text, out->address) == 1;
}

static int parse_endpoint(const char *address, const char *port, netron_endpoint *out)
{
    char *end;
    unsigned long number = strtoul(port, &end, 10);
    memset(out, 0, sizeof(*out));
    if (*end != '\0' || number == 0 || number > UINT16_MAX) {
        return 0;
    }
    out->port = (uint16_t)number;
    out->address[10] = out->address[11] = 0xff; /* IPv4 is written ::ffff:a.b.c.d */
    if (inet_pton(AF_INET, address, out->address + 12) == 1) {
        return 1;
    }
    return inet_pton(AF_INET6, address, out->address) == 1;
}

static void print_info(netron_device *device)
{
    netron_device_info info;
    netron_device_get_info(device, &info);
    printf("interface %s, MTU %u, port %u, %u lanes, %s, offloads 0x%x\n", info.name, info.mtu,
           info.port, info.lanes, info.backend, info.offloads);
    fflush(stdout);
}

static void handle_events(netron_device *device, const netron_prefix *peer)
{
    static netron_event event; /* one is about 1.3 kB */
    while (netron_device_next_event(device, &event)) {
        if (event.kind == NETRON_EVENT_PEER_UP) {
            int result = netron_device_set_prefixes(device, event.id, peer, 1);
            printf("peer up: %s\n", netron_error_text(result));
        } else if (event.kind == NETRON_EVENT_PEER_DOWN) {
            printf("peer down: %s\n", event.code == NETRON_DOWN_GOODBYE ? "goodbye" : "silence");
        } else if (event.kind == NETRON_EVENT_DIAL_FAILED) {
            printf("dial failed: %s\n", netron_error_text(event.code));
        }
        fflush(stdout);
    }
}

/* Waits for events and for a signal to end. */
static void serve(netron_device *device, int reader, int signals, const netron_prefix *peer)
{
    struct pollfd wanted[] = {{.fd = reader, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    char bytes[64];
    do {
        if (poll(wanted, 2, -1) < 0) {
            continue;
        }
        if (wanted[0].revents && read(reader, bytes, sizeof(bytes)) > 0) {
            handle_events(device, peer);
        }
    } while (!wanted[1].revents);
}

int main(int argc, char **argv)
{
    netron_device_options options = {.size = sizeof(options), .tun = 1};
    netron_device *device = NULL;
    netron_prefix own, peer;
    netron_endpoint endpoint;
    int pipes[2], system_error = 0;

    if ((argc != 5 && argc != 8) || !parse_prefix(argv[2], NETWORK_LENGTH, &own)) {
        fprintf(stderr, "usage: %s INTERFACE ADDRESS SECRET PORT [ENDPOINT PORT PEER]\n", argv[0]);
        return 2;
    }
    if (argc == 8 &&
        (!parse_endpoint(argv[5], argv[6], &endpoint) || !parse_prefix(argv[7], 32, &peer))) {
        fprintf(stderr, "not an address and a port: %s %s %s\n", argv[5], argv[6], argv[7]);
        return 2;
    }
    if (argc == 5) {
        peer = own;
        peer.length = NETWORK_LENGTH;
        peer.address[3] = 0;
    }

    /* Blocked before the device makes threads, so that they inherit it; read from a descriptor. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0 || pipe(pipes) < 0) {
        perror("device");
        return 1;
    }

    options.name = argv[1];
    options.port = (uint16_t)strtoul(argv[4], NULL, 10);
    options.addresses = &own;
    options.addresses_count = 1;
    options.wake = wake;
    options.context = &pipes[1];
    options.engine.size = sizeof(options.engine);
    options.engine.network_secret = (const uint8_t *)argv[3];
    options.engine.network_secret_length = strlen(argv[3]);
    netron_identity_new(options.engine.identity_seed);

    int result = netron_device_start(&device, &options, &system_error);
    if (result != NETRON_OK) {
        fprintf(stderr, "device: %s (%s)\n", netron_error_text(result), strerror(system_error));
        return 1;
    }
    print_info(device);
    if (argc == 8) {
        result = netron_device_dial(device, &endpoint, NULL);
        if (result != NETRON_OK) {
            fprintf(stderr, "dial: %s\n", netron_error_text(result));
        }
    }
    serve(device, pipes[0], signals, &peer);
    netron_device_stop(device);
    return 0;
}
