/* SPDX-License-Identifier: Apache-2.0
 * Counting a matrix, by rows, and planning its planes. Host only. */
#include "enc/coding.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "enc/wide.h"
#include "write/wr.h"

#define BLOCK MOTE_RECT_ELEMENTS
#define SAMPLE ((size_t)1 << 15)         /* elements that a sample of floats looks at, of which most bits are noise */
#define SAMPLE_CODES ((size_t)1 << 19)   /* of others: where most are zero the few that are not tell classes apart */
#define SAMPLE_COLS 512                  /* of a row, at least */
#define SAMPLE_PART 64                   /* of these, in one place */
#define SAMPLE_RUN 4096                  /* of a row in one place: what lies together is alike */
#define TYPICAL 0.8                      /* of what dense elements take, is left of them */
#define BYTES_SAMPLE ((uint64_t)1 << 15) /* elements of byte planes that are counted first, and of each rectangle */
#define BYTES_RUN ((uint64_t)512)
#define CLASS_CELLS 4096 /* planes of more values have one class */
#define CLASS_COLS 8     /* shorter rows are not worth a class */
#define GROUP 16         /* neighbouring rows fetched together: a cache line of a transposed matrix */
#define BYTE_MARGIN 0.01 /* byte planes decode by a copy if stored; a symbol a byte must save this much */

mote_status mote_work_reserve(mote_work *w, size_t elements)
{
    mote_status st = mote_fetch_reserve(&w->fetch, elements);
    if (st != MOTE_OK || elements <= w->room) return st;
    free(w->v);
    free(w->mask);
    free(w->gap);
    free(w->kept);
    free(w->length);
    w->v = malloc(elements * sizeof *w->v);
    w->mask = malloc(elements * sizeof *w->mask);
    w->gap = malloc(elements * sizeof *w->gap);
    w->kept = malloc(elements * 8);
    w->length = malloc(elements * sizeof *w->length);
    w->room = w->v && w->mask && w->gap && w->kept && w->length ? elements : 0;
    return w->room ? MOTE_OK : MOTE_ERR_NOMEM;
}

void mote_work_free(mote_work *w)
{
    mote_fetch_free(&w->fetch);
    mote_fetch_free(&w->other);
    free(w->v);
    free(w->mask);
    free(w->gap);
    free(w->kept);
    free(w->length);
    for (unsigned i = 0; i <= MOTE_PLANE_V; i++) mote_bins_free(&w->bins[i]);
    *w = (mote_work){ 0 };
}

void mote_coding_free(mote_coding *c)
{
    for (unsigned i = 0; i <= MOTE_PLANE_V; i++) {
        free(c->classes[i]);
        c->classes[i] = NULL;
    }
}

bool mote_coding_has(const mote_coding *c, unsigned plane)
{
    switch (plane) {
    case MOTE_PLANE_MASK: return c->layout == MOTE_LAYOUT_BITMASK;
    case MOTE_PLANE_COUNTS:
    case MOTE_PLANE_GAPS: return c->layout == MOTE_LAYOUT_CSR;
    case MOTE_PLANE_V: return true;
    default: return plane < MOTE_PLANE_BYTE + (unsigned)c->num.n_bytes;
    }
}

uint32_t mote_record_room(uint32_t chunk_max)
{
    uint32_t n = chunk_max - 2;
    while (1 + mote_varint_bytes(n) + n > chunk_max) n--;
    return n;
}

uint8_t mote_rans_coder(const mote_coding *c, unsigned plane, mote_profile profile, double values)
{
    if (profile == MOTE_PROFILE_NANO) return MOTE_CODER_RANS1;
    if (profile == MOTE_PROFILE_HOST && c->num.numeric == MOTE_NUM_FLOAT && plane != MOTE_PLANE_COUNTS)
        values *= 6 * (1 + c->num.n_bytes);
    if (values < 8192) return MOTE_CODER_RANS1;
    return values < 98304 ? MOTE_CODER_RANS8 : MOTE_CODER_RANS32;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

/* The largest exponent of v[0..n), n <= 2^16, and the sum of 2^15 times the value of each by that of the largest. */
MOTE_LOOP void sum_exponents_loop(const uint16_t *v, size_t n, unsigned k, unsigned *largest, uint32_t *sum,
                                  uint32_t *count)
{
    uint16_t most = 0;
    uint32_t all = 0, some = 0;
    for (size_t i = 0; i < n; i++) most = v[i] > most ? v[i] : most;
    const uint32_t top = (uint32_t)most >> k;
    for (size_t i = 0; i < n; i++) {
        const uint32_t e = (uint32_t)v[i] >> k, less = top - e;
        some += e != 0; /* zeros say nothing of the scale */
        all += ((uint32_t)1 << 15) >> (less < 31 ? less : 31);
    }
    *largest = top;
    *sum = all;
    *count = some;
}
MOTE_TWICE(sum_exponents, (const uint16_t *v, size_t n, unsigned k, unsigned *largest, uint32_t *sum, uint32_t *count),
           sum_exponents_loop, (v, n, k, largest, sum, count))

/* Scale of a row: of floats the mean of the powers of two that their exponents say, which tells rows apart better than
 * their mean exponent, in eighths of an octave (f64: halves; in small tensors, where classes are few, halves or quarters);
 * of integers the mean distance from zero, in half octaves. */
static uint64_t values_key(const mote_coding *c, const uint16_t *v, size_t n)
{
    const mote_num *num = &c->num;
    if (num->numeric == MOTE_NUM_FLOAT || num->k) { /* f8 too */
        unsigned largest;
        uint32_t sum, count;
        sum_exponents(v, n, num->k, &largest, &sum, &count);
        if (count == 0) return 0;
        const uint64_t key = 8 * largest + mote_octave_eighths(((uint64_t)sum << 16) / count) - 8 * 15;
        return num->v.width > 8 || c->elements < 1 << 14 ? key / 4 : c->elements < 1 << 16 ? key / 2 : key;
    }
    uint64_t sum = 0;
    const int32_t zero = num->fold ? 0 : num->v.vmin < 0 ? -num->v.vmin : (num->v.vmax + 1) / 2;
    for (size_t i = 0; i < n; i++) sum += (uint64_t)(v[i] > zero ? v[i] - zero : zero - v[i]);
    return n ? mote_half_octave(16 * sum / n + 1) : 0;
}

static uint64_t mask_key(size_t kept, size_t n)
{
    size_t few = kept * 2 > n ? n - kept : kept;
    unsigned k = mote_half_octave(few * 65536 / n + 1);
    return kept * 2 > n ? 128 - k : k;
}

/* Counting one matrix. */
typedef struct counter {
    mote_coding *c;
    mote_work *w;
    uint8_t *bin[MOTE_PLANE_V + 1]; /* of each row; NULL in samples, whose rows are seen once */
    uint64_t elements, kept, rows;
} counter;

static unsigned bin_of(counter *k, unsigned plane, uint64_t row, bool first, uint64_t key)
{
    mote_bins *b = &k->w->bins[plane];
    uint8_t *bin = k->bin[plane];
    if (!bin) return mote_bins_row(b, key);
    if (first) bin[row] = (uint8_t)mote_bins_row(b, key);
    return bin[row];
}

/* Elements [0, n) of a row, a whole piece if the layout is sparse; first: of those that are seen of this row. */
static void count_run(counter *k, uint64_t row, const void *elements, size_t n, bool first)
{
    mote_coding *c = k->c;
    mote_work *w = k->w;
    size_t kept = n;
    k->elements += n;
    k->rows += first;
    if (c->layout != MOTE_LAYOUT_DENSE) {
        kept = mote_matrix_squeeze(&c->m, w->kept, elements, n, w->mask);
        elements = w->kept;
        uint64_t key = mask_key(kept, n);
        if (c->layout == MOTE_LAYOUT_BITMASK) {
            unsigned bin = bin_of(k, MOTE_PLANE_MASK, row, first, key);
            mote_bins_add(&w->bins[MOTE_PLANE_MASK], bin, w->mask, (n + 3) / 4);
        } else {
            mote_mask_gaps(w->mask, n, w->gap);
            unsigned bin = bin_of(k, MOTE_PLANE_GAPS, row, first, key);
            mote_bins_add(&w->bins[MOTE_PLANE_GAPS], bin, w->gap, kept);
            mote_bins *counts = &w->bins[MOTE_PLANE_COUNTS];
            if (counts->n == 0) (void)mote_bins_row(counts, 0);
            mote_bins_put(counts, 0, (uint16_t)kept, 1);
        }
    }
    k->kept += kept;
    mote_split_v(&c->num, elements, kept, w->v);
    unsigned bin = bin_of(k, MOTE_PLANE_V, row, first, first ? values_key(c, w->v, kept) : 0);
    mote_bins_add(&w->bins[MOTE_PLANE_V], bin, w->v, kept);
}

/* Rows [row, row + rows) from column col on, n columns. */
static void count_rectangle(counter *k, uint64_t row, uint64_t col, size_t rows, size_t n, bool first)
{
    const mote_coding *c = k->c;
    const size_t bytes = mote_matrix_elem_bytes(&c->m) * n;
    const uint8_t *p = mote_matrix_fetch(&c->m, row, col, rows, n, &k->w->fetch);
    for (size_t r = 0; r < rows; r++) count_run(k, row + r, p + r * bytes, n, first);
}

static uint64_t at_most(uint64_t x, uint64_t limit)
{
    return x < limit ? x : limit;
}

bool mote_coding_next(const mote_coding *c, mote_rect *r)
{
    const mote_matrix *m = &c->m;
    if (r->n_max == 0) {
        r->n_max = c->layout == MOTE_LAYOUT_DENSE ? at_most(m->cols, m->axis ? BLOCK / GROUP : BLOCK) : c->piece;
        r->rows_max = at_most(BLOCK / r->n_max ? BLOCK / r->n_max : 1, m->rows);
    } else if (r->col + r->n_max < m->cols) {
        r->col += r->n_max;
    } else {
        r->col = 0;
        r->row += r->rows_max;
    }
    if (r->row >= m->rows) return false;
    r->rows = (size_t)at_most(m->rows - r->row, r->rows_max);
    r->n = (size_t)at_most(m->cols - r->col, r->n_max);
    return true;
}

static void count_all(counter *k)
{
    for (mote_rect r = { 0 }; mote_coding_next(k->c, &r);) count_rectangle(k, r.row, r.col, r.rows, r.n, r.col == 0);
}

/* n columns of some rows from the place-th of `places` windows on, in parts that are spread over the rows: a row is to be
 * known by all of it, as what lies together is alike. Row after row in w->other. */
static const uint8_t *fetch_parts(const counter *k, uint64_t row, size_t rows, size_t n, uint64_t first, size_t parts)
{
    const mote_matrix *m = &k->c->m;
    const size_t bytes = mote_matrix_elem_bytes(m), wide = n / parts;
    uint8_t *to = k->w->other.out;
    for (size_t i = 0; i < parts; i++) {
        const uint64_t col = (first + i * ((m->cols - wide) / parts)) % (m->cols - wide + 1);
        const uint8_t *p = mote_matrix_fetch(m, row, col, rows, wide, &k->w->fetch);
        for (size_t r = 0; r < rows; r++)
            memcpy(to + (r * parts + i) * wide * bytes, p + r * wide * bytes, wide * bytes);
    }
    return to;
}

/* Groups of neighbouring rows, evenly spread; of long rows windows that wander. */
static mote_status count_sample(counter *k)
{
    const mote_coding *c = k->c;
    const mote_matrix *m = &c->m;
    const size_t size = c->num.numeric == MOTE_NUM_FLOAT ? SAMPLE : SAMPLE_CODES;
    uint64_t rows = at_most(m->rows, GROUP), n = size / at_most(m->rows, size / SAMPLE_COLS);
    n = at_most(at_most(n, SAMPLE_RUN), c->layout == MOTE_LAYOUT_DENSE ? m->cols : c->piece);
    assert(rows > 0 && n > 0);
    uint64_t groups = size / rows / n, windows = 1, all = (m->rows - 1) / rows + 1;
    assert(all > 0);
    if (groups == 0) groups = 1;
    if (groups > all) windows = groups / all, groups = all;
    uint64_t places = (m->cols - n) / n + 1; /* windows that lie side by side */
    if (windows > places) windows = places;
    const size_t parts = m->rows > 1 && n < m->cols && n >= SAMPLE_COLS ? SAMPLE_COLS / SAMPLE_PART : 1;
    if (parts > 1) {
        const mote_status st = mote_fetch_reserve(&k->w->other, (size_t)(rows * n));
        if (st != MOTE_OK) return st;
        n -= n % parts;
    }
    for (uint64_t g = 0; g < groups; g++) {
        const uint64_t row = g * all / groups * rows;
        const size_t some = (size_t)at_most(m->rows - row, rows);
        for (uint64_t i = 0; i < windows; i++) {
            const uint64_t place = windows == places ? i : (g * 7919 + i * places / windows) % places;
            if (parts == 1) {
                count_rectangle(k, row, place * n, some, (size_t)n, true);
                continue;
            }
            const size_t bytes = mote_matrix_elem_bytes(m) * (size_t)n;
            const uint8_t *p = fetch_parts(k, row, some, (size_t)n, place * n / parts, parts);
            for (size_t r = 0; r < some; r++) count_run(k, row + r, p + r * bytes, (size_t)n, true);
        }
    }
    return MOTE_OK;
}

/* --- planning ----------------------------------------------------------------------------------------------------- */

static unsigned bit_length(uint64_t x)
{
    unsigned n = 0;
    for (; x; x >>= 1) n++;
    return n;
}

/* Width and range of a layout's plane. */
static void describe(const mote_coding *c, unsigned plane, mote_plane *p)
{
    uint64_t n = c->piece;
    *p = (mote_plane){ .n_classes = 1 };
    if (plane == MOTE_PLANE_V) {
        *p = c->num.v;
    } else if (plane == MOTE_PLANE_MASK) {
        p->width = 4;
        p->vmax = 15;
    } else if (plane == MOTE_PLANE_COUNTS) {
        p->width = (uint8_t)bit_length(n);
        p->vmax = (int32_t)n;
    } else {
        p->width = (uint8_t)(n > 1 ? bit_length(n - 1) : 1);
        p->vmax = (int32_t)n - 1;
    }
}

static mote_status begin_bins(const mote_coding *c, unsigned plane, const mote_enc_limits *limits, mote_work *w)
{
    mote_plane p;
    describe(c, plane, &p);
    mote_cells cells = { .n = (uint32_t)(p.vmax - p.vmin) + 1, .vmin = p.vmin, .vmax = p.vmax };
    if (plane == MOTE_PLANE_V && c->num.numeric == MOTE_NUM_FLOAT && p.width == 16) {
        cells.grain = 4; /* f64: exponent and sign */
        cells.n >>= 4;
    }
    unsigned max = cells.n <= CLASS_CELLS ? MOTE_BINS_MAX : 1;
    if (max > c->m.rows) max = (unsigned)c->m.rows;
    if (plane == MOTE_PLANE_COUNTS || c->m.rows == 1 || c->m.cols < CLASS_COLS || limits->max_classes == 1) max = 1;
    return mote_bins_init(&w->bins[plane], &cells, max);
}

static uint64_t pieces_of_row(const mote_coding *c)
{
    return (c->m.cols - 1) / c->piece + 1;
}

static mote_status plan_plane(mote_coding *c, unsigned plane, const counter *k, const mote_enc_limits *limits,
                              bool quick, double segments)
{
    mote_plane d;
    describe(c, plane, &d);
    const uint64_t pieces = c->m.rows * pieces_of_row(c);
    double times = (double)c->elements / (double)k->elements;
    double values = plane == MOTE_PLANE_COUNTS ? (double)pieces
                    : plane == MOTE_PLANE_MASK ? (double)c->elements / 4
                                               : (double)c->kept;
    mote_plane_ask ask = {
        .width = d.width,
        .coder = mote_rans_coder(c, plane, limits->profile, values / segments),
        .max_classes = (uint8_t)(plane == MOTE_PLANE_COUNTS ? 1 : limits->max_classes),
        .escapes = plane != MOTE_PLANE_MASK,
        .quick = quick,
        .segments = segments,
        .times = times,
        .pieces_per_row = (double)pieces / ((double)k->rows * times),
    };
    mote_status st = mote_plane_plan_make(&c->plane[plane], &k->w->bins[plane], &ask);
    /* a constant mask is a dense tensor, which is cheaper anyway */
    if (plane == MOTE_PLANE_MASK && c->plane[plane].d.coder == MOTE_CODER_CONSTANT) {
        c->plane[plane].d.coder = MOTE_CODER_STORED;
        c->plane[plane].bits = (double)c->elements;
    }
    return st;
}

/* Counts of byte plane j, of the first `run` elements of every rectangle. */
static void count_bytes(const mote_coding *c, mote_work *w, unsigned j, uint64_t run, uint64_t count[256])
{
    const size_t bytes = mote_matrix_elem_bytes(&c->m);
    uint8_t *plane = (uint8_t *)w->gap;
    memset(count, 0, 256 * sizeof *count);
    for (mote_rect r = { 0 }; mote_coding_next(c, &r);) {
        const size_t rows = (size_t)at_most(r.rows, (run - 1) / r.n + 1);
        const uint8_t *p = mote_matrix_fetch(&c->m, r.row, r.col, rows, r.n, &w->fetch);
        for (size_t row = 0; row < rows; row++, p += r.n * bytes) {
            const uint8_t *from = p;
            size_t kept = r.n;
            if (c->layout != MOTE_LAYOUT_DENSE) {
                kept = mote_matrix_squeeze(&c->m, w->kept, p, r.n, w->mask);
                from = w->kept;
            }
            kept = (size_t)at_most(kept, run);
            mote_split_byte(&c->num, from, kept, j, plane);
            for (size_t k = 0; k < kept; k++) count[plane[k]]++;
        }
    }
}

static unsigned span_of(const uint64_t count[256])
{
    unsigned first = 256, last = 0;
    for (unsigned i = 0; i < 256; i++) {
        if (count[i] == 0) continue;
        if (first == 256) first = i;
        last = i;
    }
    return first == 256 ? 0 : last - first;
}

static mote_status plan_byte(mote_coding *c, unsigned j, const mote_enc_limits *limits, mote_work *w, double segments)
{
    mote_plane_plan *p = &c->plane[MOTE_PLANE_BYTE + j];
    const mote_cells cells = { .n = 256, .vmax = 255 };
    const uint64_t rects = c->elements / BLOCK + 1,
                   run = BYTES_SAMPLE / rects > BYTES_RUN ? BYTES_SAMPLE / rects : BYTES_RUN;
    uint64_t count[256], n = 0;
    count_bytes(c, w, j, run, count);
    bool sampled = span_of(count) >= 128; /* less: what follows from that must hold for all elements */
    if (!sampled) count_bytes(c, w, j, BLOCK, count);
    for (unsigned i = 0; i < 256; i++) {
        if (sampled && (i % 16 == 0 || i == 255)) count[i]++; /* what the sample lacks gets a frequency too */
        n += count[i];
    }
    mote_bins *b = &w->bins[MOTE_PLANE_COUNTS];
    mote_status st = mote_bins_init(b, &cells, 1);
    if (st != MOTE_OK) return st;
    (void)mote_bins_row(b, 0);
    for (unsigned i = 0; i < 256; i++) mote_bins_put(b, 0, (uint16_t)i, count[i]);
    mote_plane_ask ask = { .width = 8,
                           .coder =
                               mote_rans_coder(c, MOTE_PLANE_BYTE + j, limits->profile, (double)c->kept / segments),
                           .max_classes = 1,
                           .no_rans = limits->plain_bytes,
                           .quick = true, /* bytes are hardly ever shaped like a bell */
                           .segments = segments,
                           .times = n ? (double)c->kept / (double)n : 1,
                           .margin = BYTE_MARGIN };
    return mote_plane_plan_make(p, b, &ask);
}

/* Bits beside the planes' own: scales, lengths, record and page. */
static double frame_bits(const mote_coding *c, double segments)
{
    double bits = segments * 8 * (4 + 40 + 2 * (c->num.n_bytes + 1));
    const mote_affine *a = c->m.affine;
    const uint64_t books = a && a->book.rows ? c->m.rows / a->book.rows : 0;
    if (a && a->book.rows)
        bits += 8 * ((double)books + segments) * a->book.entries * (a->book.entry_dtype == MOTE_F32 ? 4 : 2);
    if (!a || a->scope == 0) return bits;
    uint64_t scales = c->m.rows * pieces_of_row(c);
    if (a->scope == 2) scales *= (c->piece - 1) / mote_affine_columns(a, c->piece) + 1;
    unsigned each = a->scale_dtype == MOTE_F32 ? 32 : 16;
    return bits + (double)scales * (each + (a->zero ? a->bits > 8 ? 16 : 8 : 0));
}

static mote_status plan_planes(mote_coding *c, const counter *k, const mote_enc_limits *limits, bool sample,
                               mote_work *w, double segments)
{
    mote_status st = MOTE_OK;
    c->bits = frame_bits(c, segments);
    for (unsigned i = 0; i < MOTE_PLANES && st == MOTE_OK; i++) {
        if (!mote_coding_has(c, i)) continue;
        if (i <= MOTE_PLANE_V)
            st = plan_plane(c, i, k, limits, sample, segments);
        else if (sample && c->plane[MOTE_PLANE_V].d.coder != MOTE_CODER_CONSTANT)
            c->plane[i].bits = 8.0 * (double)c->kept;
        else
            st = plan_byte(c, i - MOTE_PLANE_BYTE, limits, w, segments);
        c->bits += c->plane[i].bits;
    }
    return st;
}

static double zero_share(const mote_coding *c, const mote_bins *b, uint64_t n)
{
    uint64_t zeros = 0;
    if ((c->num.numeric == MOTE_NUM_AFFINE && c->num.zero) || c->num.numeric == MOTE_NUM_CODEBOOK) return 0;
    for (unsigned i = 0; i < b->n; i++)
        zeros += b->count[(size_t)i * b->cells.n + ((uint32_t)-b->cells.vmin >> b->cells.grain)];
    return n ? (double)zeros / (double)n : 0;
}

mote_status mote_coding_plan(mote_coding *c, const mote_enc_limits *limits, bool sample, mote_work *w)
{
    counter k = { .c = c, .w = w };
    c->elements = c->m.rows * c->m.cols;
    mote_status st = mote_work_reserve(w, (size_t)at_most(c->elements, MOTE_RECT_ELEMENTS));
    for (unsigned i = 0; i <= MOTE_PLANE_V && st == MOTE_OK; i++) {
        if (!mote_coding_has(c, i)) continue;
        st = begin_bins(c, i, limits, w);
        if (sample || w->bins[i].max == 1 || st != MOTE_OK) continue;
        c->classes[i] = k.bin[i] = malloc((size_t)c->m.rows);
        if (!c->classes[i]) st = MOTE_ERR_NOMEM;
    }
    if (st != MOTE_OK) return st;
    if (sample)
        st = count_sample(&k);
    else
        count_all(&k);
    if (st != MOTE_OK) return st;
    c->kept =
        k.elements == c->elements ? k.kept : (uint64_t)((double)k.kept * ((double)c->elements / (double)k.elements));
    for (unsigned i = 0; i <= MOTE_PLANE_V; i++)
        if (mote_coding_has(c, i)) mote_bins_sum(&w->bins[i]);
    c->zeros = zero_share(c, &w->bins[MOTE_PLANE_V], k.kept);
    /* how many segments there will be: what was thought before, or a first round says it */
    const double room = 8.0 * mote_record_room(limits->chunk_max);
    const double least = c->piece < c->m.cols && c->layout != MOTE_LAYOUT_DENSE
                             ? (double)(c->m.rows * pieces_of_row(c)) /* each piece is a segment of its own */
                             : 1;
    double segments = c->bits / room;
    bool again = !sample || segments > 0;
    if (!again) { /* a guess, which for dense elements is near enough unless they turn out to be next to nothing */
        if (c->layout == MOTE_LAYOUT_DENSE)
            segments = TYPICAL * (double)c->elements * 8 * mote_matrix_elem_bytes(&c->m) / room;
        const double guess = segments > least ? segments : least;
        st = plan_planes(c, &k, limits, sample, w, guess);
        segments = c->bits / room;
        again = c->layout == MOTE_LAYOUT_DENSE ? segments < guess / 2 && guess > least : segments > least;
    }
    if (st == MOTE_OK && again) st = plan_planes(c, &k, limits, sample, w, segments > least ? segments : least);
    for (unsigned i = 0; i <= MOTE_PLANE_V && st == MOTE_OK; i++) {
        if (!c->classes[i]) continue;
        if (c->plane[i].d.n_classes > 1) {
            for (uint64_t r = 0; r < c->m.rows; r++) c->classes[i][r] = c->plane[i].class_of[c->classes[i][r]];
        } else {
            free(c->classes[i]);
            c->classes[i] = NULL;
        }
    }
    return st;
}
