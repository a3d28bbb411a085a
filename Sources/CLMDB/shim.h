/* SPDX-License-Identifier: Apache-2.0 */
#include <lmdb.h>
/* For malloc_trim(), which the Glibc module does not have. */
#include <malloc.h>
