/* SPDX-License-Identifier: Apache-2.0 */
/* protocol_vectors.h - the protocol from fixed seeds, clocks and ephemeral keys.
 * Written by make.py from protocol.json. */
#ifndef NETRON_PROTOCOL_VECTORS_H
#define NETRON_PROTOCOL_VECTORS_H

/* clang-format off */
typedef struct protocol_vector {
    const char *name;
    const char *network_secret;
    const char *epoch_seconds;
    const char *wall_ms;
    const char *epoch;
    const char *flags;
    const char *root;
    const char *psk0;
    const char *psk3;
    const char *cookie_key;
    const char *network_id;
    const char *network_name;
    const char *initiator_seed;
    const char *initiator_id;
    const char *initiator_static;
    const char *initiator_address;
    const char *initiator_ephemeral;
    const char *responder_seed;
    const char *responder_id;
    const char *responder_static;
    const char *responder_address;
    const char *responder_ephemeral;
    const char *initiator_index;
    const char *responder_index;
    const char *initiator_suites;
    const char *responder_suites;
    const char *initiator_lanes;
    const char *responder_lanes;
    const char *suite;
    const char *initiator_cookie;
    const char *message1;
    const char *message2;
    const char *message3;
    const char *handshake_hash;
    const char *initiator_key;
    const char *responder_key;
    const char *packet;
    const char *packet_lane;
    const char *packet_sequence;
    const char *packet_flags;
    const char *datagram;
    const char *cookie_secret;
    const char *cookie_address;
    const char *cookie_port;
    const char *cookie;
    const char *cookie_nonce;
    const char *cookie_message;
    const char *refused_ids[8]; /* unused ones are NULL */
} protocol_vector;

static const protocol_vector protocol_vectors[] = {
    {
        .name = "AES-256-GCM in an epoch",
        .network_secret = "16000000612063727970746f206b657920666f722074657374731b000000612064687420"
            "6b6579207468617420697320666f7220746573747304000000726f6f6d0a00000072656e"
            "64657a766f7573040000006d646e73",
        .epoch_seconds = "7200",
        .wall_ms = "1800000000000",
        .epoch = "250000",
        .flags = "0",
        .root = "dff011146bcfc5fbfb5e4cca82e5bec58cd1e6cc7fccadd636377b91fc56b632",
        .psk0 = "6e4a84bd4ea75639f4b64bb0d091e148e9319534ee9fe494a74da4a2fdd536b8",
        .psk3 = "d3b526f85ce6f878609759ad495f72f55558bebf7e9417527ead9172f778aa17",
        .cookie_key = "6ff6cde54a77ac2103dd23eeb8b3fa513616c7dcea90c01a35ec72fa8074d43f",
        .network_id = "533f1bfb7ccae51c17f4fed9bbb9014dee2a0ea9decd01f9503b45bd25d07fd6",
        .network_name = "795a9db8",
        .initiator_seed = "15e620c537f99baa922828a6b71ffa113a2735e1ebf814439f574dfd3a841fee",
        .initiator_id = "13ed0666c25006b59d7e8cd158c979c31aa0a626951f728a7e4f1926f6ea2f20",
        .initiator_static = "4bb65d7069bd027cefd2f5bfe7edb1df39eee07c8336e7dc66a4f27fdeefae7b",
        .initiator_address = "fd533f1bfb7ce5e9bedfc5f113c68e86",
        .initiator_ephemeral = "0fb28a0222523c1a0ac4192745f07b8d10ab681d621099c67531d1b918fd5a5f",
        .responder_seed = "5d0c949df5281bd9cb8fbdee1f313ba5cb0fdf52f50c5d528463f047850f1266",
        .responder_id = "7e0814418d8a5918dcc6a9c1011c9113d6a1bd74f6de29e30a8559bc7afd273e",
        .responder_static = "0093342ca3f05690d5e33254dccf4f9c97d09430f11ad8e913331f23a8359c2a",
        .responder_address = "fd533f1bfb7c4cccb58b4ae601511ba6",
        .responder_ephemeral = "deb5dbdbfb62705329f6d4da5d9a346fd9812541fa6795b3014e821af3b701eb",
        .initiator_index = "524296",
        .responder_index = "305419896",
        .initiator_suites = "3",
        .responder_suites = "3",
        .initiator_lanes = "1",
        .responder_lanes = "1",
        .suite = "2",
        .initiator_cookie = "00000000000000000000000000000000",
        .message1 = "0100010080035b36b18f133748e1ba85bf8cd3bb3e517a459b934fbb7c49af0e9ac81e20"
            "1a41a32aee55bd2221f72df68ddfbed4ebbb992e62cd81afd6e109f2a4f3411c200cac0b"
            "400fa7c2dd7f07dab6fc65607d3084ce54ae7a000f0b61ce1d4721f5b38bee78dbeca546"
            "f80ea871c97afcc6c5251891e286dda26896b2caef08e4c2d0b3d2ad914a66f252cd1536"
            "10fca7612667b96e4660d734e6c0b46f",
        .message2 = "02000100080008003023c14fd3ae62d3f25ea19d0f68c1ada88b4967f47b0930d398e33d"
            "b6401f5f781a12e2043803568b483460d4e3abe675fc9d39dced3f510a0c51e8ae95d9db"
            "7f66e66e188251c54411db7a309f3ef46ba0a35744f8697b4303c90100c188d2dbdd50cc"
            "c3ae4f979f16516bf6c1d414225203ed2c3849ad930d0c4deae4c8493d7cd7258abaf58d"
            "ce2949c05857e6f3",
        .message3 = "03000100785634127acd6ca5b46802b285034efa6f368bf6355674983c70326962cc5a9f"
            "c7d9bea41b91daec4792ec6515d90c8156113eb7a2b71963f230deda49a4bd3b9b8b63f7"
            "460a960ce5faf6d04ea5dc7e85f491c714833f04f4da2d81ff47f62a547282426b1a42a2"
            "aca73c54",
        .handshake_hash = "6d1039ccc5cc1b373bd2af4dad2b9054841da39ffb6fa199871ef7b15fb6745f",
        .initiator_key = "fd57eeec3a8c8f0763211e610be3c92d9b9f5b8ae24c9120e9f68be50be80611",
        .responder_key = "8afc97d03b46d30612a80e27291d3b97d873135183c960fe8578e2cd9d229d7a",
        .packet = "4500002000010000400166c40a01000b0a01000c08002a2b000100016563686f",
        .packet_lane = "0",
        .packet_sequence = "0",
        .packet_flags = "1",
        .datagram = "0501000078563412000000000000000098568840543b852f629c44e9dfb22b9191559ce5"
            "f8fde8b061ffc169a26ef45ecef8253e9555e8b4f638947a5bc22b90",
        .cookie_secret = "dd8d721235fca4922bad7a8a6603c6a4ff3bd7e6721f6bc65543c83e252a0127",
        .cookie_address = "00000000000000000000ffffc0000201",
        .cookie_port = "4242",
        .cookie = "3df407038bd83f5850fe740d7135aa95",
        .cookie_nonce = "b3381256a8eb1724e9e47b1e4b8021851b9cc94c70de9cb7",
        .cookie_message = "0400010008000800b3381256a8eb1724e9e47b1e4b8021851b9cc94c70de9cb79450b288"
            "ff98ed3ee2035b393cdd53cef7bb22a0e5dfba9f416cf5e778e05ccc",
        .refused_ids = {
            "13ed0666c25006b59d7e8cd158c979c31aa0a626951f728a7e4f1926f6ea2fa0",
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0200000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "da12f9993daff94a6281732ea736863ce55f59d96ae08d7581b0e6d90915d05f",
        },
    },
    {
        .name = "ChaCha20-Poly1305 without a clock, with a cookie",
        .network_secret = "16000000612063727970746f206b657920666f722074657374731b000000612064687420"
            "6b6579207468617420697320666f7220746573747304000000726f6f6d0a00000072656e"
            "64657a766f7573040000006d646e73",
        .epoch_seconds = "7200",
        .wall_ms = "0",
        .epoch = "0",
        .flags = "4",
        .root = "dff011146bcfc5fbfb5e4cca82e5bec58cd1e6cc7fccadd636377b91fc56b632",
        .psk0 = "dee692828e4f8816cdb77bf1fc26378bff5b503077257eb410bc38c756301580",
        .psk3 = "d3b526f85ce6f878609759ad495f72f55558bebf7e9417527ead9172f778aa17",
        .cookie_key = "ea741d796b81d070fb043493d0145e3fd2a3de357907ba40c4dee9cdc45ad880",
        .network_id = "533f1bfb7ccae51c17f4fed9bbb9014dee2a0ea9decd01f9503b45bd25d07fd6",
        .network_name = "795a9db8",
        .initiator_seed = "15e620c537f99baa922828a6b71ffa113a2735e1ebf814439f574dfd3a841fee",
        .initiator_id = "13ed0666c25006b59d7e8cd158c979c31aa0a626951f728a7e4f1926f6ea2f20",
        .initiator_static = "4bb65d7069bd027cefd2f5bfe7edb1df39eee07c8336e7dc66a4f27fdeefae7b",
        .initiator_address = "fd533f1bfb7ce5e9bedfc5f113c68e86",
        .initiator_ephemeral = "0fb28a0222523c1a0ac4192745f07b8d10ab681d621099c67531d1b918fd5a5f",
        .responder_seed = "5d0c949df5281bd9cb8fbdee1f313ba5cb0fdf52f50c5d528463f047850f1266",
        .responder_id = "7e0814418d8a5918dcc6a9c1011c9113d6a1bd74f6de29e30a8559bc7afd273e",
        .responder_static = "0093342ca3f05690d5e33254dccf4f9c97d09430f11ad8e913331f23a8359c2a",
        .responder_address = "fd533f1bfb7c4cccb58b4ae601511ba6",
        .responder_ephemeral = "deb5dbdbfb62705329f6d4da5d9a346fd9812541fa6795b3014e821af3b701eb",
        .initiator_index = "4294967295",
        .responder_index = "1",
        .initiator_suites = "1",
        .responder_suites = "3",
        .initiator_lanes = "4",
        .responder_lanes = "2",
        .suite = "1",
        .initiator_cookie = "3df407038bd83f5850fe740d7135aa95",
        .message1 = "0104010080035b36b18f133748e1ba85bf8cd3bb3e517a459b934fbb7c49af0e9ac81e20"
            "98de3667b4fe359d2c9337164f6051274aa38349bdc5fb786f281f9572847c62d51e3a8d"
            "6cd29bd06a97cfdfc5cd66e2c940ccf2291c16d278be0bdeaefaf056bbd6ea52ec655f57"
            "b10516ce72a53502a2b4debcc94c8bcc6b491b1a618710518eae1ef2a31910fcce509447"
            "1fb6c32f3d416e016cef1137bd2ee8a7",
        .message2 = "02040100ffffffff3023c14fd3ae62d3f25ea19d0f68c1ada88b4967f47b0930d398e33d"
            "b6401f5f77484b50888e3b41439eb226913ca5c10f2b0882ba8bdcf2c8b5dee9625501bf"
            "6f8b33216d9a46902272f110e0bdc8d5c02418c6279f55a7c097aeb492829d4ca537da66"
            "97894a740a68890d21abff19efb454435935aba823a6b47de1edd9796c4fda87b8a4b4ca"
            "13796b922764ee3d",
        .message3 = "0304010001000000a105a25a36135fab5ddbbe53265ab920c369a9e8109cd79c489a8065"
            "bb81cdf99c5b0aeec54fff5f5b362bff8008462df4bed17a5eabbbba62e7af6884a84c2a"
            "23b6660d3f0d8fbbea5a4c02a044bec7f22a96cde5b687e2adc763231c87adfa03569136"
            "902a7593",
        .handshake_hash = "e285d20fe21cc66f3b8b7e6ecc731739dd7dd3bf250bd1ab7843c0b68e52c774",
        .initiator_key = "3d8fc04780761f48ccbaf353546c07844480a68c65f14a32f86e2f804f55ca8a",
        .responder_key = "255d99f86188934fd9eee93ce3e26864cdc84eeed533249814c6e7e6be0e24d1",
        .packet = "4500002000010000400166c40a01000b0a01000c08002a2b000100016563686f",
        .packet_lane = "7",
        .packet_sequence = "268435455",
        .packet_flags = "0",
        .datagram = "0500000001000000ffffff0f000000e0bfe7e5b38f9e5841379cb8166c324afa9b90103e"
            "1a99393d133eb3f69d5b4ef11edc6653ddda1a418a7aa1ee49b57cc3",
        .cookie_secret = "dd8d721235fca4922bad7a8a6603c6a4ff3bd7e6721f6bc65543c83e252a0127",
        .cookie_address = "00000000000000000000ffffc0000201",
        .cookie_port = "4242",
        .cookie = "3df407038bd83f5850fe740d7135aa95",
        .cookie_nonce = "b3381256a8eb1724e9e47b1e4b8021851b9cc94c70de9cb7",
        .cookie_message = "04040100ffffffffb3381256a8eb1724e9e47b1e4b8021851b9cc94c70de9cb7870731c8"
            "b3286455dd9c9881f95614a007e9f918e6cbe4fcab7274d18010a965",
        .refused_ids = {
            "13ed0666c25006b59d7e8cd158c979c31aa0a626951f728a7e4f1926f6ea2fa0",
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0200000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "da12f9993daff94a6281732ea736863ce55f59d96ae08d7581b0e6d90915d05f",
        },
    },
};
/* clang-format on */

#endif
