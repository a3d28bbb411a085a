/* SPDX-License-Identifier: Apache-2.0 */
/* circuits.c - which circuits there are: made, looked after, ended. */
#include "machine/core.h"

uint32_t nf_core_circuit_id(nf_core *core)
{
    (void)core;
    return 0;
}

int nf_core_circuit_end(nf_core *core, const netron_circuit_side *side, uint64_t now_ns)
{
    (void)core;
    (void)side;
    (void)now_ns;
    return NETRON_E_UNSUPPORTED;
}

int nf_core_circuit_forward(nf_core *core,
                            const netron_circuit_side *a,
                            const netron_circuit_side *b,
                            uint32_t bytes_per_second,
                            uint64_t now_ns)
{
    (void)core;
    (void)a;
    (void)b;
    (void)bytes_per_second;
    (void)now_ns;
    return NETRON_E_UNSUPPORTED;
}

int nf_core_circuit_close(nf_core *core, uint32_t id_in, uint64_t now_ns)
{
    (void)core;
    (void)id_in;
    (void)now_ns;
    return NETRON_E_UNSUPPORTED;
}

int nf_core_try_path(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint64_t now_ns)
{
    (void)core;
    (void)id;
    (void)endpoint;
    (void)now_ns;
    return NETRON_E_UNSUPPORTED;
}

int nf_core_use_path(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint64_t now_ns)
{
    (void)core;
    (void)id;
    (void)endpoint;
    (void)now_ns;
    return NETRON_E_UNSUPPORTED;
}

int nf_core_circuit_info(const nf_core *core, uint32_t id_in, netron_circuit_info *out)
{
    (void)core;
    (void)id_in;
    (void)out;
    return NETRON_E_UNSUPPORTED;
}
