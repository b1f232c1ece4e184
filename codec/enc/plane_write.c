/* SPDX-License-Identifier: Apache-2.0
 * Writes planes. Host only. */
#include "enc/plane_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "enc/cost.h"
#include "enc/rans_fast.h"
#include "enc/wide.h"

#define PRICE_MAX 65535
#define ESCAPE_BLOCK 64 /* tokens that are looked at together */

static bool is_rans(const mote_plane *p)
{
    return p->coder >= MOTE_CODER_RANS1 && p->coder <= MOTE_CODER_RANS32;
}

unsigned mote_plane_count(const mote_plane *p)
{
    if (p->coder == MOTE_CODER_CONSTANT) return 0;
    return is_rans(p) ? 1u + (p->n_classes > 1) + p->escapes : 1;
}

/* --- preparing ---------------------------------------------------------------------------------------------------- */

static uint16_t price_of(double bits)
{
    double p = bits * 64 + 0.5;
    return (uint16_t)(p < PRICE_MAX ? p : PRICE_MAX);
}

static double symbol_bits(const mote_table *t, unsigned symbol)
{
    unsigned f = (unsigned)t->cum[symbol + 1] - t->cum[symbol];
    return f ? t->bits - mote_log2(f) : 1000;
}

static double escape_bits(uint32_t e, const mote_table *t)
{
    if (!t) return 8.0 * (double)mote_varint_bytes(e);
    uint32_t k = e >> t->shift;
    return symbol_bits(t, k < 15 ? k : 15) + t->shift + (k < 15 ? 0 : 8.0 * (double)mote_varint_bytes(k - 15));
}

static void fill_class(mote_plane_code *code, unsigned k, const mote_table *t, const mote_table *escape)
{
    double bits[MOTE_SYMBOLS];
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) bits[i] = symbol_bits(t, i) + t->shift;
    for (uint32_t i = 0; i < code->values; i++) {
        uint32_t number = 0;
        mote_token token = mote_token_of(code->d.vmin + (int32_t)i, t->lo, t->shift, code->d.escapes != 0, &number);
        code->token[(size_t)k * code->values + i] = token;
        bool outside = token.symbol >= MOTE_SYMBOLS; /* without escapes: does not occur */
        double b = bits[outside ? 0 : token.symbol];
        if (code->d.escapes && token.symbol == MOTE_SYMBOLS - 1) b += escape_bits(number, escape);
        code->price[(size_t)k * code->values + i] = outside ? PRICE_MAX : price_of(b);
    }
}

static mote_status build(const mote_table_spec *spec, int32_t vmin, int32_t vmax, bool escapes, mote_table *t,
                         mote_enc_table *e)
{
    mote_status st = mote_table_build(t, spec, vmin, vmax, escapes);
    if (st == MOTE_OK) mote_enc_table_init(e, t);
    return st;
}

static mote_enc_table *map_table(const mote_plane_code *code)
{
    return code->table + code->d.n_classes;
}

static mote_enc_table *escape_table(const mote_plane_code *code)
{
    return code->table + code->d.n_classes + 1;
}

mote_status mote_plane_code_init(mote_plane_code *code, const mote_plane_plan *plan)
{
    *code = (mote_plane_code){ .d = plan->d, .spec = plan->spec };
    const mote_plane *d = &code->d;
    code->values = (uint32_t)(d->vmax - d->vmin) + 1;
    if (!is_rans(d)) return MOTE_OK;
    code->token = malloc((size_t)d->n_classes * code->values * sizeof *code->token);
    code->price = malloc((size_t)d->n_classes * code->values * sizeof *code->price);
    code->table = malloc((d->n_classes + 2u) * sizeof *code->table);
    if (!code->token || !code->price || !code->table) return MOTE_ERR_NOMEM;
    const mote_table_spec *spec = plan->spec;
    mote_table t, escape;
    mote_status st = MOTE_OK;
    if (d->n_classes > 1 && d->class_coder == MOTE_CODER_RANS1)
        st = build(spec++, 0, d->n_classes - 1, false, &t, map_table(code));
    if (d->escapes == 2 && st == MOTE_OK)
        st = build(spec + d->n_classes, 0, MOTE_ESCAPE_MAX, true, &escape, escape_table(code));
    for (unsigned k = 0; k < d->n_classes && st == MOTE_OK; k++) {
        st = build(spec + k, d->vmin, d->vmax, d->escapes != 0, &t, &code->table[k]);
        if (st == MOTE_OK) fill_class(code, k, &t, d->escapes == 2 ? &escape : NULL);
    }
    return st;
}

void mote_plane_code_free(mote_plane_code *code)
{
    free(code->token);
    free(code->price);
    free(code->table);
    *code = (mote_plane_code){ 0 };
}

mote_status mote_plane_writer_init(mote_plane_writer *w, mote_wr *out, size_t values)
{
    *w = (mote_plane_writer){ .out = out };
    if (values > SIZE_MAX / 8) return MOTE_ERR_NOMEM;
    w->words_bytes = 2 * values + (size_t)4 * MOTE_LANES_MAX + 16; /* a token emits at most one word */
    w->token = malloc(values * sizeof *w->token + 1);
    w->words = malloc(w->words_bytes);
    w->escape = malloc(values * sizeof *w->escape + 1);
    return w->token && w->words && w->escape ? MOTE_OK : MOTE_ERR_NOMEM;
}

void mote_plane_writer_free(mote_plane_writer *w)
{
    free(w->token);
    free(w->words);
    free(w->escape);
    *w = (mote_plane_writer){ 0 };
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void mote_plane_begin(mote_plane_writer *w, size_t bytes)
{
    if (--w->left) mote_wr_varint(w->out, bytes);
}

static void fail(mote_plane_writer *w, mote_status st)
{
    if (w->out->st == MOTE_OK) w->out->st = st;
}

/* A plane of rANS symbols from w->token; returns its bytes. */
static size_t put_symbols(mote_plane_writer *w, unsigned lanes, const mote_enc_table *table, const uint32_t *length,
                          size_t rows, const uint8_t *row_class, size_t n)
{
    const uint8_t *words = w->words;
    size_t bytes = 0;
    if (n) {
        mote_rans_enc e;
        mote_rans_enc_init(&e, lanes, w->words, w->words_bytes);
        mote_rans_put_rows(&e, table, w->token, length, rows, row_class);
        mote_status st = mote_rans_finish(&e, &words, &bytes);
        if (st != MOTE_OK) fail(w, st);
    }
    mote_plane_begin(w, bytes);
    mote_wr_bytes(w->out, words, bytes);
    return bytes;
}

size_t mote_plane_put_map(mote_plane_writer *w, const mote_plane_code *code, const uint8_t *row_class, size_t rows)
{
    if (code->d.class_coder == MOTE_CODER_STORED) {
        mote_plane_begin(w, (rows + 1) / 2);
        for (size_t i = 0; i < rows; i += 2)
            mote_wr_u8(w->out, (uint8_t)(row_class[i] | (i + 1 < rows ? row_class[i + 1] << 4 : 0)));
        return (rows + 1) / 2;
    }
    for (size_t i = 0; i < rows; i++) w->token[i] = (mote_token){ row_class[i], 0 };
    uint32_t length = (uint32_t)rows;
    return put_symbols(w, 1, map_table(code), &length, 1, NULL, rows);
}

size_t mote_plane_put_escapes(mote_plane_writer *w, const mote_plane_code *code, size_t n)
{
    size_t bytes = 0, plain = 0;
    if (code->d.escapes == 2) {
        const mote_enc_table *t = escape_table(code);
        for (size_t i = 0; i < n; i++) {
            uint32_t rest = 0;
            w->token[i] = mote_token_of((int32_t)w->escape[i], 0, t->shift, true, &rest);
            if (w->token[i].symbol == MOTE_SYMBOLS - 1) w->escape[plain++] = rest / 2; /* never below: always even */
        }
        uint32_t length = (uint32_t)n;
        bytes = put_symbols(w, 1, t, &length, 1, NULL, n);
        n = plain;
        plain = 0;
    }
    for (size_t i = 0; i < n; i++) plain += mote_varint_bytes(w->escape[i]);
    mote_plane_begin(w, plain);
    for (size_t i = 0; i < n; i++) mote_wr_varint(w->out, w->escape[i]);
    return bytes + plain;
}

static size_t put_stored(mote_plane_writer *w, const mote_plane *d, const uint16_t *v, size_t n)
{
    const size_t bytes = (n * d->width + 7) / 8;
    const uint32_t mask = (1u << d->width) - 1;
    mote_plane_begin(w, bytes);
    uint8_t *p = mote_wr_room(w->out, bytes);
    uint32_t bits = 0, have = 0;
    for (size_t i = 0; p && i < n; i++) {
        bits |= ((uint32_t)(v[i] + d->vmin) & mask) << have;
        for (have += d->width; have >= 8; have -= 8, bits >>= 8) *p++ = (uint8_t)bits;
    }
    if (p && have) *p = (uint8_t)bits;
    return bytes;
}

/* Is there an escape among some tokens? Without a branch, as most have none and compilers then look at many at once. */
static bool any_escape(const mote_token *token, size_t n)
{
    unsigned any = 0;
    for (size_t i = 0; i < n; i++) any |= token[i].symbol == MOTE_SYMBOLS - 1;
    return any != 0;
}

static size_t collect_escapes(mote_plane_writer *w, const mote_plane_code *code, const uint16_t *v,
                              const uint32_t *length, size_t rows, const uint8_t *row_class)
{
    const mote_token *token = w->token;
    size_t found = 0;
    for (size_t r = 0; r < rows; r++) {
        const mote_enc_table *t = &code->table[row_class ? row_class[r] : 0];
        for (uint32_t from = 0, to; from < length[r]; from = to) {
            to = length[r] - from < ESCAPE_BLOCK ? length[r] : from + ESCAPE_BLOCK;
            if (!any_escape(token + from, to - from)) continue;
            for (uint32_t i = from; i < to; i++)
                if (token[i].symbol == MOTE_SYMBOLS - 1)
                    (void)mote_token_of(code->d.vmin + v[i], t->lo, t->shift, true, &w->escape[found++]);
        }
        token += length[r];
        v += length[r];
    }
    return found;
}

/* Tokens of v[0..n) < 2^15, lo being that of the window less vmin. What lies below it is, without a sign, beyond it. */
MOTE_LOOP void tokens_loop(mote_token *to, const uint16_t *v, size_t n, uint16_t lo, unsigned shift)
{
    uint8_t *p = (uint8_t *)to; /* symbol, low */
    for (size_t i = 0; i < n; i++) {
        const uint16_t u = (uint16_t)(v[i] - lo), t = (uint16_t)(u >> shift);
        const uint16_t symbol = t < MOTE_SYMBOLS - 1 ? t : MOTE_SYMBOLS - 1, low = (uint16_t)(u - (t << shift));
        mote_put16(p + 2 * i, symbol | (uint32_t)low << 8);
    }
}
MOTE_TWICE(tokens, (mote_token * to, const uint16_t *v, size_t n, uint16_t lo, unsigned shift), tokens_loop,
           (to, v, n, lo, shift))

void mote_plane_put(mote_plane_writer *w, const mote_plane_code *code, const uint16_t *v, const uint32_t *length,
                    size_t rows, const uint8_t *row_class, bool layout)
{
    size_t n = 0, bytes;
    if (code->d.coder == MOTE_CODER_CONSTANT) return;
    for (size_t r = 0; r < rows; r++) n += length[r];
    if (code->d.coder == MOTE_CODER_STORED) {
        bytes = put_stored(w, &code->d, v, n);
        *(layout ? &w->parts.layout : &w->parts.raw) += bytes;
        return;
    }
    if (code->d.n_classes > 1) {
        bytes = mote_plane_put_map(w, code, row_class, rows);
        *(layout ? &w->parts.layout : &w->parts.classes) += bytes;
    } else {
        row_class = NULL;
    }
    mote_token *to = w->token;
    const uint16_t *from = v;
    for (size_t r = 0; r < rows; r++) {
        const unsigned k = row_class ? row_class[r] : 0;
        const mote_token *token = code->token + k * (size_t)code->values;
        const mote_enc_table *t = &code->table[k];
        if (code->values <= 1u << 15)
            tokens(to, from, length[r], (uint16_t)(t->lo - code->d.vmin), t->shift);
        else
            for (uint32_t i = 0; i < length[r]; i++) to[i] = token[from[i]];
        to += length[r];
        from += length[r];
    }
    bytes = put_symbols(w, mote_plane_lanes(code->d.coder), code->table, length, rows, row_class, n);
    *(layout ? &w->parts.layout : &w->parts.symbols) += bytes;
    if (!code->d.escapes) return;
    bytes = mote_plane_put_escapes(w, code, collect_escapes(w, code, v, length, rows, row_class));
    *(layout ? &w->parts.layout : &w->parts.escapes) += bytes;
}

void mote_plane_put_bytes(mote_plane_writer *w, const mote_plane_code *code, const uint8_t *b, const uint32_t *length,
                          size_t rows)
{
    size_t n = 0;
    for (size_t r = 0; r < rows; r++) n += length[r];
    for (size_t i = 0; i < n; i++) w->token[i] = code->token[b[i]];
    w->parts.raw += put_symbols(w, mote_plane_lanes(code->d.coder), code->table, length, rows, NULL, n);
}
