/* SPDX-License-Identifier: Apache-2.0
 * The rules of segments one by one: each row makes a segment that breaks one, and says what it is refused for. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "codec_helpers.h"
#include "segment_check.h"
#include "wide.h"

/* Tables of two symbols of equal frequency: values lo and lo + 1. */
static mote_table_spec halves(int32_t lo)
{
    return (mote_table_spec){ .bits = 12, .lo = lo, .freq = { 2048, 2048 } };
}

/* All of one symbol: it costs nothing, the states stay at 2^16. */
static mote_table_spec certain(unsigned symbol, int32_t lo)
{
    mote_table_spec t = { .bits = 12, .lo = lo };
    t.freq[symbol] = 4096;
    return t;
}

static plane_cfg rans1(mote_table_spec t)
{
    return (plane_cfg){ .coder = MOTE_CODER_RANS1, .n_classes = 1, .table = { t } };
}

static const plane_cfg stored = { .coder = MOTE_CODER_STORED, .n_classes = 1 };

static void part(planes *p, const void *bytes_, size_t n)
{
    p->part[p->n] = (bytes){ 0 };
    put_bytes(&p->part[p->n++], bytes_, n);
}
#define PART(p, ...) part(p, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define EMPTY(p) part(p, NULL, 0)
#define STATE 0, 0, 1, 0 /* 2^16 */

/* One segment of 2 rows of 6 u8, unless a case says otherwise. */
static void base(tensor_cfg *t, unsigned layout)
{
    memset(t, 0, sizeof *t);
    t->dtype = MOTE_U8;
    t->layout = layout;
    t->rows = 2;
    t->cols = 6;
    t->seg_elems = 12;
    t->num = (num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_U8, .v = stored };
    t->mask = t->counts = t->gaps = stored;
}

static void affine(tensor_cfg *t, unsigned scale_dtype, unsigned scope, unsigned zero, unsigned bits)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->dtype = MOTE_F32;
    t->num = (num_cfg){ .numeric = MOTE_NUM_AFFINE,
                        .dtype = MOTE_F32,
                        .bits = bits,
                        .zero = zero,
                        .scope = scope,
                        .group = scope == 2 ? 4 : 0,
                        .scale_dtype = scale_dtype,
                        .v = { .coder = MOTE_CODER_CONSTANT, .n_classes = 1 } };
}

typedef struct rule {
    const char *name;
    mote_status st;
    void (*make)(tensor_cfg *t, planes *p);
} rule;

#define RULE(id) static void id(tensor_cfg *t, planes *p)
#define DENSE6(...)                 \
    do {                            \
        base(t, MOTE_LAYOUT_DENSE); \
        __VA_ARGS__;                \
    } while (0)

RULE(stored_ok)
{
    DENSE6(PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}
RULE(stored_short)
{
    DENSE6(PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}
RULE(stored_long)
{
    DENSE6(PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0));
}
RULE(elements_long)
{
    DENSE6(t->num.numeric = MOTE_NUM_STORED; PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0));
}
RULE(elements_short)
{
    DENSE6(t->num.numeric = MOTE_NUM_STORED; PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}
RULE(u4_padding)
{
    DENSE6(t->dtype = MOTE_U4; t->cols = 3; t->rows = 1; t->seg_elems = 3);
    t->num.dtype = MOTE_U4;
    PART(p, 0x21, 0x13);
}
RULE(u4_stored_padding)
{
    u4_padding(t, p);
    t->num.numeric = MOTE_NUM_STORED;
}
RULE(constant_ok)
{
    DENSE6((void)p; t->num.v = ((plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 7 }));
}
RULE(constant_trailing)
{
    constant_ok(t, p);
    PART(p, 0);
}
RULE(record_empty)
{
    DENSE6((void)p);
}

RULE(certain_ok)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, STATE));
}
RULE(state_low)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 255, 255, 0, 0));
}
RULE(state_low_mended) /* would be right after one word, and the same values again */
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 1, 0, 0, 0, 0, 0));
}
RULE(state_end)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 1, 0, 1, 0));
}
RULE(states_short)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 0, 0, 1));
}
RULE(states_none)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); EMPTY(p));
}
RULE(words_left)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, STATE, 0, 0));
}
RULE(byte_left)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, STATE, 0));
}
RULE(words_missing)
{
    DENSE6(t->num.v = rans1(halves(0)); PART(p, STATE));
}
RULE(lanes_unused)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); t->num.v.coder = MOTE_CODER_RANS8);
    PART(p, STATE, STATE, STATE, STATE, STATE, STATE, STATE, STATE);
}
RULE(lanes_unused_state)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); t->num.v.coder = MOTE_CODER_RANS8);
    PART(p, STATE, STATE, STATE, STATE, STATE, STATE, STATE, 0, 0, 2, 0);
}
RULE(value_high)
{
    DENSE6(t->num.v = rans1(certain(0, 256)); PART(p, STATE));
}
RULE(value_low)
{
    DENSE6(t->num.v = rans1(certain(0, -1)); PART(p, STATE));
}
RULE(value_aliased)
{
    DENSE6(t->num.v = rans1(certain(5, 65536)); PART(p, STATE));
}
RULE(value_aliased_low)
{
    DENSE6(t->num.v = rans1(certain(5, -65536)); PART(p, STATE));
}
RULE(value_last_ok)
{
    DENSE6(t->num.v = rans1(certain(15, 240)); PART(p, STATE));
}

static void classes(tensor_cfg *t, unsigned coder)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->num.v = (plane_cfg){ .coder = MOTE_CODER_RANS1,
                            .n_classes = 3,
                            .class_coder = coder,
                            .table = { certain(1, 0), certain(2, 0), certain(3, 0) } };
    t->num.v.map = certain(2, 0);
}
RULE(class_stored_ok)
{
    classes(t, MOTE_CODER_STORED);
    PART(p, 0x21);
    PART(p, STATE);
}
RULE(class_stored_high)
{
    classes(t, MOTE_CODER_STORED);
    PART(p, 0x31);
    PART(p, STATE);
}
RULE(class_stored_long)
{
    classes(t, MOTE_CODER_STORED);
    PART(p, 0x21, 0);
    PART(p, STATE);
}
RULE(class_stored_short)
{
    classes(t, MOTE_CODER_STORED);
    EMPTY(p);
    PART(p, STATE);
}
RULE(class_stored_padding)
{
    classes(t, MOTE_CODER_STORED);
    t->rows = 1, t->seg_elems = 6;
    PART(p, 0x11);
    PART(p, STATE);
}
RULE(class_rans_ok)
{
    classes(t, MOTE_CODER_RANS1);
    PART(p, STATE);
    PART(p, STATE);
}
RULE(class_rans_high)
{
    classes(t, MOTE_CODER_RANS1);
    t->num.v.map = certain(3, 0);
    PART(p, STATE);
    PART(p, STATE);
}
RULE(class_rans_aliased)
{
    classes(t, MOTE_CODER_RANS1);
    t->num.v.map = certain(0, 65536);
    PART(p, STATE);
    PART(p, STATE);
}
RULE(class_rans_end)
{
    classes(t, MOTE_CODER_RANS1);
    PART(p, 9, 0, 1, 0);
    PART(p, STATE);
}
RULE(class_rans_left)
{
    classes(t, MOTE_CODER_RANS1);
    PART(p, STATE, 0, 0);
    PART(p, STATE);
}

/* one value, which is an escape */
static void escape(tensor_cfg *t, unsigned escapes, mote_table_spec second)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->rows = 1, t->cols = 1, t->seg_elems = 1;
    t->num.v = rans1(certain(15, 10));
    t->num.v.escapes = escapes;
    t->num.v.esc = second;
}
RULE(escape_ok)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0xAC, 2); /* 300: t = 165 */
}
RULE(escape_low_ok)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 19); /* t = -10 */
}
RULE(escape_beyond)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0xE0, 3); /* t = 255: 265 */
}
RULE(escape_below)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 21); /* t = -11 */
}
RULE(escape_number)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0x80, 0x80, 0x40);
}
RULE(escape_missing)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    EMPTY(p);
}
RULE(escape_cut)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0xAC);
}
RULE(escape_overlong)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0x80, 0);
}
RULE(escape_left)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 1, 1);
}
RULE(escape2_ok)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    PART(p, STATE);
    EMPTY(p);
}
RULE(escape2_number)
{
    escape(t, 2, certain(15, 0));
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0x80, 0x80, 0x40);
}
RULE(escape2_sum)
{
    escape(t, 2, certain(15, 0));
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0xFF, 0xFF, 0x3F);
}
RULE(escape2_none)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    EMPTY(p);
    EMPTY(p);
}
RULE(escape2_end)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    PART(p, 0, 0, 2, 0);
    EMPTY(p);
}
RULE(escape2_left)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0);
}
RULE(escape2_unused)
{
    escape(t, 2, certain(4, 0));
    t->num.v.table[0] = certain(3, 0);
    PART(p, STATE);
    PART(p, STATE);
    EMPTY(p);
}

RULE(mask_ok)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_beyond)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x42, 0x21);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_short)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_long)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31, 0);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_values_left)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31);
    PART(p, 9, 8, 7, 6, 5);
}
RULE(mask_values_short)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31);
    PART(p, 9, 8, 7);
}
RULE(mask_nothing_kept)
{
    base(t, MOTE_LAYOUT_BITMASK);
    t->num.v = rans1(certain(3, 0));
    PART(p, 0, 0);
    EMPTY(p);
}
RULE(mask_nothing_kept_states)
{
    base(t, MOTE_LAYOUT_BITMASK);
    t->num.v = rans1(certain(3, 0));
    PART(p, 0, 0);
    PART(p, STATE);
}
RULE(mask_high)
{
    base(t, MOTE_LAYOUT_BITMASK);
    t->mask = rans1(certain(8, 8));
    PART(p, STATE);
    EMPTY(p);
}

/* counts of 3 bits: 2, 1; gaps of 3 bits: 0, 4, 5: columns 0, 5 and 5 */
RULE(csr_ok)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7);
}
RULE(csr_count)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0F);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7);
}
RULE(csr_count_rans)
{
    base(t, MOTE_LAYOUT_CSR);
    t->counts = rans1(certain(7, 0));
    PART(p, STATE);
    EMPTY(p);
    EMPTY(p);
}
RULE(csr_gap_sum)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x69, 0x01);
    PART(p, 9, 8, 7); /* 1, 5 */
}
RULE(csr_gap_range)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0xA0, 0x01);
    PART(p, 9, 8, 7); /* 0, 4, 6 */
}
RULE(csr_gap_rans)
{
    base(t, MOTE_LAYOUT_CSR);
    t->gaps = rans1(certain(9, 0));
    PART(p, 0x0A);
    PART(p, STATE);
    PART(p, 9, 8, 7);
}
RULE(csr_count_padding)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x4A);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7);
}
RULE(csr_gap_padding)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x03);
    PART(p, 9, 8, 7);
}
RULE(csr_values_left)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7, 6);
}
RULE(csr_gaps_left)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x01, 0);
    PART(p, 9, 8, 7);
}
RULE(csr_constant_count)
{
    base(t, MOTE_LAYOUT_CSR);
    t->counts = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 2 };
    PART(p, 0, 8);
    PART(p, 9, 8, 7, 6); /* 0 0, 0 4 */
}
RULE(csr_constant_gap)
{
    base(t, MOTE_LAYOUT_CSR);
    t->gaps = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 2 };
    PART(p, 0x0A);
    PART(p, 9, 8, 7);
}
RULE(csr_constant_gap_beyond)
{
    csr_constant_gap(t, p);
    t->gaps.constant = 3;
}

RULE(csr_escape_number)
{
    base(t, MOTE_LAYOUT_CSR);
    t->gaps = rans1(certain(15, 0));
    t->gaps.escapes = 1;
    PART(p, 0x01);
    PART(p, STATE);
    PART(p, 0x80, 0x80, 0x40);
    PART(p, 9);
}
RULE(csr_escape2_sum)
{
    csr_escape_number(t, p);
    t->gaps.escapes = 2;
    t->gaps.esc = certain(15, 0);
    planes_free(p);
    PART(p, 0x01);
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0xF1, 0xFF, 0x3F);
    PART(p, 9);
}
RULE(csr_escape2_range)
{
    csr_escape2_sum(t, p);
    bytes_free(&p->part[3]);
    put_v(&p->part[3], MOTE_ESCAPE_MAX - 15);
}
RULE(csr_count_of_short_piece) /* a segment of 4 columns, then one of 2 */
{
    base(t, MOTE_LAYOUT_CSR);
    t->rows = 1, t->seg_elems = 4;
    t->gaps = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 0 };
    PART(p, 3);
    PART(p, 9, 8, 7);
}
RULE(scale_zero)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 0, 0, 0, 0);
}
RULE(scale_ok)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 1, 0, 0, 0);
}
RULE(scale_negative)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 0, 0, 128, 191);
}
RULE(scale_infinite)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 0, 0, 128, 127);
}
RULE(scale_nan)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 1, 0, 128, 127);
}
RULE(scale_f16_infinite)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60, 0, 124);
}
RULE(scale_f16_negative)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60, 0, 188);
}
RULE(scale_bf16_infinite)
{
    affine(t, MOTE_BF16, 1, 0, 4);
    PART(p, 128, 63, 128, 127);
}
RULE(scale_bf16_ok)
{
    affine(t, MOTE_BF16, 1, 0, 4);
    PART(p, 128, 63, 127, 127);
}
RULE(scales_short)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60);
}
RULE(scales_long)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60, 0, 60, 0);
}
RULE(groups_ok)
{
    affine(t, MOTE_F16, 2, 0, 4);
    PART(p, 0, 60, 0, 60, 0, 60, 0, 60);
}
RULE(groups_short)
{
    affine(t, MOTE_F16, 2, 0, 4);
    PART(p, 0, 60, 0, 60, 0, 60);
}
RULE(zero_ok)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15, 0);
}
RULE(zero_high)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15, 16);
}
RULE(zeros_short)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15);
}
RULE(zeros_long)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15, 0, 0);
}
RULE(codes_padding)
{
    affine(t, MOTE_F16, 1, 0, 3);
    t->num.v = stored;
    t->rows = 1, t->cols = 5, t->seg_elems = 5;
    PART(p, 0, 60);
    PART(p, 0x88, 0x80);
}
static uint32_t ones[] = { 0x3C00, 0x4000, 0xBC00, 0x3C00, 0x4000, 0xBC00 };

/* Three entries of f16 for each row, one scale for all. */
static void books(tensor_cfg *t, unsigned rows)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->dtype = t->num.dtype = MOTE_F32;
    t->num.numeric = MOTE_NUM_CODEBOOK;
    t->num.entries = 3;
    t->num.entry_dtype = MOTE_F16;
    t->num.book_rows = rows;
    t->num.book = ones;
    t->num.scale_dtype = MOTE_F32; /* segment_rules gives the scale: 1 */
    t->num.v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .n_classes = 1 };
}
RULE(books_ok)
{
    books(t, 1);
    PART(p, 0, 60, 0, 64, 255, 123, 0, 60, 0, 64, 0, 188);
}
RULE(books_of_two_rows)
{
    books(t, 2);
    PART(p, 0, 60, 0, 64, 0, 188);
}
RULE(books_short)
{
    books(t, 1);
    PART(p, 0, 60, 0, 64, 0, 188, 0, 60, 0, 64);
}
RULE(books_long)
{
    books(t, 2);
    PART(p, 0, 60, 0, 64, 0, 188, 0);
}
RULE(books_infinite)
{
    books(t, 1);
    PART(p, 0, 60, 0, 64, 0, 188, 0, 60, 0, 64, 0, 252);
}
RULE(places_ok)
{
    books(t, 2);
    t->num.v = stored;
    PART(p, 0, 60, 0, 64, 0, 188);
    PART(p, 0x24, 0x49, 0x92);
}
RULE(place_beyond) /* the fourth of three */
{
    books(t, 2);
    t->num.v = stored;
    PART(p, 0, 60, 0, 64, 0, 188);
    PART(p, 0x24, 0x49, 0xD2);
}
RULE(folded_ok)
{
    affine(t, MOTE_F16, 1, 0, 3);
    t->num.v = stored;
    t->num.fold = 1;
    t->rows = 1, t->cols = 3, t->seg_elems = 3;
    PART(p, 0, 60);
    PART(p, 0x88, 1); /* 0, 1, 6 */
}
RULE(folded_beyond)
{
    folded_ok(t, p);
    bytes_free(&p->part[--p->n]);
    PART(p, 0xC8, 1); /* 0, 1, 7: the one value of 3 bits that is not */
}
RULE(scale_of_empty_group)
{
    affine(t, MOTE_F16, 2, 0, 4);
    t->layout = MOTE_LAYOUT_BITMASK;
    t->mask = stored;
    PART(p, 1, 0);
    PART(p, 0, 60, 0, 0, 0, 60, 0, 60);
}

RULE(byte_range)
{
    DENSE6(t->dtype = MOTE_I16;
           t->num = ((num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_I16, .nb = 1, .v = stored }));
    t->num.byte[0] = rans1(certain(15, 250));
    PART(p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    PART(p, STATE);
}
RULE(byte_short)
{
    byte_range(t, p);
    t->num.byte[0] = stored;
    bytes_free(&p->part[--p->n]);
    PART(p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
}
RULE(byte_long)
{
    byte_range(t, p);
    t->num.byte[0] = stored;
    bytes_free(&p->part[--p->n]);
    PART(p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
}
RULE(plane_length_beyond) /* the length of the first plane is larger than the record */
{
    byte_range(t, p);
    planes_free(p);
    PART(p, 200, 1, 3);
}
RULE(plane_length_overlong)
{
    byte_range(t, p);
    planes_free(p);
    PART(p, 0x80, 0, 3);
}
RULE(zstd_garbage)
{
    DENSE6(t->num.numeric = MOTE_NUM_STORED; t->num.v.coder = MOTE_CODER_ZSTD; PART(p, 1, 2, 3));
}

static const rule rules[] = {
#define ROW(id, status)        \
    {                          \
#id, MOTE_##status, id \
    }
    ROW(stored_ok, OK),
    ROW(stored_short, ERR_STREAM),
    ROW(stored_long, ERR_STREAM),
    ROW(elements_long, ERR_STREAM),
    ROW(elements_short, ERR_STREAM),
    ROW(u4_padding, ERR_PADDING),
    ROW(u4_stored_padding, ERR_PADDING),
    ROW(constant_ok, OK),
    ROW(constant_trailing, ERR_TRAILING),
    ROW(record_empty, ERR_STREAM),
    ROW(certain_ok, OK),
    ROW(state_low, ERR_STREAM),
    ROW(state_low_mended, ERR_STREAM),
    ROW(state_end, ERR_STREAM),
    ROW(states_short, ERR_STREAM),
    ROW(states_none, ERR_STREAM),
    ROW(words_left, ERR_STREAM),
    ROW(byte_left, ERR_STREAM),
    ROW(words_missing, ERR_STREAM),
    ROW(lanes_unused, OK),
    ROW(lanes_unused_state, ERR_STREAM),
    ROW(value_high, ERR_RANGE),
    ROW(value_low, ERR_RANGE),
    ROW(value_aliased, ERR_RANGE),
    ROW(value_aliased_low, ERR_RANGE),
    ROW(value_last_ok, OK),
    ROW(class_stored_ok, OK),
    ROW(class_stored_high, ERR_RANGE),
    ROW(class_stored_long, ERR_STREAM),
    ROW(class_stored_short, ERR_STREAM),
    ROW(class_stored_padding, ERR_PADDING),
    ROW(class_rans_ok, OK),
    ROW(class_rans_high, ERR_RANGE),
    ROW(class_rans_aliased, ERR_RANGE),
    ROW(class_rans_end, ERR_STREAM),
    ROW(class_rans_left, ERR_STREAM),
    ROW(escape_ok, OK),
    ROW(escape_low_ok, OK),
    ROW(escape_beyond, ERR_RANGE),
    ROW(escape_below, ERR_RANGE),
    ROW(escape_number, ERR_RANGE),
    ROW(escape_missing, ERR_STREAM),
    ROW(escape_cut, ERR_STREAM),
    ROW(escape_overlong, ERR_VARINT),
    ROW(escape_left, ERR_STREAM),
    ROW(escape2_ok, OK),
    ROW(escape2_number, ERR_RANGE),
    ROW(escape2_sum, ERR_RANGE),
    ROW(escape2_none, ERR_STREAM),
    ROW(escape2_end, ERR_STREAM),
    ROW(escape2_left, ERR_STREAM),
    ROW(escape2_unused, ERR_STREAM),
    ROW(mask_ok, OK),
    ROW(mask_beyond, ERR_PADDING),
    ROW(mask_short, ERR_STREAM),
    ROW(mask_long, ERR_STREAM),
    ROW(mask_values_left, ERR_STREAM),
    ROW(mask_values_short, ERR_STREAM),
    ROW(mask_nothing_kept, OK),
    ROW(mask_nothing_kept_states, ERR_STREAM),
    ROW(mask_high, ERR_INDEX),
    ROW(csr_ok, OK),
    ROW(csr_count, ERR_INDEX),
    ROW(csr_count_rans, ERR_INDEX),
    ROW(csr_gap_sum, ERR_INDEX),
    ROW(csr_gap_range, ERR_INDEX),
    ROW(csr_gap_rans, ERR_INDEX),
    ROW(csr_count_padding, ERR_PADDING),
    ROW(csr_gap_padding, ERR_PADDING),
    ROW(csr_values_left, ERR_STREAM),
    ROW(csr_gaps_left, ERR_STREAM),
    ROW(csr_constant_count, OK),
    ROW(csr_constant_gap, OK),
    ROW(csr_constant_gap_beyond, ERR_INDEX),
    ROW(csr_escape_number, ERR_RANGE),
    ROW(csr_escape2_sum, ERR_RANGE),
    ROW(csr_escape2_range, ERR_INDEX),
    ROW(csr_count_of_short_piece, OK),
    ROW(scale_zero, ERR_SCALE),
    ROW(scale_ok, OK),
    ROW(scale_negative, ERR_SCALE),
    ROW(scale_infinite, ERR_SCALE),
    ROW(scale_nan, ERR_SCALE),
    ROW(scale_f16_infinite, ERR_SCALE),
    ROW(scale_f16_negative, ERR_SCALE),
    ROW(scale_bf16_infinite, ERR_SCALE),
    ROW(scale_bf16_ok, OK),
    ROW(scales_short, ERR_STREAM),
    ROW(scales_long, ERR_STREAM),
    ROW(groups_ok, OK),
    ROW(groups_short, ERR_STREAM),
    ROW(zero_ok, OK),
    ROW(zero_high, ERR_SCALE),
    ROW(zeros_short, ERR_STREAM),
    ROW(zeros_long, ERR_STREAM),
    ROW(codes_padding, ERR_PADDING),
    ROW(books_ok, OK),
    ROW(books_of_two_rows, OK),
    ROW(books_short, ERR_STREAM),
    ROW(books_long, ERR_STREAM),
    ROW(books_infinite, ERR_SCALE),
    ROW(places_ok, OK),
    ROW(place_beyond, ERR_RANGE),
    ROW(folded_ok, OK),
    ROW(folded_beyond, ERR_RANGE),
    ROW(scale_of_empty_group, ERR_SCALE),
    ROW(byte_range, ERR_RANGE),
    ROW(byte_short, ERR_STREAM),
    ROW(byte_long, ERR_STREAM),
    ROW(plane_length_beyond, ERR_TRUNCATED),
    ROW(plane_length_overlong, ERR_VARINT),
    ROW(zstd_garbage, ERR_ZSTD),
#undef ROW
};

START_TEST(segment_rules)
{
    const rule *r = &rules[_i];
    tensor_cfg t;
    planes p = { 0 };
    r->make(&t, &p);
    uint16_t zp[8] = { 0 };
    uint32_t scale[8] = { 0x3F800000 };
    t.num.zp = zp;
    t.num.scale = scale;
    bytes head = tensor_head(&t);
    for (size_t k = 0; test_kernel(k); k++) {
        decoder d;
        mote_status st = decoder_init(&d, &head, t.dtype, t.rows * t.cols, test_kernel(k));
        ck_assert_msg(st == MOTE_OK, "%s: head %d", r->name, (int)st);
        st = decode_planes(&d, 0, &p);
        ck_assert_msg(st == r->st, "%s, kernel %s: status %d, not %d", r->name, d.env.kern->name, (int)st, (int)r->st);
        if (r->make == csr_count_of_short_piece) ck_assert_int_eq(decode_planes(&d, 1, &p), MOTE_ERR_INDEX);
        decoder_free(&d);
    }
    bytes_free(&head);
    planes_free(&p);
}
END_TEST

/* --- what there is no room or no way for --- */

START_TEST(zstd_needs_its_function_and_its_memory) /* Spec codecs.md 4 */
{
    tensor_cfg t;
    planes p = { 0 };
    base(&t, MOTE_LAYOUT_DENSE);
    t.dtype = MOTE_I16;
    t.num = (num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_I16 };
    rnd_seed(5);
    num_random(&t.num, 2, 6, 6);
    t.num.nb = 1;
    t.num.fold = t.num.shifted = t.num.background = 0;
    t.num.v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 0 };
    t.num.byte[0] = (plane_cfg){ .coder = MOTE_CODER_ZSTD };
    bytes head = tensor_head(&t);
    tensor_segment(&p, &t, 0);
    decoder d;
    ck_assert_int_eq(decoder_init(&d, &head, MOTE_I16, 12, mote_kern_ref()), MOTE_OK);
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_OK);
    d.env.scratch_bytes = 12;
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_OK);
    d.env.scratch_bytes = 11;
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_ERR_NOMEM);
    d.env.scratch_bytes = 12;
    d.env.inflate = NULL;
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_ERR_UNSUPPORTED);
    decoder_free(&d);
    planes_free(&p);
    bytes_free(&head);
    tensor_free(&t);
}
END_TEST

START_TEST(forms_that_do_not_exist_are_refused)
{
    static const struct {
        unsigned dtype;
        mote_form form;
        unsigned bits;
    } forms[] = {
        { MOTE_F32, MOTE_FORM_F32, 32 },   { MOTE_F64, MOTE_FORM_F32, 32 },     { MOTE_BF16, MOTE_FORM_F16, 16 },
        { MOTE_F16, MOTE_FORM_DENSE, 16 }, { MOTE_C128, MOTE_FORM_DENSE, 128 }, { MOTE_F6_E2M3, MOTE_FORM_DENSE, 6 },
        { MOTE_I8, MOTE_FORM_F32, 0 },     { MOTE_F8_E4M3, MOTE_FORM_F16, 0 },  { MOTE_C64, MOTE_FORM_F32, 0 },
        { MOTE_F32, MOTE_FORM_NATIVE, 0 }, { 0, MOTE_FORM_DENSE, 0 },           { 26, MOTE_FORM_DENSE, 0 },
    };
    for (size_t i = 0; i < N(forms); i++)
        ck_assert_uint_eq(mote_form_bits(forms[i].dtype, forms[i].form), forms[i].bits);

    tensor_cfg t;
    planes p = { 0 };
    stored_ok(&t, &p);
    bytes head = tensor_head(&t), rec = planes_join(&p);
    decoder d;
    uint8_t out[12];
    mote_dest dest;
    ck_assert_int_eq(decoder_init(&d, &head, MOTE_U8, 12, mote_kern_ref()), MOTE_OK);
    ck_assert_int_eq(mote_dest_tensor(&dest, &d.head, 0, MOTE_FORM_F32, out, 100), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_dest_tensor(&dest, &d.head, 0, MOTE_FORM_DENSE, out, 11), MOTE_ERR_NOMEM);
    ck_assert_int_eq(mote_dest_segment(&dest, &d.head, 0, MOTE_FORM_DENSE, out, 11), MOTE_ERR_NOMEM);
    ck_assert_int_eq(mote_dest_segment(&dest, &d.head, 0, MOTE_FORM_DENSE, out, 12), MOTE_OK);
    dest.form = MOTE_FORM_F16;
    ck_assert_int_eq(mote_seg_dense(d.work, &d.env, 0, rec.p, rec.n, &dest), MOTE_ERR_ARG);
    decoder_free(&d);
    planes_free(&p);
    bytes_free(&head);
    bytes_free(&rec);
}
END_TEST

/* D6: a segment whose size does not fit the address space, or a fraction of it, is refused before anything is touched. */
START_TEST(huge_segments_are_refused)
{
    tensor_cfg t;
    base(&t, MOTE_LAYOUT_DENSE);
    t.rows = (uint64_t)1 << WIDE(20, 10);
    t.cols = (uint64_t)1 << WIDE(27, 16); /* 2^26 is what readers with 32 bits take */
    t.seg_elems = t.rows * t.cols;
    t.num.v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT };
    bytes head = tensor_head(&t);
    mote_head h;
    mote_table tables[1];
    mote_dest dest;
    uint8_t out[16];
    ck_assert_int_eq(
        mote_head_read(&h, tables, NULL, 1, mote_rd_init(head.p, head.n), MOTE_U8, t.rows * t.cols, NULL, NULL),
        MOTE_OK);
    ck_assert_int_eq(mote_dest_tensor(&dest, &h, 0, MOTE_FORM_DENSE, out, sizeof out), MOTE_ERR_NOMEM);
    ck_assert(mote_seg_native_bytes(&h, false) >= t.rows * t.cols);
    bytes_free(&head);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("segment_rules");
    TCase *tc = tcase_create("segment_rules");
    tcase_add_loop_test(tc, segment_rules, 0, (int)N(rules));
    tcase_add_test(tc, zstd_needs_its_function_and_its_memory);
    tcase_add_test(tc, forms_that_do_not_exist_are_refused);
    tcase_add_test(tc, huge_segments_are_refused);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
