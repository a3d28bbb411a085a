/* SPDX-License-Identifier: Apache-2.0 */
/* namespace.c - a network of its own for a test program, and what it does there. */
#include "namespace.h"

#include "linux/interface.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LOOPBACK_MTU = 65536, LOOPBACK_QUEUE = 1000, SETTLE_STEP_MS = 10 };

bool namespace_enter(void)
{
    return unshare(CLONE_NEWNET) == 0 &&
           nf_link_up(LOOPBACK_INDEX, LOOPBACK_MTU, LOOPBACK_QUEUE) == 0;
}

static void namespaces_are_permitted(void **state)
{
    (void)state;
    skip();
}

int namespace_refused(void)
{
    const char *wish = getenv("NETRON_SKIP_PRIVILEGED");
    printf("This test makes a network namespace and needs root: run it as root, or set "
           "NETRON_SKIP_PRIVILEGED=1 to do without it.\n");
    if (wish == NULL || strcmp(wish, "1") != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(namespaces_are_permitted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

netron_prefix prefix_of(const char *text, uint8_t length)
{
    netron_prefix prefix = {.length = length};
    prefix.family = strchr(text, ':') == NULL ? 4 : 6;
    assert_int_equal(inet_pton(prefix.family == 4 ? AF_INET : AF_INET6, text, prefix.address), 1);
    return prefix;
}

netron_endpoint endpoint_of(const char *text, uint16_t port)
{
    netron_endpoint endpoint = {.port = port};
    if (strchr(text, ':') == NULL) {
        memset(endpoint.address + 10, 0xff, 2);
        assert_int_equal(inet_pton(AF_INET, text, endpoint.address + 12), 1);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, endpoint.address), 1);
    }
    return endpoint;
}

bool address_settled(const char *text, uint32_t scope)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool arrived = false;
    assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    assert_int_equal(inet_pton(AF_INET6, text, &name.sin6_addr), 1);
    name.sin6_scope_id = scope;
    for (int waited_ms = 0; waited_ms < WAIT_MS && !arrived; waited_ms += SETTLE_STEP_MS) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        arrived = sendto(fd, "", 0, 0, (struct sockaddr *)&name, sizeof(name)) == 0 &&
                  poll(&wait, 1, SETTLE_STEP_MS) == 1;
    }
    close(fd);
    return arrived;
}

bool readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, WAIT_MS) == 1;
}

size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* The low halves of arguments are looked at, on a little-endian machine. */
static uint32_t argument_offset(uint32_t argument)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
}

bool refuse_calls(const refusal *refusal)
{
    uint8_t otherwise = refusal->also == 0 ? 0 : 3;
    uint16_t test = refusal->exact ? BPF_JEQ : BPF_JSET;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal->number, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_offset(1)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal->also, 0, otherwise),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_offset(refusal->argument)),
        BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | test), refusal->bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int in_child(int (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
