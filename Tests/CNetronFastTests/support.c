/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - what a test program needs when it is linked with single modules of the core. */
#include "machine/assert.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((weak)) void nf_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
