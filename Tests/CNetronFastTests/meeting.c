/* SPDX-License-Identifier: Apache-2.0 */
/* meeting.c - two members and the three messages between them, a step at a time. */
#include "meeting.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static const uint8_t secret[] = "what every member knows";

void make_identity(nf_identity *identity, uint8_t seed)
{
    uint8_t bytes[32] = {seed};
    while (!nf_identity_from_seed(identity, bytes)) {
        bytes[1]++;
    }
}

member make_member(uint8_t number, uint64_t epoch)
{
    member m;
    memset(&m, 0, sizeof(m));
    make_identity(&m.identity, number);
    nf_network_init(&m.network, secret, sizeof(secret) - 1, EPOCH_SECONDS);
    (void)nf_network_set_time(&m.network, epoch * EPOCH_SECONDS);
    m.hello = (nf_hello){.index = 0x01020300u + number, .suites = BOTH, .lanes = 1, .wall_ms = 5};
    memset(m.ephemeral, 0x50 + number, sizeof(m.ephemeral));
    return m;
}

meeting begin_meeting(void)
{
    meeting m = {.a = make_member(1, EPOCH), .b = make_member(2, EPOCH)};
    m.a.hello.lanes = 2;
    m.a.hello.wall_ms = 1234567890123;
    memset(m.a.hello.cookie, 0xc0, sizeof(m.a.hello.cookie));
    m.b.hello.lanes = NETRON_LANES_MAX;
    return m;
}

void write1(meeting *m)
{
    nf_handshake_write1(&m->a.handshake, &m->a.identity, &m->a.network, &m->a.hello, m->a.ephemeral,
                        m->message1);
}

nf_handshake_result read1(meeting *m)
{
    return nf_handshake_read1(&m->b.handshake, &m->b.identity, &m->b.network, m->message1,
                              sizeof(m->message1));
}

nf_handshake_result write2(meeting *m)
{
    return nf_handshake_write2(&m->b.handshake, &m->b.identity, &m->b.hello, m->b.ephemeral,
                               m->message2);
}

nf_handshake_result read2(meeting *m)
{
    return nf_handshake_read2(&m->a.handshake, m->message2, sizeof(m->message2));
}

nf_handshake_result write3(meeting *m)
{
    return nf_handshake_write3(&m->a.handshake, &m->a.identity, m->message3);
}

nf_handshake_result read3(meeting *m)
{
    return nf_handshake_read3(&m->b.handshake, m->message3, sizeof(m->message3));
}

meeting meet(unsigned steps)
{
    nf_handshake_result (*const all[])(meeting *) = {read1, write2, read2, write3, read3};
    meeting m = begin_meeting();
    write1(&m);
    for (unsigned i = 0; i + 1 < steps; i++) {
        assert_int_equal(all[i](&m), NF_HANDSHAKE_OK);
    }
    return m;
}

void assert_keys_agree(const meeting *m)
{
    uint8_t a_send[32], a_receive[32], b_send[32], b_receive[32];
    nf_handshake_keys(&m->a.handshake, a_send, a_receive);
    nf_handshake_keys(&m->b.handshake, b_send, b_receive);
    assert_memory_equal(a_send, b_receive, 32);
    assert_memory_equal(a_receive, b_send, 32);
    assert_memory_not_equal(a_send, a_receive, 32);
}
