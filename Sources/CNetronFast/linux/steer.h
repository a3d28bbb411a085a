/* SPDX-License-Identifier: Apache-2.0 */
/* steer.h - the socket filter that brings a session message to the lane that owns it. */
#ifndef NF_STEER_H
#define NF_STEER_H

#include <stdint.h>

/** Attaches the program to the SO_REUSEPORT group of `fd`, whose sockets are in the order control,
 *  lane 0, lane 1, ... Needs no right. @return 0 or a negative errno */
int nf_steer_attach(int fd, uint32_t lanes);

#endif
