/* SPDX-License-Identifier: Apache-2.0
 * Codebooks of a matrix, and the nearest entries. Host only. */
#include "enc/book.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/casts.h"
#include "dec/numbers.h"

#define SAMPLE ((uint64_t)1 << 20) /* values that a table is fitted to */
#define BLOCK ((size_t)4096)

/* --- the nearest entry -------------------------------------------------------------------------------------------- */

mote_status mote_book_builtin(mote_book *b)
{
    const unsigned n = b->entries = b->table == MOTE_BOOK_NF4 ? 16 : 256;
    b->value = malloc(n * sizeof *b->value);
    b->order = malloc(n * sizeof *b->order);
    if (!b->value || !b->order) return MOTE_ERR_NOMEM;
    mote_codebook_values(b->value, b->table);
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++) { /* insertion sort; what is not finite is never chosen, nor is -0 */
        const float x = b->value[i];
        if (x - x != 0 || (x == 0 && signbit(x))) continue;
        unsigned at = k++;
        for (; at > 0 && b->value[b->order[at - 1]] > x; at--) b->order[at] = b->order[at - 1];
        b->order[at] = (uint16_t)i;
    }
    b->usable = (uint16_t)k;
    return MOTE_OK;
}

/* What lies half way between neighbours, in order; returns how many. */
static unsigned middles(const mote_affine *a, const float *value, double *middle)
{
    const uint16_t *order = a->book.order;
    const unsigned n = order ? a->book.usable : a->book.entries;
    for (unsigned i = 1; i < n; i++)
        middle[i - 1] = ((double)value[order ? order[i - 1] : i - 1] + value[order ? order[i] : i]) / 2;
    return n - 1;
}

static unsigned count_below(const double *middle, unsigned n, double x)
{
    const double *at = middle;
    while (n > 0) {
        const unsigned half = n / 2;
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): below n, of which all are set */
        if (at[half] < x) {
            at += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return (unsigned)(at - middle);
}

void mote_book_quantise(const mote_affine *a, const double *x, size_t n, float scale, uint64_t row, int drop,
                        uint16_t *code)
{
    double middle[MOTE_ENTRIES_MAX];
    const float *value = mote_book_of(a, row);
    const unsigned between = middles(a, value, middle);
    const uint16_t *order = a->book.order;
    const double inverse = 1 / (double)scale, most = mote_finite_max(a->dtype) * inverse;
    unsigned last = between, first = 0; /* entries that are finite in the entry's dtype */
    while (last > 0 && value[order ? order[last] : last] > most) last--;
    while (first < last && value[order ? order[first] : first] < -most) first++;
    for (size_t i = 0; i < n; i++) {
        unsigned k = count_below(middle, between, x[i] * inverse);
        k = k < first ? first : k > last ? last : k;
        code[i] = order ? order[k] : (uint16_t)k;
        if (drop && value[code[i]] == 0) code[i] = MOTE_CODE_DROPPED;
    }
}

/* --- scales ------------------------------------------------------------------------------------------------------- */

static double error_at(const mote_affine *a, const float *x, size_t n, float scale)
{
    double middle[MOTE_ENTRIES_MAX], sum = 0;
    const float *value = a->book.value;
    const unsigned between = middles(a, value, middle);
    const double inverse = 1 / (double)scale;
    for (size_t i = 0; i < n; i++) {
        const double y = (double)x[i] * inverse, e = y - value[a->book.order[count_below(middle, between, y)]];
        sum += e * e;
    }
    return sum * scale * scale;
}

float mote_book_scale(const mote_affine *a, const float *x, size_t n, float least, float most)
{
    const double largest = -least > most ? -(double)least : most;
    if (!(largest > 0)) return 1;
    if (a->book.table == MOTE_BOOK_WRITTEN) {
        if (a->scope == 0) return 1;
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
        return mote_scale_round(a->scale_dtype, sum > 0 ? sqrt(sum / (double)n) : largest);
    }
    if (a->book.table != MOTE_BOOK_NF4)
        return mote_scale_round(a->scale_dtype, largest / (a->book.table == MOTE_BOOK_F8_E4M3 ? 448 : 57344));
    float best = mote_scale_round(a->scale_dtype, largest);
    double error = error_at(a, x, n, best);
    for (unsigned i = 1; i <= 8; i++) {
        const float scale = mote_scale_round(a->scale_dtype, largest * (32 - i) / 32);
        const double e = error_at(a, x, n, scale);
        if (e < error) error = e, best = scale;
    }
    return best;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

typedef struct sample {
    float x, weight;
} sample;

static int by_value(const void *a, const void *b)
{
    const sample *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return (p->weight > q->weight) - (p->weight < q->weight);
}

static float clipped(double x)
{
    const double most = 3.0e38;
    return (float)(x > most ? most : x < -most ? -most : x);
}

/* Every step-th value of rows [row, end), over its scale; top: the largest scale. */
static size_t gather(const mote_affine *a, const mote_matrix *m, uint64_t row, uint64_t end, uint64_t step, double top,
                     mote_fetch *f, double *value, sample *out)
{
    const uint64_t group = mote_affine_columns(a, m->cols);
    uint64_t phase = 0;
    size_t n = 0;
    for (; row < end; row++)
        for (uint64_t col = 0; col < m->cols; col += BLOCK) {
            const size_t some = m->cols - col < BLOCK ? (size_t)(m->cols - col) : BLOCK;
            mote_values(value, mote_matrix_fetch(m, row, col, 1, some, f), m->held, 0, some);
            for (size_t i = 0; i < some; i++) {
                const bool take = phase == 0;
                if (++phase == step) phase = 0;
                if (!take) continue;
                const double scale = a->scale[a->per_row ? row * a->per_row + (col + i) / group : 0];
                out[n++] = (sample){ clipped(value[i] / scale), (float)(scale / top * (scale / top)) };
            }
        }
    return n;
}

/* f16 keeps ten bits of what is not too small. */
static bool fits_f16(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float y = fabsf(x[i]);
        if (y != 0 && (y < 6.2e-5f || y > 65000)) return false;
    }
    return true;
}

/* The entry nearest to zero becomes zero: pruned elements stay what they are. */
static void keep_zero(float *entry, unsigned n)
{
    unsigned best = 0;
    for (unsigned i = 1; i < n; i++)
        if (fabsf(entry[i]) < fabsf(entry[best])) best = i;
    entry[best] = 0;
}

/* The entry nearest to zero is finite in the entry's dtype also times the largest scale: something must be. */
static void keep_finite(float *entry, unsigned n, double limit)
{
    unsigned best = 0;
    for (unsigned i = 1; i < n; i++)
        if (fabsf(entry[i]) < fabsf(entry[best])) best = i;
    if (fabsf(entry[best]) > limit) entry[best] = copysignf((float)limit, entry[best]);
}

static mote_status fit_one(mote_affine *a, sample *s, size_t n, bool zero, float *entry)
{
    float *x = malloc((2 * n + 1) * sizeof *x);
    if (!x) return MOTE_ERR_NOMEM;
    qsort(s, n, sizeof *s, by_value);
    for (size_t i = 0; i < n; i++) {
        x[i] = s[i].x;
        x[n + i] = s[i].weight;
    }
    mote_status st = mote_kmeans(entry, a->book.entries, x, x + n, n);
    if (zero) keep_zero(entry, a->book.entries);
    free(x);
    return st;
}

mote_status mote_book_fit(mote_affine *a, const mote_matrix *m, mote_fetch *f)
{
    mote_book *b = &a->book;
    mote_matrix plain = *m;
    plain.affine = NULL;
    const uint64_t rows = b->rows ? b->rows : m->rows, books = (m->rows - 1) / rows + 1;
    const uint64_t all = (rows < m->rows ? rows : m->rows) * m->cols, step = (all - 1) / SAMPLE + 1;
    double *value = malloc(BLOCK * sizeof *value), top = 0;
    for (uint64_t i = 0; i < (a->per_row ? m->rows * a->per_row : 1); i++) top = a->scale[i] > top ? a->scale[i] : top;
    sample *s = malloc((size_t)(all / step + 2) * sizeof *s);
    b->value = malloc((size_t)books * b->entries * sizeof *b->value);
    mote_status st = value && s && b->value ? mote_fetch_reserve(f, BLOCK) : MOTE_ERR_NOMEM;
    for (uint64_t k = 0; k < books && st == MOTE_OK; k++) {
        const uint64_t row = k * rows, end = m->rows - row < rows ? m->rows : row + rows;
        const size_t n = gather(a, &plain, row, end, step, top, f, value, s);
        st = fit_one(a, s, n, m->prune != NULL, b->value + k * b->entries);
        /* a little less, so that roundings do not matter */
        if (st == MOTE_OK) keep_finite(b->value + k * b->entries, b->entries, mote_finite_max(a->dtype) / top * 0.999);
    }
    if (st == MOTE_OK) {
        const size_t n = (size_t)books * b->entries;
        b->entry_dtype = fits_f16(b->value, n) ? MOTE_F16 : MOTE_F32;
        for (size_t i = 0; i < n && b->entry_dtype == MOTE_F16; i++) {
            const mote_f32 x = { .f = b->value[i] }, y = { .bits = mote_f16_to_f32(mote_f32_to_f16(x.bits)) };
            b->value[i] = y.f;
        }
    }
    free(value);
    free(s);
    return st;
}
