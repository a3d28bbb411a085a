/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl.h - requests to rtnetlink, built attribute by attribute and waited for. */
#ifndef NF_RTNL_H
#define NF_RTNL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/netlink.h>

enum { NF_RTNL_BYTES = 256 /* a header, a body and all attributes that are attached */ };

typedef struct nf_rtnl {
    _Alignas(struct nlmsghdr) uint8_t bytes[NF_RTNL_BYTES];
    size_t length;
} nf_rtnl;

/** Begins a request of a type, for instance RTM_NEWROUTE, with its fixed part. */
void nf_rtnl_begin(nf_rtnl *out, uint16_t type, unsigned flags, const void *body, size_t length);

void nf_rtnl_attach(nf_rtnl *out, uint16_t type, const void *value, size_t length);

/** Between the two stand the attributes of an attribute. @return where it is, for the second */
size_t nf_rtnl_open_nest(nf_rtnl *out, uint16_t type);
void nf_rtnl_close_nest(nf_rtnl *out, size_t at);

/** Sends it on a socket of its own and waits for the acknowledgement.
 *  @return 0 or a negative errno */
int nf_rtnl_perform(nf_rtnl *out);

/** Reads one datagram that the kernel itself sent: others may write to a netlink socket too.
 *  @return its length, 0 if it is to be ignored, or a negative errno */
ssize_t nf_rtnl_read(int fd, uint8_t *bytes, size_t room);

#endif
