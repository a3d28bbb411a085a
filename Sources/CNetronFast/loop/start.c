/* SPDX-License-Identifier: Apache-2.0 */
/* start.c - a device from options to running threads, and back. */
#include "loop/control.h"

#include "linux/interface.h"
#include "loop/clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUEUE_PACKETS = 1000 }; /* of the TUN; 500, the default, overflows (docs/benchmarks.md) */

static uint32_t default_lanes(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors <= 2) {
        return 1;
    }
    return processors / 2 < NETRON_LANES_MAX ? (uint32_t)(processors / 2) : NETRON_LANES_MAX;
}

static void wake_control(void *context)
{
    netron_device *device = context;
    uv_async_send(&device->async);
}

static int open_host(netron_device *device, const netron_device_options *options, int *error)
{
    uint32_t lanes = device->core->lanes;
    *error = nf_udp_open(&device->udp, options->port, lanes, options->offloads_off);
    device->udp_open = *error == 0;
    if (*error == 0 && device->routes) {
        *error = nf_udp_mark(&device->udp, NETRON_MARK_UNDERLAY);
    }
    if (*error != 0 || options->tun == 0) {
        return nf_control_error(*error);
    }
    const char *name = options->name != NULL ? options->name : "netron0";
    *error = nf_tun_open(&device->tun, name, lanes, options->offloads_off);
    device->has_tun = *error == 0;
    if (*error == 0) {
        nf_policy_init(&device->policy, device->tun.index, device->tun.name);
        *error = nf_link_up(device->tun.index, device->core->table.mtu, QUEUE_PACKETS);
    }
    int result = NETRON_OK;
    for (size_t i = 0; *error == 0 && result == NETRON_OK && i < options->addresses_count; i++) {
        const netron_prefix *address = &options->addresses[i];
        *error = nf_address_add(device->tun.index, address);
        if (*error == 0) {
            result = nf_core_set_address(device->core, address, true, nf_control_now(device));
        }
    }
    return *error != 0 ? nf_control_error(*error) : result;
}

static int make_streams(netron_device *device, const netron_device_options *options)
{
    if (options->size < sizeof(*options) || options->tcp == 0) {
        return NETRON_OK;
    }
    device->streams = nf_streams_new(&options->proxy);
    return device->streams == NULL ? NETRON_E_NO_MEMORY : NETRON_OK;
}

static int start_threads(netron_device *device, int *error)
{
    nf_core *core = device->core;
    device->receiver = nf_receiver_new();
    device->letters = nf_mailbox_new(NF_LETTERS_MAX, NF_LETTER_BYTES_MAX);
    if (device->receiver == NULL || device->letters == NULL) {
        return NETRON_E_NO_MEMORY;
    }
    nf_streams *streams = device->streams;
    nf_worker_links links = {
        .workers = device->workers,
        .count = core->lanes,
        .control = device->letters,
        .streams = streams == NULL ? NULL : nf_streams_mailbox(streams),
        .wake_control = wake_control,
        .context = device,
    };
    *error = 0;
    for (uint32_t i = 0; *error == 0 && i < core->lanes; i++) {
        *error = nf_worker_init(&device->workers[i], &core->table, i, core->backend, &links);
        device->worker_count++;
    }
    if (*error == 0) {
        *error = nf_control_init(device);
    }
    const nf_tun *tun = device->has_tun ? &device->tun : NULL;
    for (uint32_t i = 0; *error == 0 && i < core->lanes; i++) {
        *error = nf_worker_start(&device->workers[i], tun, &device->udp.socket[1 + i]);
    }
    if (*error == 0) {
        *error = nf_control_start(device);
    }
    return nf_control_error(*error);
}

int netron_device_start(netron_device **out,
                        const netron_device_options *options,
                        int *system_error)
{
    int error = 0;
    *system_error = 0;
    if (options->size < offsetof(netron_device_options, wake)) {
        return NETRON_E_INVALID;
    }
    netron_device *device = calloc(1, sizeof(*device));
    if (device == NULL || pthread_mutex_init(&device->lock, NULL) != 0) {
        free(device);
        return NETRON_E_NO_MEMORY;
    }
    device->lock_made = true;
    device->watch_fd = -1;
    atomic_init(&device->armed_ns, UINT64_MAX);
    if (options->size >= offsetof(netron_device_options, tcp)) {
        device->wake = options->wake;
        device->wake_context = options->context;
    }
    if (options->size >= sizeof(*options)) {
        device->routes = options->tun != 0 && options->routes != 0;
    }
    netron_options engine = options->engine;
    engine.lanes = engine.lanes != 0 ? engine.lanes : default_lanes();
    int result = nf_core_new(&device->core, &engine);
    if (result == NETRON_OK) {
        uint64_t wall_ms = nf_clock_wall_ms();
        if (wall_ms != 0) {
            nf_core_set_time(device->core, wall_ms, nf_control_now(device));
        }
        result = open_host(device, options, &error);
    }
    if (result == NETRON_OK) {
        result = make_streams(device, options);
    }
    if (result == NETRON_OK) {
        result = start_threads(device, &error);
    }
    *system_error = -error;
    if (result != NETRON_OK) {
        device->wake = NULL;
        netron_device_stop(device);
        return result;
    }
    *out = device;
    return NETRON_OK;
}

void netron_device_stop(netron_device *device)
{
    if (device == NULL) {
        return;
    }
    if (device->running) {
        nf_control_lock(device);
        device->wake = NULL;
        nf_core_close(device->core, nf_control_now(device));
        nf_control_unlock(device);
    }
    nf_control_stop(device);
    for (uint32_t i = 0; i < device->worker_count; i++) {
        nf_worker_stop(&device->workers[i]);
    }
    nf_control_free(device);
    if (device->has_tun) {
        nf_policy_close(&device->policy);
        nf_tun_close(&device->tun);
    }
    nf_search_stop(device);
    if (device->udp_open) {
        nf_udp_close(&device->udp);
    }
    nf_receiver_free(device->receiver);
    nf_mailbox_free(device->letters);
    nf_streams_free(device->streams);
    nf_core_free(device->core);
    pthread_mutex_destroy(&device->lock);
    free(device);
}
