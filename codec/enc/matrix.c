/* SPDX-License-Identifier: Apache-2.0
 * Fetching rectangles of a tensor. Host only. */
#include "enc/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "enc/f8.h"

#define BLOCK 256 /* values converted at a time */
#define SUMS 64   /* interleaved: enough that compilers keep them in vectors */

mote_status mote_fetch_reserve(mote_fetch *f, size_t elements)
{
    if (elements <= f->elements) return MOTE_OK;
    if (elements > SIZE_MAX / 8) return MOTE_ERR_NOMEM;
    mote_fetch_free(f);
    f->raw = malloc(elements * 8);
    f->out = malloc(elements * 8);
    f->elements = elements;
    if (f->raw && f->out) return MOTE_OK;
    mote_fetch_free(f);
    return MOTE_ERR_NOMEM;
}

void mote_fetch_free(mote_fetch *f)
{
    free(f->raw);
    free(f->out);
    *f = (mote_fetch){ 0 };
}

static unsigned bytes_of(unsigned dtype)
{
    unsigned bits = mote_dtype_bits(dtype);
    return bits < 8 ? 1 : bits / 8;
}

unsigned mote_matrix_elem_bytes(const mote_matrix *m)
{
    return m->affine ? 2 : bytes_of(m->held);
}

/* --- gathering ---------------------------------------------------------------------------------------------------- */

/* to[r][c] = from[c][r] for r < rows, c < n; from's rows are `stride` elements apart. In tiles, so that the lines of
 * both sides stay in the cache. Inlined for each size, so that copies become loads and stores. */
#define TILE 16
static inline void transpose_of(uint8_t *to, const uint8_t *from, size_t rows, size_t n, uint64_t stride, size_t bytes)
{
    for (size_t c0 = 0; c0 < n; c0 += TILE)
        for (size_t r0 = 0; r0 < rows; r0 += TILE) {
            const size_t c1 = n - c0 < TILE ? n : c0 + TILE, r1 = rows - r0 < TILE ? rows : r0 + TILE;
            for (size_t c = c0; c < c1; c++)
                for (size_t r = r0; r < r1; r++)
                    memcpy(to + (r * n + c) * bytes, from + (c * stride + r) * bytes, bytes);
        }
}

static void transpose(const mote_matrix *m, uint64_t row, uint64_t col, size_t rows, size_t n, uint8_t *to)
{
    const unsigned bytes = bytes_of(m->dtype);
    const uint8_t *from = m->data + (col * m->rows + row) * bytes;
    switch (bytes) {
    case 1: transpose_of(to, from, rows, n, m->rows, 1); break;
    case 2: transpose_of(to, from, rows, n, m->rows, 2); break;
    case 4: transpose_of(to, from, rows, n, m->rows, 4); break;
    default: transpose_of(to, from, rows, n, m->rows, 8);
    }
}

static void unpack(const uint8_t *data, unsigned bits, uint64_t at, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bit = (at + i) * bits;
        unsigned x = data[bit / 8];
        if (bit % 8 + bits > 8) x |= (unsigned)data[bit / 8 + 1] << 8;
        to[i] = (uint8_t)(x >> bit % 8 & ((1u << bits) - 1));
    }
}

static const uint8_t *gather(const mote_matrix *m, uint64_t row, uint64_t col, size_t rows, size_t n, mote_fetch *f)
{
    const unsigned bits = mote_dtype_bits(m->dtype), bytes = bytes_of(m->dtype);
    if (m->axis) {
        transpose(m, row, col, rows, n, f->raw);
        return f->raw;
    }
    if (bits < 8) {
        for (size_t r = 0; r < rows; r++) unpack(m->data, bits, (row + r) * m->cols + col, n, f->raw + r * n);
        return f->raw;
    }
    const uint8_t *from = m->data + (row * m->cols + col) * bytes;
    if ((rows == 1 || n == m->cols) && !m->prune) return from;
    for (size_t r = 0; r < rows; r++) memcpy(f->raw + r * n * bytes, from + r * m->cols * bytes, n * bytes);
    return f->raw;
}

/* --- pruning ------------------------------------------------------------------------------------------------------ */

#define PRUNE_ROW(load, store, bytes, magnitude)                                        \
    for (size_t i = 0; i < n; i++, at += step) {                                        \
        uint64_t a = load(p + i * (bytes)) & (magnitude);                               \
        if (a < k->limit || (a == k->limit && at >= k->tie)) store(p + i * (bytes), 0); \
    }

static void prune_row(const mote_prune *k, unsigned bytes, uint8_t *p, size_t n, uint64_t at, uint64_t step)
{
    if (bytes == 2) {
        PRUNE_ROW(mote_le16, mote_put16, 2, 0x7FFF)
    } else if (bytes == 4) {
        PRUNE_ROW(mote_le32, mote_put32, 4, 0x7FFFFFFF)
    } else {
        PRUNE_ROW(mote_le64, mote_put64, 8, INT64_MAX)
    }
}

static void prune(const mote_matrix *m, uint64_t row, uint64_t col, size_t rows, size_t n, uint8_t *raw)
{
    const unsigned bytes = bytes_of(m->dtype);
    const uint8_t *gone = m->prune->gone;
    for (size_t r = 0; r < rows; r++) {
        uint64_t at = m->axis ? col * m->rows + row + r : (row + r) * m->cols + col;
        for (size_t i = 0; gone && i < n; i++, at += m->axis ? m->rows : 1)
            if (gone[at / 8] >> at % 8 & 1) memset(raw + (r * n + i) * bytes, 0, bytes);
        if (gone) continue;
        prune_row(m->prune, bytes, raw + r * n * bytes, n, at, m->axis ? m->rows : 1);
    }
}

/* --- conversions -------------------------------------------------------------------------------------------------- */

static uint32_t load_f32(const uint8_t *p, unsigned dtype, size_t i)
{
    switch (dtype) {
    case MOTE_F16: return mote_f16_to_f32(mote_le16(p + 2 * i));
    case MOTE_BF16: return (uint32_t)mote_le16(p + 2 * i) << 16;
    case MOTE_F64: return mote_f64_to_f32(mote_le64(p + 8 * i));
    default: return mote_le32(p + 4 * i);
    }
}

/* to may be p: elements do not grow. */
static void cast(uint8_t *to, unsigned held, const uint8_t *p, unsigned dtype, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t x = load_f32(p, dtype, i);
        if (held == MOTE_F32)
            mote_put32(to + 4 * i, x);
        else if (held >= MOTE_F8_E4M3)
            to[i] = mote_f32_to_f8(x, held);
        else
            mote_put16(to + 2 * i, held == MOTE_F16 ? mote_f32_to_f16(x) : mote_f32_to_bf16(x));
    }
}

/* Value of a bit pattern as binary64. */
static double f32_value(uint32_t b)
{
    float x;
    memcpy(&x, &b, 4);
    return x;
}

void mote_values(double *out, const uint8_t *data, uint8_t dtype, uint64_t at, size_t n)
{
    const uint8_t *p = data + at * bytes_of(dtype);
    if (dtype >= MOTE_F8_E4M3) {
        for (size_t i = 0; i < n; i++) out[i] = mote_f8_value(p[i], dtype);
    } else if (dtype == MOTE_F64) {
        for (size_t i = 0; i < n; i++) {
            uint64_t b = mote_le64(p + 8 * i);
            memcpy(&out[i], &b, 8);
        }
    } else if (dtype == MOTE_F32) {
        for (size_t i = 0; i < n; i++) out[i] = f32_value(mote_le32(p + 4 * i));
    } else {
        for (size_t i = 0; i < n; i++) out[i] = f32_value(load_f32(p, dtype, i));
    }
}

/* A run of elements of one row that share a scale. */
static void scale_of(const mote_affine *a, uint64_t row, uint64_t col, uint64_t cols, size_t *run, float *scale,
                     uint16_t *zero)
{
    uint64_t at = 0;
    if (a->per_row) {
        uint64_t group = mote_affine_columns(a, cols), left = group - col % group;
        at = row * a->per_row + col / group;
        if (left < *run) *run = (size_t)left;
    }
    *scale = a->scale[at];
    *zero = a->zero_point ? a->zero_point[at] : 0;
}

static void quantise(const mote_matrix *m, uint64_t row, uint64_t col, size_t rows, size_t n, const uint8_t *raw,
                     uint16_t *code)
{
    double x[BLOCK];
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n;) {
            size_t run = n - i < BLOCK ? n - i : BLOCK;
            float scale;
            uint16_t zero;
            scale_of(m->affine, row + r, col + i, m->cols, &run, &scale, &zero);
            mote_values(x, raw, m->dtype, r * n + i, run);
            if (m->affine->book.entries)
                mote_book_quantise(m->affine, x, run, scale, row + r, m->drop, code + r * n + i);
            else
                mote_affine_quantise(m->affine, x, run, scale, zero, m->drop, code + r * n + i);
            i += run;
        }
}

const void *mote_matrix_fetch(const mote_matrix *m, uint64_t row, uint64_t col, size_t rows, size_t n, mote_fetch *f)
{
    const uint8_t *p = gather(m, row, col, rows, n, f);
    if (m->prune) prune(m, row, col, rows, n, f->raw);
    if (m->affine) {
        quantise(m, row, col, rows, n, p, (uint16_t *)(void *)f->out);
        return f->out;
    }
    if (m->held == m->dtype) return p;
    cast(f->out, m->held, p, m->dtype, rows * n);
    return f->out;
}

/* --- sparse ------------------------------------------------------------------------------------------------------- */

/* Four at a time as long as all are kept, as most are where there is hardly anything to drop. */
#define SQUEEZE(type, dropped)                                                                               \
    for (size_t i = 0; i < n; i++) {                                                                         \
        type x, four[4];                                                                                     \
        if (i % 4 == 0 && n - i >= 4) {                                                                      \
            memcpy(four, from + i * sizeof x, sizeof four);                                                  \
            if ((four[0] != (type)(dropped)) & (four[1] != (type)(dropped)) & (four[2] != (type)(dropped)) & \
                (four[3] != (type)(dropped))) {                                                              \
                memcpy(out + kept * sizeof x, four, sizeof four);                                            \
                mask[i / 4] = 15;                                                                            \
                kept += 4;                                                                                   \
                i += 3;                                                                                      \
                continue;                                                                                    \
            }                                                                                                \
        }                                                                                                    \
        memcpy(&x, from + i * sizeof x, sizeof x);                                                           \
        memcpy(out + kept * sizeof x, &x, sizeof x);                                                         \
        unsigned keep = x != (type)(dropped);                                                                \
        if (i % 4 == 0) mask[i / 4] = 0;                                                                     \
        mask[i / 4] = (uint16_t)(mask[i / 4] | keep << i % 4);                                               \
        kept += keep;                                                                                        \
    }

size_t mote_matrix_squeeze(const mote_matrix *m, void *to, const void *elements, size_t n, uint16_t *mask)
{
    const uint8_t *from = elements;
    uint8_t *out = to;
    size_t kept = 0;
    if (m->affine) {
        SQUEEZE(uint16_t, MOTE_CODE_DROPPED)
        return kept;
    }
    switch (bytes_of(m->held)) {
    case 1: SQUEEZE(uint8_t, m->background) break;
    case 2: SQUEEZE(uint16_t, 0) break;
    case 4: SQUEEZE(uint32_t, 0) break;
    default: SQUEEZE(uint64_t, 0)
    }
    return kept;
}

void mote_mask_gaps(const uint16_t *mask, size_t n, uint16_t *gap)
{
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(mask[i / 4] >> i % 4 & 1)) continue;
        *gap++ = (uint16_t)(i - next);
        next = i + 1;
    }
}

/* --- what a tensor holds ------------------------------------------------------------------------------------------ */

static bool holds(const uint8_t *p, uint8_t dtype, uint8_t held)
{
    uint32_t x = dtype == MOTE_F64 ? mote_f64_to_f32(mote_le64(p)) : mote_le32(p);
    if (dtype == MOTE_F64 && mote_f32_to_f64(x) != mote_le64(p)) return false;
    if (held == MOTE_F16) return mote_f16_to_f32(mote_f32_to_f16(x)) == x;
    return held == MOTE_BF16 ? (x & 0xFFFF) == 0 && (uint32_t)mote_f32_to_bf16(x) << 16 == x : true;
}

bool mote_matrix_holds(const uint8_t *data, uint8_t dtype, uint64_t elements, uint8_t held)
{
    const unsigned bytes = bytes_of(dtype);
    for (uint64_t i = 0; i < elements; i++)
        if (!holds(data + i * bytes, dtype, held)) return false;
    return true;
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static bool finite(double x)
{
    return x - x == 0;
}

double mote_matrix_written(float x, uint8_t entry)
{
    uint32_t b;
    memcpy(&b, &x, 4);
    if (entry == MOTE_F16) return f32_value(mote_f16_to_f32(mote_f32_to_f16(b)));
    if (entry == MOTE_BF16) return f32_value((uint32_t)mote_f32_to_bf16(b) << 16);
    return x;
}

static void decoded(double *out, const mote_matrix *m, uint8_t entry, uint64_t row, uint64_t col, const void *elements,
                    size_t n)
{
    if (!m->affine) {
        mote_values(out, elements, m->held, 0, n);
        return;
    }
    const uint16_t *code = elements;
    for (size_t i = 0; i < n;) {
        size_t run = n - i;
        float scale;
        uint16_t zero;
        scale_of(m->affine, row, col + i, m->cols, &run, &scale, &zero);
        const float *book = m->affine->book.entries ? mote_book_of(m->affine, row) : NULL;
        for (size_t k = 0; k < run; k++) {
            const uint16_t q = code[i + k];
            const float x = !book                    ? mote_affine_value(m->affine, q, scale, zero)
                            : q == MOTE_CODE_DROPPED ? 0
                                                     : book[q] * scale;
            out[i + k] = mote_matrix_written(x, entry);
        }
        i += run;
    }
}

void mote_matrix_error(const mote_matrix *coded, uint8_t entry, mote_fetch *f, mote_fetch *g, double *signal,
                       double *noise)
{
    mote_matrix source = *coded;
    source.prune = NULL;
    source.affine = NULL;
    source.held = source.dtype;
    *signal = *noise = 0;
    const size_t rows_max = source.axis ? 16 : 1;
    for (uint64_t row = 0; row < source.rows; row += rows_max) {
        size_t rows = source.rows - row < rows_max ? (size_t)(source.rows - row) : rows_max;
        for (uint64_t col = 0; col < source.cols; col += BLOCK) {
            size_t n = source.cols - col < BLOCK ? (size_t)(source.cols - col) : BLOCK;
            const uint8_t *a = mote_matrix_fetch(&source, row, col, rows, n, f);
            const uint8_t *b = mote_matrix_fetch(coded, row, col, rows, n, g);
            const size_t step = mote_matrix_elem_bytes(coded);
            double s[8] = { 0 }, e[8] = { 0 }, x[BLOCK], y[BLOCK];
            for (size_t r = 0; r < rows; r++) {
                mote_values(x, a, source.dtype, r * n, n);
                decoded(y, coded, entry, row + r, col, b + r * n * step, n);
                for (size_t i = 0; i < n; i++) {
                    double d = x[i] - y[i];
                    if (!finite(x[i])) continue;
                    s[i % 8] += x[i] * x[i];
                    e[i % 8] += d * d;
                }
            }
            for (unsigned j = 0; j < 8; j++) {
                *signal += s[j];
                *noise += e[j];
            }
        }
    }
}

/* strict: leaves out what is not finite; without it the loop has no branch and the sum tells. */
static double squares(const uint8_t *data, uint8_t dtype, uint64_t elements, bool strict)
{
    double sum[SUMS] = { 0 }, x[BLOCK], signal = 0;
    for (uint64_t at = 0; at < elements; at += BLOCK) {
        const size_t n = elements - at < BLOCK ? (size_t)(elements - at) : BLOCK;
        mote_values(x, data, dtype, at, n);
        for (size_t i = n; i < BLOCK; i++) x[i] = 0;
        for (size_t i = 0; strict && i < n; i++) x[i] = finite(x[i]) ? x[i] : 0;
        for (size_t i = 0; i < BLOCK; i += SUMS)
            for (size_t j = 0; j < SUMS; j++) sum[j] += x[i + j] * x[i + j];
    }
    for (unsigned j = 0; j < SUMS; j++) signal += sum[j];
    return signal;
}

double mote_signal(const uint8_t *data, uint8_t dtype, uint64_t elements)
{
    double signal = squares(data, dtype, elements, false);
    return finite(signal) ? signal : squares(data, dtype, elements, true);
}
