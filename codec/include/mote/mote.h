/* SPDX-License-Identifier: Apache-2.0
 * Everything public, for hosts. A device includes mote/loader.h. */
#ifndef MOTE_MOTE_H
#define MOTE_MOTE_H

#include "mote/encode.h"
#include "mote/host.h"
#include "mote/loader.h"
#include "mote/model.h"
#include "mote/pack.h"
#include "mote/sign.h"
#include "mote/version.h"
#include "mote/write.h"

#endif
