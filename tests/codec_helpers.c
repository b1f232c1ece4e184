/* SPDX-License-Identifier: Apache-2.0
 * The tests' own encoder: straight from the words of codecs.md, without regard to speed. Only the rANS core is the
 * library's, which test_rans compares with the words of the specification. */
#include "codec_helpers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/le.h"
#include "common/casts.h"

const mote_kern *test_kernel(size_t i)
{
    const mote_kern *all[] = { mote_kern_ref(), mote_kern_host(), mote_kern_avx2(), mote_kern_avx512() };
    for (size_t k = 0; k < N(all); k++)
        if (all[k] && i-- == 0) return all[k];
    return NULL;
}

/* --- bytes --- */

void *allocate(size_t n)
{
    void *p = calloc(n ? n : 1, 1);
    if (!p) {
        fprintf(stderr, "no memory\n");
        exit(3);
    }
    return p;
}

uint8_t *exact_copy(const void *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) exit(3);
    if (n) memcpy(copy, p, n);
    return copy;
}

void put_bytes(bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->room) {
        b->room = 2 * (b->n + n) + 64;
        b->p = realloc(b->p, b->room);
        if (!b->p) exit(3);
    }
    if (n) memcpy(b->p + b->n, p, n);
    b->n += n;
}

void put_u8(bytes *b, unsigned x)
{
    uint8_t byte = (uint8_t)x;
    put_bytes(b, &byte, 1);
}

void put_v(bytes *b, uint64_t x)
{
    for (; x >= 128; x >>= 7) put_u8(b, (unsigned)(x & 127) | 128);
    put_u8(b, (unsigned)x);
}

void put_zv(bytes *b, int64_t x)
{
    put_v(b, x >= 0 ? 2 * (uint64_t)x : 2 * (uint64_t)-x - 1);
}

void put_le(bytes *b, uint64_t x, unsigned n)
{
    for (; n; n--, x >>= 8) put_u8(b, (unsigned)(x & 255));
}

void put_field(bytes *b, unsigned tag, bytes *value)
{
    put_v(b, tag);
    put_v(b, value->n);
    put_bytes(b, value->p, value->n);
    bytes_free(value);
}

void bytes_free(bytes *b)
{
    free(b->p);
    *b = (bytes){ 0 };
}

bytes planes_join(const planes *p)
{
    bytes b = { 0 };
    for (size_t i = 0; i < p->n; i++) {
        if (i + 1 < p->n) put_v(&b, p->part[i].n);
        put_bytes(&b, p->part[i].p, p->part[i].n);
    }
    return b;
}

void planes_free(planes *p)
{
    for (size_t i = 0; i < p->n; i++) bytes_free(&p->part[i]);
    p->n = 0;
}

/* --- random numbers: xorshift64* --- */

static uint64_t rnd_state = 1;

void rnd_seed(uint64_t seed)
{
    rnd_state = seed * 0x9E3779B97F4A7C15u + 0x1234567;
    if (!rnd_state) rnd_state = 1;
    for (int i = 0; i < 4; i++) rnd();
}

uint64_t rnd(void)
{
    rnd_state ^= rnd_state >> 12;
    rnd_state ^= rnd_state << 25;
    rnd_state ^= rnd_state >> 27;
    return rnd_state * 0x2545F4914F6CDD1Du;
}

unsigned rnd_below(unsigned n)
{
    return (unsigned)((rnd() >> 33) % n);
}

/* --- planes --- */

static void random_table(mote_table_spec *t, int32_t vmin, int32_t vmax, bool escapes, bool lo_zero)
{
    memset(t, 0, sizeof *t);
    t->bits = rnd_below(2) ? 12 : 14;
    t->shift = (uint8_t)rnd_below(t->bits == 14 ? 3 : 5);
    int32_t range = vmax - vmin + 1;
    if (!escapes) { /* everything must be a direct symbol */
        while (16 << t->shift < range) {
            t->shift++;
            if (t->bits + t->shift > 16) t->bits = 12;
        }
        t->lo = vmin - (int32_t)rnd_below((unsigned)((16 << t->shift) - range + 1));
    } else {
        t->lo = vmin + (int32_t)rnd_below((unsigned)range) - 8;
    }
    if (lo_zero) t->lo = 0;
    t->form = (uint8_t)rnd_below(2);
    if (t->form) {
        t->shape = (uint8_t)rnd_below(MOTE_SHAPES);
        t->mean = 8 * t->lo + (int32_t)rnd_below(8 * 16u << t->shift);
        t->inverse = 1 + rnd_below(1u << (4 + rnd_below(20)));
        return;
    }
    uint32_t left = (1u << t->bits) - 16;
    for (unsigned i = 0; i < 15; i++) {
        uint32_t f = rnd_below(left / (rnd_below(8) + 1) + 1);
        t->freq[i] = (uint16_t)(1 + f);
        left -= f;
    }
    t->freq[15] = (uint16_t)(1 + left);
    for (unsigned i = 0; i < 16; i++) { /* the rest is not always the last one's */
        unsigned j = rnd_below(16);
        uint16_t f = t->freq[i];
        t->freq[i] = t->freq[j];
        t->freq[j] = f;
    }
}

void plane_random_tables(plane_cfg *c, unsigned width, int32_t vmin, int32_t vmax)
{
    (void)width;
    random_table(&c->map, 0, (int32_t)c->n_classes - 1, false, false);
    for (unsigned i = 0; i < c->n_classes; i++) random_table(&c->table[i], vmin, vmax, c->escapes != 0, false);
    random_table(&c->esc, 0, MOTE_ESCAPE_MAX, true, true);
}

void plane_random(plane_cfg *c, char what, unsigned width, int32_t vmin, int32_t vmax)
{
    static const unsigned rans[] = { MOTE_CODER_RANS1, MOTE_CODER_RANS8, MOTE_CODER_RANS32 };
    memset(c, 0, sizeof *c);
    c->n_classes = 1;
    c->coder = rnd_below(4) ? rans[rnd_below(3)] : MOTE_CODER_STORED;
    if (what == 'b' && rnd_below(6) == 0) c->coder = MOTE_CODER_CONSTANT;
    if (what == 'b' && rnd_below(2) == 0) c->coder = MOTE_CODER_STORED;
    if (c->coder == MOTE_CODER_CONSTANT) c->constant = vmin + (int32_t)rnd_below((unsigned)(vmax - vmin + 1));
    if (c->coder == MOTE_CODER_CONSTANT || c->coder == MOTE_CODER_STORED) return;
    if ((what == 'v' || what == 'm') && rnd_below(2)) {
        c->n_classes = 2 + rnd_below(15);
        c->class_coder = rnd_below(2) ? MOTE_CODER_STORED : MOTE_CODER_RANS1;
    }
    if (what == 'v' || what == 'c') {
        c->escapes = rnd_below(3);
        if (vmax - vmin >= 256 && c->escapes == 0) c->escapes = 1 + rnd_below(2);
    }
    plane_random_tables(c, width, vmin, vmax);
}

static bytes *add_part(planes *out)
{
    if (out->n == N(out->part)) exit(3);
    out->part[out->n] = (bytes){ 0 };
    return &out->part[out->n++];
}

static void put_fields(bytes *b, const int32_t *v, size_t n, unsigned width)
{
    uint64_t acc = 0;
    unsigned have = 0;
    for (size_t i = 0; i < n; i++) {
        acc |= ((uint64_t)(uint32_t)v[i] & ((1u << width) - 1)) << have;
        for (have += width; have >= 8; have -= 8, acc >>= 8) put_u8(b, (unsigned)(acc & 255));
    }
    if (have) put_u8(b, (unsigned)acc);
}

static void build(mote_enc_table *e, const mote_table_spec *spec, int32_t vmin, int32_t vmax, bool escapes)
{
    mote_table t;
    if (mote_table_build(&t, spec, vmin, vmax, escapes) != MOTE_OK) {
        fprintf(stderr, "table\n");
        exit(3);
    }
    mote_enc_table_init(e, &t);
}

/* tokens of rows; e[row's class] */
static void put_rans(bytes *b, unsigned lanes, const mote_enc_table *e, const uint8_t *cls, const mote_token *token,
                     const size_t *len, size_t n_rows)
{
    size_t n = 0, used;
    for (size_t r = 0; r < n_rows; r++) n += len[r];
    const size_t room = 2 * n + 4 * lanes;
    uint8_t *buf = allocate(room);
    const uint8_t *data;
    mote_rans_enc enc;
    mote_rans_enc_init(&enc, lanes, buf, room);
    for (size_t r = n_rows; r-- > 0;) {
        n -= len[r];
        mote_rans_put_row(&enc, &e[cls ? cls[r] : 0], token + n, len[r]);
    }
    if (mote_rans_finish(&enc, &data, &used) != MOTE_OK) exit(3);
    put_bytes(b, data, used);
    free(buf);
}

void plane_encode(planes *out, const plane_cfg *c, unsigned width, int32_t vmin, int32_t vmax, const int32_t *v,
                  const size_t *len, const uint8_t *cls, size_t n_rows)
{
    size_t n = 0, n_esc = 0, at = 0;
    for (size_t r = 0; r < n_rows; r++) n += len[r];
    if (c->coder == MOTE_CODER_CONSTANT) return;
    if (c->coder == MOTE_CODER_STORED) {
        put_fields(add_part(out), v, n, width);
        return;
    }
    if (c->coder == MOTE_CODER_ZSTD) {
        bytes raw = { 0 }, *b = add_part(out);
        put_fields(&raw, v, n, width);
        size_t bound = ZSTD_compressBound(raw.n);
        uint8_t *z = allocate(bound);
        put_bytes(b, z, 0);
        bound = ZSTD_compress(z, bound, raw.p ? raw.p : z, raw.n, 3);
        put_bytes(b, z, bound);
        free(z);
        bytes_free(&raw);
        return;
    }
    mote_enc_table e[MOTE_CLASSES_MAX], map, esc;
    for (unsigned k = 0; k < c->n_classes; k++) build(&e[k], &c->table[k], vmin, vmax, c->escapes != 0);
    mote_token *token = allocate(n * sizeof *token), *second = allocate(n * sizeof *second);
    uint32_t *number = allocate(n * sizeof *number);
    for (size_t r = 0; r < n_rows; r++) {
        const mote_enc_table *t = &e[cls ? cls[r] : 0];
        for (size_t i = 0; i < len[r]; i++, at++) {
            uint32_t found = UINT32_MAX;
            token[at] = mote_token_of(v[at], t->lo, t->shift, c->escapes != 0, &found);
            if (found != UINT32_MAX) number[n_esc++] = found;
        }
    }
    if (c->n_classes > 1 && c->class_coder == MOTE_CODER_STORED) {
        int32_t *k = allocate(n_rows * sizeof *k);
        for (size_t r = 0; r < n_rows; r++) k[r] = cls[r];
        put_fields(add_part(out), k, n_rows, 4);
        free(k);
    } else if (c->n_classes > 1) {
        mote_token *k = allocate(n_rows * sizeof *k);
        uint32_t none;
        build(&map, &c->map, 0, (int32_t)c->n_classes - 1, false);
        for (size_t r = 0; r < n_rows; r++) k[r] = mote_token_of(cls[r], map.lo, map.shift, false, &none);
        put_rans(add_part(out), 1, &map, NULL, k, &n_rows, 1);
        free(k);
    }
    put_rans(add_part(out), mote_plane_lanes(c->coder), e, cls, token, len, n_rows);
    if (c->escapes == 2) {
        bytes rest = { 0 };
        build(&esc, &c->esc, 0, MOTE_ESCAPE_MAX, true);
        for (size_t i = 0; i < n_esc; i++) {
            uint32_t t = number[i] >> esc.shift;
            second[i] = (mote_token){ (uint8_t)(t < 15 ? t : 15), (uint8_t)(number[i] - (t << esc.shift)) };
            if (t >= 15) put_v(&rest, t - 15);
        }
        put_rans(add_part(out), 1, &esc, NULL, second, &n_esc, 1);
        *add_part(out) = rest;
    } else if (c->escapes == 1) {
        bytes *b = add_part(out);
        for (size_t i = 0; i < n_esc; i++) put_v(b, number[i]);
    }
    free(token);
    free(second);
    free(number);
}

static void put_table(bytes *b, const mote_table_spec *t)
{
    put_u8(b, t->form | (t->bits == 14 ? 4u : 0) | (unsigned)t->shift << 3);
    put_zv(b, t->lo);
    if (t->form) {
        put_u8(b, t->shape);
        put_zv(b, t->mean);
        put_v(b, t->inverse);
    } else {
        for (unsigned i = 0; i < 15; i++) put_v(b, t->freq[i]);
    }
}

static void put_plane(bytes *terms, bytes *tables, const plane_cfg *c)
{
    put_v(terms, c->coder);
    if (c->coder == MOTE_CODER_CONSTANT) put_zv(terms, c->constant);
    if (c->coder < MOTE_CODER_RANS1 || c->coder > MOTE_CODER_RANS32) return;
    put_v(terms, c->n_classes);
    if (c->n_classes > 1) {
        put_v(terms, c->class_coder);
        if (c->class_coder == MOTE_CODER_RANS1) put_table(tables, &c->map);
    }
    put_v(terms, c->escapes);
    for (unsigned i = 0; i < c->n_classes; i++) put_table(tables, &c->table[i]);
    if (c->escapes == 2) put_table(tables, &c->esc);
}

/* --- numerics --- */

static unsigned size_of(unsigned dtype)
{
    unsigned bits = mote_dtype_bits(dtype);
    return bits < 8 ? 1 : bits / 8;
}

/* E, M and bit widths of a float type by its definition */
static void float_fields(unsigned dtype, unsigned *e_bits, unsigned *m)
{
    switch (dtype) {
    case MOTE_F64: *e_bits = 11, *m = 52; break;
    case MOTE_F32: *e_bits = 8, *m = 23; break;
    case MOTE_BF16: *e_bits = 8, *m = 7; break;
    case MOTE_F16: *e_bits = 5, *m = 10; break;
    case MOTE_F8_E4M3:
    case MOTE_F8_E4M3FNUZ: *e_bits = 4, *m = 3; break;
    default: *e_bits = 5, *m = 2; break;
    }
}

static bool is_signed(unsigned dtype)
{
    return dtype == MOTE_I8 || dtype == MOTE_I16 || dtype == MOTE_I32 || dtype == MOTE_I64 || dtype == MOTE_I4;
}

unsigned num_entries(const num_cfg *c)
{
    return c->table == MOTE_BOOK_WRITTEN ? c->entries : c->table == MOTE_BOOK_NF4 ? 16 : 256;
}

/* Tables of the whole matrix. */
size_t num_books(const num_cfg *c)
{
    if (c->table != MOTE_BOOK_WRITTEN) return 0;
    return c->book_rows ? (size_t)((c->rows - 1) / c->book_rows + 1) : 1;
}

void num_range(const num_cfg *c, unsigned *width, int32_t *vmin, int32_t *vmax)
{
    unsigned bits = mote_dtype_bits(c->dtype), e, m;
    bool negative = false;
    *width = bits;
    if (c->numeric == MOTE_NUM_FLOAT) {
        float_fields(c->dtype, &e, &m);
        *width = e + (m + 1) % 8;
    } else if (c->numeric == MOTE_NUM_INT) {
        *width = bits - 8 * c->nb;
        negative = is_signed(c->dtype) || c->shifted;
    } else if (c->numeric == MOTE_NUM_AFFINE) {
        *width = c->bits < 8 ? c->bits : 8;
        negative = !c->zero;
    }
    *vmin = 0;
    if (c->numeric == MOTE_NUM_CODEBOOK) {
        *vmax = (int32_t)num_entries(c) - 1;
        for (*width = 1; *vmax >> *width; ++*width) continue;
        return;
    }
    *vmax = *width < 31 ? (1 << *width) - 1 : INT32_MAX;
    if (c->fold) {
        *vmax -= 1;
    } else if (negative) {
        *vmin = -(1 << (*width - 1));
        *vmax += *vmin;
    }
}

static size_t per_piece(const num_cfg *c)
{
    return c->scope == 2 ? (size_t)((c->piece - 1) / c->group + 1) : 1;
}

static size_t n_pieces(const num_cfg *c)
{
    return (size_t)(c->rows * ((c->cols - 1) / c->piece + 1));
}

static uint32_t random_scale(unsigned dtype)
{
    if (dtype == MOTE_F32) return rnd_below(8) ? 0x3A000000 + rnd_below(0x04000000) : 1 + rnd_below(0x7F7FFFFF);
    if (dtype == MOTE_F16) return 1 + rnd_below(0x7BFF);
    return rnd_below(8) ? 0x3A00 + rnd_below(0x0400) : 1 + rnd_below(0x7F7F);
}

/* Values that are near each other most of the time, so that direct symbols and escapes both occur. */
static int32_t random_value(int32_t vmin, int32_t vmax)
{
    unsigned range = (unsigned)(vmax - vmin + 1);
    if (rnd_below(8) == 0 || range <= 24) return vmin + (int32_t)rnd_below(range);
    return vmin + (int32_t)(range / 2 - 8 + rnd_below(16));
}

static void join_planes(const num_cfg *c, int32_t v, const uint8_t *b, uint8_t *to)
{
    unsigned bits = mote_dtype_bits(c->dtype), e_bits, m;
    uint64_t x = 0;
    for (unsigned j = 0; j < c->nb; j++) x = x << 8 | b[j];
    if (c->numeric == MOTE_NUM_FLOAT) { /* V = E * 2^k + (R >> 8 nb), R = S * 2^m + M */
        float_fields(c->dtype, &e_bits, &m);
        unsigned k = (m + 1) % 8;
        uint64_t e = (uint64_t)(uint32_t)v >> k, r = ((uint64_t)(uint32_t)v & ((1u << k) - 1)) << 8 * c->nb | x;
        x = (r >> m) << (m + e_bits) | e << m | (r & (((uint64_t)1 << m) - 1));
    } else {
        x |= (uint64_t)(int64_t)(v + (int32_t)c->background) << 8 * c->nb;
    }
    if (bits < 64) x &= ((uint64_t)1 << bits) - 1;
    for (unsigned i = 0; i < size_of(c->dtype); i++) to[i] = (uint8_t)(x >> 8 * i);
}

/* Spec codecs.md 5.6 */
static int32_t unfolded(int32_t v)
{
    return v % 2 ? v / 2 + 1 : -(v / 2) - 1;
}

static int32_t folded(int32_t x)
{
    return x > 0 ? 2 * x - 1 : -2 * x - 2;
}

void num_random(num_cfg *c, uint64_t rows, uint64_t cols, uint64_t piece)
{
    c->rows = rows;
    c->cols = cols;
    c->piece = piece;
    const size_t n = (size_t)(rows * cols), pieces = n_pieces(c), size = size_of(c->dtype);
    unsigned e_bits, m, width;
    int32_t vmin, vmax;
    if (c->numeric == MOTE_NUM_FLOAT) {
        float_fields(c->dtype, &e_bits, &m);
        c->nb = (m + 1) / 8;
    } else if (c->numeric == MOTE_NUM_INT) {
        unsigned bits = mote_dtype_bits(c->dtype);
        c->nb = bits > 16 ? (bits - 16) / 8 + rnd_below(2) : bits == 16 ? rnd_below(2) : 0;
        if (bits == 8 && rnd_below(2)) c->shifted = 1, c->background = rnd_below(256);
        if ((is_signed(c->dtype) || c->shifted) && c->nb == 0 && rnd_below(2)) c->fold = 1;
    } else if (c->numeric == MOTE_NUM_AFFINE) {
        c->bits = rnd_below(9) + 1;
        if (c->bits == 9) c->bits = 16;
        c->zero = rnd_below(2);
        c->scope = rnd_below(3);
        c->group = c->scope == 2 ? 1 + rnd_below(rnd_below(2) ? 8 : 64) : 0;
        c->scale_dtype = MOTE_F16 + rnd_below(3);
        c->nb = c->bits == 16;
        if (!c->zero && c->bits > 1 && c->nb == 0 && rnd_below(2)) c->fold = 1;
    }
    if (c->numeric == MOTE_NUM_CODEBOOK) {
        static const unsigned some[] = { 2, 3, 15, 16, 17, 31, 200, 256 };
        c->table = rnd_below(5) > 2 ? rnd_below(4) : MOTE_BOOK_WRITTEN;
        c->scope = rnd_below(3);
        c->group = c->scope == 2 ? 1 + rnd_below(rnd_below(2) ? 8 : 64) : 0;
        c->scale_dtype = MOTE_F16 + rnd_below(3);
        c->entries = some[rnd_below(N(some))];
        c->entry_dtype = MOTE_F16 + rnd_below(3);
        c->book_rows = c->table == MOTE_BOOK_WRITTEN && rnd_below(2) ? 1 + rnd_below(4) : 0;
        c->book = allocate(num_books(c) * c->entries * sizeof *c->book);
        for (size_t i = 0; i < num_books(c) * c->entries; i++)
            c->book[i] = random_scale(c->entry_dtype) | rnd_below(2) << (c->entry_dtype == MOTE_F32 ? 31 : 15);
    }
    num_range(c, &width, &vmin, &vmax);
    if (c->numeric == MOTE_NUM_STORED)
        c->v = (plane_cfg){ .coder = MOTE_CODER_STORED };
    else
        plane_random(&c->v, 'v', width, vmin, vmax);
    if (c->numeric != MOTE_NUM_STORED && rnd_below(16) == 0)
        c->v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .n_classes = 1, .constant = random_value(vmin, vmax) };
    for (unsigned j = 0; j < c->nb; j++) plane_random(&c->byte[j], 'b', 8, 0, 255);

    c->elem = allocate(n * size);
    c->q = allocate(n * sizeof *c->q);
    c->cls = allocate(pieces);
    c->scale = allocate(pieces * per_piece(c) * sizeof *c->scale);
    c->zp = allocate(pieces * per_piece(c) * sizeof *c->zp);
    for (size_t i = 0; i < pieces; i++)
        if (c->v.n_classes) c->cls[i] = (uint8_t)rnd_below(c->v.n_classes);
    for (size_t i = 0; i < pieces * per_piece(c) && c->scale_dtype; i++) {
        c->scale[i] = random_scale(c->scale_dtype);
        if (c->zero) c->zp[i] = (uint16_t)rnd_below(1u << c->bits);
    }
    for (size_t i = 0; i < n; i++) {
        if (c->numeric == MOTE_NUM_STORED) {
            unsigned bits = mote_dtype_bits(c->dtype);
            for (size_t k = 0; k < size; k++) c->elem[i * size + k] = (uint8_t)rnd();
            if (bits < 8) c->elem[i] &= (uint8_t)((1u << bits) - 1);
            continue;
        }
        uint8_t b[MOTE_BYTE_PLANES_MAX];
        int32_t v = c->v.coder == MOTE_CODER_CONSTANT ? c->v.constant : random_value(vmin, vmax);
        for (unsigned j = 0; j < c->nb; j++)
            b[j] = (uint8_t)(c->byte[j].coder == MOTE_CODER_CONSTANT ? c->byte[j].constant : (int32_t)rnd_below(256));
        if (c->fold) v = unfolded(v);
        c->q[i] = c->bits == 16 ? v * 256 + b[0] : v;
        if (!c->scale_dtype) join_planes(c, v, b, c->elem + i * size);
    }
}

void num_free(num_cfg *c)
{
    free(c->elem);
    free(c->q);
    free(c->book);
    free(c->scale);
    free(c->zp);
    free(c->cls);
    c->elem = NULL;
    c->book = NULL;
    c->q = NULL;
    c->scale = NULL;
    c->zp = NULL;
    c->cls = NULL;
}

/* V and byte planes of element i, from its bits and by the formulas of codecs.md 5 */
static int32_t split(const num_cfg *c, size_t i, uint8_t *b)
{
    unsigned bits = mote_dtype_bits(c->dtype), e_bits, m, width;
    int32_t vmin, vmax;
    if (c->numeric == MOTE_NUM_CODEBOOK) return c->q[i];
    if (c->numeric == MOTE_NUM_AFFINE) {
        b[0] = (uint8_t)(c->q[i] & 255);
        return c->bits == 16 ? c->q[i] >> 8 : c->fold ? folded(c->q[i]) : c->q[i];
    }
    uint64_t x = 0, r;
    for (unsigned k = size_of(c->dtype); k-- > 0;) x = x << 8 | c->elem[i * size_of(c->dtype) + k];
    if (c->numeric == MOTE_NUM_STORED) return (int32_t)x;
    if (c->numeric == MOTE_NUM_FLOAT) {
        float_fields(c->dtype, &e_bits, &m);
        uint64_t s = x >> (m + e_bits), e = x >> m & ((1u << e_bits) - 1);
        r = s << m | (x & (((uint64_t)1 << m) - 1));
        for (unsigned j = 0; j < c->nb; j++) b[j] = (uint8_t)(r >> 8 * (c->nb - 1 - j));
        return (int32_t)(e << (m + 1) % 8 | r >> 8 * c->nb);
    }
    for (unsigned j = 0; j < c->nb; j++) b[j] = (uint8_t)(x >> 8 * (c->nb - 1 - j));
    int32_t v = (int32_t)(x >> 8 * c->nb);
    if (c->shifted) {
        v = (v - (int32_t)c->background) & 255;
        v = v > 127 ? v - 256 : v;
        return c->fold ? folded(v) : v;
    }
    if (c->fold) return folded(v >> (bits - 1) ? v - (1 << bits) : v);
    num_range(c, &width, &vmin, &vmax);
    if (bits < 8) v &= (1 << bits) - 1;
    return v > vmax ? v - (1 << width) : v;
}

static void put_book(bytes *b, const num_cfg *c, size_t k)
{
    for (unsigned i = 0; i < c->entries; i++)
        put_le(b, c->book[k * c->entries + i], c->entry_dtype == MOTE_F32 ? 4 : 2);
}

static void put_num(bytes *terms, bytes *tables, const num_cfg *c)
{
    put_v(terms, c->numeric);
    if (c->numeric == MOTE_NUM_FLOAT) put_v(terms, c->dtype);
    if (c->numeric == MOTE_NUM_INT)
        put_v(terms, c->nb + (c->fold ? MOTE_BYTES_FOLDED : 0) + (c->shifted ? MOTE_BYTES_SHIFTED : 0));
    if (c->shifted) put_v(terms, c->background);
    if (c->numeric == MOTE_NUM_AFFINE) {
        put_v(terms, c->bits);
        put_v(terms, c->fold ? 2 : c->zero);
    }
    if (c->numeric == MOTE_NUM_CODEBOOK) {
        put_v(terms, c->table);
        if (c->table == MOTE_BOOK_WRITTEN) {
            put_v(terms, c->entries);
            put_v(terms, c->entry_dtype);
            put_v(terms, c->book_rows);
            if (c->book_rows == 0) put_book(terms, c, 0);
        }
    }
    if (c->scale_dtype) {
        put_v(terms, c->scope);
        if (c->scope == 2) put_v(terms, c->group);
        put_v(terms, c->scale_dtype);
        if (c->scope == 0) {
            put_le(terms, c->scale[0], c->scale_dtype == MOTE_F32 ? 4 : 2);
            if (c->zero) put_v(terms, c->zp[0]);
        }
    }
    put_plane(terms, tables, &c->v);
    for (unsigned j = 0; j < c->nb; j++) put_plane(terms, tables, &c->byte[j]);
}

/* Planes of the rectangle e; kept: NULL, or of each element of the matrix. */
static void encode_num(planes *out, const num_cfg *c, const mote_extent *e, const uint8_t *kept)
{
    const size_t row_pieces = (size_t)((c->cols - 1) / c->piece + 1), rows = (size_t)e->rows;
    const size_t first = (size_t)e->row * row_pieces + (size_t)(e->col / c->piece), n = rows * (size_t)e->cols;
    unsigned width;
    int32_t vmin, vmax, *v = allocate(n * sizeof *v), *b[MOTE_BYTE_PLANES_MAX];
    size_t *len = allocate(rows * sizeof *len), at = 0;
    uint8_t byte[MOTE_BYTE_PLANES_MAX];
    num_range(c, &width, &vmin, &vmax);
    for (unsigned j = 0; j < c->nb; j++) b[j] = allocate(n * sizeof *b[j]);
    if (c->book_rows) {
        bytes *p = add_part(out);
        for (uint64_t r = e->row; r < e->row + e->rows; r++)
            if (r == e->row || r % c->book_rows == 0) put_book(p, c, (size_t)(r / c->book_rows));
    }
    if (c->scale_dtype && c->scope) {
        size_t groups = c->scope == 2 ? (size_t)((e->cols - 1) / c->group + 1) : 1;
        for (unsigned what = 0; what < 1 + c->zero; what++) {
            bytes *p = add_part(out);
            for (size_t r = 0; r < rows; r++)
                for (size_t g = 0; g < groups; g++) {
                    size_t i = (first + r) * per_piece(c) + g;
                    if (what)
                        put_le(p, c->zp[i], c->bits == 16 ? 2 : 1);
                    else
                        put_le(p, c->scale[i], c->scale_dtype == MOTE_F32 ? 4 : 2);
                }
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < e->cols; k++) {
            size_t i = (size_t)((e->row + r) * c->cols + e->col) + k;
            if (kept && !kept[i]) continue;
            v[at] = split(c, i, byte);
            for (unsigned j = 0; j < c->nb; j++) b[j][at] = byte[j];
            len[r]++;
            at++;
        }
    if (c->numeric == MOTE_NUM_STORED && mote_dtype_bits(c->dtype) >= 8) {
        size_t size = size_of(c->dtype);
        plane_cfg as_bytes = { .coder = c->v.coder };
        int32_t *raw = allocate(n * size * sizeof *raw);
        size_t m = 0;
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < e->cols; k++) {
                size_t i = (size_t)((e->row + r) * c->cols + e->col) + k;
                if (kept && !kept[i]) continue;
                for (size_t z = 0; z < size; z++) raw[m++] = c->elem[i * size + z];
            }
        plane_encode(out, &as_bytes, 8, 0, 255, raw, &m, NULL, 1);
        free(raw);
    } else {
        plane_encode(out, &c->v, width, vmin, vmax, v, len, c->v.n_classes > 1 ? c->cls + first : NULL, rows);
    }
    for (unsigned j = 0; j < c->nb; j++) {
        plane_encode(out, &c->byte[j], 8, 0, 255, b[j], len, NULL, rows);
        free(b[j]);
    }
    free(v);
    free(len);
}

/* --- tensors --- */

static int bit_length(uint64_t x)
{
    int n = 0;
    for (; x; x >>= 1) n++;
    return n;
}

/* Masks and indices of a sparse layout. */
static void layout_random(tensor_cfg *t)
{
    const uint64_t piece = t->seg_elems < t->cols ? t->seg_elems : t->cols;
    const size_t pieces = (size_t)(t->rows * ((t->cols - 1) / piece + 1)), elements = (size_t)(t->rows * t->cols);
    t->kept = allocate(elements);
    t->mask_cls = allocate(pieces);
    t->gap_cls = allocate(pieces);
    unsigned density = rnd_below(9);
    for (size_t i = 0; i < elements; i++) t->kept[i] = rnd_below(8) < density;
    plane_random(&t->mask, 'm', 4, 0, 15);
    plane_random(&t->counts, 'c', (unsigned)bit_length(piece), 0, (int32_t)piece);
    plane_random(&t->gaps, 'v', (unsigned)(piece > 1 ? bit_length(piece - 1) : 1), 0, (int32_t)piece - 1);
    for (size_t i = 0; i < pieces; i++) {
        t->mask_cls[i] = (uint8_t)rnd_below(t->mask.n_classes);
        t->gap_cls[i] = (uint8_t)rnd_below(t->gaps.n_classes);
    }
}

bool tensor_random(tensor_cfg *t, unsigned layout, unsigned numeric, unsigned dtype, unsigned n)
{
    const unsigned bits = mote_dtype_bits(dtype);
    const bool real = dtype >= MOTE_F16 && dtype <= MOTE_F64,
               small = dtype >= MOTE_F8_E4M3 && dtype <= MOTE_F8_E5M2FNUZ;
    const bool sparse = layout == MOTE_LAYOUT_BITMASK || layout == MOTE_LAYOUT_CSR;
    memset(t, 0, sizeof *t);
    if (numeric == MOTE_NUM_FLOAT && !real && !small) return false;
    if ((numeric == MOTE_NUM_AFFINE || numeric == MOTE_NUM_CODEBOOK) && !real) return false;
    if (numeric == MOTE_NUM_INT && (real || small || dtype > MOTE_I4)) return false;
    if (layout != MOTE_LAYOUT_DENSE && bits < 8) return false;
    if (layout == MOTE_LAYOUT_LOWRANK &&
        (!real || dtype == MOTE_F64 || (numeric != MOTE_NUM_FLOAT && numeric != MOTE_NUM_AFFINE)))
        return false;
    t->dtype = dtype;
    t->layout = layout;
    t->cols = 1 + rnd_below(rnd_below(3) ? n : 8);
    t->rows = 1 + rnd_below(n / (unsigned)t->cols + 1);
    if (rnd_below(3) == 0 && layout != MOTE_LAYOUT_LOWRANK && t->cols > 1)
        t->seg_elems = 1 + rnd_below((unsigned)t->cols - 1);
    else
        t->seg_elems = t->cols * (1 + rnd_below((unsigned)t->rows));
    if (bits < 8) { /* whole bytes, or all in one */
        unsigned whole = bits == 4 ? 2 : 4;
        if (t->seg_elems < t->cols) t->cols = (t->cols + whole - 1) / whole * whole;
        if (t->seg_elems < t->cols) t->seg_elems = (t->seg_elems + whole - 1) / whole * whole;
        if (t->seg_elems >= t->cols)
            t->seg_elems = t->seg_elems * bits % 8 || t->seg_elems % t->cols ? t->rows * t->cols : t->seg_elems;
    } else {
        t->axis = rnd_below(3) == 0;
    }
    const uint64_t piece = t->seg_elems < t->cols ? t->seg_elems : t->cols;
    t->num.numeric = numeric;
    t->num.dtype = dtype;
    if (numeric == MOTE_NUM_FLOAT && real) {
        static const uint8_t held[][4] = {
            { MOTE_F16 }, { MOTE_BF16 }, { MOTE_F32, MOTE_F16, MOTE_BF16 }, { MOTE_F64, MOTE_F32, MOTE_F16, MOTE_BF16 }
        };
        unsigned k = rnd_below(4);
        if (held[dtype - MOTE_F16][k]) t->num.dtype = held[dtype - MOTE_F16][k];
    }
    if (layout == MOTE_LAYOUT_LOWRANK) {
        t->rank = 1 + rnd_below((unsigned)(t->rows < t->cols ? t->rows : t->cols));
        t->rpr = 1 + rnd_below(t->rank);
        t->v.numeric = rnd_below(2) ? MOTE_NUM_FLOAT : MOTE_NUM_AFFINE;
        t->v.dtype = t->v.numeric == MOTE_NUM_FLOAT ? MOTE_F16 + rnd_below(3) : MOTE_F32;
        t->num.dtype = numeric == MOTE_NUM_FLOAT ? MOTE_F16 + rnd_below(3) : MOTE_F32;
        num_random(&t->v, t->rank, t->cols, t->cols);
        num_random(&t->num, t->rows, t->rank, t->rank);
        if (dtype == MOTE_F32 && rnd_below(2)) { /* a sum */
            tensor_cfg *u = t->second = allocate(sizeof *u);
            *u = (tensor_cfg){ .dtype = dtype, .layout = MOTE_LAYOUT_DENSE + rnd_below(3), .axis = t->axis };
            u->rows = t->rows;
            u->cols = t->cols;
            u->seg_elems = t->seg_elems;
            u->num.numeric = (unsigned[]){ MOTE_NUM_FLOAT, MOTE_NUM_AFFINE, MOTE_NUM_CODEBOOK }[rnd_below(3)];
            u->num.dtype = u->num.numeric == MOTE_NUM_FLOAT ? MOTE_F16 + rnd_below(3) : MOTE_F32;
            num_random(&u->num, u->rows, u->cols, u->cols);
            if (u->layout != MOTE_LAYOUT_DENSE) layout_random(u);
        }
        return true;
    }
    num_random(&t->num, t->rows, t->cols, piece);
    if (layout == MOTE_LAYOUT_DENSE) { /* zstd, too */
        if (numeric == MOTE_NUM_STORED && rnd_below(3) == 0) t->num.v.coder = MOTE_CODER_ZSTD;
        for (unsigned j = 0; j < t->num.nb; j++)
            if (t->num.byte[j].coder == MOTE_CODER_STORED && rnd_below(3) == 0) t->num.byte[j].coder = MOTE_CODER_ZSTD;
    }
    if (sparse) layout_random(t);
    return true;
}

void tensor_free(tensor_cfg *t)
{
    if (t->second) tensor_free(t->second);
    free(t->second);
    num_free(&t->num);
    num_free(&t->v);
    free(t->kept);
    free(t->mask_cls);
    free(t->gap_cls);
    memset(t, 0, sizeof *t);
}

bytes tensor_head(const tensor_cfg *t)
{
    bytes b = { 0 }, grid = { 0 }, terms = { 0 }, tables = { 0 }, resident = { 0 }, axis = { 0 };
    put_v(&grid, t->rows);
    put_v(&grid, t->cols);
    put_v(&grid, t->seg_elems);
    put_field(&b, 2, &grid);
    for (const tensor_cfg *u = t; u; u = u->second) {
        put_v(&terms, u->layout);
        if (u->layout == MOTE_LAYOUT_BITMASK) put_plane(&terms, &tables, &u->mask);
        if (u->layout == MOTE_LAYOUT_CSR) {
            put_plane(&terms, &tables, &u->counts);
            put_plane(&terms, &tables, &u->gaps);
        }
        if (u->layout == MOTE_LAYOUT_LOWRANK) {
            put_v(&terms, u->rank);
            put_v(&terms, u->rpr);
            put_num(&terms, &tables, &u->v);
            put_v(&resident, (u->rank - 1) / u->rpr + 1);
        }
        put_num(&terms, &tables, &u->num);
    }
    put_field(&b, 4, &terms);
    if (tables.n) put_field(&b, 6, &tables);
    if (resident.n) put_field(&b, 8, &resident);
    if (t->axis) {
        put_v(&axis, 1);
        put_field(&b, 10, &axis);
    }
    return b;
}

static mote_extent extent(const tensor_cfg *t, uint64_t s)
{
    mote_extent e = { 0 };
    if (t->seg_elems >= t->cols) {
        e.row = s * (t->seg_elems / t->cols);
        e.rows = t->seg_elems / t->cols;
        if (e.rows > t->rows - e.row) e.rows = t->rows - e.row;
        e.cols = t->cols;
    } else {
        uint64_t per_row = (t->cols - 1) / t->seg_elems + 1;
        e.row = s / per_row;
        e.col = s % per_row * t->seg_elems;
        e.rows = 1;
        e.cols = t->seg_elems < t->cols - e.col ? t->seg_elems : t->cols - e.col;
    }
    return e;
}

void tensor_segment(planes *out, const tensor_cfg *t, uint64_t s)
{
    mote_extent e = extent(t, s);
    const uint64_t piece = t->seg_elems < t->cols ? t->seg_elems : t->cols;
    const size_t rows = (size_t)e.rows, first = (size_t)(e.row * ((t->cols - 1) / piece + 1) + e.col / piece);
    if (t->layout == MOTE_LAYOUT_LOWRANK) e.cols = t->rank;
    int32_t *v = allocate((size_t)(e.rows * (e.cols + 4)) * sizeof *v), *counts = allocate(rows * sizeof *counts);
    size_t *len = allocate(rows * sizeof *len), n = 0;
    if (t->layout == MOTE_LAYOUT_BITMASK) {
        for (size_t r = 0; r < rows; r++) {
            len[r] = (size_t)(e.cols + 3) / 4;
            for (size_t c = 0; c < e.cols; c++) v[n + c / 4] |= t->kept[(e.row + r) * t->cols + e.col + c] << c % 4;
            n += len[r];
        }
        plane_encode(out, &t->mask, 4, 0, 15, v, len, t->mask.n_classes > 1 ? t->mask_cls + first : NULL, rows);
    } else if (t->layout == MOTE_LAYOUT_CSR) {
        for (size_t r = 0; r < rows; r++) {
            size_t next = 0;
            for (size_t c = 0; c < e.cols; c++) {
                if (!t->kept[(e.row + r) * t->cols + e.col + c]) continue;
                v[n++] = (int32_t)(c - next);
                next = c + 1;
                len[r]++;
            }
            counts[r] = (int32_t)len[r];
        }
        plane_encode(out, &t->counts, (unsigned)bit_length(piece), 0, (int32_t)piece, counts, &rows, NULL, 1);
        plane_encode(out, &t->gaps, piece > 1 ? (unsigned)bit_length(piece - 1) : 1, 0, (int32_t)piece - 1, v, len,
                     t->gaps.n_classes > 1 ? t->gap_cls + first : NULL, rows);
    }
    encode_num(out, &t->num, &e, t->kept);
    free(v);
    free(counts);
    free(len);
    if (t->second) tensor_segment(out, t->second, s);
}

void tensor_resident(planes *out, const tensor_cfg *t, uint32_t r)
{
    mote_extent e = { .row = (uint64_t)r * t->rpr, .rows = t->rpr, .cols = t->cols };
    if (e.rows > t->rank - e.row) e.rows = t->rank - e.row;
    encode_num(out, &t->v, &e, NULL);
}

static float as_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static uint32_t as_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

static uint32_t widen(const uint8_t *p, unsigned dtype)
{
    if (dtype == MOTE_F32) return mote_le32(p);
    return dtype == MOTE_F16 ? mote_f16_to_f32(mote_le16(p)) : (uint32_t)mote_le16(p) << 16;
}

/* Entry q of the table of row r. Spec codecs.md 5.7 */
static float entry(const num_cfg *c, uint64_t r, unsigned q)
{
    static const double nf4[] = { -1.0,
                                  -0.6961928009986877,
                                  -0.5250730514526367,
                                  -0.39491748809814453,
                                  -0.28444138169288635,
                                  -0.18477343022823334,
                                  -0.09105003625154495,
                                  0.0,
                                  0.07958029955625534,
                                  0.16093020141124725,
                                  0.24611230194568634,
                                  0.33791524171829224,
                                  0.44070982933044434,
                                  0.5626170039176941,
                                  0.7229568362236023,
                                  1.0 };
    if (c->table == MOTE_BOOK_NF4) return (float)nf4[q];
    if (c->table == MOTE_BOOK_WRITTEN) {
        uint8_t raw[4];
        mote_put32(raw, c->book[(c->book_rows ? (size_t)(r / c->book_rows) : 0) * c->entries + q]);
        return as_float(widen(raw, c->entry_dtype));
    }
    const int m = c->table == MOTE_BOOK_F8_E4M3 ? 3 : 2, e = (int)q >> (m + 1), f = (int)q & ((1 << m) - 1);
    const double one = 1 << m, sign = q >> m & 1 ? -1 : 1;
    const int bias = m == 3 ? 7 : 15;
    if (m == 3 ? e == 15 && f == 7 : e == 31 && f) return as_float(0x7FC00000);
    if (m == 2 && e == 31) return as_float(sign > 0 ? 0x7F800000 : 0xFF800000);
    return (float)(sign * (e ? ldexp(1 + f / one, e - bias) : ldexp(f / one, 1 - bias)));
}

/* binary32 of element (r, c) of a factor, of an affine matrix or of one with a codebook */
static float value(const num_cfg *c, uint64_t r, uint64_t col)
{
    size_t i = (size_t)(r * c->cols + col), size = size_of(c->dtype);
    if (c->numeric == MOTE_NUM_FLOAT) return as_float(widen(c->elem + i * size, c->dtype));
    size_t p = (size_t)(r * ((c->cols - 1) / c->piece + 1) + col / c->piece), g = 0;
    if (c->scope == 0) p = 0;
    if (c->scope == 2) g = (size_t)(col % c->piece / c->group);
    uint8_t raw[4];
    mote_put32(raw, c->scale[p * per_piece(c) + g]);
    float scale = as_float(widen(raw, c->scale_dtype));
    if (c->numeric == MOTE_NUM_CODEBOOK) return entry(c, r, (unsigned)c->q[i]) * scale;
    if (c->bits == 1 && !c->zero) return (float)(2 * c->q[i] + 1) * scale;
    return (float)(c->q[i] - c->zp[p * per_piece(c) + g]) * scale;
}

static void store(uint8_t *to, uint32_t f32, unsigned dtype)
{
    if (dtype == MOTE_F32)
        mote_put32(to, f32);
    else if (dtype == MOTE_F16)
        mote_put16(to, mote_f32_to_f16(f32));
    else if (dtype == MOTE_BF16)
        mote_put16(to, mote_f32_to_bf16(f32));
    else
        mote_put64(to, mote_f32_to_f64(f32));
}

uint8_t *tensor_elements(const tensor_cfg *t, size_t *n_bytes)
{
    const unsigned bits = mote_dtype_bits(t->dtype);
    const size_t n = (size_t)(t->rows * t->cols), size = size_of(t->dtype);
    uint8_t *out = allocate(n * size);
    *n_bytes = (n * bits + 7) / 8;
    for (uint64_t r = 0; r < t->rows; r++) {
        for (uint64_t c = 0; c < t->cols; c++) {
            size_t i = (size_t)(r * t->cols + c), at = t->axis ? (size_t)(c * t->rows + r) : i;
            const uint8_t *e = t->num.elem + i * size_of(t->num.dtype);
            uint8_t *to = out + at * size;
            if (t->kept && !t->kept[i]) {
                if (t->num.shifted) *to = (uint8_t)t->num.background;
                continue;
            }
            if (t->layout == MOTE_LAYOUT_LOWRANK) {
                volatile float sum = 0;
                for (uint64_t k = 0; k < t->rank; k++) {
                    volatile float product = value(&t->num, r, k) * value(&t->v, k, c);
                    sum = sum + product;
                }
                const tensor_cfg *u = t->second;
                const num_cfg *num = u ? &u->num : NULL;
                if (u && sum != sum) sum = as_float(0x7FC00000);
                if (u && (!u->kept || u->kept[i])) {
                    const volatile float other = num->scale_dtype
                                                     ? value(num, r, c)
                                                     : as_float(widen(num->elem + i * size_of(num->dtype), num->dtype));
                    sum = sum + other;
                }
                store(to, sum != sum ? 0x7FC00000 : as_bits(sum), t->dtype);
            } else if (t->num.scale_dtype) {
                store(to, as_bits(value(&t->num, r, c)), t->dtype);
            } else if (t->num.dtype != t->dtype) { /* held: exact, so NaNs keep their payload */
                uint32_t x = widen(e, t->num.dtype);
                if (t->dtype == MOTE_F64)
                    mote_put64(to, mote_f32_to_f64(x));
                else
                    mote_put32(to, x);
            } else {
                memcpy(to, e, size);
            }
        }
    }
    if (bits < 8) {
        bytes packed = { 0 };
        int32_t *v = allocate(n * sizeof *v);
        for (size_t i = 0; i < n; i++) v[i] = out[i];
        put_fields(&packed, v, n, bits);
        memcpy(out, packed.p, packed.n);
        bytes_free(&packed);
        free(v);
    }
    return out;
}

/* --- decoding --- */

mote_status test_inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes)
{
    (void)ctx;
    if (ZSTD_getFrameContentSize(src, src_bytes) != dst_bytes) return MOTE_ERR_ZSTD;
    return ZSTD_decompress(dst, dst_bytes, src, src_bytes) == dst_bytes ? MOTE_OK : MOTE_ERR_ZSTD;
}

mote_status decoder_init(decoder *d, const bytes *head, unsigned dtype, uint64_t elements, const mote_kern *kern)
{
    memset(d, 0, sizeof *d);
    uint8_t *copy = exact_copy(head->p, head->n);
    mote_status st = mote_head_read(&d->head, d->tables, NULL, N(d->tables), mote_rd_init(copy, head->n), dtype,
                                    elements, NULL, NULL);
    if (st != MOTE_OK) {
        free(copy);
        return st;
    }
    const mote_head *h = &d->head;
    const size_t seg = (size_t)mote_head_seg_max(h);
    d->env = (mote_seg_env){ .head = h, .tables = d->tables, .kern = kern, .inflate = test_inflate };
    d->env.prepared = allocate(h->n_tables * kern->table_bytes);
    d->env.scratch_bytes = (seg * mote_dtype_bits(dtype) + 7) / 8;
    d->env.scratch = allocate(d->env.scratch_bytes);
    d->env.factors = allocate((size_t)mote_seg_factors(h) * sizeof(float));
    d->work = allocate(sizeof *d->work);
    memset(d->work, 0xA5, sizeof *d->work); /* nothing in it may be relied upon */
    st = mote_seg_prepare(d->work, &d->env);
    free(copy);
    if (st != MOTE_OK) decoder_free(d);
    return st;
}

void decoder_free(decoder *d)
{
    free(d->env.prepared);
    free(d->env.scratch);
    free(d->env.factors);
    free(d->work);
}
