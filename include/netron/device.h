/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - the packet core on a Linux host: a TUN interface, UDP sockets, threads.
 *
 * A device is an engine whose clock, sockets and interface are the host's. One control thread runs
 * handshakes and timers, one thread a lane carries packets; no data packet passes through the
 * caller. Every call here may come from any thread unless it says otherwise; calls for peers mean
 * what their twins in engine.h mean. */
#ifndef NETRON_DEVICE_H
#define NETRON_DEVICE_H

#include "netron/engine.h"

NETRON_BEGIN

/** A running node of the packet core. */
typedef struct netron_device netron_device;

/** What a device is made of. Set `size` and zero the rest first, as in netron_options; fields
 * behind `context` are read only when `size` covers them. */
typedef struct netron_device_options {
    uint32_t size;
    uint32_t tun;          /* 1: make an interface; 0: control messages only */
    netron_options engine; /* lanes 0: one up to 2 processors, then min(processors / 2, 4) */
    const char *NETRON_NULLABLE name;               /* of the interface; default "netron0" */
    const netron_prefix *NETRON_NULLABLE addresses; /* own addresses, with their network's length */
    size_t addresses_count;
    uint16_t port; /* UDP; 0: any free one */
    uint16_t reserved;
    uint32_t offloads_off; /* mask of NETRON_OFFLOAD_* not to try */
    /** Called on a thread of the device when netron_device_next_event() or
     *  netron_device_next_datagram() has something. It must return soon and may call no function of
     *  the device. */
    void (*NETRON_NULLABLE wake)(void *NETRON_NULLABLE context);
    void *NETRON_NULLABLE context;
    uint32_t tcp;    /* 1: listen on the port's number of TCP, and dial endpoints of TCP */
    uint32_t routes; /* 1: netron_device_set_route() will be called; what the sockets send is marked
                        with NETRON_MARK_UNDERLAY, which needs CAP_NET_ADMIN. Needs `tun` */
    netron_endpoint proxy; /* HTTP proxy to CONNECT by to all endpoints of TCP; port 0: none */
} netron_device_options;

/* The mark (SO_MARK) by which the host's routing rules know what the node itself sends. */
enum {
    NETRON_MARK_UNDERLAY = 0x4e,
    NETRON_MARK_MASK = 0xff, /* the bits that are looked at; others may have the rest */
};

/* Offloads, as bits. */
enum {
    NETRON_OFFLOAD_VNET = 1,     /* TUN with virtio-net headers and checksum offload */
    NETRON_OFFLOAD_TSO = 2,      /* TCP segments of up to 64 KiB through the TUN */
    NETRON_OFFLOAD_USO = 4,      /* the same for UDP */
    NETRON_OFFLOAD_UDP_GSO = 8,  /* UDP_SEGMENT */
    NETRON_OFFLOAD_UDP_GRO = 16, /* UDP_GRO */
};

/** Opens the interface and the sockets and starts the threads.
 *  @return NETRON_OK, or NETRON_E_INVALID, _NOT_PERMITTED (TUN or addresses), _IN_USE (port or
 *  interface), _UNSUPPORTED, _NO_MEMORY, _SYSTEM; on failure everything is undone and
 *  `*system_error` has the errno, or 0. */
NETRON_API NETRON_MUST int netron_device_start(netron_device *NETRON_NULLABLE *NETRON_NONNULL out,
                                               const netron_device_options *NETRON_NONNULL options,
                                               int *NETRON_NONNULL system_error);

/** Says goodbye to all peers, ends the threads, removes the interface, frees the device. After it
 *  `wake` is not called any more. NULL is allowed. From one thread, as the last call. */
NETRON_API void netron_device_stop(netron_device *NETRON_NULLABLE device);

/** What the device found out about its host. */
typedef struct netron_device_info {
    uint8_t id[NETRON_ID_BYTES];
    char name[16]; /* of the interface, or empty */
    uint32_t interface_index;
    uint32_t mtu;
    uint32_t offloads; /* in use, NETRON_OFFLOAD_* */
    uint32_t lanes;
    uint32_t suites; /* offered */
    uint32_t suite;  /* preferred */
    uint16_t port;
    uint16_t dual_stack;           /* 1: the sockets speak IPv6 too */
    uint32_t receive_buffer_bytes; /* of a socket, as the kernel granted */
    uint32_t send_buffer_bytes;
    uint32_t buffers_wanted_bytes; /* more than that was not asked for */
    char backend[16];              /* "libsodium" or "libcrypto" */
    uint32_t tcp;                  /* NETRON_TCP_* */
    uint32_t reserved_too;
    uint64_t reserved[7];
} netron_device_info;

/** What a device does with TCP. */
enum {
    NETRON_TCP_OFF = 0,
    NETRON_TCP_DIALS = 1,   /* it dials only: the port's number is another program's */
    NETRON_TCP_LISTENS = 2, /* it listens too */
};

NETRON_API void netron_device_get_info(netron_device *NETRON_NONNULL device,
                                       netron_device_info *NETRON_NONNULL out);

/** Also NETRON_E_UNSUPPORTED, as from netron_device_try_path(): an endpoint of TCP without `tcp`.
 */
NETRON_API NETRON_MUST int netron_device_dial(netron_device *NETRON_NONNULL device,
                                              const netron_endpoint *NETRON_NONNULL endpoint,
                                              const uint8_t *NETRON_NULLABLE id);

NETRON_API NETRON_MUST int netron_device_hang_up(netron_device *NETRON_NONNULL device,
                                                 const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES]);

NETRON_API NETRON_MUST int
netron_device_set_prefixes(netron_device *NETRON_NONNULL device,
                           const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                           const netron_prefix *NETRON_LENT(count) prefixes,
                           size_t count);

NETRON_API NETRON_MUST int
netron_device_send_message(netron_device *NETRON_NONNULL device,
                           const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                           const uint8_t *NETRON_LENT(length) bytes,
                           size_t length);

NETRON_API NETRON_MUST int netron_device_keep(netron_device *NETRON_NONNULL device,
                                              const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                              uint32_t kept);

NETRON_API NETRON_MUST int
netron_device_set_keepalive(netron_device *NETRON_NONNULL device,
                            const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                            const netron_keepalive *NETRON_NONNULL keepalive);

/** Says what the wall clock shows: from now on the device counts by that and no longer looks at the
 *  host's clock. 0: the host's clock again, as at the start. */
NETRON_API void netron_device_set_time(netron_device *NETRON_NONNULL device, uint64_t wall_ms);

NETRON_API NETRON_MUST int netron_device_send_datagram(netron_device *NETRON_NONNULL device,
                                                       const netron_endpoint *NETRON_NONNULL to,
                                                       const uint8_t *NETRON_LENT(length) bytes,
                                                       size_t length);

NETRON_API NETRON_MUST int netron_device_next_datagram(netron_device *NETRON_NONNULL device,
                                                       uint8_t *NETRON_LENT(capacity) buffer,
                                                       size_t capacity,
                                                       netron_endpoint *NETRON_NONNULL from);

NETRON_API NETRON_MUST int netron_device_ping(netron_device *NETRON_NONNULL device,
                                              const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                              uint64_t token);

NETRON_API NETRON_MUST uint32_t netron_device_circuit_id(netron_device *NETRON_NONNULL device);

NETRON_API NETRON_MUST int
netron_device_circuit_end(netron_device *NETRON_NONNULL device,
                          const netron_circuit_side *NETRON_NONNULL side);

NETRON_API NETRON_MUST int
netron_device_circuit_forward(netron_device *NETRON_NONNULL device,
                              const netron_circuit_side *NETRON_NONNULL a,
                              const netron_circuit_side *NETRON_NONNULL b,
                              uint32_t bytes_per_second);

NETRON_API NETRON_MUST int netron_device_circuit_close(netron_device *NETRON_NONNULL device,
                                                       uint32_t id_in);

NETRON_API NETRON_MUST int netron_device_circuit_info(netron_device *NETRON_NONNULL device,
                                                      uint32_t id_in,
                                                      netron_circuit_info *NETRON_NONNULL out);

NETRON_API NETRON_MUST int netron_device_try_path(netron_device *NETRON_NONNULL device,
                                                  const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                                  const netron_endpoint *NETRON_NONNULL endpoint);

NETRON_API NETRON_MUST int netron_device_use_path(netron_device *NETRON_NONNULL device,
                                                  const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                                  const netron_endpoint *NETRON_NONNULL endpoint);

/** Tries a path to a peer behind whose NAT `endpoint` is, from behind a NAT that shows each host
 *  another port: from 256 further sockets, again and again for 10 s. The peer is to try many ports
 * of that NAT at the same time; where it hits one of them, the socket stays the path's, and the
 * others are closed. One search is on at a time.
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER (no session), NETRON_E_INVALID (no such endpoint, or
 * the peer is reached directly), NETRON_E_AGAIN (another search is on, or 64 such sockets are in
 * use) */
NETRON_API NETRON_MUST int netron_device_search(netron_device *NETRON_NONNULL device,
                                                const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                                const netron_endpoint *NETRON_NONNULL endpoint);

/** Adds or removes one of this node's own addresses on the interface. What is for another address
 *  of its network goes only to a peer that has a prefix inside the network, not to one with a wider
 *  prefix around it. */
NETRON_API NETRON_MUST int netron_device_set_address(netron_device *NETRON_NONNULL device,
                                                     const netron_prefix *NETRON_NONNULL address,
                                                     uint32_t present);

/** Routes a range of addresses over the interface, or no longer; which peer gets what comes there
 * is the matter of netron_device_set_prefixes(). The range may be all addresses: what the host has
 * a way to by anything but a default route goes as it did, and so does what the device itself
 * sends. The routes lie in a table of their own, and go with the device. From one thread at a time;
 * needs `routes` in the options.
 *  @return NETRON_OK, also where nothing changes; NETRON_E_INVALID, _NOT_PERMITTED, _UNSUPPORTED
 *  (no IPv6, or no rules in this kernel), _SYSTEM */
NETRON_API NETRON_MUST int netron_device_set_route(netron_device *NETRON_NONNULL device,
                                                   const netron_prefix *NETRON_NONNULL prefix,
                                                   uint32_t present);

NETRON_API NETRON_MUST int netron_device_next_event(netron_device *NETRON_NONNULL device,
                                                    netron_event *NETRON_NONNULL event);

NETRON_API size_t netron_device_peers(netron_device *NETRON_NONNULL device,
                                      netron_peer_info *NETRON_LENT(capacity) out,
                                      size_t capacity);

NETRON_API void netron_device_counters(netron_device *NETRON_NONNULL device,
                                       netron_counters *NETRON_NONNULL out);

/** The clock of a device: CLOCK_BOOTTIME in nanoseconds. */
NETRON_API uint64_t netron_device_now(void);

/** Whether something keeps the host's wall clock right (NTP or the like), as the kernel knows.
 *  @return 1, or 0 also where the kernel does not tell */
NETRON_API uint32_t netron_device_clock_synchronized(void);

NETRON_END

#endif
