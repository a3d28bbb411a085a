/* SPDX-License-Identifier: Apache-2.0 */
/* netron.h - the whole public interface of the packet core. */
#ifndef NETRON_NETRON_H
#define NETRON_NETRON_H

#include "netron/base.h"
#include "netron/device.h"
#include "netron/engine.h"
#include "netron/error.h"
#include "netron/types.h"

#endif
