/* SPDX-License-Identifier: Apache-2.0 */
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
