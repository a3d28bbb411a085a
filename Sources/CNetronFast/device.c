/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - device.h: the calls that change or show the control machine, under its lock. */
#include "netron/device.h"

#include "linux/interface.h"
#include "loop/clock.h"
#include "loop/control.h"
#include "machine/assert.h"

#include <string.h>

uint64_t netron_device_now(void)
{
    return nf_clock_now();
}

uint32_t netron_device_clock_synchronized(void)
{
    return nf_clock_is_synchronized() ? 1 : 0;
}

void netron_device_get_info(netron_device *device, netron_device_info *out)
{
    memset(out, 0, sizeof(*out));
    nf_control_lock(device);
    const nf_core *core = device->core;
    memcpy(out->id, core->identity.id, sizeof(out->id));
    out->mtu = core->table.mtu;
    out->lanes = core->lanes;
    out->suites = core->suites;
    bool gcm = (core->suites & NETRON_SUITE_AES256_GCM) != 0;
    out->suite = gcm ? NETRON_SUITE_AES256_GCM : NETRON_SUITE_CHACHA20_POLY1305;
    const char *backend = nf_aead_backend_name(core->backend, out->suite);
    memcpy(out->backend, backend, strnlen(backend, sizeof(out->backend) - 1));
    if (device->has_tun) {
        memcpy(out->name, device->tun.name, sizeof(out->name));
        out->interface_index = device->tun.index;
        out->offloads = device->tun.offloads;
    }
    const nf_udp *udp = &device->udp.socket[1];
    out->offloads |= udp->gso ? NETRON_OFFLOAD_UDP_GSO : 0;
    out->offloads |= udp->gro ? NETRON_OFFLOAD_UDP_GRO : 0;
    out->port = device->udp.port;
    out->dual_stack = udp->dual;
    if (device->streams != NULL) {
        out->tcp = nf_streams_listens(device->streams) ? NETRON_TCP_LISTENS : NETRON_TCP_DIALS;
    }
    out->receive_buffer_bytes = device->udp.receive_buffer;
    out->send_buffer_bytes = device->udp.send_buffer;
    out->buffers_wanted_bytes = NF_UDP_BUFFER_WANTED_BYTES;
    nf_control_unlock(device);
}

static bool may_reach(const netron_device *device, const netron_endpoint *endpoint)
{
    return device->streams != NULL || !nf_endpoint_is_tcp(endpoint);
}

int netron_device_dial(netron_device *device, const netron_endpoint *endpoint, const uint8_t *id)
{
    nf_path path = {.remote = *endpoint};
    if (!may_reach(device, endpoint)) {
        return NETRON_E_UNSUPPORTED;
    }
    nf_control_lock(device);
    int result = nf_core_dial(device->core, &path, id, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_hang_up(netron_device *device, const uint8_t id[NETRON_ID_BYTES])
{
    nf_control_lock(device);
    int result = nf_core_hang_up(device->core, id, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_set_prefixes(netron_device *device,
                               const uint8_t id[NETRON_ID_BYTES],
                               const netron_prefix *prefixes,
                               size_t count)
{
    nf_control_lock(device);
    int result = nf_core_set_prefixes(device->core, id, prefixes, count, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_send_message(netron_device *device,
                               const uint8_t id[NETRON_ID_BYTES],
                               const uint8_t *bytes,
                               size_t length)
{
    nf_control_lock(device);
    int result = nf_core_send_message(device->core, id, bytes, length, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_keep(netron_device *device, const uint8_t id[NETRON_ID_BYTES], uint32_t kept)
{
    nf_control_lock(device);
    int result = nf_core_keep(device->core, id, kept != 0, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_set_keepalive(netron_device *device,
                                const uint8_t id[NETRON_ID_BYTES],
                                const netron_keepalive *keepalive)
{
    nf_control_lock(device);
    int result = nf_core_set_keepalive(device->core, id, keepalive, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

void netron_device_set_time(netron_device *device, uint64_t wall_ms)
{
    nf_control_lock(device);
    device->time_is_told = wall_ms != 0;
    nf_core_set_time(device->core, wall_ms != 0 ? wall_ms : nf_clock_wall_ms(),
                     nf_control_now(device));
    nf_control_unlock(device);
}

int netron_device_send_datagram(netron_device *device,
                                const netron_endpoint *to,
                                const uint8_t *bytes,
                                size_t length)
{
    nf_control_lock(device);
    int result = nf_core_send_datagram(device->core, to, bytes, length, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_next_datagram(netron_device *device,
                                uint8_t *buffer,
                                size_t capacity,
                                netron_endpoint *from)
{
    nf_control_lock(device);
    int length = nf_core_next_datagram(device->core, buffer, capacity, from);
    nf_control_unlock(device);
    return length;
}

int netron_device_ping(netron_device *device, const uint8_t id[NETRON_ID_BYTES], uint64_t token)
{
    nf_control_lock(device);
    int result = nf_core_ping(device->core, id, token, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

uint32_t netron_device_circuit_id(netron_device *device)
{
    nf_control_lock(device);
    uint32_t result = nf_core_circuit_id(device->core);
    nf_control_unlock(device);
    return result;
}

int netron_device_circuit_end(netron_device *device, const netron_circuit_side *side)
{
    nf_control_lock(device);
    int result = nf_core_circuit_end(device->core, side, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_circuit_forward(netron_device *device,
                                  const netron_circuit_side *a,
                                  const netron_circuit_side *b,
                                  uint32_t bytes_per_second)
{
    nf_control_lock(device);
    int result =
        nf_core_circuit_forward(device->core, a, b, bytes_per_second, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_circuit_close(netron_device *device, uint32_t id_in)
{
    nf_control_lock(device);
    int result = nf_core_circuit_close(device->core, id_in, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_circuit_info(netron_device *device, uint32_t id_in, netron_circuit_info *out)
{
    nf_control_lock(device);
    int result = nf_core_circuit_info(device->core, id_in, out);
    nf_control_unlock(device);
    return result;
}

int netron_device_try_path(netron_device *device,
                           const uint8_t id[NETRON_ID_BYTES],
                           const netron_endpoint *endpoint)
{
    if (!may_reach(device, endpoint)) {
        return NETRON_E_UNSUPPORTED;
    }
    nf_control_lock(device);
    int result = nf_core_try_path(device->core, id, endpoint, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_search(netron_device *device,
                         const uint8_t id[NETRON_ID_BYTES],
                         const netron_endpoint *endpoint)
{
    nf_control_lock(device);
    int result = nf_search_begin(device, id, endpoint);
    nf_control_unlock(device);
    if (result == NETRON_OK) {
        uv_async_send(&device->async);
    }
    return result;
}

int netron_device_use_path(netron_device *device,
                           const uint8_t id[NETRON_ID_BYTES],
                           const netron_endpoint *endpoint)
{
    nf_control_lock(device);
    int result = nf_core_use_path(device->core, id, endpoint, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_set_address(netron_device *device, const netron_prefix *address, uint32_t present)
{
    if (!device->has_tun) {
        return NETRON_E_INVALID;
    }
    int error = present != 0 ? nf_address_add(device->tun.index, address)
                             : nf_address_remove(device->tun.index, address);
    if (error != 0) {
        return nf_control_error(error);
    }
    nf_control_lock(device);
    int result = nf_core_set_address(device->core, address, present != 0, nf_control_now(device));
    nf_control_unlock(device);
    return result;
}

int netron_device_set_route(netron_device *device, const netron_prefix *prefix, uint32_t present)
{
    if (!device->has_tun || !device->routes) {
        return NETRON_E_INVALID;
    }
    return nf_control_error(nf_policy_set(&device->policy, prefix, present != 0));
}

int netron_device_next_event(netron_device *device, netron_event *event)
{
    nf_control_lock(device);
    bool any = nf_core_poll_event(device->core, event);
    nf_control_unlock(device);
    return any ? 1 : 0;
}

size_t netron_device_peers(netron_device *device, netron_peer_info *out, size_t capacity)
{
    nf_control_lock(device);
    size_t count = nf_core_peers(device->core, out, capacity);
    nf_control_unlock(device);
    return count;
}

void netron_device_counters(netron_device *device, netron_counters *out)
{
    nf_control_lock(device);
    memset(out, 0, sizeof(*out));
    nf_core_counters(device->core, out);
    for (uint32_t i = 0; i < device->worker_count; i++) {
        nf_lane_add_drops(&device->workers[i].lane, out);
    }
    if (device->streams != NULL) {
        nf_streams_add_drops(device->streams, out);
    }
    nf_control_unlock(device);
}
