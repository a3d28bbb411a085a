/* SPDX-License-Identifier: Apache-2.0 */
/* assert.h - a condition that only a bug of ours can break; checked in release builds too. */
#ifndef NF_ASSERT_H
#define NF_ASSERT_H

/** Prints where and what to stderr, then aborts. Defined once, in common.c. */
_Noreturn void nf_assert_failed(const char *condition, const char *file, int line);

#define nf_assert(condition)                                  \
    do {                                                      \
        if (__builtin_expect(!(condition), 0)) {              \
            nf_assert_failed(#condition, __FILE__, __LINE__); \
        }                                                     \
    } while (0)

#endif
