/* SPDX-License-Identifier: Apache-2.0 */
/* flows.h - TCP through two devices (sides.h), with both ends in the calling thread. */
#ifndef NF_TEST_FLOWS_H
#define NF_TEST_FLOWS_H

/** Some flows one after the other, in turns from either side: what comes out is what went in, in
 *  order and whole, or the test fails. */
void carry_flows(void);

#endif
