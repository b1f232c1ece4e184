/* SPDX-License-Identifier: Apache-2.0
 * The rANS encoder with vectors where the machine has them. Host only. */
#ifndef MOTE_ENC_RANS_FAST_H
#define MOTE_ENC_RANS_FAST_H

#include "common/rans.h"

/** mote_rans_put_row(), to the bit, faster for 8 and 32 lanes on x86-64 with AVX2. */
void mote_rans_put_row_fast(mote_rans_enc *e, const mote_enc_table *t, const mote_token *token, size_t n);

#endif
