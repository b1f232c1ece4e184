/* SPDX-License-Identifier: Apache-2.0
 * Numerics: stored, float, integer, affine, and the way of their elements to where they are wanted. Spec codecs.md 5, 7.
 * Device code. */
#include "dec/numbers.h"

#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/planes.h"

/* --- writing --- */

#define ADDS(k) (MOTE_SUMS && (k)->add)

/* Bits of an f16, bf16 or f32, as binary32 */
static uint32_t to_f32(uint32_t x, unsigned dtype)
{
    return dtype == MOTE_F32 ? x : dtype == MOTE_F16 ? mote_f16_to_f32(x) : x << 16;
}

#if !MOTE_NANO
/* The bytes of a number in the machine's order where that is not ours. */
static void reverse(uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        const uint8_t b = p[i];
        p[i] = p[size - 1 - i];
        p[size - 1 - i] = b;
    }
}

void mote_sink_put(const mote_sink *k, uint8_t *dst, uint32_t x)
{
    uint32_t half = 0;
    if (ADDS(k)) x = mote_sum_of(k, dst, x);
    if (k->entry == MOTE_F16) {
        half = mote_f32_to_f16(x);
        x = mote_f16_to_f32(half);
    } else if (k->entry == MOTE_BF16) {
        half = mote_f32_to_bf16(x);
        x = half << 16;
    }
    if (k->dtype == MOTE_F32)
        mote_put32(dst, x);
    else if (k->dtype == MOTE_F64)
        mote_put64(dst, mote_f32_to_f64(x));
    else
        mote_put16(dst, k->dtype == k->entry ? half : mote_f32_to_f16(x));
    if (MOTE_BIG_ENDIAN && k->machine) reverse(dst, mote_dtype_bits(k->dtype) / 8);
}
#endif

#if MOTE_KERN_LOOPS
/* n elements of `size` bytes, a constant, to their columns, elem bytes apart */
static MOTE_INLINE void scatter(uint8_t *base, size_t elem, const uint8_t *src, size_t size, size_t n,
                                const uint16_t *cols)
{
    if (cols && elem == size)
        for (size_t i = 0; i < n; i++) memcpy(base + cols[i] * size, src + i * size, size);
    else if (cols)
        for (size_t i = 0; i < n; i++) memcpy(base + cols[i] * elem, src + i * size, size);
    else
        for (size_t i = 0; i < n; i++, base += elem) memcpy(base, src + i * size, size);
}
#endif

/* n elements of dtype `held`, little-endian at src */
static void put_elements(const mote_sink *k, const uint8_t *src, unsigned held, size_t n, const uint16_t *cols,
                         size_t col0)
{
    const size_t size = mote_dtype_bits(held) / 8;
    /* the bytes of a number, of which a complex one has two, may be wanted in another order */
    const size_t flip = MOTE_BIG_ENDIAN && k->machine ? size / (held >= MOTE_C64 ? 2 : 1) - 1 : 0;
    uint8_t *const base = k->p + col0 * k->elem;
    if (held == k->dtype && !cols && k->elem == size && !flip && !ADDS(k)) {
        if (base != src) memcpy(base, src, n * size); /* the same: inflated in place */
        return;
    }
#if MOTE_KERN_LOOPS
    if (held == k->dtype && !flip && !ADDS(k) && (size == 2 || size == 4)) {
        if (size == 2)
            scatter(base, k->elem, src, 2, n, cols);
        else
            scatter(base, k->elem, src, 4, n, cols);
        return;
    }
#endif
    for (size_t i = 0; i < n; i++, src += size) {
        uint8_t *dst = base + (cols ? cols[i] : i) * k->elem;
        if (held == k->dtype && !ADDS(k)) {
            for (size_t b = 0; b < size; b++) dst[b ^ flip] = src[b];
#if !MOTE_NANO
        } else if (held == MOTE_F64) {
            mote_sink_put(k, dst, mote_f64_to_f32(mote_le64(src)));
#endif
        } else {
            mote_put_f32(k, dst, to_f32(held == MOTE_F32 ? mote_le32(src) : mote_le16(src), held));
        }
    }
}

/* --- affine --- */

/* Bytes of n scales, of n zero-points */
static size_t scale_bytes(const mote_num *num, size_t n)
{
    return num->scale_dtype == MOTE_F32 ? 4 * n : 2 * n;
}

static size_t zero_bytes(const mote_num *num, size_t n)
{
    return MOTE_BITS_16(num) ? 2 * n : n;
}

/* Scale g of the current piece, and its zero-point, 0 if there is none. */
static mote_f32 scale_at(const mote_seg *w, size_t g, int32_t *zero)
{
    const mote_num *num = w->num;
    uint32_t x = num->scale;
    *zero = MOTE_NANO ? 0 : num->zero_point;
    if (num->scope) {
        const uint8_t *p = w->scale + scale_bytes(num, g), *z = w->zero + zero_bytes(num, g);
        x = num->scale_dtype == MOTE_F32 ? mote_le32(p) : mote_le16(p);
        if (MOTE_ZEROS(num)) *zero = MOTE_BITS_16(num) ? mote_le16(z) : *z;
    }
    return (mote_f32){ .bits = to_f32(x, num->scale_dtype) };
}

bool mote_numbers_piece(mote_seg *w)
{
    const mote_num *num = w->num;
    const mote_native *v = w->native;
    const size_t n = mote_scales_per_piece(num, w->cols), at = w->row * n;
    mote_stream *s = &w->s[w->scales];
    if (!mote_plane_piece(w, &w->v) || (MOTE_ENTRIES(num) && !mote_codebook_piece(w))) return false;
    if (n) {
        w->scale = mote_rd_take(&s[0].in, scale_bytes(num, n));
        w->zero = MOTE_ZEROS(num) ? mote_rd_take(&s[1].in, zero_bytes(num, n)) : w->scale;
        if (!w->scale || !w->zero) return false;
    }
    for (size_t g = 0; g < n || (g == 0 && v && v->scales); g++) { /* one for all: told with each piece */
        int32_t zero;
        const mote_f32 x = scale_at(w, g, &zero);
        if (!mote_scale_ok(x.bits, MOTE_F32) || (!MOTE_NANO && zero >> num->bits))
            return mote_seg_fail(w, MOTE_ERR_SCALE);
        if (!v) continue;
        ((float *)v->scales)[at + g] = x.f;
        if (!MOTE_NANO && v->zeros) ((uint16_t *)v->zeros)[at + g] = (uint16_t)zero;
    }
    return true;
}

#if MOTE_KERN_LOOPS
/* n signed integers to bytes, 16 bits or, times scale, binary32, by the kernel. */
static void convert(mote_seg *w, const uint16_t *v, size_t n, void *out, unsigned bytes, float scale)
{
    const mote_levels l = { .unit = scale, .least = INT16_MIN, .most = INT16_MAX, .bytes = (uint8_t)bytes };
    (void)w->env->kern->levels(out, v, n, &l, w->aux); /* none is outside */
}
#endif

/* Codes in w->val become numbers. */
static void dequantise(mote_seg *w, size_t n, const uint16_t *cols, size_t col0)
{
    const mote_num *num = w->num;
    const mote_sink *k = &w->sink;
    const bool plain = MOTE_NANO || (!ADDS(k) && k->dtype == MOTE_F32 && k->entry == MOTE_F32 && !MOTE_BIG_ENDIAN);
    const size_t group = MOTE_GROUPED(num) ? num->group : SIZE_MAX;
    const float *book = MOTE_ENTRIES(num) ? mote_seg_book(w->env) : NULL;
    const int32_t sign = MOTE_ZEROS(num) ? 0 : 0x8000;
    const uint16_t *v = w->val;
    size_t limit = 0; /* first column that has another scale */
    int32_t zero = 0;
    float scale = 0;
#if MOTE_KERN_LOOPS
    const bool fast =
        plain && !book && !cols && k->elem == 4 && w->env->kern->levels && !(num->zero && num->bits == 16);
#endif
    for (size_t i = 0; i < n; i++) {
        const size_t col = cols ? cols[i] : col0 + i;
        uint8_t *dst = k->p + col * k->elem;
        if (col >= limit) {
            const size_t g = col / group;
            scale = scale_at(w, g, &zero).f;
            zero += sign;
            limit = group < SIZE_MAX ? (g + 1) * group : SIZE_MAX; /* < 2^27 + 2^31 where size_t has 32 bits */
        }
#if MOTE_KERN_LOOPS
        if (fast) {
            const size_t m = n - i < limit - col ? n - i : limit - col;
            for (size_t j = i; num->zero && j < i + m; j++) w->val[j] = (uint16_t)(w->val[j] - zero);
            convert(w, w->val + i, m, dst, 4, scale);
            i += m - 1;
            continue;
        }
#endif
        const mote_f32 x = { .f = (book ? book[v[i]] : (float)((v[i] ^ sign) - zero)) * scale };
        if (plain)
            mote_put32(dst, x.bits);
        else
            mote_put_f32(k, dst, x.bits);
    }
}

/* --- putting elements together --- */

/* A byte plane becomes the lower half of w->val. */
static bool append_bytes(mote_seg *w, unsigned j, size_t n)
{
    const uint8_t *src = mote_plane_bytes(w, j, n);
    if (!src) return false;
    for (size_t i = 0; i < n; i++) w->val[i] = (uint16_t)(w->val[i] << 8 | src[i]);
    return true;
}

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
    unsigned j = 0, left = num->n_bytes, k = num->k;
    const bool is_float = num->numeric == MOTE_NUM_FLOAT;
#if MOTE_KERN_LOOPS
    if (is_float && size == 2 && num->n_bytes == 1 && w->env->kern->join_16) {
        const uint8_t *b = mote_plane_bytes(w, 0, n);
        if (b) w->env->kern->join_16(out, w->val, b, n, 7 + k);
        return b != NULL;
    }
#endif
    if (is_float && k == 0) {
        if (!append_bytes(w, j++, n)) return false;
        k = 8;
        left--;
    }
    const size_t above = size - left;
    const unsigned top = 8 * (unsigned)above - 1, m = is_float ? k - 1 : 0; /* bits of M in V */
    uint8_t *to = out + left;
#if MOTE_KERN_LOOPS
    const unsigned coder = num->byte[j].coder; /* of the first of two; memory for coded planes is for one of them */
    if (is_float && size == 4 && w->env->kern->join_f32 && (coder == MOTE_CODER_STORED || coder == MOTE_CODER_ZSTD)) {
        const uint8_t *b1 = mote_plane_bytes(w, j, n), *b0 = b1 ? mote_plane_bytes(w, j + 1, n) : NULL;
        if (b0) w->env->kern->join_f32(out, w->val, b1, b0, n);
        return b0 != NULL;
    }
#endif
    for (size_t i = 0; i < n; i++, to += size) {
        unsigned x = w->val[i];
        if (is_float) x = (x >> m & 1) << top | (x >> m >> 1) << m | (x & ((1u << m) - 1));
        to[0] = (uint8_t)x;
        if (above > 1) to[1] = (uint8_t)(x >> 8);
    }
    while (left-- > 0) {
        const uint8_t *src = mote_plane_bytes(w, j++, n);
        if (!src) return false;
        to = out + left;
        for (size_t i = 0; i < n; i++, to += size) *to = src[i];
    }
    return true;
}

#if !MOTE_NANO
/* Values of less than 8 bits, one after the other over the whole segment; the sink has no columns. */
static void pack(mote_seg *w, unsigned bits, size_t n)
{
    unsigned acc = w->pack, have = w->pack_bits;
    for (size_t i = 0; i < n; i++) {
        acc |= (w->val[i] & ((1u << bits) - 1)) << have;
        have += bits;
        *w->sink.p = (uint8_t)acc; /* also if the byte is not full: the segment may end here */
        if (have >= 8) {
            w->sink.p++;
            acc >>= 8;
            have -= 8;
            if (have) *w->sink.p = (uint8_t)acc;
        }
    }
    w->pack = (uint8_t)acc;
    w->pack_bits = (uint8_t)have;
}

#endif

size_t mote_numbers_block(mote_seg *w, bool listed)
{
    const mote_num *num = w->num;
    const mote_sink *k = &w->sink;
    const unsigned bits = mote_dtype_bits(num->dtype);
    w->direct =
        !listed && !ADDS(k) && k->dtype == num->dtype && k->elem == bits / 8 && !(MOTE_BIG_ENDIAN && k->machine);
    if (num->numeric >= MOTE_NUM_AFFINE || MOTE_PACKED(bits)) return MOTE_BLOCK;
    if (!w->direct) return MOTE_BLOCK / 4;
    return num->numeric == MOTE_NUM_STORED ? SIZE_MAX : MOTE_BLOCK; /* stored: straight from the record */
}

bool mote_numbers_put(mote_seg *w, size_t n, const uint16_t *cols, size_t col0)
{
    const mote_num *num = w->num;
    const mote_sink *k = &w->sink;
    const unsigned bits = mote_dtype_bits(num->dtype);
    const uint8_t *src = w->tmp.byte;
    if (num->numeric == MOTE_NUM_STORED && !MOTE_PACKED(bits)) {
        src = mote_rd_take(&w->s[w->v.at].in, n * (bits / 8));
        if (!src) return false;
    } else {
        if (!mote_plane_read(w, &w->v, w->val, n)) return false;
        if (MOTE_UNFOLDS(num)) mote_unfold(num, w->val, n);
        if (num->scale_dtype) { /* affine, codebook */
            if (MOTE_BITS_16(num) && !append_bytes(w, 0, n)) return false;
            if (num->bits == 1 && !MOTE_ZEROS(num))
                for (size_t i = 0; i < n; i++) w->val[i] = (uint16_t)(2 * w->val[i] + 1);
            if (MOTE_ENTRIES(num) && w->native) mote_codebook_native(num, w->val, n);
            uint8_t *dst = k->p + col0 * k->elem;
            if (!w->native) dequantise(w, n, cols, col0);
#if MOTE_KERN_LOOPS
            else if (w->env->kern->levels)
                convert(w, w->val, n, dst, (unsigned)k->elem, 0);
#endif
            else if (MOTE_BITS_16(num))
                memcpy(dst, w->val, n * sizeof *w->val);
            else
                mote_plane_narrow(dst, w->val, n);
            return true;
        }
#if !MOTE_NANO
        if (bits < 8) {
            pack(w, bits, n);
            return true;
        }
#endif
        if (w->direct) return join(w, k->p + col0 * k->elem, k->elem, n);
        if (!join(w, w->tmp.byte, bits / 8, n)) return false;
    }
    put_elements(k, src, num->dtype, n, cols, col0);
    return true;
}
