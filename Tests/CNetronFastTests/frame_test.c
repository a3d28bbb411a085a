/* SPDX-License-Identifier: Apache-2.0 */
/* frame_test.c - datagrams on a connection, and what an HTTP proxy is asked and answers. */
#include "machine/frame.h"
#include "machine/proxy.h"
#include "namespace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* --- frames ----------------------------------------------------------------------------------- */

static void a_frame_is_there_when_its_last_byte_is(void **state)
{
    (void)state;
    uint8_t bytes[NF_FRAME_WHOLE_BYTES_MAX + 10] = {0};
    static const uint16_t lengths[] = {NF_SESSION_OVERHEAD_BYTES, 160, NF_FRAME_BYTES_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        nf_store_be16(bytes, lengths[i]);
        bytes[NF_FRAME_HEAD_BYTES] = NF_TYPE_DATA;
        size_t whole = (size_t)NF_FRAME_HEAD_BYTES + lengths[i];
        for (size_t there = 0; there < whole; there++) {
            assert_int_equal(nf_frame_first(bytes, there), 0);
        }
        assert_int_equal(nf_frame_first(bytes, whole), whole);
        assert_int_equal(nf_frame_first(bytes, whole + 10), whole);
    }
}

static void what_can_be_no_frame_is_known_early(void **state)
{
    (void)state;
    uint8_t bytes[NF_FRAME_WHOLE_BYTES_MAX] = {0};
    nf_store_be16(bytes, NF_SESSION_OVERHEAD_BYTES - 1);
    assert_int_equal(nf_frame_first(bytes, 2), -1);
    nf_store_be16(bytes, NF_FRAME_BYTES_MAX + 1);
    assert_int_equal(nf_frame_first(bytes, 2), -1);
    nf_store_be16(bytes, 100);
    for (unsigned type = 0; type < 256; type++) {
        bytes[2] = (uint8_t)type;
        bool known = type >= NF_TYPE_MESSAGE1 && type <= NF_TYPE_RELAY;
        assert_int_equal(nf_frame_first(bytes, 3), known ? 0 : -1);
    }
    assert_int_equal(nf_frame_first((const uint8_t *)"GET / HTTP/1.1", 14), -1);
    assert_int_equal(nf_frame_first((const uint8_t *)"\x16\x03\x01\x02", 4), -1); /* TLS */
}

/* --- the proxy -------------------------------------------------------------------------------- */

static void the_request_names_the_address(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint16_t port;
        const char *text;
    } cases[] = {
        {"10.0.200.1", 7000, "10.0.200.1:7000"},
        {"255.255.255.255", 65535, "255.255.255.255:65535"},
        {"2001:db8::a1", 1, "[2001:db8:0:0:0:0:0:a1]:1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t out[NF_PROXY_REQUEST_BYTES_MAX] = {0};
        char expected[2 * NF_PROXY_REQUEST_BYTES_MAX];
        netron_endpoint to = endpoint_of(cases[i].address, cases[i].port);
        size_t length = nf_proxy_request(&to, out);
        int n = snprintf(expected, sizeof(expected), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                         cases[i].text, cases[i].text);
        assert_int_equal(length, n);
        assert_memory_equal(out, expected, length);
    }
}

/* Whole, and byte by byte. */
static void check_answer(const char *answer, nf_proxy_result expected, size_t left)
{
    nf_proxy proxy = {0};
    size_t used, length = strlen(answer);
    assert_int_equal(nf_proxy_take(&proxy, (const uint8_t *)answer, length, &used), expected);
    if (expected == NF_PROXY_OPEN) {
        assert_int_equal(length - used, left);
    }
    memset(&proxy, 0, sizeof(proxy));
    nf_proxy_result result = NF_PROXY_WAIT;
    size_t at = 0;
    while (at < length && result == NF_PROXY_WAIT) {
        result = nf_proxy_take(&proxy, (const uint8_t *)answer + at, 1, &used);
        at++;
    }
    assert_int_equal(result, expected);
    assert_true(expected != NF_PROXY_OPEN || length - at == left);
}

static void a_success_opens_and_nothing_else_does(void **state)
{
    (void)state;
    check_answer("HTTP/1.1 200 Connection established\r\n\r\n", NF_PROXY_OPEN, 0);
    check_answer("HTTP/1.0 200 OK\r\nVia: a\r\nX: b\r\n\r\n\1\2\3", NF_PROXY_OPEN, 3);
    check_answer("HTTP/1.1 204\n\nabc", NF_PROXY_OPEN, 3);
    check_answer("HTTP/1.1 200 OK\r\nVia: a\r\n", NF_PROXY_WAIT, 0);
    check_answer("", NF_PROXY_WAIT, 0);
    check_answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", NF_PROXY_REFUSED, 0);
    check_answer("HTTP/1.1 503 no\r\n\r\n", NF_PROXY_REFUSED, 0);
    check_answer("HTTP/1.1 100 Continue\r\n\r\n", NF_PROXY_REFUSED, 0);
    check_answer("HTTP/2 200\r\n\r\n", NF_PROXY_REFUSED, 0);
    check_answer("\r\n\r\n", NF_PROXY_REFUSED, 0);
    check_answer("SSH-2.0-x\r\n", NF_PROXY_REFUSED, 0);
    check_answer("HTTP/1.1 20\r\n\r\n", NF_PROXY_REFUSED, 0);
}

static void an_answer_has_a_bound(void **state)
{
    (void)state;
    static const char begin[] = "HTTP/1.1 200 OK\r\n";
    static uint8_t answer[NF_PROXY_ANSWER_BYTES_MAX + 1];
    memset(answer, 'x', sizeof(answer));
    memcpy(answer, begin, sizeof(begin) - 1);
    nf_proxy proxy = {0};
    size_t used;
    assert_int_equal(nf_proxy_take(&proxy, answer, NF_PROXY_ANSWER_BYTES_MAX, &used),
                     NF_PROXY_WAIT);
    assert_int_equal(nf_proxy_take(&proxy, answer, 1, &used), NF_PROXY_REFUSED);
    memset(&proxy, 0, sizeof(proxy));
    memcpy(answer + NF_PROXY_ANSWER_BYTES_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(nf_proxy_take(&proxy, answer, sizeof(answer), &used), NF_PROXY_OPEN);
    assert_int_equal(used, NF_PROXY_ANSWER_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_there_when_its_last_byte_is),
        cmocka_unit_test(what_can_be_no_frame_is_known_early),
        cmocka_unit_test(the_request_names_the_address),
        cmocka_unit_test(a_success_opens_and_nothing_else_does),
        cmocka_unit_test(an_answer_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
