/* SPDX-License-Identifier: Apache-2.0
 * Reads the input as npz or npy. An archive that opens stays the same model when written again. An npy file is also
 * sealed in a fresh archive, stored or deflated by its length, so that the fuzzer need not find checksums: alone and as
 * a member it must get the same verdict and yield the same elements. */
#include "model_check.h"

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#include "base/le.h"
#include "model/npz_write.h"

static size_t deflate_into(uint8_t *out, size_t room, const uint8_t *in, size_t size)
{
    z_stream z = { 0 };
    MUST(deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = in;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
    const size_t n = z.total_out;
    (void)deflateEnd(&z);
    return n;
}

/* An archive of one member, owned. */
static uint8_t *seal(const uint8_t *npy, size_t size, size_t *sealed)
{
    const bool packed = size % 2 == 1;
    const size_t room = size + size / 8 + 64; /* more than deflate needs for what it cannot pack */
    uint8_t record[MOTE_ZIP_RECORD_MAX];
    const mote_zip_member member = { .name = "arr_0", .size = size, .crc = (uint32_t)crc32_z(0, npy, size) };
    uint8_t *out = malloc(room + 3 * (size_t)MOTE_ZIP_RECORD_MAX);
    MUST(out != NULL);
    const size_t head = mote_zip_local(record, &member);
    size_t n = size;
    if (packed)
        n = deflate_into(out + head, room, npy, size);
    else
        memcpy(out + head, npy, size);
    if (packed) {
        mote_put16(record + 8, 8);
        mote_put32(record + 18, (uint32_t)n);
    }
    memcpy(out, record, head);
    size_t at = head + n;
    const size_t central = mote_zip_central(record, &member);
    if (packed) {
        mote_put16(record + 10, 8);
        mote_put32(record + 20, (uint32_t)n);
    }
    memcpy(out + at, record, central);
    at += central;
    const size_t end = mote_zip_end(record, 1, head + n, central);
    memcpy(out + at, record, end);
    *sealed = at + end;
    return out;
}

static void check_sealed(mote_model *alone, mote_status st, const uint8_t *npy, size_t size)
{
    size_t n;
    uint8_t *archive = seal(npy, size, &n);
    mote_status inside;
    mote_model *m = open_model(archive, n, &inside);
    MUST(inside == st);
    if (m != NULL) {
        MUST(strcmp(mote_model_format(m), "npz") == 0);
        check_equal(alone, m);
        mote_model_close(m);
    }
    free(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_status st;
    mote_model *m = open_model(data, size, &st);
    if (size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0) check_sealed(m, st, data, size);
    if (m == NULL) return 0;
    check_tensors(m);
    check_round_trip(m, MOTE_EXPORT_NPZ);
    mote_model_close(m);
    return 0;
}
