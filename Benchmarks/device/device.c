/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - the packet core on a TUN, with all its knobs and nothing else around it.
 *
 *   device -i INTERFACE -a ADDRESS/LENGTH -s SECRET -p PORT [-d HOST:PORT]... [-r HOST=PREFIX]...
 *          [-l LANES] [-m MTU] [-c SUITES] [-b BACKEND] [-o OFFLOADS-NOT-TO-TRY]
 *
 * For measuring: ciphers and lanes that the command chooses by itself are set by hand here. -d
 * dials; -r says which inner addresses lie behind the peer that is met at HOST. Numbers are those
 * of engine.h and device.h; 0 is the default. SIGTERM ends it, with its counters as JSON. */
#include <netron/netron.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { ROUTES_MAX = 8, DIALS_MAX = 8, TEXT_BYTES_MAX = 64, MAPPED_AT = 12 };

struct route {
    netron_endpoint host; /* the port is not looked at */
    netron_prefix prefix;
};

struct node {
    netron_device_options options;
    netron_prefix address;
    struct route routes[ROUTES_MAX];
    netron_endpoint dials[DIALS_MAX];
    size_t routes_count, dials_count;
    int events; /* eventfd that says so */
};

static _Noreturn void refuse(const char *text)
{
    fprintf(stderr, "device: cannot take %s\n", text);
    exit(2);
}

/* The part of `text` before `mark`, and where the rest begins. */
static const char *split(const char *text, char mark, char head[TEXT_BYTES_MAX])
{
    const char *at = strrchr(text, mark);
    if (!at || at - text >= TEXT_BYTES_MAX) {
        refuse(text);
    }
    memcpy(head, text, (size_t)(at - text));
    head[at - text] = '\0';
    return at + 1;
}

static netron_prefix prefix_of(const char *text)
{
    char head[TEXT_BYTES_MAX];
    netron_prefix prefix;
    memset(&prefix, 0, sizeof(prefix));
    prefix.length = (uint8_t)strtoul(split(text, '/', head), NULL, 10);
    prefix.family = 4;
    if (inet_pton(AF_INET, head, prefix.address) != 1) {
        refuse(text);
    }
    return prefix;
}

static netron_endpoint endpoint_of(const char *host, const char *port)
{
    netron_endpoint endpoint;
    memset(&endpoint, 0, sizeof(endpoint));
    endpoint.address[10] = endpoint.address[11] = 0xff; /* IPv4 is written ::ffff:a.b.c.d */
    endpoint.port = (uint16_t)strtoul(port, NULL, 10);
    if (inet_pton(AF_INET, host, endpoint.address + MAPPED_AT) != 1) {
        refuse(host);
    }
    return endpoint;
}

static void add_dial(struct node *node, const char *text)
{
    char host[TEXT_BYTES_MAX];
    if (node->dials_count == DIALS_MAX) {
        refuse(text);
    }
    const char *port = split(text, ':', host);
    node->dials[node->dials_count++] = endpoint_of(host, port);
}

static void add_route(struct node *node, const char *text)
{
    char host[TEXT_BYTES_MAX];
    if (node->routes_count == ROUTES_MAX) {
        refuse(text);
    }
    struct route *route = &node->routes[node->routes_count++];
    route->prefix = prefix_of(split(text, '=', host));
    route->host = endpoint_of(host, "0");
}

static void wake(void *context)
{
    const int *events = context;
    uint64_t one = 1;
    /* A full counter has said so already. */
    if (write(*events, &one, sizeof(one)) < 0) {
        return;
    }
}

static void parse_number(struct node *node, int option, const char *text)
{
    uint32_t number = (uint32_t)strtoul(text, NULL, 0);
    switch (option) {
    case 'p':
        node->options.port = (uint16_t)number;
        break;
    case 'l':
        node->options.engine.lanes = number;
        break;
    case 'm':
        node->options.engine.mtu = number;
        break;
    case 'c':
        node->options.engine.suites = number;
        break;
    case 'b':
        node->options.engine.backend = number;
        break;
    default:
        node->options.offloads_off = number;
    }
}

static void parse(struct node *node, int argc, char **argv)
{
    netron_device_options *options = &node->options;
    int option;
    while ((option = getopt(argc, argv, "i:a:s:d:r:p:l:m:c:b:o:")) != -1) {
        switch (option) {
        case 'i':
            options->name = optarg;
            break;
        case 'a':
            node->address = prefix_of(optarg);
            break;
        case 's':
            options->engine.network_secret = (const uint8_t *)optarg;
            options->engine.network_secret_length = strlen(optarg);
            break;
        case 'd':
            add_dial(node, optarg);
            break;
        case 'r':
            add_route(node, optarg);
            break;
        case '?':
            exit(2);
        default:
            parse_number(node, option, optarg);
        }
    }
}

/* The prefixes of the peer that is met at an endpoint, in one list as the core wants them. */
static void give_prefixes(const struct node *node, netron_device *device, const netron_event *event)
{
    netron_prefix prefixes[ROUTES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < node->routes_count; i++) {
        const struct route *route = &node->routes[i];
        if (memcmp(route->host.address, event->endpoint.address, 16) == 0) {
            prefixes[count++] = route->prefix;
        }
    }
    int result = netron_device_set_prefixes(device, event->id, prefixes, count);
    printf("peer up, %zu prefixes: %s\n", count, netron_error_text(result));
    fflush(stdout);
}

static void handle_events(const struct node *node, netron_device *device)
{
    static netron_event event; /* too large for the stack's taste */
    uint64_t times;
    if (read(node->events, &times, sizeof(times)) < 0) {
        return;
    }
    while (netron_device_next_event(device, &event)) {
        if (event.kind == NETRON_EVENT_PEER_UP) {
            give_prefixes(node, device, &event);
        } else if (event.kind == NETRON_EVENT_DIAL_FAILED) {
            netron_endpoint again = event.endpoint;
            (void)netron_device_dial(device, &again, NULL);
        }
    }
}

static void print_counters(netron_device *device)
{
    netron_counters counters;
    netron_device_counters(device, &counters);
    printf("{\"sent\": %llu, \"received\": %llu", (unsigned long long)counters.tx_packets,
           (unsigned long long)counters.rx_packets);
    for (uint32_t i = 0; i < NETRON_DROP_COUNT; i++) {
        if (counters.drops[i] != 0) {
            printf(", \"%s\": %llu", netron_drop_name(i), (unsigned long long)counters.drops[i]);
        }
    }
    printf("}\n");
}

/* Blocked before the device makes threads, so that they inherit it; read from a descriptor. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    static struct node node;
    netron_device *device = NULL;
    int system_error = 0, signals = open_signals();
    node.events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    node.options.size = sizeof(node.options);
    node.options.engine.size = sizeof(node.options.engine);
    node.options.tun = 1;
    node.options.addresses = &node.address;
    node.options.addresses_count = 1;
    node.options.wake = wake;
    node.options.context = &node.events;
    netron_identity_new(node.options.engine.identity_seed);
    parse(&node, argc, argv);

    int result = netron_device_start(&device, &node.options, &system_error);
    if (result != NETRON_OK) {
        fprintf(stderr, "device: %s (%s)\n", netron_error_text(result), strerror(system_error));
        return 1;
    }
    netron_device_info info;
    netron_device_get_info(device, &info);
    printf("MTU %u, %u lanes, suite %u of %s, offloads 0x%x\n", info.mtu, info.lanes, info.suite,
           info.backend, info.offloads);
    fflush(stdout);
    for (size_t i = 0; i < node.dials_count; i++) {
        (void)netron_device_dial(device, &node.dials[i], NULL);
    }
    struct pollfd wanted[] = {{.fd = node.events, .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};
    while (!wanted[1].revents) {
        if (poll(wanted, 2, -1) > 0 && wanted[0].revents) {
            handle_events(&node, device);
        }
    }
    print_counters(device);
    netron_device_stop(device);
    return 0;
}
