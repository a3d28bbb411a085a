/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - the clocks of a host. */
#include "loop/clock.h"

#include <sys/timex.h>
#include <time.h>

/* 2026-11-01: a clock that shows less was never set. */
static const uint64_t written_ms = UINT64_C(1793491200000);

uint64_t nf_clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t nf_clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t wall_ms = (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
    return wall_ms < written_ms ? 0 : wall_ms;
}

bool nf_clock_is_synchronized(void)
{
    struct timex request = {.modes = 0}; /* only read */
    return adjtimex(&request) != -1 && (request.status & STA_UNSYNC) == 0;
}
