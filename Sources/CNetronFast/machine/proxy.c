/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.c - CONNECT: the request, and the one thing that its answer tells. */
#include "machine/proxy.h"

#include "machine/assert.h"

#include <stdbool.h>
#include <string.h>

typedef struct writer {
    uint8_t *out;
    size_t length;
} writer;

static void put(writer *w, char c)
{
    nf_assert(w->length < NF_PROXY_REQUEST_BYTES_MAX);
    w->out[w->length++] = (uint8_t)c;
}

static void put_text(writer *w, const char *text)
{
    for (; *text != 0; text++) {
        put(w, *text);
    }
}

static void put_number(writer *w, unsigned number, unsigned base)
{
    if (number >= base) {
        put_number(w, number / base, base);
    }
    put(w, "0123456789abcdef"[number % base]);
}

/* ADDRESS:PORT; IPv6 in brackets, with all its groups. */
static void put_authority(writer *w, const netron_endpoint *to)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *address = to->address;
    if (memcmp(address, mapped, sizeof(mapped)) == 0) {
        for (unsigned i = 12; i < 16; i++) {
            put_number(w, address[i], 10);
            put(w, i < 15 ? '.' : ':');
        }
    } else {
        put(w, '[');
        for (unsigned i = 0; i < 16; i += 2) {
            put_number(w, (unsigned)(address[i] << 8 | address[i + 1]), 16);
            put_text(w, i < 14 ? ":" : "]:");
        }
    }
    put_number(w, to->port, 10);
}

size_t nf_proxy_request(const netron_endpoint *to, uint8_t out[NF_PROXY_REQUEST_BYTES_MAX])
{
    writer w = {.out = out};
    put_text(&w, "CONNECT ");
    put_authority(&w, to);
    put_text(&w, " HTTP/1.1\r\nHost: ");
    put_authority(&w, to);
    put_text(&w, "\r\n\r\n");
    return w.length;
}

/* Of the status line its first 12 bytes count: HTTP/1.x 2xx. */
static bool is_success(unsigned at, uint8_t byte)
{
    static const char begin[] = "HTTP/1.# 2##";
    if (at >= sizeof(begin) - 1) {
        return true;
    }
    return begin[at] == '#' ? byte >= '0' && byte <= '9' : byte == (uint8_t)begin[at];
}

nf_proxy_result nf_proxy_take(nf_proxy *proxy, const uint8_t *bytes, size_t length, size_t *used)
{
    for (*used = 0; *used < length;) {
        uint8_t byte = bytes[(*used)++];
        if (proxy->taken == NF_PROXY_ANSWER_BYTES_MAX || !is_success(proxy->taken, byte)) {
            return NF_PROXY_REFUSED;
        }
        proxy->taken++;
        if (byte == '\n') {
            if (proxy->line_bytes == 0) {
                return NF_PROXY_OPEN;
            }
            proxy->line_bytes = 0;
        } else if (byte != '\r') {
            proxy->line_bytes++;
        }
    }
    return NF_PROXY_WAIT;
}
