/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_test.c - the packet core against the figures of docs/protocol.md, which an independent
 * program makes from fixed seeds, clocks and ephemeral keys (Tests/Interop/peer.py). */
#include "aead/aead.h"
#include "machine/handshake.h"
#include "machine/lane.h"
#include "machine/network.h"

#include "../Vectors/protocol_vectors.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { BYTES_MAX = 512 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t length = 0;
    assert_int_equal(sodium_hex2bin(out, BYTES_MAX, hex, strlen(hex), NULL, &length, NULL), 0);
    return length;
}

static void assert_hex(const uint8_t *bytes, size_t length, const char *hex)
{
    uint8_t wanted[BYTES_MAX];
    assert_int_equal(from_hex(hex, wanted), length);
    assert_memory_equal(bytes, wanted, length);
}

static uint64_t number(const char *decimal)
{
    return strtoull(decimal, NULL, 10);
}

/* --- what both sides know ---------------------------------------------------------------- */

static void make_network(nf_network *network, const protocol_vector *vector)
{
    uint8_t network_secret[BYTES_MAX];
    size_t length = from_hex(vector->network_secret, network_secret);
    nf_network_init(network, network_secret, length, number(vector->epoch_seconds));
    (void)nf_network_set_time(network, number(vector->wall_ms) / 1000);
}

static void make_identity(nf_identity *identity, const char *hex)
{
    uint8_t seed[BYTES_MAX];
    assert_int_equal(from_hex(hex, seed), 32);
    assert_true(nf_identity_from_seed(identity, seed));
}

static nf_hello make_hello(const protocol_vector *vector, bool initiator)
{
    nf_hello hello = {
        .index = (uint32_t)number(initiator ? vector->initiator_index : vector->responder_index),
        .suites = (uint8_t)number(initiator ? vector->initiator_suites : vector->responder_suites),
        .lanes = (uint8_t)number(initiator ? vector->initiator_lanes : vector->responder_lanes),
        .wall_ms = number(vector->wall_ms),
    };
    uint8_t cookie[BYTES_MAX];
    if (initiator && from_hex(vector->initiator_cookie, cookie) == sizeof(hello.cookie)) {
        memcpy(hello.cookie, cookie, sizeof(hello.cookie));
    }
    return hello;
}

static void the_secrets_of_a_network_are_those_of_the_document(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(protocol_vectors); i++) {
        const protocol_vector *vector = &protocol_vectors[i];
        nf_network network;
        make_network(&network, vector);
        const nf_epoch_key *key = nf_network_current(&network);
        uint8_t name[NF_NOISE_KEY_BYTES];
        nf_network_derive(&network, "network name", 0, name);
        assert_hex(network.root, sizeof(network.root), vector->root);
        assert_hex(network.psk3, sizeof(network.psk3), vector->psk3);
        assert_hex(network.id, sizeof(network.id), vector->network_id);
        assert_hex(key->psk0, sizeof(key->psk0), vector->psk0);
        assert_hex(key->cookie_key, sizeof(key->cookie_key), vector->cookie_key);
        assert_hex(name, 4, vector->network_name);
        assert_int_equal(key->epoch, number(vector->epoch));
        assert_int_equal(key->flags, number(vector->flags));
    }
}

static void check_member(const nf_network *network,
                         const char *seed,
                         const char *id,
                         const char *static_key,
                         const char *own_address)
{
    nf_identity identity;
    make_identity(&identity, seed);
    uint8_t address[16];
    nf_network_address(network, identity.id, address);
    assert_hex(identity.id, sizeof(identity.id), id);
    assert_hex(identity.exchange.public, sizeof(identity.exchange.public), static_key);
    assert_hex(address, sizeof(address), own_address);
}

static void a_seed_makes_the_id_the_key_and_the_address_of_the_document(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(protocol_vectors); i++) {
        const protocol_vector *vector = &protocol_vectors[i];
        nf_network network;
        make_network(&network, vector);
        check_member(&network, vector->initiator_seed, vector->initiator_id,
                     vector->initiator_static, vector->initiator_address);
        check_member(&network, vector->responder_seed, vector->responder_id,
                     vector->responder_static, vector->responder_address);
    }
}

static void what_is_no_id_by_the_document_is_refused(void **state)
{
    (void)state;
    const protocol_vector *vector = &protocol_vectors[0];
    size_t count = 0;
    for (; count < COUNT(vector->refused_ids) && vector->refused_ids[count] != NULL; count++) {
        uint8_t id[BYTES_MAX], key[32];
        assert_int_equal(from_hex(vector->refused_ids[count], id), 32);
        assert_false(nf_identity_exchange_key(id, key));
    }
    assert_true(count >= 7);
}

/* --- the handshake ------------------------------------------------------------------------ */

static void the_three_messages_come_out_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(protocol_vectors); i++) {
        const protocol_vector *vector = &protocol_vectors[i];
        nf_network network;
        nf_identity a_identity, b_identity;
        nf_handshake a, b;
        uint8_t a_ephemeral[BYTES_MAX], b_ephemeral[BYTES_MAX];
        uint8_t message1[NF_MESSAGE1_BYTES];
        uint8_t message2[NF_MESSAGE2_BYTES];
        uint8_t message3[NF_MESSAGE3_BYTES];
        make_network(&network, vector);
        make_identity(&a_identity, vector->initiator_seed);
        make_identity(&b_identity, vector->responder_seed);
        from_hex(vector->initiator_ephemeral, a_ephemeral);
        from_hex(vector->responder_ephemeral, b_ephemeral);
        nf_hello a_hello = make_hello(vector, true), b_hello = make_hello(vector, false);

        nf_handshake_write1(&a, &a_identity, &network, &a_hello, a_ephemeral, message1);
        assert_hex(message1, sizeof(message1), vector->message1);
        assert_int_equal(nf_handshake_read1(&b, &b_identity, &network, message1, sizeof(message1)),
                         NF_HANDSHAKE_OK);
        assert_int_equal(b.remote_lanes, a_hello.lanes);
        assert_memory_equal(b.remote_cookie, a_hello.cookie, sizeof(a_hello.cookie));
        assert_int_equal(nf_handshake_write2(&b, &b_identity, &b_hello, b_ephemeral, message2),
                         NF_HANDSHAKE_OK);
        assert_hex(message2, sizeof(message2), vector->message2);
        assert_int_equal(nf_handshake_read2(&a, message2, sizeof(message2)), NF_HANDSHAKE_OK);
        assert_int_equal(nf_handshake_write3(&a, &a_identity, message3), NF_HANDSHAKE_OK);
        assert_hex(message3, sizeof(message3), vector->message3);
        assert_int_equal(nf_handshake_read3(&b, message3, sizeof(message3)), NF_HANDSHAKE_OK);

        uint8_t send[32], receive[32];
        assert_int_equal(a.suite, number(vector->suite));
        assert_hex(a.noise.symmetric.hash, 32, vector->handshake_hash);
        nf_handshake_keys(&a, send, receive);
        assert_hex(send, sizeof(send), vector->initiator_key);
        assert_hex(receive, sizeof(receive), vector->responder_key);
        nf_handshake_keys(&b, send, receive);
        assert_hex(send, sizeof(send), vector->responder_key);
        assert_hex(receive, sizeof(receive), vector->initiator_key);
        assert_hex(a.remote_id, 32, vector->responder_id);
        assert_hex(b.remote_id, 32, vector->initiator_id);
    }
}

static void the_cookie_comes_out_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(protocol_vectors); i++) {
        const protocol_vector *vector = &protocol_vectors[i];
        nf_network network;
        uint8_t secret[BYTES_MAX], address[BYTES_MAX], nonce[BYTES_MAX], message1[BYTES_MAX];
        uint8_t cookie[NF_COOKIE_SECRET_BYTES], read[NF_COOKIE_SECRET_BYTES];
        uint8_t message[NF_COOKIE_BYTES];
        make_network(&network, vector);
        assert_int_equal(from_hex(vector->cookie_secret, secret), 32);
        assert_int_equal(from_hex(vector->cookie_address, address), 16);
        assert_int_equal(from_hex(vector->cookie_nonce, nonce), 24);
        assert_int_equal(from_hex(vector->message1, message1), NF_MESSAGE1_BYTES);

        nf_cookie_make(secret, address, (uint16_t)number(vector->cookie_port), cookie);
        assert_hex(cookie, sizeof(cookie), vector->cookie);
        nf_cookie_write(nf_network_current(&network), cookie, message1,
                        (uint32_t)number(vector->initiator_index), nonce, message);
        assert_hex(message, sizeof(message), vector->cookie_message);
        assert_true(nf_cookie_read(&network, message, sizeof(message), message1, read));
        assert_memory_equal(read, cookie, sizeof(cookie));
    }
}

/* --- a packet ------------------------------------------------------------------------------- */

static void check_packet(const protocol_vector *vector, nf_aead_backend backend)
{
    uint8_t suite = (uint8_t)number(vector->suite);
    if ((nf_aead_suites(backend) & suite) == 0) {
        return; /* aead_test.c says which suites must be there */
    }
    unsigned lane = (unsigned)number(vector->packet_lane);
    uint8_t key[BYTES_MAX], packet[BYTES_MAX], datagram[BYTES_MAX];
    from_hex(vector->initiator_key, key);
    size_t length = from_hex(vector->packet, packet);
    nf_session *session = calloc(1, sizeof(*session));
    nf_aead_cache *cache = nf_aead_cache_new(backend);
    assert_true(session != NULL && cache != NULL);
    session->remote_index = (uint32_t)number(vector->responder_index);
    atomic_init(&session->tx_sequence[lane], number(vector->packet_sequence));

    nf_aead *aead = nf_aead_cache_get(cache, 2, suite, key);
    size_t sealed =
        nf_session_seal(session, aead, lane, NF_TYPE_DATA, (uint8_t)number(vector->packet_flags),
                        packet, length, datagram);
    assert_hex(datagram, sealed, vector->datagram);
    assert_int_equal(sealed, length + NF_SESSION_OVERHEAD_BYTES);
    nf_aead_cache_free(cache);
    free(session);
}

static void a_sealed_packet_comes_out_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(protocol_vectors); i++) {
        check_packet(&protocol_vectors[i], NF_AEAD_LIBSODIUM);
        check_packet(&protocol_vectors[i], NF_AEAD_LIBCRYPTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_secrets_of_a_network_are_those_of_the_document),
        cmocka_unit_test(a_seed_makes_the_id_the_key_and_the_address_of_the_document),
        cmocka_unit_test(what_is_no_id_by_the_document_is_refused),
        cmocka_unit_test(the_three_messages_come_out_byte_for_byte),
        cmocka_unit_test(the_cookie_comes_out_byte_for_byte),
        cmocka_unit_test(a_sealed_packet_comes_out_byte_for_byte),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
