/* SPDX-License-Identifier: Apache-2.0
 * From a tensor and options to its records: which forms are tried and which one is kept. Host only. */
#include "mote/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "enc/encoder.h"
#include "enc/prune.h"
#include "enc/scales.h"
#include "enc/trellis.h"
#include "model/importer.h"

#define AXIS_MARGIN 0.99            /* transposed tensors are scattered when decoded, and rows are out of reach */
#define RAW_MAX ((uint64_t)1 << 22) /* bytes of a segment's elements: what a reader must hold of a tensor at a time */
#define SPARSE_MARGIN 0.99          /* elements left out: slower than rows of floats, faster than zstd of their bytes */
#define ROW_LEAST 16                /* shorter rows are better coded as one */
#define BLOCK 4096
#define SPARSE_SHARE 0.002 /* of zeros, from which on leaving them out is tried */

/* --- options ------------------------------------------------------------------------------------------------------ */

bool mote_encoder_scaled(const mote_encode_options *o)
{
    return o->method == MOTE_METHOD_AFFINE || o->method >= MOTE_METHOD_CODEBOOK;
}

static bool trellis_ok(const mote_encode_options *o)
{
    mote_trellis_plan code;
    if (!mote_trellis_set_states(&code, o->states) || (o->native != 0 && o->native != 8 && o->native != 16))
        return false;
    if (o->prune_fraction > 0 || o->prune_threshold > 0 || o->prune_rows > 0 || o->of || o->rank || o->energy > 0)
        return false;
    if (!(o->step >= 0 && o->step - o->step == 0) || !(o->snr_db >= 0 && o->snr_db <= 120)) return false;
    return (o->step > 0) != (o->snr_db > 0);
}

static bool options_ok(const mote_encode_options *o)
{
    if (!o || o->struct_size != sizeof *o || o->method > MOTE_METHOD_SCALED_E5M2 || o->profile > MOTE_PROFILE_HOST)
        return false;
    if (o->chunk_max && (o->chunk_max < 256 || o->chunk_max > MOTE_CHUNK_MAX)) return false;
    if (o->method == MOTE_METHOD_AFFINE && (o->bits == 0 || (o->bits > 8 && o->bits != 16))) return false;
    if (o->ternary && (o->method != MOTE_METHOD_AFFINE || o->bits != 2 || o->zero_point)) return false;
    if (o->method == MOTE_METHOD_CODEBOOK && (o->entries < 2 || o->entries > MOTE_ENTRIES_MAX)) return false;
    if (mote_encoder_scaled(o)) {
        if (o->scope > MOTE_SCOPE_GROUP) return false;
        if (o->scope == MOTE_SCOPE_GROUP && (o->group == 0 || o->group > (uint32_t)1 << 31)) return false;
    }
    if (mote_encoder_scaled(o) || o->residual) {
        if (o->scale_dtype != MOTE_F32 && o->scale_dtype != MOTE_F16 && o->scale_dtype != MOTE_BF16) return false;
    }
    if (o->method == MOTE_METHOD_TRELLIS && !trellis_ok(o)) return false;
    if (!(o->prune_fraction >= 0 && o->prune_fraction < 1) || !(o->prune_threshold >= 0)) return false;
    if (!(o->prune_rows >= 0 && o->prune_rows < 1) || o->of > 16 ||
        (o->of ? o->keep == 0 || o->keep >= o->of : o->keep))
        return false;
    if ((o->prune_fraction > 0) + (o->prune_threshold > 0) + (o->prune_rows > 0) + (o->of > 0) > 1) return false;
    if (o->residual > 8 || (o->residual && !o->rank && !(o->energy > 0))) return false;
    return o->energy >= 0 && o->energy <= 1 && !(o->rank && o->energy > 0);
}

static bool tensor_ok(const mote_model_tensor *t)
{
    uint64_t n = 1;
    if (!t || !t->name || t->rank > MOTE_MODEL_RANK_MAX || mote_dtype_bits(t->dtype) == 0) return false;
    for (unsigned i = 0; i < t->rank; i++) {
        if (t->shape[i] >= MOTE_DIM_MAX || (t->shape[i] && n > (MOTE_ELEMENTS_MAX - 1) / t->shape[i])) return false;
        n *= t->shape[i];
    }
    return n == t->elements;
}

static void set_limits(mote_encoder *e)
{
    static const uint32_t usual[] = { 4096, 16384, 524288 };
    const mote_encode_options *o = e->o;
    uint32_t chunk = o->chunk_max ? o->chunk_max : usual[o->profile];
    e->limits = (mote_enc_limits){ .profile = o->profile, .chunk_max = chunk, .max_classes = MOTE_CLASSES_MAX };
    uint64_t raw = (uint64_t)chunk * (o->profile == MOTE_PROFILE_NANO ? 8 : 16);
    if (raw > RAW_MAX) raw = RAW_MAX;
    e->most = raw * 8 / mote_dtype_bits(e->dtype);
}

/* --- one coding to a form ----------------------------------------------------------------------------------------- */

static void note_chosen(mote_encode_report *r, const mote_cutter *k, const mote_records *f)
{
    const mote_coding *c = k->c;
    const mote_plane *v = &k->code[MOTE_PLANE_V].d;
    r->layout = c->layout;
    r->numeric = c->num.numeric;
    r->coder = v->coder;
    r->axis = c->m.axis;
    r->bits = c->num.numeric == MOTE_NUM_AFFINE     ? c->num.bits
              : c->num.numeric == MOTE_NUM_CODEBOOK ? v->width
                                                    : mote_dtype_bits(c->m.held);
    r->n_classes = v->n_classes;
    r->rank = 0;
    r->kept = c->layout == MOTE_LAYOUT_DENSE ? c->elements : c->kept;
    r->ideal_bits = 8.0 * (double)f->parts.scales;
    for (unsigned i = 0; i < MOTE_PLANES; i++)
        if (mote_coding_has(c, i)) r->ideal_bits += c->plane[i].ideal;
}

/* k is V; what stands in r is U. */
static void note_factors(mote_encode_report *r, const mote_cutter *k)
{
    r->layout = MOTE_LAYOUT_LOWRANK;
    r->rank = (uint32_t)k->c->m.rows;
    r->kept = 0;
    for (unsigned i = 0; i < MOTE_PLANES; i++)
        if (mote_coding_has(k->c, i)) r->ideal_bits += k->c->plane[i].ideal;
}

/* What is added to the factors. */
static void note_second(mote_encode_report *r, const mote_cutter *k)
{
    const mote_coding *c = k->c;
    r->bits = c->num.bits;
    r->kept = c->layout == MOTE_LAYOUT_DENSE ? c->elements : c->kept;
    for (unsigned i = 0; i < MOTE_PLANES; i++)
        if (mote_coding_has(c, i)) r->ideal_bits += c->plane[i].ideal;
}

static mote_status plan(mote_encoder *e, mote_coding *c, const mote_enc_limits *limits, bool sum, mote_cutter *k)
{
    mote_status st = MOTE_OK;
    if (c->num.numeric != MOTE_NUM_STORED) st = mote_coding_plan(c, limits, false, &e->work);
    if (st == MOTE_OK && !sum) st = mote_encoder_zstd_planes(e, c);
    if (st == MOTE_OK) st = mote_cutter_init(k, c);
    k->zstd_level = e->blob ? 19 : c->num.numeric == MOTE_NUM_FLOAT ? 1 : 9; /* zeros in floats are found by all */
    return st;
}

/* What does not fit is planned again with less: shorter sparse pieces, then a shorter head. */
mote_status mote_encoder_make(mote_encoder *e, mote_coding *c, mote_coding *v, mote_coding *second, mote_records *f,
                              mote_encode_report *r)
{
    mote_enc_limits limits = e->limits;
    const mote_records_target target = {
        .limits = &limits, .dtype = e->dtype, .elements = e->t->elements, .most = e->most
    };
    for (;;) {
        mote_cutter k = { 0 }, kv = { 0 }, ks = { 0 };
        uint64_t piece = c->piece;
        mote_status st = plan(e, c, &limits, false, &k);
        if (st == MOTE_OK && v) st = plan(e, v, &limits, false, &kv);
        if (st == MOTE_OK && second) st = plan(e, second, &limits, true, &ks);
        if (st == MOTE_OK) st = mote_records_make(f, &target, &k, v ? &kv : NULL, second ? &ks : NULL, &e->work);
        if (st == MOTE_OK) note_chosen(r, &k, f);
        if (st == MOTE_OK && v) note_factors(r, &kv);
        if (st == MOTE_OK && second) note_second(r, &ks);
        mote_cutter_free(&k);
        mote_cutter_free(&kv);
        mote_cutter_free(&ks);
        mote_coding_free(c);
        if (v) mote_coding_free(v);
        if (second) mote_coding_free(second);
        if (st == MOTE_ERR_HEAD && limits.max_classes > 1)
            limits.max_classes /= 4;
        else if (st == MOTE_ERR_HEAD && !limits.plain_bytes)
            limits.plain_bytes = true;
        else if (st != MOTE_ERR_LIMIT || c->piece == piece)
            return st == MOTE_ERR_HEAD ? MOTE_ERR_LIMIT : st;
    }
}

mote_status mote_encoder_consider(mote_encoder *e, mote_coding *c, double signal, double noise)
{
    mote_records f = { 0 };
    mote_encode_report r = { .signal = signal, .noise = noise };
    mote_status st = mote_encoder_make(e, c, NULL, NULL, &f, &r);
    if (st == MOTE_OK && (e->form.n_records == 0 || f.bytes < e->form.bytes)) {
        mote_records old = e->form;
        e->form = f;
        e->report = r;
        f = old;
    }
    mote_records_free(&f);
    return st == MOTE_ERR_LIMIT ? MOTE_OK : st;
}

static mote_status consider_stored(mote_encoder *e, double zstd_share)
{
    const uint64_t n = e->t->elements;
    const unsigned bits = mote_dtype_bits(e->dtype);
    mote_coding c = { .m = e->source, .layout = MOTE_LAYOUT_DENSE, .elements = n, .kept = n };
    if (n * bits % 8) { /* rows must begin at whole bytes where there are several segments */
        c.m.rows = n;
        c.m.cols = 1;
    }
    c.piece = c.m.cols;
    c.num.numeric = MOTE_NUM_STORED;
    c.num.dtype = e->dtype;
    mote_plane_plan *p = &c.plane[MOTE_PLANE_V];
    p->d = (mote_plane){ .coder = zstd_share < 1 ? MOTE_CODER_ZSTD : MOTE_CODER_STORED,
                         .width = (uint8_t)bits,
                         .n_classes = 1 };
    p->bits = p->ideal = (double)n * bits * zstd_share;
    return mote_encoder_consider(e, &c, 0, 0);
}

/* --- lossless ----------------------------------------------------------------------------------------------------- */

size_t mote_encoder_grids(const mote_encoder *e, mote_matrix grid[5], bool rows_matter)
{
    const mote_model_tensor *t = e->t;
    const uint64_t n = t->elements, least = rows_matter ? 1 : ROW_LEAST;
    const unsigned bits = mote_dtype_bits(e->dtype);
    size_t k = 0;
    for (unsigned i = 0; i < (rows_matter ? 1u : 2u) && bits >= 8 && t->rank >= 2 + i; i++) {
        const uint64_t rows = i == 0 ? t->shape[0] : n / t->shape[t->rank - 1], cols = n / rows;
        if (i == 1 && rows == t->shape[0]) break;
        grid[k] = e->source;
        grid[k].rows = rows;
        grid[k].cols = cols;
        if (cols >= least && (rows_matter || rows > 1)) k++;
        if (rows == 1 || cols == 1 || rows < least) continue; /* the transposed says the same, or nothing */
        grid[k] = e->source;
        grid[k].axis = 1;
        grid[k].rows = cols;
        grid[k].cols = rows;
        k++;
    }
    if (rows_matter && k) return k;
    grid[k] = e->source;
    if (n * bits % 8 && n * bits / 8 > e->limits.chunk_max / 2) { /* as for stored elements */
        grid[k].rows = n;
        grid[k].cols = 1;
    }
    return k + 1;
}

/* Columns of a piece before anything is known of its size; 0: no sparse piece is short enough. */
static uint64_t first_piece(const mote_coding *c)
{
    const mote_affine *a = c->m.affine;
    uint64_t n = c->m.cols;
    if (c->layout == MOTE_LAYOUT_DENSE || n <= MOTE_PIECE_SPARSE_MAX) return n;
    return MOTE_PIECE_SPARSE_MAX - MOTE_PIECE_SPARSE_MAX % (a && a->scope == 2 && a->group < n ? a->group : 1);
}

static bool has_zstd(const mote_coding *c)
{
    for (unsigned i = MOTE_PLANE_BYTE; i < MOTE_PLANES; i++)
        if (mote_coding_has(c, i) && c->plane[i].d.coder == MOTE_CODER_ZSTD) return true;
    return false;
}

double mote_encoder_bits(const mote_coding *c, const mote_coding *best)
{
    return c->m.axis && !best->m.axis ? c->bits / AXIS_MARGIN : c->bits;
}

static bool better(const mote_coding *best, const mote_coding *c)
{
    double bits = mote_encoder_bits(c, best);
    if (c->layout != MOTE_LAYOUT_DENSE && best->layout == MOTE_LAYOUT_DENSE && c->num.numeric == MOTE_NUM_FLOAT)
        bits *= has_zstd(best) ? SPARSE_MARGIN : 1 / SPARSE_MARGIN;
    return bits < best->bits;
}

mote_status mote_encoder_estimate(mote_encoder *e, mote_coding *best, mote_coding *c)
{
    c->piece = first_piece(c);
    c->bits = 0;
    if (c->piece == 0) return MOTE_OK;
    mote_status st = mote_coding_plan(c, &e->limits, true, &e->work);
    if (st == MOTE_OK && (best->bits == 0 || better(best, c))) *best = *c;
    return st;
}

mote_status mote_encoder_estimate_sparse(mote_encoder *e, mote_coding *best, mote_coding c)
{
    mote_status st = MOTE_OK;
    if (mote_dtype_bits(e->dtype) < 8) return st;
    c.m.drop = c.m.affine != NULL;
    do
        for (uint8_t layout = MOTE_LAYOUT_BITMASK; layout <= MOTE_LAYOUT_CSR && st == MOTE_OK; layout++) {
            c.layout = layout;
            st = mote_encoder_estimate(e, best, &c);
        }
    while (st == MOTE_OK && e->o->profile != MOTE_PROFILE_NANO && !c.num.fold && mote_split_fold(&c.num));
    return st;
}

/* Of elements of 8 bits: what those have that were zero before they were quantised with a zero-point. */
static unsigned most_frequent(const mote_encoder *e)
{
    uint64_t count[256] = { 0 };
    unsigned best = 0;
    for (uint64_t i = 0; i < e->t->elements; i++) count[e->data[i]]++;
    for (unsigned i = 1; i < 256; i++)
        if (count[i] > count[best]) best = i;
    return best;
}

/* Numerics that hold the tensor exactly. */
static size_t list_numerics(mote_encoder *e, mote_num num[3])
{
    const uint8_t dtype = e->dtype;
    const unsigned bits = mote_dtype_bits(dtype);
    if (dtype == MOTE_C64 || dtype == MOTE_C128) return 0;
    if (dtype >= MOTE_F16 && dtype <= MOTE_F8_E5M2FNUZ) {
        static const uint8_t narrow[] = { MOTE_BF16, MOTE_F16, MOTE_F32 };
        uint8_t held = dtype;
        if ((dtype == MOTE_F32 || dtype == MOTE_F64) && dtype == e->t->dtype)
            for (unsigned i = 0; i < 3 && held == dtype; i++)
                if (narrow[i] != dtype && mote_matrix_holds(e->data, dtype, e->t->elements, narrow[i]))
                    held = narrow[i];
        mote_split_float(&num[0], held);
        return 1;
    }
    size_t k = 0;
    const unsigned mode = bits == 8 && e->o->profile != MOTE_PROFILE_NANO ? most_frequent(e) : 0;
    if (mode) mote_split_shifted(&num[k++], dtype, (uint8_t)mode);
    for (unsigned n = bits > 16 ? (bits - 16) / 8 : 0; 8 * n < bits; n++) mote_split_integer(&num[k++], dtype, n);
    return k;
}

static mote_status consider_lossless(mote_encoder *e)
{
    mote_num num[3];
    mote_matrix grid[5];
    const size_t n_nums = list_numerics(e, num);
    size_t n_grids = mote_encoder_grids(e, grid, false);
    const bool as_rows = n_grids > 1 && !grid[0].axis; /* the last, all as one row, is rows that are all of one class */
    const bool joined = as_rows && e->o->profile != MOTE_PROFILE_NANO; /* devices take a tensor row by row */
    if (as_rows) n_grids--;
    mote_coding best = { 0 };
    mote_status st = MOTE_OK;
    bool sparse = false;
    for (size_t i = 0; i < n_nums && st == MOTE_OK; i++) {
        const bool is_float = num[i].numeric == MOTE_NUM_FLOAT;
        mote_coding dense = { 0 }; /* the best of this numeric */
        for (size_t j = 0; j < n_grids && st == MOTE_OK; j++) {
            mote_coding c = { .m = grid[j], .layout = MOTE_LAYOUT_DENSE, .num = num[i] };
            c.m.held = c.num.dtype;
            c.m.background = c.num.background;
            st = mote_encoder_estimate(e, &dense, &c);
            if (st != MOTE_OK || is_float || c.zeros <= SPARSE_SHARE) continue;
            st = mote_encoder_estimate_sparse(e, &best, c);
            sparse = true;
        }
        if (st == MOTE_OK && is_float && dense.zeros > SPARSE_SHARE)
            st = mote_encoder_zstd_planes(e, &dense); /* sparse has none */
        if (st != MOTE_OK) break;
        if (best.bits == 0 || better(&best, &dense)) {
            best = dense;
            if (joined && !best.m.axis && best.plane[MOTE_PLANE_V].d.n_classes == 1) {
                best.m.rows = 1;
                best.m.cols = best.piece = e->t->elements;
            }
        }
        if (!is_float || dense.zeros <= SPARSE_SHARE) continue;
        /* the grid that tells floats apart by scale does by zeros */
        st = mote_encoder_estimate_sparse(e, &best, dense);
        sparse = true;
    }
    if (st != MOTE_OK || n_nums == 0) return st;
    st = mote_encoder_consider(e, &best, 0, 0);
    if (st == MOTE_OK && !sparse && best.zeros > SPARSE_SHARE) { /* zeros that lie together, which samples missed */
        best.layout = MOTE_LAYOUT_BITMASK;
        best.piece = first_piece(&best);
        best.bits = 0;
        st = mote_encoder_consider(e, &best, 0, 0);
    }
    return st;
}

/* --- the tensor --------------------------------------------------------------------------------------------------- */

static bool is_real(unsigned dtype)
{
    return dtype >= MOTE_F16 && dtype <= MOTE_F64;
}

mote_status mote_encoder_need_finite(mote_encoder *e, const char *method)
{
    if (mote_all_finite(e->data, (uint8_t)e->t->dtype, e->t->elements)) return MOTE_OK;
    return mote_model_fail(e->error, MOTE_ERR_VALUE, "tensor \"%s\" has NaN or infinite elements, which %s cannot hold",
                           e->t->name, method);
}

/* Finite elements must stay finite. */
static mote_status check_cast(mote_encoder *e)
{
    double x[BLOCK], y[BLOCK];
    mote_status st = mote_fetch_reserve(&e->work.fetch, BLOCK);
    for (uint64_t at = 0; at < e->t->elements && st == MOTE_OK; at += BLOCK) {
        size_t n = e->t->elements - at < BLOCK ? (size_t)(e->t->elements - at) : BLOCK;
        mote_values(x, e->data, (uint8_t)e->t->dtype, at, n);
        mote_values(y, mote_matrix_fetch(&e->source, 0, at, 1, n, &e->work.fetch), e->dtype, 0, n);
        for (size_t i = 0; i < n; i++)
            if (x[i] - x[i] == 0 && y[i] - y[i] != 0)
                return mote_model_fail(e->error, MOTE_ERR_VALUE,
                                       "tensor \"%s\" has %g at element %llu, too large for %s%s", e->t->name, x[i],
                                       (unsigned long long)(at + i), mote_dtype_name(e->dtype),
                                       e->dtype == MOTE_F16 ? "; bf16 has the range of f32"
                                       : e->dtype == MOTE_F8_E4M3 || e->dtype == MOTE_F8_E5M2 ? "; with scales it fits"
                                                                                              : "");
    }
    return st;
}

mote_status mote_encoder_prune(const mote_encoder *e, const uint8_t *data, mote_prune *p)
{
    const mote_encode_options *o = e->o;
    const uint8_t dtype = (uint8_t)e->t->dtype;
    if (o->prune_rows > 0 || o->of) {
        const uint64_t rows = e->t->shape[0], cols = e->t->elements / rows;
        p->gone = calloc((size_t)(e->t->elements / 8 + 1), 1);
        if (!p->gone) return MOTE_ERR_NOMEM;
        if (o->prune_rows > 0) return mote_prune_rows(p->gone, data, dtype, rows, cols, o->prune_rows);
        mote_prune_neighbours(p->gone, data, dtype, rows, cols, o->keep, o->of);
    } else if (o->prune_fraction > 0) {
        return mote_prune_fraction(p, data, dtype, e->t->elements, o->prune_fraction);
    } else if (o->prune_threshold > 0) {
        *p = mote_prune_threshold(dtype, o->prune_threshold);
    }
    return MOTE_OK;
}

static mote_status set_source(mote_encoder *e, bool large)
{
    const mote_encode_options *o = e->o;
    const uint8_t dtype = (uint8_t)e->t->dtype;
    e->source = (mote_matrix){ .data = e->data, .dtype = dtype, .held = e->dtype, .rows = 1, .cols = e->t->elements };
    mote_status st = e->dtype != dtype ? check_cast(e) : MOTE_OK;
    if (st == MOTE_OK && large && !o->residual) st = mote_encoder_prune(e, e->data, &e->prune);
    if (e->prune.limit || e->prune.gone) e->source.prune = &e->prune;
    return st;
}

static mote_status consider_all(mote_encoder *e, bool large)
{
    const mote_encode_options *o = e->o;
    const double raw = (double)e->t->elements * mote_dtype_bits(e->dtype) / 8;
    if (o->only_stored) return consider_stored(e, 1);
    mote_status st = MOTE_OK;
    if (large && (o->rank || o->energy > 0)) st = mote_encoder_lowrank(e);
    const bool trellis = o->method == MOTE_METHOD_TRELLIS;
    if (st == MOTE_OK && large && mote_encoder_scaled(o)) st = mote_encoder_affine(e);
    if (st == MOTE_OK && large && trellis) st = mote_encoder_trellis(e);
    /* integers that save little are not worth their loss where being exact is smaller still */
    bool exact = !large || !(trellis || mote_encoder_scaled(o)) || (double)e->form.bytes > 0.6 * raw;
    if (st == MOTE_OK && (exact || e->form.n_records == 0)) st = consider_lossless(e);
    if (st == MOTE_OK && exact) st = mote_encoder_palette(e);
    double share = 1; /* what zstd leaves; it finds nothing in floats in whose bytes it finds nothing */
    if (st == MOTE_OK && (e->report.numeric != MOTE_NUM_FLOAT || mote_needs_has(&e->form.needs, MOTE_CODER_ZSTD)))
        st = mote_encoder_zstd_share(e, &share);
    if (st == MOTE_OK && share * raw < 0.98 * (double)e->form.bytes) st = consider_stored(e, share);
    if (st == MOTE_OK && (e->form.n_records == 0 || (double)e->form.bytes > 0.98 * raw)) st = consider_stored(e, 1);
    if (st == MOTE_OK && e->form.n_records == 0)
        st = mote_model_fail(e->error, MOTE_ERR_LIMIT, "tensor \"%s\" does not fit chunks of %u bytes", e->t->name,
                             e->limits.chunk_max);
    return st;
}

double mote_encoder_signal(const mote_encoder *e)
{
    const mote_encode_options *o = e->o;
    if (o->method == MOTE_METHOD_LOSSLESS && !o->rank && !(o->energy > 0) && !(o->prune_fraction > 0) &&
        !(o->prune_threshold > 0) && !(o->prune_rows > 0) && !o->of)
        return 0;
    return mote_signal(e->data, (uint8_t)e->t->dtype, e->t->elements);
}

/* Sums for forms that lose nothing but by pruning and casts. */
static mote_status measure(mote_encoder *e)
{
    mote_encode_report *r = &e->report;
    const unsigned numeric = r->numeric;
    if (!is_real(e->t->dtype) || numeric == MOTE_NUM_AFFINE || numeric == MOTE_NUM_CODEBOOK ||
        numeric == MOTE_NUM_TRELLIS || r->layout == MOTE_LAYOUT_LOWRANK)
        return MOTE_OK;
    if (e->source.prune || e->source.held != e->source.dtype) {
        mote_status st = mote_fetch_reserve(&e->work.fetch, BLOCK);
        if (st == MOTE_OK) st = mote_fetch_reserve(&e->work.other, BLOCK);
        if (st == MOTE_OK)
            mote_matrix_error(&e->source, e->dtype, &e->work.fetch, &e->work.other, &r->signal, &r->noise);
        return st;
    }
    r->signal = mote_encoder_signal(e);
    r->noise = 0;
    return MOTE_OK;
}

/* What *out owns. */
typedef struct holder {
    mote_records form;
    uint8_t digest[MOTE_DIGEST_BYTES];
} holder;

static mote_status finish(mote_encoder *e, mote_coded *out)
{
    holder *h = malloc(sizeof *h);
    if (!h) return MOTE_ERR_NOMEM;
    mote_status st = MOTE_OK;
    if (e->o->tensor_digests && e->form.n_records) st = mote_encoder_digest(e, h->digest);
    if (st != MOTE_OK) {
        free(h);
        return st;
    }
    mote_records *f = &h->form;
    mote_encode_report *r = &e->report;
    *f = e->form;
    e->form = (mote_records){ 0 };
    r->dtype = (mote_dtype)e->dtype;
    r->elements = e->t->elements;
    r->original_bytes = e->t->bytes;
    r->packed_bytes = f->bytes;
    r->head_bytes = f->head_bytes;
    r->class_bytes = f->parts.classes;
    r->scale_bytes = f->parts.scales;
    r->symbol_bytes = f->parts.symbols;
    r->escape_bytes = f->parts.escapes;
    r->raw_bytes = f->parts.raw;
    r->layout_bytes = f->parts.layout;
    *out = (mote_coded){ .entry = { .kind = MOTE_KIND_TENSOR,
                                    .name = e->t->name,
                                    .dtype = r->dtype,
                                    .rank = e->t->rank,
                                    .records = f->records,
                                    .n_records = f->n_records,
                                    .n_residents = f->n_residents,
                                    .seg_elems = f->seg_elems,
                                    .resident_bytes = f->resident_bytes,
                                    .table_slots = f->table_slots,
                                    .needs = f->needs,
                                    .digest = e->o->tensor_digests && f->n_records ? h->digest : NULL },
                         .report = *r,
                         .memory = h };
    memcpy(out->entry.shape, e->t->shape, e->t->rank * sizeof e->t->shape[0]);
    return MOTE_OK;
}

/* Whether a tensor is one that lossy options are about. */
static bool is_large(const mote_encode_options *o, const mote_model_tensor *t)
{
    return is_real(t->dtype) && t->rank >= 2 && t->elements >= o->small;
}

mote_status mote_encode_rates(const mote_encode_options *options, const mote_model_tensor *t, const uint8_t *data,
                              const double *snr_db, size_t n, double *bytes, double *noise, double *signal,
                              mote_model_error *error)
{
    *signal = 0;
    if (!options_ok(options) || options->method != MOTE_METHOD_TRELLIS || !tensor_ok(t)) return MOTE_ERR_ARG;
    if (!is_large(options, t)) return MOTE_OK;
    mote_encoder e = { .o = options, .t = t, .data = data, .error = error, .dtype = (uint8_t)t->dtype };
    mote_trellis_job j = { 0 };
    set_limits(&e);
    mote_status st = set_source(&e, true);
    if (st == MOTE_OK) st = mote_trellis_choose(&j, &e, mote_from_db(-options->snr_db));
    for (size_t i = 0; i < n && st == MOTE_OK && j.mean > 0; i++) {
        const double step = sqrt(4 * j.mean * mote_from_db(-snr_db[i]));
        st = mote_trellis_estimate(&j, step, &bytes[i], &noise[i]);
    }
    if (st == MOTE_OK) *signal = j.mean * (double)t->elements;
    mote_trellis_job_free(&j);
    mote_work_free(&e.work);
    return st == MOTE_ERR_LIMIT ? MOTE_OK : st;
}

mote_status mote_encode_tensor(mote_coded *out, const mote_encode_options *options, const mote_model_tensor *t,
                               const uint8_t *data, mote_model_error *error)
{
    if (!out || !options_ok(options) || !tensor_ok(t) || (!data && t->elements)) return MOTE_ERR_ARG;
    mote_encoder e = { .o = options, .t = t, .data = data, .error = error, .dtype = (uint8_t)t->dtype };
    if (is_real(t->dtype) && options->method == MOTE_METHOD_F16) e.dtype = MOTE_F16;
    if (is_real(t->dtype) && options->method == MOTE_METHOD_BF16) e.dtype = MOTE_BF16;
    const bool large = is_large(options, t);
    if (large && options->method == MOTE_METHOD_F8_E4M3) e.dtype = MOTE_F8_E4M3;
    if (large && options->method == MOTE_METHOD_F8_E5M2) e.dtype = MOTE_F8_E5M2;
    set_limits(&e);
    mote_status st = MOTE_OK;
    if (t->elements) {
        st = set_source(&e, large);
        if (st == MOTE_OK) st = consider_all(&e, large);
        if (st == MOTE_OK) st = measure(&e);
    }
    if (st == MOTE_OK) st = finish(&e, out);
    free(e.prune.gone);
    mote_records_free(&e.form);
    mote_work_free(&e.work);
    return st;
}

mote_status mote_encode_blob(mote_coded *out, const mote_encode_options *options, mote_kind kind, const char *name,
                             const uint8_t *data, size_t bytes)
{
    if (!out || !options_ok(options) || !name || (!data && bytes) || bytes >= MOTE_DIM_MAX) return MOTE_ERR_ARG;
    if (kind != MOTE_KIND_BLOB && kind != MOTE_KIND_TEXT) return MOTE_ERR_ARG;
    const mote_model_tensor t = {
        .name = name, .dtype = MOTE_U8, .rank = 1, .shape = { bytes }, .elements = bytes, .bytes = bytes
    };
    mote_encoder e = { .o = options, .t = &t, .data = data, .dtype = MOTE_U8, .blob = true };
    set_limits(&e);
    mote_status st = MOTE_OK;
    if (bytes) {
        st = set_source(&e, false);
        if (st == MOTE_OK) st = consider_all(&e, false);
    }
    if (st == MOTE_OK) st = finish(&e, out);
    if (st == MOTE_OK) out->entry.kind = kind;
    mote_records_free(&e.form);
    mote_work_free(&e.work);
    return st;
}

void mote_coded_free(mote_coded *c)
{
    holder *h = c->memory;
    if (h) mote_records_free(&h->form);
    free(h);
    *c = (mote_coded){ 0 };
}
