/* SPDX-License-Identifier: Apache-2.0
 * The zstd coder of planes. Spec codecs.md 4. Host only. */
#ifndef MOTE_ENC_ZSTD_PLANE_H
#define MOTE_ENC_ZSTD_PLANE_H

#include <stddef.h>
#include <stdint.h>

#include "mote/status.h"

/** One frame with its content size and nothing else; *frame is owned by the caller (free). NOMEM. */
mote_status mote_zstd_frame(uint8_t **frame, size_t *bytes, const uint8_t *p, size_t n, unsigned level) MOTE_MUST_CHECK;

#endif
