/* SPDX-License-Identifier: Apache-2.0
 * Walks a matrix and fits scales. Host only. */
#include "enc/scales.h"

#include <stdlib.h>

#include "base/le.h"
#include "enc/book.h"

#define RUN_MAX ((uint64_t)1 << 20) /* values that a search looks at; of longer runs an even sample */
#define BLOCK ((size_t)4096)

typedef struct fitter {
    mote_affine *a;
    const mote_matrix *m;
    mote_fetch *f;
    double *value; /* [BLOCK] */
    float *x;
} fitter;

static float to_float(double v)
{
    const double most = 3.4028234663852886e38;
    return (float)(v > most ? most : v < -most ? -most : v);
}

/* Values of a fetched run into x: every step-th; least and most of all. */
static size_t take(fitter *k, const void *elements, size_t at, size_t n, uint64_t *phase, uint64_t step, size_t room,
                   float *x, float *least, float *most)
{
    size_t got = 0;
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t some = n - i < BLOCK ? n - i : BLOCK;
        mote_values(k->value, elements, k->m->held, at + i, some);
        for (size_t j = 0; j < some; j++) {
            float v = to_float(k->value[j]);
            if (v < *least) *least = v;
            if (v > *most) *most = v;
            if (*phase == 0 && got < room) x[got++] = v;
            if (++*phase == step) *phase = 0;
        }
    }
    return got;
}

static void fit(fitter *k, uint64_t at, const float *x, size_t n, float least, float most)
{
    uint16_t zero = 0;
    if (k->a->book.entries)
        k->a->scale[at] = mote_book_scale(k->a, x, n, least, most);
    else
        mote_affine_fit(k->a, x, n, least, most, &k->a->scale[at], &zero);
    if (k->a->zero_point) k->a->zero_point[at] = zero;
}

/* One run of a row, however long. */
static void fit_run(fitter *k, uint64_t at, uint64_t row, uint64_t col, uint64_t n)
{
    const uint64_t step = (n - 1) / RUN_MAX + 1;
    uint64_t phase = 0;
    size_t got = 0;
    float least = 0, most = 0;
    for (uint64_t i = 0; i < n; i += BLOCK) {
        size_t some = n - i < BLOCK ? (size_t)(n - i) : BLOCK;
        const void *e = mote_matrix_fetch(k->m, row, col + i, 1, some, k->f);
        got += take(k, e, 0, some, &phase, step, RUN_MAX - got, k->x + got, &least, &most);
    }
    fit(k, at, k->x, got, least, most);
}

/* Rows that fit a rectangle, several at a time. */
static void fit_rows(fitter *k, uint64_t rows_max)
{
    const mote_matrix *m = k->m;
    const uint64_t group = mote_affine_columns(k->a, m->cols);
    for (uint64_t row = 0; row < m->rows; row += rows_max) {
        uint64_t rows = m->rows - row < rows_max ? m->rows - row : rows_max;
        const void *e = mote_matrix_fetch(m, row, 0, (size_t)rows, (size_t)m->cols, k->f);
        for (uint64_t r = 0; r < rows; r++)
            for (uint64_t g = 0; g < k->a->per_row; g++) {
                uint64_t left = m->cols - g * group, n = left < group ? left : group, phase = 0;
                float least = 0, most = 0;
                size_t got =
                    take(k, e, (size_t)(r * m->cols + g * group), (size_t)n, &phase, 1, (size_t)n, k->x, &least, &most);
                fit(k, (row + r) * k->a->per_row + g, k->x, got, least, most);
            }
    }
}

mote_status mote_affine_scales(mote_affine *a, const mote_matrix *m, mote_fetch *f)
{
    const uint64_t n = m->rows * m->cols;
    a->per_row = a->scope == 0 ? 0 : (m->cols - 1) / mote_affine_columns(a, m->cols) + 1;
    const uint64_t scales = a->scope == 0 ? 1 : m->rows * a->per_row;
    const uint64_t rows = m->axis ? 16 : m->cols < BLOCK ? BLOCK / m->cols : 1;
    const uint64_t longest = n < RUN_MAX ? n : RUN_MAX;
    a->scale = malloc((size_t)scales * sizeof *a->scale);
    a->zero_point = a->zero ? malloc((size_t)scales * sizeof *a->zero_point) : NULL;
    fitter k = { .a = a, .m = m, .f = f };
    k.value = malloc(BLOCK * sizeof *k.value);
    k.x = malloc((size_t)longest * sizeof *k.x);
    mote_status st = MOTE_ERR_NOMEM;
    if (!a->scale || (a->zero && !a->zero_point) || !k.value || !k.x) goto out;
    if (a->scope == 0) {
        mote_matrix flat = *m; /* element order does not matter: the tensor's own is the fastest */
        flat.axis = 0;
        flat.rows = 1;
        flat.cols = n;
        k.m = &flat;
        st = mote_fetch_reserve(f, BLOCK);
        if (st == MOTE_OK) fit_run(&k, 0, 0, 0, n);
    } else if (m->cols <= RUN_MAX / 16) {
        st = mote_fetch_reserve(f, (size_t)(rows * m->cols));
        if (st == MOTE_OK) fit_rows(&k, rows);
    } else {
        const uint64_t group = mote_affine_columns(a, m->cols);
        st = mote_fetch_reserve(f, BLOCK);
        for (uint64_t i = 0; i < scales && st == MOTE_OK; i++) {
            uint64_t col = i % a->per_row * group, left = m->cols - col;
            fit_run(&k, i, i / a->per_row, col, left < group ? left : group);
        }
    }
    if (st == MOTE_OK && a->book.entries && a->book.table == MOTE_BOOK_WRITTEN) st = mote_book_fit(a, m, f);
out:
    free(k.value);
    free(k.x);
    return st;
}

void mote_affine_free(mote_affine *a)
{
    free(a->scale);
    free(a->zero_point);
    free(a->book.value);
    free(a->book.order);
    a->book.value = NULL;
    a->book.order = NULL;
    a->scale = NULL;
    a->zero_point = NULL;
}

bool mote_all_finite(const uint8_t *data, uint8_t dtype, uint64_t elements)
{
    const unsigned bytes = mote_dtype_bits(dtype) / 8;
    const unsigned infinity = dtype == MOTE_F16 ? 0x7C00 : dtype == MOTE_F64 ? 0x7FF0 : 0x7F80;
    bool all = true;
    for (uint64_t i = 0; i < elements; i++) /* the exponent field lies in the upper 16 bits */
        all &= (mote_le16(data + i * bytes + bytes - 2) & infinity) != infinity;
    return all;
}
