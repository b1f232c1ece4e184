/* SPDX-License-Identifier: Apache-2.0
 * Bins of rows, their merging into classes, and the choice of a coder for a plane. Host only. */
#include "enc/classes.h"

#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "write/wr.h"

#define STATE_BITS 24 /* of the 32 bits of a final state, on average 8 carry information */
#define FLUSH_AT (1u << 30)
#define WAYS 2 /* counts of the same bin, by turns: equal values follow each other, and increments would wait */
/* What fits a sample fits the rest less well, by log2 e bits for each of a table's 14 parameters (half of that is what the
 * sample seems to cost too little, half what the rest costs too much). H. Akaike, IEEE Trans. Automat. Contr. 19 (1974) */
#define OPTIMISM (14 * 1.4426950408889634)

mote_status mote_bins_init(mote_bins *b, const mote_cells *cells, unsigned max)
{
    const unsigned ways = cells->n <= 256 ? WAYS : 1;
    const size_t room = (size_t)max * cells->n;
    if (room > b->room) { /* else used before; a bin is cleared when it gets its first row */
        mote_bins_free(b);
        b->count = malloc(room * sizeof *b->count);
        b->fast = malloc(room * WAYS * sizeof *b->fast);
        if (!b->count || !b->fast) {
            mote_bins_free(b);
            return MOTE_ERR_NOMEM;
        }
        b->room = room;
    }
    b->ways = ways;
    b->cells = *cells;
    b->max = max;
    b->n = 0;
    memset(b->rows, 0, sizeof b->rows);
    memset(b->pending, 0, sizeof b->pending);
    memset(b->of_key, 0, sizeof b->of_key);
    b->least = INT32_MAX;
    b->most = INT32_MIN;
    return MOTE_OK;
}

void mote_bins_free(mote_bins *b)
{
    free(b->count);
    free(b->fast);
    *b = (mote_bins){ 0 };
}

unsigned mote_bins_row(mote_bins *b, uint64_t key)
{
    unsigned k = key < MOTE_KEYS ? (unsigned)key : MOTE_KEYS - 1, bin = b->of_key[k];
    if (bin == 0) {
        if (b->n < b->max) {
            const size_t cells = b->cells.n;
            memset(b->count + b->n * cells, 0, cells * sizeof *b->count);
            memset(b->fast + b->n * b->ways * cells, 0, b->ways * cells * sizeof *b->fast);
            b->key[b->n] = (uint16_t)k;
            bin = ++b->n;
        } else { /* full: the nearest */
            unsigned best = 0, distance = MOTE_KEYS;
            for (unsigned i = 0; i < b->n; i++) {
                unsigned d = b->key[i] > k ? b->key[i] - k : k - b->key[i];
                if (d < distance) distance = d, best = i;
            }
            bin = best + 1;
        }
        b->of_key[k] = (uint8_t)bin;
    }
    b->rows[bin - 1]++;
    return bin - 1;
}

static void sum_bin(mote_bins *b, unsigned bin)
{
    uint64_t *to = b->count + (size_t)bin * b->cells.n;
    if (b->pending[bin] == 0) return;
    const uint32_t *from = b->fast + (size_t)bin * b->ways * b->cells.n;
    for (unsigned w = 0; w < b->ways; w++)
        for (uint32_t i = 0; i < b->cells.n; i++) to[i] += from[(size_t)w * b->cells.n + i];
    b->pending[bin] = 0;
}

void mote_bins_add(mote_bins *b, unsigned bin, const uint16_t *v, size_t n)
{
    while (n) {
        size_t k = n < FLUSH_AT ? n : FLUSH_AT;
        if (b->pending[bin] > FLUSH_AT) {
            sum_bin(b, bin);
            memset(b->fast + (size_t)bin * b->ways * b->cells.n, 0, (size_t)b->ways * b->cells.n * sizeof *b->fast);
        }
        b->pending[bin] += (uint32_t)k;
        uint32_t *f = b->fast + (size_t)bin * b->ways * b->cells.n;
        size_t i = 0;
        if (b->ways == WAYS) {
            uint32_t *g = f + b->cells.n;
            for (; i + 4 <= k; i += 4) {
                f[v[i]]++;
                g[v[i + 1]]++;
                f[v[i + 2]]++;
                g[v[i + 3]]++;
            }
            for (; i < k; i++) f[v[i]]++;
        } else {
            const unsigned g = b->cells.grain;
            for (; i < k; i++) f[v[i] >> g]++;
            if (g) {
                int32_t least = b->least, most = b->most;
                for (i = 0; i < k; i++) {
                    least = v[i] < least ? v[i] : least;
                    most = v[i] > most ? v[i] : most;
                }
                b->least = least;
                b->most = most;
            }
        }
        v += k;
        n -= k;
    }
}

void mote_bins_put(mote_bins *b, unsigned bin, uint16_t v, uint64_t k)
{
    b->count[(size_t)bin * b->cells.n + (v >> b->cells.grain)] += k;
    if (k && b->cells.grain) {
        if (v < b->least) b->least = v;
        if (v > b->most) b->most = v;
    }
}

void mote_bins_sum(mote_bins *b)
{
    for (unsigned i = 0; i < b->n; i++) sum_bin(b, i);
}

/* --- merging ------------------------------------------------------------------------------------------------------ */

typedef struct cluster {
    uint64_t *count;     /* [cells] */
    uint64_t rows, bins; /* bins: bit i = bin i */
    double price, join;  /* of its own; what joining the next one would change */
    mote_window window;
} cluster;

typedef struct merge {
    mote_cells cells; /* those of the plane that are not empty, and empty ones between them */
    const mote_cells *plane;
    const mote_plane_ask *ask;
    uint64_t *both;
    mote_spots spots; /* workspace */
    bool direct;      /* 16 symbols can hold every value */
    cluster c[MOTE_BINS_MAX];
    unsigned n;
} merge;

/* Of classes that are compared, with escapes if those may be. a, b: windows to choose from; NULL: any */
static double class_price(merge *m, const uint64_t *count, mote_window *w, const cluster *a, const cluster *b)
{
    mote_spots_find(&m->spots, count, m->cells.n);
    if (a)
        mote_window_near(w, &m->spots, &m->cells, &a->window, &b->window, m->ask->escapes);
    else
        mote_window_fit(w, &m->spots, &m->cells, m->ask->escapes);
    double table = 11 * 8 + 0.005 * (double)w->n; /* parameters fit less well than counts */
    if (table > 22 * 8) table = 22 * 8;
    if (m->ask->times > 1) table += OPTIMISM * (m->ask->times - 1);
    return w->bits * m->ask->times + table;
}

static double map_change(const merge *m, const cluster *a, const cluster *b)
{
    double now = mote_nlogn(a->rows) + mote_nlogn(b->rows), then = mote_nlogn(a->rows + b->rows);
    return (now - then) * m->ask->pieces_per_row * m->ask->times;
}

static void price_join(merge *m, unsigned i)
{
    cluster *a = &m->c[i], *b = a + 1;
    mote_window window;
    for (uint32_t k = 0; k < m->cells.n; k++) m->both[k] = a->count[k] + b->count[k];
    a->join = class_price(m, m->both, &window, a, b) - a->price - b->price + map_change(m, a, b);
}

static void join(merge *m, unsigned i)
{
    cluster *a = &m->c[i], *b = a + 1;
    for (uint32_t k = 0; k < m->cells.n; k++) a->count[k] += b->count[k];
    a->price = class_price(m, a->count, &a->window, NULL, NULL);
    a->rows += b->rows;
    a->bins |= b->bins;
    memmove(b, b + 1, (m->n - i - 2) * sizeof *b);
    m->n--;
    if (i + 1 < m->n) price_join(m, i);
    if (i > 0) price_join(m, i - 1);
}

static void merge_bins(merge *m)
{
    for (unsigned i = 0; i < m->n; i++) m->c[i].price = class_price(m, m->c[i].count, &m->c[i].window, NULL, NULL);
    for (unsigned i = 0; i + 1 < m->n; i++) price_join(m, i);
    while (m->n > 1) {
        unsigned best = 0;
        for (unsigned i = 1; i + 1 < m->n; i++)
            if (m->c[i].join < m->c[best].join) best = i;
        if (m->n <= m->ask->max_classes && m->c[best].join >= 0) break;
        join(m, best);
    }
    if (m->n < 2) return;
    /* two classes or more cost a map in each segment */
    uint64_t rows = 0;
    double split = 0, map = 0;
    memset(m->both, 0, m->cells.n * sizeof *m->both);
    for (unsigned i = 0; i < m->n; i++) {
        rows += m->c[i].rows;
        split += m->c[i].price;
        map -= mote_nlogn(m->c[i].rows);
        for (uint32_t k = 0; k < m->cells.n; k++) m->both[k] += m->c[i].count[k];
    }
    map = (map + mote_nlogn(rows)) * m->ask->pieces_per_row * m->ask->times + m->ask->segments * 24;
    mote_window window;
    if (class_price(m, m->both, &window, NULL, NULL) <= split + map) {
        m->c[0].rows = rows;
        for (unsigned i = 1; i < m->n; i++) m->c[0].bins |= m->c[i].bins;
        memcpy(m->c[0].count, m->both, m->cells.n * sizeof *m->both);
        m->n = 1;
    }
}

/* --- the plane ---------------------------------------------------------------------------------------------------- */

/* Escapes, class after class. */
typedef struct escapes {
    mote_escape_count *at;
    size_t n;
} escapes;

/* Values of a class outside its window; the spots are those of its counts. */
static mote_status add_escapes(escapes *e, const mote_spots *spots, const mote_cells *cells, const mote_window *w)
{
    mote_escape_count *more = realloc(e->at, (e->n + spots->n + 1) * sizeof *more);
    if (!more) return MOTE_ERR_NOMEM;
    e->at = more;
    for (uint32_t k = 0; k < spots->n; k++) {
        int64_t t = ((int64_t)cells->vmin + ((int64_t)spots->cell[k] << cells->grain) - w->lo) >> w->shift;
        if (t >= 0 && t < 15) continue;
        more[e->n++] = (mote_escape_count){ (uint32_t)(t < 0 ? -2 * t - 1 : 2 * (t - 15)),
                                            spots->before[k + 1] - spots->before[k] };
    }
    return MOTE_OK;
}

static double plan_escapes(mote_plane_plan *p, const escapes *e, const mote_plane_ask *ask)
{
    const double bits = mote_escapes_fit(&p->d.escapes, &p->spec[p->n_specs], e->at, e->n, ask->times, ask->segments);
    if (p->d.escapes == 2) p->n_specs++;
    return bits;
}

/* Class map: 4 bits a piece, or rANS with one table. */
static double plan_map(mote_plane_plan *p, const merge *m)
{
    if (m->n < 2) return 0;
    uint64_t symbol[MOTE_SYMBOLS] = { 0 }, rows = 0;
    for (unsigned i = 0; i < m->n; i++) rows += symbol[i] = m->c[i].rows;
    mote_table_fit f = { .symbol_bits = 0 };
    mote_table_fit_make(&f, symbol, 0, 0, NULL, false);
    double per_row = m->ask->pieces_per_row * m->ask->times;
    double stored = 4 * (double)rows * per_row + m->ask->segments * 12;
    double coded = f.symbol_bits * per_row + f.table_bits + m->ask->segments * (STATE_BITS + 8);
    p->d.class_coder = coded < stored ? MOTE_CODER_RANS1 : MOTE_CODER_STORED;
    if (coded < stored) p->spec[p->n_specs++] = f.spec;
    return coded < stored ? coded : stored;
}

/* Price of all classes with or without escapes. */
static mote_status plan_rans(mote_plane_plan *p, merge *m, bool may_escape, bool shapes)
{
    const mote_plane_ask *ask = m->ask;
    const mote_cells *cells = &m->cells;
    escapes e = { 0 };
    mote_status st = MOTE_OK;
    p->n_specs = 0;
    p->d.coder = ask->coder;
    p->d.n_classes = (uint8_t)m->n;
    p->bits = plan_map(p, m) + ask->segments * (STATE_BITS * mote_plane_lanes(ask->coder) + 16);
    p->ideal = 0;
    if (m->n > 1) {
        uint64_t rows[MOTE_CLASSES_MAX];
        for (unsigned i = 0; i < m->n; i++) rows[i] = m->c[i].rows;
        p->ideal += mote_entropy_bits(rows, m->n) * ask->pieces_per_row * ask->times;
    }
    for (unsigned i = 0; i < m->n && st == MOTE_OK; i++) {
        mote_window w;
        uint64_t symbol[MOTE_SYMBOLS];
        mote_spots_find(&m->spots, m->c[i].count, cells->n);
        mote_window_fit(&w, &m->spots, cells, may_escape);
        mote_window_count(symbol, &m->spots, cells, w.lo, w.shift, may_escape);
        mote_table_fit f = { .symbol_bits = 0 };
        mote_table_fit_make(&f, symbol, w.lo, w.shift, shapes ? m->plane : NULL, may_escape);
        p->spec[p->n_specs++] = f.spec;
        p->bits += (f.symbol_bits + (double)w.n * w.shift) * ask->times + f.table_bits;
        unsigned parameters = 2;
        if (f.spec.form == 0)
            for (unsigned k = parameters = 0; k + 1 < MOTE_SYMBOLS; k++) parameters += f.spec.freq[k] > 0;
        double entropy = mote_nlogn(w.n);
        for (uint32_t k = 0; k < m->spots.n; k++) entropy -= mote_nlogn(m->spots.before[k + 1] - m->spots.before[k]);
        p->ideal += (entropy + (double)w.n * cells->grain) * ask->times;
        if (w.n) p->ideal += 0.5 * parameters * mote_log2((double)w.n);
        if (may_escape) st = add_escapes(&e, &m->spots, cells, &w);
    }
    p->d.escapes = 0;
    if (may_escape && st == MOTE_OK) p->bits += plan_escapes(p, &e, ask);
    free(e.at);
    return st;
}

static mote_status plan_classes(mote_plane_plan *p, const mote_bins *b, const mote_plane_ask *ask, merge *m)
{
    merge_bins(m);
    memset(p->class_of, 0, sizeof p->class_of);
    for (unsigned i = 0; i < m->n; i++)
        for (unsigned k = 0; k < b->n; k++)
            if (m->c[i].bins >> k & 1) p->class_of[k] = (uint8_t)i;
    mote_plane_plan other = *p;
    p->bits = other.bits = MOTE_IMPOSSIBLE;
    mote_status st = MOTE_OK;
    if (m->direct) st = plan_rans(p, m, false, false);
    if (st == MOTE_OK && ask->escapes) st = plan_rans(&other, m, true, false);
    const bool may_escape = other.bits < p->bits;
    if (may_escape) *p = other;
    return st == MOTE_OK && !ask->quick ? plan_rans(p, m, may_escape, true) : st;
}

mote_status mote_plane_plan_make(mote_plane_plan *p, const mote_bins *b, const mote_plane_ask *ask)
{
    const mote_cells *cells = &b->cells;
    uint64_t n = 0;
    uint32_t first = cells->n, last = 0;
    for (unsigned i = 0; i < b->n; i++) {
        for (uint32_t k = 0; k < cells->n; k++) {
            uint64_t c = b->count[(size_t)i * cells->n + k];
            if (c == 0) continue;
            n += c;
            if (k < first) first = k;
            if (k > last) last = k;
        }
    }
    *p = (mote_plane_plan){ .d = { .width = ask->width, .vmin = cells->vmin, .vmax = cells->vmax, .n_classes = 1 } };
    if (n == 0 || (cells->grain == 0 ? first == last : b->least == b->most)) {
        int32_t value = cells->grain == 0 ? (int32_t)first : b->least;
        p->d.coder = MOTE_CODER_CONSTANT;
        p->d.constant = n == 0 ? 0 : cells->vmin + value;
        return MOTE_OK;
    }
    p->d.coder = MOTE_CODER_STORED;
    const double stored = (double)n * ask->times * ask->width + ask->segments * 16;
    p->bits = stored;
    p->ideal = (double)n * ask->times * ask->width;
    if (ask->no_rans) return MOTE_OK;
    if (b->n == 1 && mote_entropy_bits(b->count, cells->n) * ask->times >= stored * (1 - ask->margin)) return MOTE_OK;

    const uint32_t used = last - first + 1;
    merge m = { .cells = *cells, .plane = cells, .ask = ask, .n = b->n };
    m.cells.n = used;
    m.cells.vmin += (int32_t)(first << cells->grain);
    m.direct = last - first < (16u * 16 >> cells->grain);
    uint64_t *work = malloc((size_t)(b->n + 4) * (used + 1) * sizeof *work);
    if (!work) return MOTE_ERR_NOMEM;
    m.spots.before = work;
    m.spots.below = work + used + 1;
    m.spots.cell = (uint32_t *)(work + 2 * (size_t)(used + 1));
    m.both = work + 3 * (size_t)(used + 1);
    unsigned order[MOTE_BINS_MAX];
    for (unsigned i = 0; i < b->n; i++) { /* insertion sort by scale */
        unsigned k = i;
        for (; k > 0 && b->key[order[k - 1]] > b->key[i]; k--) order[k] = order[k - 1];
        order[k] = i;
    }
    for (unsigned i = 0; i < b->n; i++) {
        cluster *c = &m.c[i];
        *c = (cluster){ .count = m.both + (size_t)(i + 1) * used,
                        .rows = b->rows[order[i]],
                        .bins = (uint64_t)1 << order[i] };
        memcpy(c->count, b->count + (size_t)order[i] * cells->n + first, used * sizeof *c->count);
    }
    mote_plane_plan coded = *p;
    mote_status st = plan_classes(&coded, b, ask, &m);
    free(work);
    if (st == MOTE_OK && coded.bits < stored * (1 - ask->margin)) *p = coded;
    return st;
}
