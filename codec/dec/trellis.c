/* SPDX-License-Identifier: Apache-2.0
 * The numeric trellis: pieces coded group of columns by group, levels to elements. Spec codecs.md 8. Device code. */
#include "dec/trellis.h"

#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/numbers.h"
#include "dec/planes.h"

/* Where the order of columns stands: the end of each class, then the columns. */
static uint16_t *order_of(const mote_seg_env *env)
{
    return env->head->trellis.column_coder ? (uint16_t *)(void *)env->factors : NULL;
}

#if MOTE_KERN_LOOPS
static void *prepared_of(const mote_seg_env *env, unsigned i)
{
    const mote_trellis_head *t = &env->head->trellis;
    return (uint8_t *)env->prepared + ((size_t)t->first + t->slot[i]) * env->kern->table_bytes;
}
#endif

static void open_pair(mote_pair *pair, const mote_seg_env *env, unsigned i)
{
    const mote_trellis_head *t = &env->head->trellis;
    const size_t first = (size_t)t->first + t->slot[i], n = (size_t)t->slot[i + 1] - t->slot[i];
    pair->q[0] = env->tables + first;
    pair->q[1] = t->tables == 2 ? pair->q[0] + n / 2 : pair->q[0];
    pair->g[0] = t->g[0];
    pair->g[1] = t->g[1];
    pair->wide = n > t->tables;
#if MOTE_KERN_LOOPS
    pair->lanes = (uint8_t)mote_plane_lanes(env->head->term.num.v.coder);
    pair->prepared = prepared_of(env, i);
#endif
}

/* The column map, twice: how many columns each class has, then which. */
static mote_status find_order(mote_seg *w, const mote_seg_env *env)
{
    const mote_trellis_head *t = &env->head->trellis;
    const mote_plane map = { .coder = t->column_coder, .n_classes = 1, .width = 4, .vmax = MOTE_COLUMN_CLASSES - 1 };
    const mote_plane_dec d = { .p = &map, .table = t->column_table };
    uint16_t *end = order_of(env);
    const size_t cols = env->head->cols;
    memset(end, 0, MOTE_COLUMN_CLASSES * sizeof *end);
    for (unsigned pass = 0; pass < 2; pass++) {
        memset(w, 0, offsetof(mote_seg, tmp));
        w->env = env;
        w->n_streams = 1;
        w->s[0].in = t->columns;
        for (size_t c = 0; c < cols && mote_plane_read(w, &d, w->val, 1); c++)
            if (pass)
                end[MOTE_COLUMN_CLASSES + end[w->val[0]]++] = (uint16_t)c;
            else
                end[w->val[0]]++;
        mote_status st = mote_planes_close(w);
        if (st != MOTE_OK) return st;
        for (unsigned g = 0, sum = 0; pass == 0 && g < MOTE_COLUMN_CLASSES; g++) { /* counts to beginnings */
            const unsigned n = end[g];
            end[g] = (uint16_t)sum;
            sum += n;
        }
    }
    return MOTE_OK;
}

mote_status mote_trellis_prepare(mote_seg *w, const mote_seg_env *env)
{
#if MOTE_KERN_LOOPS
    if (env->kern->prepare_pair && !mote_plane_adapts(env->head->term.num.v.coder))
        for (unsigned i = 0; i < env->head->trellis.n_pairs; i++) {
            mote_pair pair;
            open_pair(&pair, env, i);
            env->kern->prepare_pair(prepared_of(env, i), &pair);
        }
#endif
    return order_of(env) ? find_order(w, env) : MOTE_OK;
}

#if MOTE_KERN_LOOPS
/* Can the kernel make the elements that are wanted? */
static bool is_plain(const mote_seg *w)
{
    const mote_sink *k = &w->sink;
    if (!w->env->kern->levels || MOTE_BIG_ENDIAN) return false;
    return w->native ? k->elem <= 2 : k->dtype == MOTE_F32 && k->entry == MOTE_F32;
}

/* n elements to columns cols[0..n) of a row, or one after the other if that is NULL, elem bytes apart. Their size is a
 * constant where this is called, and most often what lies between them. */
static MOTE_INLINE void place(uint8_t *to, size_t elem, const uint16_t *cols, const uint8_t *from, size_t size,
                              size_t n)
{
    if (!cols)
        for (size_t i = 0; i < n; i++) memcpy(to + i * elem, from + i * size, size);
    else if (elem == size)
        for (size_t i = 0; i < n; i++) memcpy(to + cols[i] * size, from + i * size, size);
    else
        for (size_t i = 0; i < n; i++) memcpy(to + cols[i] * elem, from + i * size, size);
}

/* Everything but the places that are then listed in w->aux; gives their number. */
static size_t convert(mote_seg *w, int32_t first, const uint16_t *cols, size_t col0, size_t n)
{
    const mote_trellis_head *t = &w->env->head->trellis;
    const mote_sink *k = &w->sink;
    /* with zero, odd values above 0 have a higher u than themselves: the few at the end are looked at again */
    int32_t most = first - 1 < t->largest ? first - 1 : t->largest;
    if (most > INT16_MAX) most = INT16_MAX;
    mote_levels l = { .unit = w->unit.f,
                      .least = (int16_t)(-t->largest < INT16_MIN ? INT16_MIN : -t->largest),
                      .most = (int16_t)most,
                      .zero = t->zero,
                      .bytes = (uint8_t)(w->native ? k->elem : 4) };
    memcpy(l.offset, t->offset, sizeof l.offset);
    const bool apart = cols || k->elem != l.bytes;
    void *out = apart ? w->tmp.byte : k->p + col0 * k->elem;
    const size_t count = w->env->kern->levels(out, w->val, n, &l, w->aux);
    if (!apart) return count;
    uint8_t *const to = k->p + (cols ? 0 : col0 * k->elem);
    if (l.bytes == 1)
        place(to, k->elem, cols, w->tmp.byte, 1, n);
    else if (l.bytes == 2)
        place(to, k->elem, cols, w->tmp.byte, 2, n);
    else
        place(to, k->elem, cols, w->tmp.byte, 4, n);
    return count;
}
#endif

/* An odd value above 0, where quantiser 1 has zero. Spec codecs.md 8.2 */
MOTE_APART static int32_t with_zero(int32_t v)
{
    return (v & 1) && v > 0 ? v - (v > 1 ? 2 : 1) : v;
}

#if !MOTE_KERN_LOOPS
/* Values from v on that lie in least..least + span become bytes, up to the first that does not; gives their number. */
MOTE_HOT static size_t narrow(uint8_t *to, const uint16_t *v, int32_t least, uint32_t span)
{
    uint8_t *const begin = to;
    const int16_t *x = (const int16_t *)v;
    for (int32_t i = *x++; (uint32_t)(i - least) <= span; i = *x++) *to++ = (uint8_t)i;
    return (size_t)(to - begin);
}
#endif

/* What 2 level + quantiser means with one pair: escapes are from `first` on. */
typedef struct window {
    int32_t symbols, step, first;
} window;

static window window_of(const mote_pair *pair, const mote_plane *p)
{
    const int32_t symbols = pair->wide ? 32 : 16, step = 2 << pair->q[0]->shift;
    return (window){ symbols, step, p->escapes ? 2 * pair->q[0]->lo + (symbols - 2) * step : INT32_MAX };
}

/* w->val[0..n), 2 level + quantiser each, become elements: columns cols[0..n), or col0 onwards if cols is NULL. */
static bool put_levels(mote_seg *w, const window *of, const uint16_t *cols, size_t col0, size_t n)
{
    const mote_trellis_head *t = &w->env->head->trellis;
    const mote_sink *k = &w->sink;
    const int32_t first = of->first, largest = t->largest;
#if MOTE_KERN_LOOPS
    const uint16_t *odd = NULL; /* places that are left to do: all */
    size_t count = n;
    if (is_plain(w)) {
        count = convert(w, first, cols, col0, n);
        odd = w->aux;
    }
#else
    const int32_t most = first <= largest ? first - 1 : largest;
    const bool bytes = w->native && k->elem == 1 && !cols && most >= -largest;
    const size_t count = n;
    w->val[n] = (uint16_t)INT16_MIN; /* not a value that goes into a byte */
    for (size_t i = 0; t->zero && i < n; i++)
        if ((int16_t)w->val[i] < first) w->val[i] = (uint16_t)with_zero((int16_t)w->val[i]);
#endif
    for (size_t j = 0; j < count; j++) {
#if MOTE_KERN_LOOPS
        const size_t i = odd ? odd[j] : j;
#else
        if (bytes) j += narrow(k->p + col0 + j, w->val + j, -largest, (uint32_t)(most + largest));
        if (j == n) break;
        const size_t i = j;
#endif
        uint8_t *dst = k->p + (cols ? cols[i] : col0 + i) * k->elem;
        int32_t v = (int16_t)w->val[i];
        if (v >= first) {
            const int32_t e = mote_plane_escape(w, &w->s[w->v.at], w->v.p);
            if (w->rd.st != MOTE_OK) return false;
            v += (e & 1 ? 1 - of->symbols - e : e) * of->step;
            if (t->zero) v = with_zero(v);
        } else if (MOTE_KERN_LOOPS && t->zero) {
            v = with_zero(v);
        }
        const int32_t a = v < 0 ? -v : v;
        if (a > largest) return mote_seg_fail(w, MOTE_ERR_RANGE);
        if (!w->native) {
            const int32_t o = a < 4 ? t->offset[a] : 0;
            const mote_f32 x = { .f = (float)(64 * v + (v < 0 ? -o : o)) * 0.015625f * w->unit.f };
            mote_put_f32(k, dst, x.bits);
        } else if (k->elem == 1) {
            *dst = (uint8_t)v;
        } else if (k->elem == 2) {
            *(uint16_t *)(void *)dst = (uint16_t)v; /* native parts are aligned */
        } else {
            *(int32_t *)(void *)dst = v;
        }
    }
    return true;
}

enum { STEP = MOTE_KERN_LOOPS ? MOTE_BLOCK / 2 : MOTE_BLOCK }; /* w->tmp holds half a block of binary32 */

/* n levels of a piece, all with one pair, which begin at lane 0. */
static bool run(mote_seg *w, unsigned pair_index, const uint16_t *cols, size_t n)
{
    mote_stream *s = &w->s[w->v.at];
    mote_pair pair;
    for (unsigned i = 0; s->lanes == 0 && i < sizeof w->state / sizeof *w->state; i++) w->state[i] = 0;
    if (!mote_plane_states(w, s, w->v.p->coder)) return false;
    open_pair(&pair, w->env, pair_index);
    const window of = window_of(&pair, w->v.p);
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < STEP ? n - at : STEP;
        if (!(mote_plane_adapts(w->v.p->coder)
                  ? mote_adaptive_walk(w, s, &pair, pair_index, m)
                  : w->env->kern->walk(&s->in, s->x, w->state, s->lanes, &pair, w->val, m)))
            return mote_seg_fail(w, MOTE_ERR_STREAM);
        if (!put_levels(w, &of, cols ? cols + at : NULL, at, m)) return false;
    }
    return true;
}

/* Spec codecs.md 8.3 */
static bool find_unit(mote_seg *w)
{
    const mote_num *num = w->num;
    const mote_native *v = w->native;
    mote_f32 unit = { .bits = w->env->head->trellis.step };
    if (num->scope) {
        const uint32_t half = mote_rd_le(&w->s[w->scales].in, 2);
        const mote_f32 scale = { .bits = mote_f16_to_f32(half) };
        unit.f = unit.f * scale.f;
        if (!mote_scale_ok(half, MOTE_F16) || !mote_scale_ok(unit.bits, MOTE_F32))
            return mote_seg_fail(w, MOTE_ERR_SCALE);
    }
    w->unit = unit;
    if (v && (num->scope || w->row == 0)) ((float *)v->scales)[num->scope ? w->row : 0] = unit.f;
    return true;
}

bool mote_trellis_piece(mote_seg *w)
{
    const mote_trellis_head *t = &w->env->head->trellis;
    const mote_plane *p = w->v.p;
    const uint16_t *order = order_of(w->env);
    if (!mote_plane_piece(w, &w->v) || !find_unit(w)) return false;
    const int row = w->v.table - p->table - (p->class_coder == MOTE_CODER_RANS1) - t->base;
    size_t at = 0, end = w->cols;
    for (int g = 0; at < w->cols; g++, at = end) {
        if (order) end = order[g]; /* of the last class: all */
        int i = row + g;
        if (i >= t->n_pairs) i = t->n_pairs - 1;
        if (i < 0) i = 0;
        if (end > at && !run(w, (unsigned)i, order ? order + MOTE_COLUMN_CLASSES + at : NULL, end - at)) return false;
    }
    return true;
}
