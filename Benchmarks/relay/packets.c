/* SPDX-License-Identifier: Apache-2.0 */
/* packets.c - segmentation and its reverse, for IPv4. */
#include "packets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

/* Missing in the headers of Debian 12. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
    ADDRESSES_AT = 12, /* in the IP header: both, 8 bytes */
    ADDRESSES_BYTES = 8,
    TCP_CHECKSUM_AT = 16,
    TCP_FLAGS_AT = 13,
    FIN = 0x01,
    PSH = 0x08,
    ACK = 0x10,
    ECE = 0x40,
    CWR = 0x80,
    PLAIN_IP_BYTES = 20,
    PLAIN_TCP_BYTES = 20,
    PACKET_BYTES_MAX = 65535,
};

/* The one's complement sum is the same whatever the width of its words (RFC 1071, 2). The loop is
 * a counted one, which compilers make vectors of. */
static uint64_t sum_of(const uint8_t *bytes, size_t length, uint64_t sum)
{
    size_t words = length / sizeof(uint32_t), left = length % sizeof(uint32_t);
    uint32_t word;
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, bytes + i * sizeof(word), sizeof(word));
        sum += word;
    }
    word = 0;
    memcpy(&word, bytes + words * sizeof(word), left);
    return sum + word;
}

static uint16_t folded(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

static void put16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void set_ip_length(struct iphdr *ip, size_t length, size_t ip_bytes)
{
    ip->tot_len = htons((uint16_t)length);
    ip->check = 0;
    ip->check = (uint16_t)~folded(sum_of((const uint8_t *)ip, ip_bytes, 0));
}

bool cut_begin(struct cut *cut, const struct virtio_net_hdr *vnet, uint8_t *packet, size_t length)
{
    unsigned type = vnet->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
    size_t ip_bytes = (size_t)(packet[0] & 0x0f) * 4;
    cut->tcp = type == VIRTIO_NET_HDR_GSO_TCPV4;
    if ((!cut->tcp && type != VIRTIO_NET_HDR_GSO_UDP_L4) || packet[0] >> 4 != 4 ||
        vnet->gso_size == 0 || length < ip_bytes + PLAIN_TCP_BYTES) {
        return false;
    }
    size_t transport = cut->tcp ? (size_t)(packet[ip_bytes + 12] >> 4) * 4 : sizeof(struct udphdr);
    if (length <= ip_bytes + transport) {
        return false;
    }
    cut->packet = packet;
    cut->length = length;
    cut->ip_bytes = ip_bytes;
    cut->both_bytes = cut->done = ip_bytes + transport;
    cut->payload_max = vnet->gso_size;
    memcpy(cut->header, packet, cut->both_bytes);
    cut->pseudo =
        sum_of(packet + ADDRESSES_AT, ADDRESSES_BYTES, htons(cut->tcp ? IPPROTO_TCP : IPPROTO_UDP));
    return true;
}

/* Sets what differs in a piece's TCP header, in the template, so that the next goes on from it. */
static void number_tcp(struct tcphdr *piece, struct tcphdr *template, size_t payload, bool last)
{
    uint8_t *flags = (uint8_t *)piece + TCP_FLAGS_AT;
    if (!last) {
        *flags &= (uint8_t)~(FIN | PSH);
    }
    template->seq = htonl(ntohl(template->seq) + (uint32_t)payload);
    ((uint8_t *)template)[TCP_FLAGS_AT] &= (uint8_t)~CWR; /* the first alone has it */
}

bool cut_next(struct cut *cut, uint8_t **packet, size_t *length)
{
    size_t payload = cut->length - cut->done;
    if (payload == 0) {
        return false;
    }
    payload = payload < cut->payload_max ? payload : cut->payload_max;
    uint8_t *piece = cut->packet + cut->done - cut->both_bytes;
    uint8_t *transport = piece + cut->ip_bytes;
    size_t transport_bytes = cut->both_bytes - cut->ip_bytes + payload;
    memcpy(piece, cut->header, cut->both_bytes);
    cut->done += payload;

    set_ip_length((struct iphdr *)piece, cut->ip_bytes + transport_bytes, cut->ip_bytes);
    struct iphdr *template = (struct iphdr *)cut->header;
    template->id = htons((uint16_t)(ntohs(template->id) + 1));

    size_t checksum_at = cut->tcp ? TCP_CHECKSUM_AT : offsetof(struct udphdr, check);
    if (cut->tcp) {
        number_tcp((struct tcphdr *)transport, (struct tcphdr *)(cut->header + cut->ip_bytes),
                   payload, cut->done == cut->length);
    } else {
        put16(transport + offsetof(struct udphdr, len), htons((uint16_t)transport_bytes));
    }
    put16(transport + checksum_at, 0);
    uint64_t pseudo = cut->pseudo + htons((uint16_t)transport_bytes);
    uint16_t checksum = (uint16_t)~folded(sum_of(transport, transport_bytes, pseudo));
    put16(transport + checksum_at, checksum == 0 && !cut->tcp ? 0xffff : checksum);
    *packet = piece;
    *length = cut->ip_bytes + transport_bytes;
    return true;
}

void complete_checksum(const struct virtio_net_hdr *vnet, uint8_t *packet, size_t length)
{
    size_t start = vnet->csum_start, at = start + vnet->csum_offset;
    if ((vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 || at + sizeof(uint16_t) > length) {
        return;
    }
    /* The field has the pseudo-header's sum already. */
    put16(packet + at, (uint16_t)~folded(sum_of(packet + start, length - start, 0)));
}

/* The payload of a packet that a train may carry: plain IPv4, TCP with data and no other flags
 * than ACK, PSH, and ECE. 0 for all else. */
static size_t carried(const uint8_t *packet, size_t length, size_t *header_bytes)
{
    const struct iphdr *ip = (const struct iphdr *)packet;
    if (length < PLAIN_IP_BYTES + PLAIN_TCP_BYTES || packet[0] != 0x45 ||
        ip->protocol != IPPROTO_TCP || ntohs(ip->tot_len) != length ||
        (ip->frag_off & htons(IP_MF | IP_OFFMASK)) != 0) {
        return 0;
    }
    const uint8_t *tcp = packet + PLAIN_IP_BYTES;
    *header_bytes = PLAIN_IP_BYTES + (size_t)(tcp[12] >> 4) * 4;
    bool plain = (tcp[TCP_FLAGS_AT] & ~(PSH | ECE)) == ACK;
    return plain && length > *header_bytes ? length - *header_bytes : 0;
}

/* Whether this is the next segment of the flow, alike in all that one header can say for all. */
static bool
follows(const struct train *train, const uint8_t *packet, size_t header_bytes, size_t payload)
{
    const uint8_t *first = train->pieces[1].iov_base;
    const struct iphdr *ip = (const struct iphdr *)packet, *first_ip = (const struct iphdr *)first;
    const struct tcphdr *tcp = (const struct tcphdr *)(packet + PLAIN_IP_BYTES);
    const struct tcphdr *first_tcp = (const struct tcphdr *)(first + PLAIN_IP_BYTES);
    return train->open && header_bytes == train->header_bytes && payload <= train->payload_max &&
           train->count <= SEGMENTS_MAX && train->length + payload <= PACKET_BYTES_MAX &&
           ntohl(tcp->seq) == train->next_sequence && tcp->ack_seq == first_tcp->ack_seq &&
           tcp->source == first_tcp->source && tcp->dest == first_tcp->dest &&
           memcmp(&ip->saddr, &first_ip->saddr, ADDRESSES_BYTES) == 0 && ip->tos == first_ip->tos &&
           ip->ttl == first_ip->ttl && ((tcp->th_flags ^ first_tcp->th_flags) & ECE) == 0 &&
           memcmp(tcp + 1, first_tcp + 1, header_bytes - PLAIN_IP_BYTES - PLAIN_TCP_BYTES) == 0;
}

void train_add(struct train *train, uint8_t *packet, size_t length)
{
    size_t header_bytes = 0;
    size_t payload = carried(packet, length, &header_bytes);
    struct tcphdr *tcp = (struct tcphdr *)(packet + PLAIN_IP_BYTES);
    if (train->count != 0 && payload != 0 && follows(train, packet, header_bytes, payload)) {
        uint8_t *first = train->pieces[1].iov_base;
        first[PLAIN_IP_BYTES + TCP_FLAGS_AT] |= tcp->th_flags & PSH;
        train->pieces[train->count++] = (struct iovec){packet + header_bytes, payload};
        train->length += payload;
        train->next_sequence += (uint32_t)payload;
        train->open = payload == train->payload_max && (tcp->th_flags & PSH) == 0;
        return;
    }
    train_leave(train);
    train->pieces[1] = (struct iovec){packet, length};
    train->count = 2;
    train->length = length;
    train->open = payload != 0 && (tcp->th_flags & PSH) == 0;
    if (train->open) {
        train->header_bytes = header_bytes;
        train->payload_max = payload;
        train->next_sequence = ntohl(tcp->seq) + (uint32_t)payload;
    }
}

void train_leave(struct train *train)
{
    if (train->count == 0) {
        return;
    }
    memset(&train->vnet, 0, sizeof(train->vnet));
    if (train->count > 2) {
        uint8_t *first = train->pieces[1].iov_base;
        size_t transport_bytes = train->length - PLAIN_IP_BYTES;
        set_ip_length((struct iphdr *)first, train->length, PLAIN_IP_BYTES);
        uint64_t pseudo = htons(IPPROTO_TCP) + (uint64_t)htons((uint16_t)transport_bytes);
        put16(first + PLAIN_IP_BYTES + TCP_CHECKSUM_AT,
              folded(sum_of(first + ADDRESSES_AT, ADDRESSES_BYTES, pseudo)));
        train->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        train->vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        train->vnet.hdr_len = (uint16_t)train->header_bytes;
        train->vnet.gso_size = (uint16_t)train->payload_max;
        train->vnet.csum_start = PLAIN_IP_BYTES;
        train->vnet.csum_offset = TCP_CHECKSUM_AT;
    }
    train->pieces[0] = (struct iovec){&train->vnet, VNET_BYTES};
    /* What the TUN does not take is lost, as on any link. */
    ssize_t written = writev(train->tun, train->pieces, train->count);
    (void)written;
    train->count = 0;
}
