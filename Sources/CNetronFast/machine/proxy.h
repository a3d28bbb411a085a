/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - what is said to an HTTP proxy for a connection through it, and what it answers (RFC
 * 9110, 9.3.6). Pure. */
#ifndef NF_PROXY_H
#define NF_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "netron/types.h"

enum {
    NF_PROXY_REQUEST_BYTES_MAX = 160,
    NF_PROXY_ANSWER_BYTES_MAX = 8192, /* status line and header fields; a longer one is a refusal */
};

typedef enum nf_proxy_result {
    NF_PROXY_WAIT, /* for the rest of the answer */
    NF_PROXY_OPEN, /* what comes now is the other end's */
    NF_PROXY_REFUSED,
} nf_proxy_result;

/** How far an answer was read. Zeroed at the start. */
typedef struct nf_proxy {
    uint16_t taken;      /* bytes */
    uint16_t line_bytes; /* of the present line, without its end */
} nf_proxy;

/** Writes the request for a connection to an address. @return its length */
size_t nf_proxy_request(const netron_endpoint *to, uint8_t out[NF_PROXY_REQUEST_BYTES_MAX]);

/** Reads on; of the bytes it takes `*used`. */
nf_proxy_result nf_proxy_take(nf_proxy *proxy, const uint8_t *bytes, size_t length, size_t *used);

#endif
