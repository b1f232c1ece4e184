/* SPDX-License-Identifier: Apache-2.0
 * Fits windows and tables to counts. Host only. */
#include "enc/table_fit.h"

#include <math.h>
#include <string.h>

#include "enc/cost.h"
#include "write/wr.h"

#define SHIFT_MAX 4
#define STATE_BITS 32                      /* of a lane */
#define PARAMETRIC_MAX ((uint64_t)1 << 12) /* with more symbols the few bytes of a table of counts hardly count */

void mote_spots_find(mote_spots *s, const uint64_t *count, uint32_t cells)
{
    uint64_t sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < cells; i++) { /* what is empty is overwritten by the next */
        s->below[i] = sum;
        s->cell[n] = i;
        s->before[n] = sum;
        n += count[i] != 0;
        sum += count[i];
    }
    s->below[cells] = sum;
    s->before[n] = sum;
    s->n = n;
    s->cells = cells;
}

/* Values in the cells before `at`. */
static inline uint64_t before(const mote_spots *s, int64_t at)
{
    return s->below[at < 0 ? 0 : at < s->cells ? at : s->cells];
}

/* Bits of all values with symbols of `wide` cells from cell `at` on. */
static double window_bits(const mote_spots *s, const mote_cells *c, int64_t at, unsigned shift, unsigned symbols,
                          uint64_t *escaped)
{
    const int64_t wide = (int64_t)1 << (shift - c->grain), end = at + wide * symbols;
    const uint64_t n = s->before[s->n], first = before(s, at);
    uint64_t last = first;
    double sum[2] = { 0 }; /* by turns: additions wait for each other */
    for (unsigned i = 1; i <= symbols; i++) {
        const uint64_t k = before(s, at + wide * i);
        sum[i % 2] += mote_nlogn(k - last);
        last = k;
    }
    *escaped = n - (last - first);
    double bits = mote_nlogn(n) - (sum[0] + sum[1]) - mote_nlogn(*escaped) + (double)n * shift;
    if (*escaped) { /* as varints: one byte up to 64 symbols away, then two, then three */
        uint64_t two = n - (before(s, end + 64 * wide) - before(s, at - 64 * wide));
        uint64_t three = n - (before(s, end + 8192 * wide) - before(s, at - 8192 * wide));
        bits += 8.0 * (double)(*escaped + two + three);
    }
    return bits;
}

/* Where a window of that many cells holds most. */
static int64_t fullest(const mote_spots *s, int64_t window)
{
    uint64_t most = 0;
    uint32_t best = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        uint64_t k = before(s, s->cell[i] + window) - s->before[i];
        if (k > most) most = k, best = i;
    }
    int64_t at = s->cell[best], latest = (int64_t)s->cell[s->n - 1] + 1 - window;
    return at < latest ? at : latest;
}

/* Try symbols of 2^shift values from cell `at` on. */
static void try_window(mote_window *w, const mote_spots *s, const mote_cells *c, int64_t at, unsigned shift,
                       unsigned symbols)
{
    uint64_t escaped;
    const double bits = window_bits(s, c, at, shift, symbols, &escaped);
    if (bits >= w->bits) return;
    w->bits = bits;
    w->shift = (uint8_t)shift;
    w->escaped = escaped;
    w->lo = (int32_t)(c->vmin + at * ((int64_t)1 << c->grain));
}

static int64_t cells_used(const mote_spots *s)
{
    return (int64_t)s->cell[s->n - 1] - s->cell[0] + 1;
}

void mote_window_fit(mote_window *w, const mote_spots *s, const mote_cells *c, bool escapes)
{
    const unsigned symbols = escapes ? MOTE_SYMBOLS - 1 : MOTE_SYMBOLS;
    *w = (mote_window){ .lo = c->vmin, .shift = c->grain, .n = s->before[s->n] };
    if (w->n == 0) return;
    const int64_t first = s->cell[0], span = cells_used(s);
    w->bits = MOTE_IMPOSSIBLE;
    unsigned shift = c->grain; /* the coarsest of use: where everything fits, coarser symbols can only cost more */
    while (shift < SHIFT_MAX && span > ((int64_t)symbols << (shift - c->grain))) shift++;
    do { /* finer ones: low bits no more, but escapes */
        const int64_t wide = (int64_t)1 << (shift - c->grain), window = wide * symbols;
        int64_t from, to; /* places to try */
        const double coarser = w->bits;
        if (span <= window) {
            to = first;
            from = first - (window - span < wide - 1 ? window - span : wide - 1);
        } else if (escapes) {
            to = fullest(s, window);
            const uint64_t out = w->n - (before(s, to + window) - before(s, to));
            if (8.0 * (double)out + (double)shift * (double)w->n >= w->bits) break;
            from = to - wide / 2 > first ? to - wide / 2 : first;
            if (from > to) from = to;
        } else {
            break;
        }
        try_window(w, s, c, to, shift, symbols);
        /* floats change their density at powers of two: there, symbols that begin at multiples of their own width */
        const int64_t base = (c->vmin >> c->grain) & (wide - 1), even = to - ((to + base) & (wide - 1));
        if (even < to && even >= from)
            try_window(w, s, c, even, shift, symbols);
        else if (from < to)
            try_window(w, s, c, from, shift, symbols);
        if (w->bits == coarser) break; /* the next one would be worse still */
    } while (shift-- > c->grain);
}

void mote_window_near(mote_window *w, const mote_spots *s, const mote_cells *c, const mote_window *a,
                      const mote_window *b, bool escapes)
{
    const unsigned symbols = escapes ? MOTE_SYMBOLS - 1 : MOTE_SYMBOLS;
    *w = (mote_window){ .lo = c->vmin, .shift = c->grain, .n = s->before[s->n], .bits = MOTE_IMPOSSIBLE };
    if (w->n == 0) {
        w->bits = 0;
        return;
    }
    for (unsigned i = 0; i < (a->lo == b->lo && a->shift == b->shift ? 1u : 2u); i++) {
        const mote_window *as = i ? b : a;
        const int64_t at = ((int64_t)as->lo - c->vmin) >> c->grain,
                      end = at + ((int64_t)symbols << (as->shift - c->grain));
        if (!escapes && (at > s->cell[0] || end <= s->cell[s->n - 1])) continue;
        try_window(w, s, c, at, as->shift, symbols);
    }
    if (w->bits == MOTE_IMPOSSIBLE) mote_window_fit(w, s, c, escapes);
}

void mote_window_count(uint64_t symbol[MOTE_SYMBOLS], const mote_spots *s, const mote_cells *c, int32_t lo,
                       unsigned shift, bool escapes)
{
    const int64_t direct = escapes ? MOTE_SYMBOLS - 1 : MOTE_SYMBOLS;
    memset(symbol, 0, MOTE_SYMBOLS * sizeof *symbol);
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t t = ((int64_t)c->vmin + ((int64_t)s->cell[i] << c->grain) - lo) >> shift;
        symbol[t >= 0 && t < direct ? t : MOTE_SYMBOLS - 1] += s->before[i + 1] - s->before[i];
    }
}

size_t mote_table_bytes(const mote_table_spec *s)
{
    uint64_t lo = s->lo >= 0 ? (uint64_t)s->lo * 2 : (uint64_t)(-(int64_t)s->lo) * 2 - 1;
    size_t n = 1 + mote_varint_bytes(lo);
    if (s->form == 0) {
        for (unsigned i = 0; i + 1 < MOTE_SYMBOLS; i++) n += mote_varint_bytes(s->freq[i]);
        return n;
    }
    uint64_t mean = s->mean >= 0 ? (uint64_t)s->mean * 2 : (uint64_t)(-(int64_t)s->mean) * 2 - 1;
    return n + 1 + mote_varint_bytes(mean) + mote_varint_bytes(s->inverse);
}

/* Frequencies in proportion, at least 1 for whatever occurs; then one at a time where it costs or gains most. */
static void proportion(uint16_t freq[MOTE_SYMBOLS], const uint64_t symbol[MOTE_SYMBOLS], uint64_t n, unsigned bits)
{
    int32_t left = 1 << bits;
    double scale = n ? (double)left / (double)n : 0;
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        int32_t f = symbol[i] ? (int32_t)((double)symbol[i] * scale + 0.5) : 0;
        if (f == 0 && symbol[i]) f = 1;
        freq[i] = (uint16_t)f;
        left -= f;
    }
    if (n == 0) {
        freq[0] = (uint16_t)left;
        return;
    }
    while (left) {
        unsigned at = 0;
        double best = left > 0 ? 0 : MOTE_IMPOSSIBLE;
        for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
            if (symbol[i] == 0 || (left < 0 && freq[i] == 1)) continue;
            double price = (double)symbol[i] / ((double)freq[i] + (left > 0 ? 0.5 : -0.5));
            if (left > 0 ? price > best : price < best) best = price, at = i;
        }
        freq[at] = (uint16_t)(freq[at] + (left > 0 ? 1 : -1));
        left += left > 0 ? -1 : 1;
    }
}

static double freq_bits(const uint16_t freq[MOTE_SYMBOLS], const uint64_t symbol[MOTE_SYMBOLS], unsigned bits)
{
    double sum = 0;
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        if (symbol[i] == 0) continue;
        if (freq[i] == 0) return MOTE_IMPOSSIBLE;
        sum += (double)symbol[i] * ((double)bits - mote_log2(freq[i]));
    }
    return sum;
}

/* A parametric table and what it costs. */
static double try_shape(mote_table_fit *f, const uint64_t symbol[MOTE_SYMBOLS], const mote_cells *c, bool escapes)
{
    mote_table t;
    f->symbol_bits = MOTE_IMPOSSIBLE;
    if (mote_table_build(&t, &f->spec, c->vmin, c->vmax, escapes) == MOTE_OK) {
        uint16_t freq[MOTE_SYMBOLS];
        for (unsigned i = 0; i < MOTE_SYMBOLS; i++) freq[i] = (uint16_t)(t.cum[i + 1] - t.cum[i]);
        f->symbol_bits = freq_bits(freq, symbol, f->spec.bits);
    }
    f->table_bits = 8.0 * (double)mote_table_bytes(&f->spec);
    return f->symbol_bits + f->table_bits;
}

/* Parameters of a table while they are searched for. */
typedef struct parameters {
    double mean, inverse, price;
    mote_table_fit fit;
} parameters;

static bool try_parameters(parameters *p, double mean, double inverse, const uint64_t symbol[MOTE_SYMBOLS],
                           const mote_cells *c, bool escapes)
{
    if (mean < -MOTE_TABLE_MEAN_MAX || mean > MOTE_TABLE_MEAN_MAX || inverse < 1 || inverse > MOTE_TABLE_INVERSE_MAX)
        return false;
    mote_table_fit f = p->fit;
    f.spec.mean = (int32_t)(mean < 0 ? mean - 0.5 : mean + 0.5);
    f.spec.inverse = (uint32_t)(inverse + 0.5);
    double price = try_shape(&f, symbol, c, escapes);
    if (price >= p->price) return false;
    *p = (parameters){ .mean = mean, .inverse = inverse, .price = price, .fit = f };
    return true;
}

/* Search by coordinates with falling steps. */
static void refine(parameters *p, double deviation, const uint64_t symbol[MOTE_SYMBOLS], const mote_cells *c,
                   bool escapes)
{
    double step = 0.6;
    for (unsigned i = 0; i < 5; i++) {
        step /= 2;
        bool moved = true;
        for (unsigned tries = 0; moved && tries < 6; tries++) {
            moved = try_parameters(p, p->mean + step * 8 * deviation, p->inverse, symbol, c, escapes);
            moved |= try_parameters(p, p->mean - step * 8 * deviation, p->inverse, symbol, c, escapes);
            moved |= try_parameters(p, p->mean, p->inverse * (1 + step), symbol, c, escapes);
            moved |= try_parameters(p, p->mean, p->inverse / (1 + step), symbol, c, escapes);
        }
    }
}

/* Of all shapes with the symbols' own moments, the two best are refined. */
static void fit_shapes(mote_table_fit *best, const uint64_t symbol[MOTE_SYMBOLS], uint64_t n, int32_t lo,
                       unsigned shift, const mote_cells *c, bool escapes)
{
    const double wide = (double)(1 << shift);
    double mean = 0, square = 0;
    const unsigned symbols = MOTE_SYMBOLS - (escapes ? 1u : 0u);
    uint64_t direct = n - (escapes ? symbol[MOTE_SYMBOLS - 1] : 0);
    if (direct == 0) return;
    for (unsigned i = 0; i < symbols; i++) {
        double v = (double)lo + wide * i + (wide - 1) / 2;
        mean += (double)symbol[i] * v;
        square += (double)symbol[i] * v * v;
    }
    mean /= (double)direct;
    double deviation = square / (double)direct - mean * mean + wide * wide / 12;
    deviation = sqrt(deviation > 0.05 ? deviation : 0.05);
    parameters first = { .price = MOTE_IMPOSSIBLE }, second = first;
    for (unsigned shape = 0; shape < MOTE_SHAPES - 2; shape++) { /* the last two are flatter than integers ever are */
        parameters p = { .price = MOTE_IMPOSSIBLE,
                         .fit.spec = {
                             .form = 1, .bits = 12, .shift = (uint8_t)shift, .shape = (uint8_t)shape, .lo = lo } };
        if (!try_parameters(&p, mean * 8, 2097152 / deviation, symbol, c, escapes)) continue;
        if (p.price < first.price) {
            second = first;
            first = p;
        } else if (p.price < second.price) {
            second = p;
        }
    }
    if (first.price < (best->symbol_bits + best->table_bits) * 1.1) refine(&first, deviation, symbol, c, escapes);
    if (second.price < first.price * 1.01) refine(&second, deviation, symbol, c, escapes);
    if (second.price < first.price) first = second;
    if (first.price < best->symbol_bits + best->table_bits) *best = first.fit;
}

void mote_table_fit_make(mote_table_fit *f, const uint64_t symbol[MOTE_SYMBOLS], int32_t lo, unsigned shift,
                         const mote_cells *cells, bool escapes)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) n += symbol[i];
    for (unsigned bits = 12; bits <= 14; bits += 2) {
        if (bits + shift > 16) break;
        mote_table_fit k = { .spec = { .bits = (uint8_t)bits, .shift = (uint8_t)shift, .lo = lo } };
        proportion(k.spec.freq, symbol, n, bits);
        k.symbol_bits = freq_bits(k.spec.freq, symbol, bits);
        k.table_bits = 8.0 * (double)mote_table_bytes(&k.spec);
        /* finer probabilities cost decoders memory: they must earn a thousandth */
        double price = k.symbol_bits + k.table_bits;
        if (bits == 12 || price * 1.001 < f->symbol_bits + f->table_bits) *f = k;
    }
    if (cells && n && n <= PARAMETRIC_MAX) fit_shapes(f, symbol, n, lo, shift, cells, escapes);
}

/* --- escapes ------------------------------------------------------------------------------------------------------ */

/* Symbols of escape numbers with shift s; returns the bits beside them: low bits, and varints of what is beyond. */
static double escape_symbols(uint64_t symbol[MOTE_SYMBOLS], const mote_escape_count *e, size_t n, unsigned s)
{
    double rest = 0;
    memset(symbol, 0, MOTE_SYMBOLS * sizeof *symbol);
    for (size_t i = 0; i < n; i++) {
        uint32_t t = e[i].number >> s;
        symbol[t < 15 ? t : 15] += e[i].n;
        rest += (double)e[i].n * (s + (t < 15 ? 0 : 8.0 * (double)mote_varint_bytes(t - 15)));
    }
    return rest;
}

double mote_escapes_fit(uint8_t *escapes, mote_table_spec *spec, const mote_escape_count *e, size_t n, double times,
                        double segments)
{
    uint64_t symbol[MOTE_SYMBOLS];
    double plain = 0, best = MOTE_IMPOSSIBLE;
    unsigned shift = 0;
    for (size_t i = 0; i < n; i++) plain += 8.0 * (double)e[i].n * (double)mote_varint_bytes(e[i].number);
    for (unsigned s = 0; s <= SHIFT_MAX; s++) {
        double bits = escape_symbols(symbol, e, n, s) + mote_entropy_bits(symbol, MOTE_SYMBOLS);
        if (bits < best) best = bits, shift = s;
    }
    double rest = escape_symbols(symbol, e, n, shift);
    mote_table_fit f = { .symbol_bits = 0 };
    mote_table_fit_make(&f, symbol, 0, shift, NULL, true);
    plain = plain * times + segments * 8;
    rest = (rest + f.symbol_bits) * times + f.table_bits + segments * (STATE_BITS + 16);
    *escapes = rest < plain ? 2 : 1;
    *spec = f.spec;
    return rest < plain ? rest : plain;
}
