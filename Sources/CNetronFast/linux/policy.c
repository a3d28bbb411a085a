/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - routes over the interface that may be as wide as all addresses. */
#include "linux/policy.h"

#include "linux/interface.h"
#include "linux/rtnl.h"
#include "netron/device.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static uint32_t table_of(const nf_policy *policy)
{
    return NF_POLICY_TABLE + policy->place;
}

/* FNV-1a: names differ in few letters, and their order must not matter. */
static uint32_t hash(const char *name)
{
    uint32_t hash = 2166136261U;
    for (; *name != 0; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619U;
    }
    return hash ^ hash >> 16;
}

/* One of the two rules of a family: `narrow` is the one that leads to the main table. */
static int change_rule(const nf_policy *policy, uint16_t type, uint8_t family, bool narrow)
{
    struct fib_rule_hdr body = {
        .family = family,
        .table = RT_TABLE_UNSPEC,
        .action = FR_ACT_TO_TBL,
        .flags = FIB_RULE_INVERT,
    };
    uint32_t priority = NF_POLICY_PRIORITY + 2 * policy->place + (narrow ? 0 : 1);
    uint32_t table = narrow ? RT_TABLE_MAIN : table_of(policy);
    uint32_t mark = NETRON_MARK_UNDERLAY, mask = NETRON_MARK_MASK, suppressed = 0;
    nf_rtnl change;
    unsigned flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;
    nf_rtnl_begin(&change, type, flags, &body, sizeof(body));
    nf_rtnl_attach(&change, FRA_PRIORITY, &priority, sizeof(priority));
    nf_rtnl_attach(&change, FRA_FWMARK, &mark, sizeof(mark));
    nf_rtnl_attach(&change, FRA_FWMASK, &mask, sizeof(mask));
    nf_rtnl_attach(&change, FRA_TABLE, &table, sizeof(table));
    if (narrow) {
        nf_rtnl_attach(&change, FRA_SUPPRESS_PREFIXLEN, &suppressed, sizeof(suppressed));
    }
    return nf_rtnl_perform(&change);
}

/* Also what another life left, which may be there more than once. The wide rule goes first: without
 * the narrow one it would take what is the host's own. */
static void remove_rules(const nf_policy *policy, uint8_t family)
{
    for (int narrow = 0; narrow < 2; narrow++) {
        for (int i = 0; i < NF_POLICY_LEFTOVERS_MAX; i++) {
            if (change_rule(policy, RTM_DELRULE, family, narrow != 0) != 0) {
                break;
            }
        }
    }
}

static int add_rules(nf_policy *policy, uint8_t family)
{
    bool *ruled = &policy->ruled[family == AF_INET ? 0 : 1];
    if (*ruled) {
        return 0;
    }
    remove_rules(policy, family);
    int error = change_rule(policy, RTM_NEWRULE, family, true);
    error = error == 0 ? change_rule(policy, RTM_NEWRULE, family, false) : error;
    if (error != 0) {
        remove_rules(policy, family);
    }
    *ruled = error == 0;
    return error;
}

void nf_policy_init(nf_policy *policy, uint32_t index, const char *name)
{
    *policy = (nf_policy){.index = index, .place = hash(name) % NF_POLICY_PLACES};
}

int nf_policy_set(nf_policy *policy, const netron_prefix *prefix, bool present)
{
    if (!present) {
        int error = nf_route_remove(policy->index, table_of(policy), prefix);
        return error == -ESRCH ? 0 : error;
    }
    int error = add_rules(policy, prefix->family == 4 ? AF_INET : AF_INET6);
    error = error == 0 ? nf_route_add(policy->index, table_of(policy), prefix) : error;
    return error == -EEXIST ? 0 : error;
}

void nf_policy_close(nf_policy *policy)
{
    for (int i = 0; i < 2; i++) {
        if (policy->ruled[i]) {
            remove_rules(policy, i == 0 ? AF_INET : AF_INET6);
            policy->ruled[i] = false;
        }
    }
}
