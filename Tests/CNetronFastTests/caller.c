/* SPDX-License-Identifier: Apache-2.0 */
/* caller.c - a member that is nothing but handshakes, for tests that need thousands of them. */
#include "caller.h"

#include "machine/assert.h"
#include "netron/types.h"

#include <sodium.h>

#include <string.h>

enum { EPOCH_SECONDS = NETRON_EPOCH_SECONDS_MIN };

void caller_rename(caller *caller, uint32_t number)
{
    uint8_t seed[32] = {
        0xca, 0x11, 0, (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16)};
    while (!nf_identity_from_seed(&caller->identity, seed)) {
        seed[2]++;
    }
}

void caller_init(caller *caller, uint32_t number, const char *secret, uint64_t wall_ms)
{
    nf_assert(sodium_init() >= 0);
    memset(caller, 0, sizeof(*caller));
    caller_rename(caller, number);
    nf_network_init(&caller->network, (const uint8_t *)secret, strlen(secret), EPOCH_SECONDS);
    if (wall_ms != 0) {
        (void)nf_network_set_time(&caller->network, wall_ms / 1000);
    }
}

void caller_begin(caller *caller, uint32_t index, const uint8_t *cookie)
{
    nf_hello hello = {.index = index, .suites = NETRON_SUITE_CHACHA20_POLY1305, .lanes = 1};
    if (cookie != NULL) {
        memcpy(hello.cookie, cookie, sizeof(hello.cookie));
    }
    uint8_t ephemeral[32] = {0};
    nf_store_le64(ephemeral + 8, ++caller->ephemerals); /* X25519 ignores bits of the first byte */
    memcpy(ephemeral + 16, caller->identity.id, 15);
    nf_handshake_write1(&caller->handshake, &caller->identity, &caller->network, &hello, ephemeral,
                        caller->message1);
}

bool caller_take_cookie(const caller *caller, const uint8_t *bytes, size_t length, uint8_t out[16])
{
    return nf_cookie_read(&caller->network, bytes, length, caller->message1, out);
}

bool caller_answer(caller *caller,
                   const uint8_t *message2,
                   size_t length,
                   uint8_t message3[NF_MESSAGE3_BYTES])
{
    if (nf_handshake_read2(&caller->handshake, message2, length) != NF_HANDSHAKE_OK ||
        nf_handshake_write3(&caller->handshake, &caller->identity, message3) != NF_HANDSHAKE_OK) {
        return false;
    }
    nf_handshake_keys(&caller->handshake, caller->send_key, caller->receive_key);
    caller->sequence = 0;
    return true;
}

/* Straight from libsodium: it shares nothing with the lanes that open it. */
size_t caller_seal(caller *caller, uint8_t type, const uint8_t *bytes, size_t length, uint8_t *out)
{
    memset(out, 0, NF_HEADER_BYTES);
    out[0] = type;
    nf_store_le32(out + 4, caller->handshake.remote_index);
    nf_store_le64(out + 8, caller->sequence);
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
    nf_store_le64(nonce + 4, caller->sequence++);
    crypto_aead_chacha20poly1305_ietf_encrypt(out + NF_HEADER_BYTES, NULL, bytes, length, out,
                                              NF_HEADER_BYTES, NULL, nonce, caller->send_key);
    return length + NF_SESSION_OVERHEAD_BYTES;
}

long caller_open(const caller *caller, const uint8_t *datagram, size_t length, uint8_t *out)
{
    if (length < NF_SESSION_OVERHEAD_BYTES) {
        return -1;
    }
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
    memcpy(nonce + 4, datagram + 8, 8);
    int failed = crypto_aead_chacha20poly1305_ietf_decrypt(
        out, NULL, NULL, datagram + NF_HEADER_BYTES, length - NF_HEADER_BYTES, datagram,
        NF_HEADER_BYTES, nonce, caller->receive_key);
    return failed != 0 ? -1 : (long)(length - NF_SESSION_OVERHEAD_BYTES);
}
