/* SPDX-License-Identifier: Apache-2.0
 * Low-rank factors: W = U V from the singular value decomposition, each factor with the square root of the singular
 * values, coded like any matrix. Spec codecs.md 6.4. Host only. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "enc/encoder.h"
#include "enc/scales.h"
#include "enc/svd.h"

#define BLOCK ((size_t)4096)

typedef struct factors {
    size_t rows, cols, k; /* k = min(rows, cols) */
    float *a, *u, *s, *v;
    size_t rank;
} factors;

static void free_factors(factors *f)
{
    free(f->a);
    free(f->u);
    free(f->s);
    free(f->v);
}

static mote_status decompose(mote_encoder *e, factors *f)
{
    const size_t n = f->rows * f->cols;
    mote_matrix m = e->source;
    m.held = m.dtype;
    if (e->o->residual) m.prune = NULL; /* it is what they leave that is pruned */
    assert(f->k > 0);
    f->a = malloc(n * sizeof *f->a);
    f->u = malloc(f->rows * f->k * sizeof *f->u);
    f->s = malloc(f->k * sizeof *f->s);
    f->v = malloc(f->k * f->cols * sizeof *f->v);
    if (!f->a || !f->u || !f->s || !f->v) return MOTE_ERR_NOMEM;
    mote_status st = mote_fetch_reserve(&e->work.fetch, BLOCK);
    double x[BLOCK];
    for (size_t at = 0; at < n && st == MOTE_OK; at += BLOCK) {
        const size_t some = n - at < BLOCK ? n - at : BLOCK;
        mote_values(x, mote_matrix_fetch(&m, 0, at, 1, some, &e->work.fetch), m.dtype, 0, some);
        for (size_t i = 0; i < some; i++) f->a[at + i] = (float)x[i];
    }
    return st == MOTE_OK ? mote_svd(f->a, f->rows, f->cols, f->u, f->s, f->v) : st;
}

/* The least rank that keeps a share of the energy. */
static size_t rank_of(const factors *f, double energy)
{
    double all = 0, sum = 0;
    for (size_t i = 0; i < f->k; i++) all += (double)f->s[i] * f->s[i];
    for (size_t i = 0; i < f->k; i++) {
        sum += (double)f->s[i] * f->s[i];
        if (sum >= energy * all) return i + 1;
    }
    return f->k;
}

/* Little-endian, as tensors are. */
static void to_le(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t b;
        memcpy(&b, &x[i], 4);
        mote_put32((uint8_t *)&x[i], b);
    }
}

/* Keeps the first `rank` of k columns of U and rows of V, each times sqrt(s). */
static void scale_factors(factors *f)
{
    for (size_t r = 0; r < f->rows; r++)
        for (size_t i = 0; i < f->rank; i++) f->u[r * f->rank + i] = f->u[r * f->k + i] * sqrtf(f->s[i]);
    for (size_t i = 0; i < f->rank; i++)
        for (size_t c = 0; c < f->cols; c++) f->v[i * f->cols + c] *= sqrtf(f->s[i]);
}

/* A factor as a matrix to be coded, with the numeric that the options ask for. */
static mote_status make_coding(mote_encoder *e, mote_coding *c, mote_affine *a, float *x, uint64_t rows, uint64_t cols)
{
    mote_status st = MOTE_OK;
    bool half = true, finite = true; /* f16 can hold it; LAPACK did not overflow */
    for (uint64_t i = 0; i < rows * cols; i++) {
        half &= fabsf(x[i]) < 65504;
        finite &= x[i] - x[i] == 0;
    }
    if (!finite) return MOTE_ERR_LIMIT;
    to_le(x, (size_t)(rows * cols));
    *c = (mote_coding){ .layout = MOTE_LAYOUT_DENSE, .piece = cols };
    c->m = (mote_matrix){ .data = (const uint8_t *)x, .dtype = MOTE_F32, .held = MOTE_F32, .rows = rows, .cols = cols };
    if (e->o->method == MOTE_METHOD_AFFINE) {
        st = mote_encoder_affine_set(e, a, cols);
        a->dtype = MOTE_F32;
        if (st == MOTE_OK) st = mote_affine_scales(a, &c->m, &e->work.fetch);
        c->m.affine = a;
        mote_split_affine(&c->num, MOTE_F32, a->bits, a->zero);
        return st;
    }
    if (e->o->method == MOTE_METHOD_BF16) c->m.held = MOTE_BF16;
    if (e->o->method == MOTE_METHOD_F16 && half) c->m.held = MOTE_F16;
    mote_split_float(&c->num, c->m.held);
    return st;
}

/* Sums of squares by decoding: rounding of factors and products counts. */
static mote_status measure(mote_encoder *e, const mote_records *f, mote_encode_report *r)
{
    const uint64_t n = e->t->elements;
    const size_t bytes = (size_t)n * (mote_dtype_bits(e->dtype) / 8);
    uint8_t *out = malloc(bytes);
    mote_status st = out ? mote_records_decode(f, e->dtype, n, out, bytes) : MOTE_ERR_NOMEM;
    double x[BLOCK], y[BLOCK];
    for (uint64_t at = 0; at < n && st == MOTE_OK; at += BLOCK) {
        const size_t some = n - at < BLOCK ? (size_t)(n - at) : BLOCK;
        mote_values(x, e->data, (uint8_t)e->t->dtype, at, some);
        mote_values(y, out, e->dtype, at, some);
        for (size_t i = 0; i < some; i++) {
            r->signal += x[i] * x[i];
            r->noise += (x[i] - y[i]) * (x[i] - y[i]);
        }
    }
    free(out);
    return st;
}

/* What the factors leave. */
typedef struct rest {
    uint8_t *data; /* binary32, little-endian; owned */
    mote_affine a;
    mote_prune prune;
    mote_coding c;
} rest;

static void free_rest(rest *r)
{
    free(r->data);
    free(r->prune.gone);
    mote_affine_free(&r->a);
}

/* The tensor less a decoder's product of the factors, as integers with scales of rows. */
static mote_status make_rest(mote_encoder *e, const mote_records *product, rest *r)
{
    const uint64_t n = e->t->elements;
    r->data = malloc((size_t)n * 4);
    mote_status st = r->data ? mote_records_decode(product, e->dtype, n, r->data, (size_t)n * 4) : MOTE_ERR_NOMEM;
    for (uint64_t i = 0; i < n && st == MOTE_OK; i++) {
        double x, y;
        mote_values(&x, e->data, MOTE_F32, i, 1);
        mote_values(&y, r->data, MOTE_F32, i, 1);
        if (!(x - y < 3.0e38 && x - y > -3.0e38)) return MOTE_ERR_LIMIT;
        const float d = (float)(x - y);
        uint32_t b;
        memcpy(&b, &d, 4);
        mote_put32(r->data + 4 * i, b);
    }
    if (st == MOTE_OK) st = mote_encoder_prune(e, r->data, &r->prune);
    if (st != MOTE_OK) return st;
    mote_coding c = { .layout = MOTE_LAYOUT_DENSE };
    c.m = (mote_matrix){ .data = r->data, .dtype = MOTE_F32, .held = MOTE_F32, .rows = e->t->shape[0] };
    c.m.cols = n / c.m.rows;
    const bool pruned = r->prune.limit || r->prune.gone;
    if (pruned) c.m.prune = &r->prune;
    r->a = (mote_affine){
        .bits = (uint8_t)e->o->residual, .scope = 1, .scale_dtype = (uint8_t)e->o->scale_dtype, .dtype = MOTE_F32
    };
    st = mote_affine_scales(&r->a, &c.m, &e->work.fetch);
    c.m.affine = &r->a;
    mote_split_affine(&c.num, MOTE_F32, r->a.bits, 0);
    /* without a code for zero, what was pruned must be left out */
    if (st == MOTE_OK && !(pruned && r->a.bits == 1)) st = mote_encoder_estimate(e, &r->c, &c);
    if (st == MOTE_OK && pruned && c.m.cols <= MOTE_PIECE_SPARSE_MAX) st = mote_encoder_estimate_sparse(e, &r->c, c);
    return st == MOTE_OK && r->c.bits == 0 ? MOTE_ERR_LIMIT : st;
}

mote_status mote_encoder_lowrank(mote_encoder *e)
{
    const mote_encode_options *o = e->o;
    factors f = { .rows = (size_t)e->t->shape[0] };
    f.cols = (size_t)(e->t->elements / e->t->shape[0]);
    f.k = f.rows < f.cols ? f.rows : f.cols;
    f.rank = o->rank < f.k ? o->rank : f.k;
    if (e->dtype == MOTE_F64 || (o->residual && e->dtype != MOTE_F32)) return MOTE_OK; /* sums are of binary32 */
    mote_status st = mote_encoder_need_finite(e, "a low rank");
    /* factors of as many numbers as the matrix has are no gain */
    if (st == MOTE_OK && o->rank && f.rank * (f.rows + f.cols) >= e->t->elements) return MOTE_OK;
    if (st == MOTE_OK) st = decompose(e, &f);
    if (st == MOTE_OK && !o->rank) f.rank = rank_of(&f, o->energy);
    if (st == MOTE_OK && f.rank * (f.rows + f.cols) >= e->t->elements) st = MOTE_ERR_LIMIT;
    mote_coding u, v;
    mote_affine au = { 0 }, av = { 0 };
    if (st == MOTE_OK) {
        scale_factors(&f);
        st = make_coding(e, &u, &au, f.u, f.rows, f.rank);
    }
    if (st == MOTE_OK) st = make_coding(e, &v, &av, f.v, f.rank, f.cols);
    mote_records form = { 0 };
    mote_encode_report report = { 0 };
    if (st == MOTE_OK) st = mote_encoder_make(e, &u, &v, NULL, &form, &report);
    rest r = { 0 };
    if (st == MOTE_OK && o->residual) {
        st = make_rest(e, &form, &r);
        mote_records_free(&form);
        report = (mote_encode_report){ 0 };
        if (st == MOTE_OK) st = mote_encoder_make(e, &u, &v, &r.c, &form, &report);
        free_rest(&r);
    }
    if (st == MOTE_OK) st = measure(e, &form, &report);
    /* sums of huge products may leave the range of the type */
    if (st == MOTE_OK && report.noise - report.noise == 0) {
        e->form = form;
        e->report = report;
    } else {
        mote_records_free(&form);
    }
    mote_affine_free(&au);
    mote_affine_free(&av);
    free_factors(&f);
    return st == MOTE_ERR_LIMIT ? MOTE_OK : st; /* then there is no such form */
}
