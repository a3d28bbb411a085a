/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - what two ends of a session say about the link itself (type LINK), before sealing. Pure.
 *
 *   ECHO, ECHO_REPLY       kind u8 | 0 u24 | opaque 16          the reply returns what came
 *   CHALLENGE, RESPONSE    kind u8 | 0 u24 | secret 8           the response returns it
 *   PROBE                  kind u8 | search u8 | size u16 | 0 ...    the zeros fill the datagram up
 *   PROBE_REPLY            kind u8 | search u8 | size u16            both as they came
 *   GOODBYE                kind u8 | reason u8 | 0 u16          the sender ends the session
 */
#ifndef NF_LINK_H
#define NF_LINK_H

enum nf_link_kind {
    NF_LINK_ECHO = 1,
    NF_LINK_ECHO_REPLY = 2,
    NF_LINK_CHALLENGE = 3,
    NF_LINK_RESPONSE = 4,
    NF_LINK_PROBE = 5,
    NF_LINK_PROBE_REPLY = 6,
    NF_LINK_GOODBYE = 7,
};

/** Why a goodbye was said; another number is taken for LEAVING. */
enum nf_goodbye_reason {
    NF_GOODBYE_LEAVING = 0,
    NF_GOODBYE_IDLE = 1, /* nobody used the session, and the sender does not keep it */
};

enum nf_link_lengths {
    NF_LINK_ECHO_BYTES = 20,
    NF_LINK_CHALLENGE_BYTES = 12,
    NF_LINK_PROBE_BYTES_MIN = 4,
    NF_LINK_GOODBYE_BYTES = 4,
    NF_LINK_BODY_BYTES_MAX = 64, /* of any kind, but for what fills a probe up */
};

#endif
