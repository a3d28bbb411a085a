/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the clocks of a host. */
#ifndef NF_CLOCK_H
#define NF_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/** CLOCK_BOOTTIME in nanoseconds: it goes on while the host sleeps, and so sessions end. */
uint64_t nf_clock_now(void);

/** Milliseconds since 1970, or 0 if the clock shows a time before this code was written. */
uint64_t nf_clock_wall_ms(void);

/** Whether something keeps that clock right, as the kernel knows. */
bool nf_clock_is_synchronized(void);

#endif
