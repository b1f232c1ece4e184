/* SPDX-License-Identifier: Apache-2.0
 * Codebooks: tables of values as binary32, looked up by V. A file of its own, so that a build without them can leave it
 * out. Spec codecs.md 5.7. Device code. */
#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/numbers.h"
#include "dec/planes.h"

/* T. Dettmers et al., QLoRA, NeurIPS 2023, appendix E: quantiles of the normal distribution on [-1, 1], with a zero. */
static const float nf4[16] = { -1.0f,
                               -0.6961928009986877f,
                               -0.5250730514526367f,
                               -0.39491748809814453f,
                               -0.28444138169288635f,
                               -0.18477343022823334f,
                               -0.09105003625154495f,
                               0.0f,
                               0.07958029955625534f,
                               0.16093020141124725f,
                               0.24611230194568634f,
                               0.33791524171829224f,
                               0.44070982933044434f,
                               0.5626170039176941f,
                               0.7229568362236023f,
                               1.0f };

/* Entries as written, to binary32 */
static void widen(float *to, const uint8_t *p, unsigned dtype, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = dtype == MOTE_F32 ? mote_le32(p + 4 * i) : mote_le16(p + 2 * i);
        const mote_f32 y = { .bits = dtype == MOTE_F32 ? x : dtype == MOTE_F16 ? mote_f16_to_f32(x) : x << 16 };
        to[i] = y.f;
    }
}

/* What V says of an f8: E, S, M of m bits. Spec codecs.md 5.2 */
static float f8_value(unsigned v, unsigned m)
{
    const unsigned e = v >> (m + 1), f = v & ((1u << m) - 1), bias = m == 3 ? 7 : 15, top = m == 3 ? 15 : 31;
    mote_f32 x = { .bits = (e + 127 - bias) << 23 | f << (23 - m) };
    if (e == 0) x.f = (float)f * (m == 3 ? 0x1p-9f : 0x1p-16f);
    if (e == top && m == 2) x.bits = f ? 0x7FC00000 : 0x7F800000;
    if (e == top && m == 3 && f == 7) x.bits = 0x7FC00000;
    if ((v >> m & 1) && x.bits <= 0x7F800000) x.bits |= 0x80000000; /* a NaN has no sign */
    return x.f;
}

void mote_codebook_values(float *to, unsigned table)
{
    if (table == MOTE_BOOK_NF4)
        memcpy(to, nf4, sizeof nf4);
    else
        for (unsigned v = 0; v < 256; v++) to[v] = f8_value(v, table == MOTE_BOOK_F8_E4M3 ? 3 : 2);
}

void mote_codebook_prepare(const mote_seg_env *env)
{
    const mote_num *num = mote_head_booked(env->head);
    float *to = mote_seg_book(env);
    if (num->table)
        mote_codebook_values(to, num->table);
    else if (num->book)
        widen(to, num->book, num->entry_dtype, num->entries);
}

bool mote_codebook_piece(mote_seg *w)
{
    const mote_num *num = w->num;
    const size_t n = num->entries, row = w->first + w->row;
    float *book = mote_seg_book(w->env);
    const bool fresh = w->row == 0 || (num->book_rows && row % num->book_rows == 0);
    if (!fresh) return true;
    if (num->book_rows) {
        const uint8_t *p = mote_rd_take(&w->s[w->scales - 1].in, n * (num->entry_dtype == MOTE_F32 ? 4 : 2));
        if (!p) return false;
        if (!mote_entries_ok(p, num->entry_dtype, n)) return mote_seg_fail(w, MOTE_ERR_SCALE);
        widen(book, p, num->entry_dtype, n);
    }
    if (w->native) {
        const size_t k = num->book_rows ? row / num->book_rows - w->first / num->book_rows : 0;
        memcpy((float *)w->native->table + k * n, book, n * sizeof *book);
    }
    return true;
}

size_t mote_codebook_view(const mote_num *num, mote_native *v)
{
    v->value_dtype =
        (uint8_t)(num->table < MOTE_BOOK_F8_E4M3 ? MOTE_U8 : MOTE_F8_E4M3 - MOTE_BOOK_F8_E4M3 + num->table);
    v->entries = num->entries;
    v->table_rows = num->book_rows;
    /* whatever the row that a segment begins with */
    return (num->book_rows ? (v->rows - 1) / num->book_rows + 2 : 1) * num->entries * sizeof(float);
}

void mote_codebook_native(const mote_num *num, uint16_t *v, size_t n)
{
    const unsigned m = num->table == MOTE_BOOK_F8_E4M3 ? 3 : 2;
    if (num->table < MOTE_BOOK_F8_E4M3) return;
    for (size_t i = 0; i < n; i++)
        v[i] = (uint16_t)((v[i] >> m & 1u) << 7 | (unsigned)v[i] >> (m + 1) << m | (v[i] & ((1u << m) - 1)));
}
