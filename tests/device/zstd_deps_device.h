/* SPDX-License-Identifier: Apache-2.0
 * Seen by libzstd's files before their own headers: here nothing can be allocated, so no malloc() is linked. */
#ifndef MOTE_TEST_ZSTD_DEPS_DEVICE_H
#define MOTE_TEST_ZSTD_DEPS_DEVICE_H

#include <stddef.h>

#define ZSTD_DEPS_MALLOC
#define ZSTD_malloc(bytes) ((void)(bytes), (void *)NULL)
#define ZSTD_calloc(n, bytes) ((void)(n), (void)(bytes), (void *)NULL)
#define ZSTD_free(p) ((void)(p))

#endif
