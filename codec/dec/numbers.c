/* SPDX-License-Identifier: Apache-2.0
 * Numerics: stored, float, integer, affine, and the way of their elements to where they are wanted. Spec codecs.md 5, 7.
 * Device code. */
#include "dec/numbers.h"

#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/planes.h"

/* --- affine: scales --- */

static uint32_t load_f32(const uint8_t *p, unsigned dtype)
{
    if (dtype == MOTE_F32) return mote_le32(p);
    return dtype == MOTE_F16 ? mote_f16_to_f32(mote_le16(p)) : (uint32_t)mote_le16(p) << 16;
}

static size_t scale_bytes(const mote_num *num)
{
    return num->scale_dtype == MOTE_F32 ? 4 : 2;
}

static size_t zero_bytes(const mote_num *num)
{
    return num->bits == 16 ? 2 : 1;
}

float mote_scale_at(const mote_seg *w, size_t g)
{
    const mote_num *num = w->num;
    uint8_t own[4];
    const uint8_t *p = own;
    if (num->scope)
        p = w->scales.p + g * scale_bytes(num);
    else
        mote_put32(own, num->scale);
    uint32_t bits = load_f32(p, num->scale_dtype);
    float scale;
    memcpy(&scale, &bits, 4);
    return scale;
}

unsigned mote_zero_at(const mote_seg *w, size_t g)
{
    const mote_num *num = w->num;
    if (!num->zero || !num->scope) return num->zero_point;
    return num->bits == 16 ? mote_le16(w->zeros.p + 2 * g) : w->zeros.p[g];
}

bool mote_numbers_open(mote_seg *w)
{
    const mote_num *num = w->num;
    if (!num->scope) return true;
    size_t n = w->rows * (size_t)mote_scales_per_piece(num, w->cols);
    if ((size_t)(w->scales.end - w->scales.p) != n * scale_bytes(num)) return mote_seg_fail(w, MOTE_ERR_STREAM);
    if (num->zero && (size_t)(w->zeros.end - w->zeros.p) != n * zero_bytes(num))
        return mote_seg_fail(w, MOTE_ERR_STREAM);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = w->scales.p + i * scale_bytes(num);
        uint32_t bits = num->scale_dtype == MOTE_F32 ? mote_le32(p) : mote_le16(p);
        if (!mote_scale_ok(bits, num->scale_dtype) || mote_zero_at(w, i) >> num->bits)
            return mote_seg_fail(w, MOTE_ERR_SCALE);
    }
    return true;
}

void mote_numbers_next(mote_seg *w)
{
    const mote_num *num = w->num;
    const size_t n = (size_t)mote_scales_per_piece(num, w->cols);
    if (w->scales_out) {
        for (size_t g = 0; g < (n ? n : 1); g++) {
            w->scales_out[g] = mote_scale_at(w, g);
            if (w->zeros_out) w->zeros_out[g] = (uint16_t)mote_zero_at(w, g);
        }
        w->scales_out += n; /* one for all: written again and again */
        if (w->zeros_out) w->zeros_out += n;
    }
    if (!num->scope) return;
    w->scales.p += n * scale_bytes(num);
    if (num->zero) w->zeros.p += n * zero_bytes(num);
}

/* Codes in w->val become binary32 in w->tmp. */
static void dequantise(mote_seg *w, size_t n, const uint16_t *cols, size_t col0)
{
    const mote_num *num = w->num;
    for (size_t i = 0; i < n;) {
        size_t g = 0, end = n; /* a run with one scale */
        if (num->scope == 2) {
            g = (cols ? cols[i] : col0 + i) / num->group;
            size_t limit = (g + 1) * num->group; /* < 2^28 + 2^31 where size_t has 32 bits */
            if (!cols)
                end = limit - col0 < n ? limit - col0 : n;
            else
                for (end = i + 1; end < n && cols[end] < limit;) end++;
        }
        const float scale = mote_scale_at(w, g);
        const int32_t zero = (int32_t)mote_zero_at(w, g);
        for (; i < end; i++) {
            int32_t q = num->zero ? w->val[i] : (int16_t)w->val[i];
            float x = (float)(q - zero) * scale;
            uint32_t bits;
            memcpy(&bits, &x, 4);
            mote_put32(w->tmp.byte + 4 * i, bits);
        }
    }
}

/* --- putting elements together --- */

/*
 * n elements of a float or integer numeric, V of which is in w->val, to out, one after the other, little-endian.
 *
 * A float's V holds E, S, then the upper bits of M; with k = 0 the first byte plane (S and 7 bits of M) is taken as
 * its lower part. Moving S to the front makes it the upper 8 or 16 bits of the element, as V of an integer is from the
 * beginning; the (other) byte planes are the bytes below.
 */
static bool join(mote_seg *w, uint8_t *out, size_t size, size_t n)
{
    const mote_num *num = w->num;
    uint16_t *v = w->val;
    unsigned j = 0, left = num->n_bytes;
    if (num->numeric == MOTE_NUM_FLOAT) {
        unsigned k = num->k;
        if (k == 0) {
            const uint8_t *src = mote_plane_bytes(w, j++, n);
            if (!src) return false;
            for (size_t i = 0; i < n; i++) v[i] = (uint16_t)(v[i] << 8 | src[i]);
            k = 8;
            left--;
        }
        const unsigned top = 8 * ((unsigned)size - left) - 1, below = (1u << (k - 1)) - 1;
        for (size_t i = 0; i < n; i++) {
            unsigned x = v[i];
            v[i] = (uint16_t)((x >> (k - 1) & 1) << top | (x >> k) << (k - 1) | (x & below));
        }
    }
    for (size_t i = 0; i < n; i++) out[i * size + left] = (uint8_t)v[i];
    if (left + 2 == size)
        for (size_t i = 0; i < n; i++) out[i * size + left + 1] = (uint8_t)(v[i] >> 8);
    while (left-- > 0) {
        const uint8_t *src = mote_plane_bytes(w, j++, n);
        if (!src) return false;
        for (size_t i = 0; i < n; i++) out[i * size + left] = src[i];
    }
    return true;
}

/* --- writing --- */

static void put(uint8_t *dst, uint32_t x, size_t size, size_t flip)
{
    for (size_t b = 0; b < size; b++, x >>= 8) dst[b ^ flip] = (uint8_t)x;
}

void mote_sink_put(const mote_sink *k, const uint8_t *src, unsigned held, size_t n, const uint16_t *cols, size_t col0)
{
    enum { AT_ONCE = 16 };
    uint32_t x[AT_ONCE];
    const size_t size = mote_dtype_bits(k->dtype) / 8;
    const bool is_complex = k->dtype == MOTE_C64 || k->dtype == MOTE_C128;
    const size_t flip = MOTE_BIG_ENDIAN && k->machine ? size / (is_complex ? 2 : 1) - 1 : 0;
    /* what was computed for a tensor of a narrower type is rounded to that, whatever it is wanted as */
    if (held == k->dtype && (held != MOTE_F32 || k->entry == MOTE_F32)) {
        if (!cols && k->elem == size && !flip) {
            uint8_t *dst = k->p + col0 * size;
            if (dst != src) memcpy(dst, src, n * size);
            return;
        }
        for (size_t i = 0; i < n; i++) {
            uint8_t *dst = k->p + (cols ? cols[i] : col0 + i) * k->elem;
            for (size_t b = 0; b < size; b++) dst[b ^ flip] = *src++;
        }
        return;
    }
    /* by way of binary32: exact but for binary64, which only ever is narrowed here */
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < AT_ONCE ? n - at : AT_ONCE;
        for (size_t i = 0; i < m; i++) {
            if (held == MOTE_F64) {
                x[i] = mote_f64_to_f32(mote_le64(src));
                src += 8;
            } else {
                x[i] = load_f32(src, held);
                src += held == MOTE_F32 ? 4 : 2;
            }
            if (k->entry == MOTE_F16) x[i] = mote_f16_to_f32(mote_f32_to_f16(x[i]));
            if (k->entry == MOTE_BF16) x[i] = (uint32_t)mote_f32_to_bf16(x[i]) << 16;
        }
        for (size_t i = 0; i < m; i++) {
            uint8_t *dst = k->p + (cols ? cols[at + i] : col0 + at + i) * k->elem;
            if (k->dtype == MOTE_F32)
                put(dst, x[i], 4, flip);
            else if (k->dtype == MOTE_F16)
                put(dst, mote_f32_to_f16(x[i]), 2, flip);
            else if (k->dtype == MOTE_BF16)
                put(dst, x[i] >> 16, 2, flip); /* the entry's: already rounded */
            else
                mote_put64(dst, mote_f32_to_f64(x[i])); /* the entry's: dense, little-endian */
        }
    }
}

/* Values of less than 8 bits, one after the other over the whole segment; the sink has no columns. */
static void pack(mote_seg *w, unsigned bits, size_t n)
{
    unsigned acc = w->pack, have = w->pack_bits;
    for (size_t i = 0; i < n; i++) {
        acc |= (w->val[i] & ((1u << bits) - 1)) << have;
        have += bits;
        if (have >= 8) {
            *w->sink.p++ = (uint8_t)acc;
            acc >>= 8;
            have -= 8;
        }
    }
    w->pack = (uint8_t)acc;
    w->pack_bits = (uint8_t)have;
    if (have) *w->sink.p = (uint8_t)acc; /* so that the last byte is complete whenever the segment ends */
}

/* Is every element joined where it is to be? */
static bool in_place(const mote_seg *w, bool listed)
{
    const mote_sink *k = &w->sink;
    return !listed && w->num->numeric != MOTE_NUM_AFFINE && k->dtype == w->num->dtype &&
           k->elem == mote_dtype_bits(k->dtype) / 8 && !(MOTE_BIG_ENDIAN && k->machine);
}

size_t mote_numbers_block(const mote_seg *w, bool listed)
{
    bool small = mote_dtype_bits(w->num->dtype) < 8;
    if (w->num->numeric == MOTE_NUM_STORED && !small && !listed) return SIZE_MAX; /* straight from the record */
    return small || w->sink.codes || in_place(w, listed) ? MOTE_BLOCK : MOTE_BLOCK / 4;
}

bool mote_numbers_put(mote_seg *w, size_t n, const uint16_t *cols, size_t col0)
{
    const mote_num *num = w->num;
    const mote_sink *k = &w->sink;
    const unsigned bits = mote_dtype_bits(num->dtype);
    const uint8_t *src = w->tmp.byte;
    unsigned held = num->dtype;
    if (num->numeric == MOTE_NUM_STORED && bits >= 8) {
        src = mote_words_take(w, &w->v.sym.s.in, n * (bits / 8));
        if (!src) return false;
    } else {
        if (!mote_plane_read(w, &w->v, &num->v, w->val, n)) return false;
        if (num->numeric == MOTE_NUM_AFFINE) {
            if (num->bits == 16) {
                const uint8_t *low = mote_plane_bytes(w, 0, n);
                if (!low) return false;
                for (size_t i = 0; i < n; i++) w->val[i] = (uint16_t)(w->val[i] << 8 | low[i]);
            } else if (num->bits == 1 && !num->zero) {
                for (size_t i = 0; i < n; i++) w->val[i] = (uint16_t)(2 * w->val[i] + 1);
            }
            if (k->codes) {
                uint8_t *out = k->p + col0 * k->elem;
                if (num->bits == 16)
                    memcpy(out, w->val, 2 * n);
                else
                    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)w->val[i];
                return true;
            }
            dequantise(w, n, cols, col0);
            held = MOTE_F32;
        } else if (bits < 8) {
            pack(w, bits, n);
            return true;
        } else if (in_place(w, cols != NULL)) {
            return join(w, k->p + col0 * k->elem, k->elem, n);
        } else if (!join(w, w->tmp.byte, bits / 8, n)) {
            return false;
        }
    }
    mote_sink_put(k, src, held, n, cols, col0);
    return true;
}
