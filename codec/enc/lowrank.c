/* SPDX-License-Identifier: Apache-2.0 */
#include "enc/encoder.h"
mote_status mote_encoder_lowrank(mote_encoder *e)
{
    (void)e;
    return MOTE_OK;
}
