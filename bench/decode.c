/* SPDX-License-Identifier: Apache-2.0
 * How fast segments are decoded, one thread, the kernels side by side: tensors made for the purpose, through planes and
 * numbers to elements, without container and digests. Usage: decode [RUNS]
 * prints a row for each tensor, form and kernel: tensor, bits a weight, form, kernel, million weights a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dec/seg.h"
#include "enc/encoder.h"
#include "enc/trellis_plan.h"
#include "mote/host.h"

enum { ROWS = 1024, COLS = 1024, ELEMENTS = ROWS * COLS };

static uint64_t seed = 88172645463325252u;

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20);
}

/* About normal, of unit variance */
static float gauss(void)
{
    float sum = 0;
    for (unsigned i = 0; i < 12; i++) sum += (float)(random32() & 0xFFFFFF) / 16777216.0f;
    return sum - 6;
}

static void *get(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p) {
        fputs("decode: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void check(mote_status st, const char *what)
{
    if (st == MOTE_OK) return;
    fprintf(stderr, "decode: %s: %s\n", what, mote_status_name(st));
    exit(1);
}

/* Levels as their tables would have them, along the states of each lane. */
typedef struct levels {
    mote_table table[2][2]; /* wide ones have two */
    uint32_t state[32];
} levels;

static mote_status draw(void *ctx, const mote_trellis_plan *p, const mote_extent *e, int32_t *level)
{
    levels *l = ctx;
    const unsigned lanes = mote_plane_lanes(p->coder);
    uint32_t order[COLS], end[MOTE_COLUMN_CLASSES];
    memset(l->state, 0, sizeof l->state);
    mote_trellis_order(p, order, end);
    for (size_t r = 0; r < e->rows; r++)
        for (uint32_t g = 0, at = 0; g < MOTE_COLUMN_CLASSES; at = end[g++])
            for (uint32_t i = at; i < end[g]; i++) {
                uint32_t *s = &l->state[(i - at) % lanes], slot = random32() & 4095, k = 0;
                const mote_table *t = l->table[*s & 1];
                if (slot >= t->cum[16]) t++;
                while (t->cum[k + 1] <= slot) k++;
                const int32_t v = t->lo + (int32_t)(k << t->shift) + (int32_t)(random32() & ((1u << t->shift) - 1));
                level[r * e->cols + order[i]] = v;
                *s = mote_trellis_state(p, *s, v);
            }
    return MOTE_OK;
}

/* A tensor at about 3 bits a weight; shift 8: 32 symbols; classes: of columns. */
static void make_trellis(mote_records *f, unsigned shift, bool zero, bool offsets, unsigned classes, uint8_t coder)
{
    const mote_enc_limits limits = { .profile = MOTE_PROFILE_HOST, .chunk_max = 1 << 20 };
    const mote_records_target target = { &limits, MOTE_F32, ELEMENTS, ELEMENTS };
    static uint8_t columns[COLS];
    mote_trellis_plan p = { .rows = ROWS,
                            .cols = COLS,
                            .dtype = MOTE_F32,
                            .h0 = 0515,
                            .h1 = 0362,
                            .zero = zero,
                            .step = mote_trellis_step_round(0.01f),
                            .largest = 127,
                            .n_pairs = 1,
                            .seg_elems = ELEMENTS,
                            .coder = coder };
    p.family = (mote_family){ .shape = 7, .inverse = shift ? 2097152 / 7 : 2097152 * 2 / 7, .zero = { 64, 64 } };
    p.pair[0] = shift == 8 ? (mote_pair_spec){ .wide = true, .lo = -15 }
                           : (mote_pair_spec){ .shift = (uint8_t)shift, .lo = -7 * (1 << shift) };
    if (offsets) p.offset[0] = -2;
    for (unsigned i = 0; i < COLS && classes > 1; i++) columns[i] = (uint8_t)(random32() % classes);
    if (classes > 1) p.col_class = columns;
    levels l;
    for (unsigned q = 0; q < 2; q++)
        check(mote_pair_build(l.table[q], &p.pair[0], &p.family, 0, q, zero, false), "table");
    check(mote_trellis_write(f, &target, &p, draw, &l), "trellis");
}

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds for all segments of a tensor, the best of some runs; native: as the integers that it consists of. */
static double measure(const mote_piece *records, unsigned dtype, const mote_kern *kern, bool native, unsigned runs)
{
    static mote_table tables[256];
    mote_head h;
    check(mote_head_read(&h, tables, NULL, sizeof tables / sizeof *tables,
                         mote_rd_init(records[0].data, records[0].bytes), dtype, ELEMENTS, NULL, NULL),
          "head");
    const size_t bytes = (size_t)ELEMENTS * 4 + 65536;
    mote_seg_env env = { .head = &h, .tables = tables, .kern = kern, .inflate = mote_zstd_inflate };
    env.scratch_bytes = (size_t)ELEMENTS * 4;
    env.scratch = get(env.scratch_bytes);
    env.prepared = get(h.n_tables * kern->table_bytes);
    env.factors = get(mote_seg_factors(&h) * sizeof(float));
    mote_seg *work = get(sizeof *work);
    uint64_t *out = get(bytes);
    memset(out, 1, bytes);
    double best = 1e9;
    for (unsigned run = 0; run < runs; run++) {
        const double start = now();
        check(mote_seg_prepare(work, &env), "prepare");
        for (size_t s = 0; s < h.n_segments; s++) {
            const mote_piece *r = &records[1 + s];
            mote_native n;
            mote_dest d;
            if (native) {
                check(mote_seg_native(work, &env, s, false, r->data, r->bytes, &n, out, bytes), "native");
            } else {
                check(mote_dest_tensor(&d, &h, s, MOTE_FORM_F32, out, (size_t)ELEMENTS * 4), "dest");
                check(mote_seg_dense(work, &env, s, r->data, r->bytes, &d), "dense");
            }
        }
        const double t = now() - start;
        if (t < best) best = t;
    }
    free(env.prepared);
    free(env.scratch);
    free(env.factors);
    free(work);
    free(out);
    return best;
}

/* With BENCH_PLAIN only the kernels in plain C are of this program's own flags. */
static void report(const char *name, const mote_piece *records, size_t n_records, unsigned runs)
{
#ifdef BENCH_PLAIN
    const mote_kern *const kern[] = { mote_kern_ref(), mote_kern_host() };
#else
    const mote_kern *const kern[] = { mote_kern_ref(), mote_kern_host(), mote_kern_avx2(), mote_kern_avx512() };
#endif
    size_t bytes = 0;
    for (size_t i = 0; i < n_records; i++) bytes += records[i].bytes;
    for (unsigned native = 0; native < 2; native++)
        for (size_t k = 0; k < sizeof kern / sizeof *kern; k++)
            if (kern[k])
                printf("%s,%.3f,%s,%s,%.1f\n", name, 8.0 * (double)bytes / ELEMENTS, native ? "native" : "f32",
                       kern[k]->name, ELEMENTS * 1e-6 / measure(records, MOTE_F32, kern[k], native, runs));
    (void)fflush(stdout);
}

static void report_encoded(const char *name, const mote_encode_options *o, const float *data, unsigned runs)
{
    const mote_model_tensor t = {
        .name = "t", .dtype = MOTE_F32, .rank = 2, .shape = { ROWS, COLS }, .elements = ELEMENTS, .bytes = ELEMENTS * 4
    };
    mote_coded c = { 0 };
    mote_model_error error;
    check(mote_encode_tensor(&c, o, &t, (const uint8_t *)data, &error), name);
    report(name, c.entry.records, c.entry.n_records, runs);
    mote_coded_free(&c);
}

int main(int argc, char **argv)
{
    const unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 9;
    float *data = get((size_t)ELEMENTS * sizeof *data);
    for (size_t i = 0; i < ELEMENTS; i++) data[i] = 0.05f * gauss();
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.profile = MOTE_PROFILE_HOST;
    report_encoded("f32 lossless", &o, data, runs);
    o.method = MOTE_METHOD_AFFINE;
    report_encoded("int8 scale a row", &o, data, runs);
    o.bits = 4;
    report_encoded("int4 scale a row", &o, data, runs);
    o.scope = MOTE_SCOPE_GROUP;
    o.group = 64;
    report_encoded("int4 scale for 64", &o, data, runs);
    static const struct {
        const char *name;
        unsigned shift, classes;
        bool zero, offsets;
        uint8_t coder;
    } made[] = { { "trellis 16 symbols", 0, 1, false, false, MOTE_CODER_RANS32 },
                 { "trellis zero and offsets", 0, 1, true, true, MOTE_CODER_RANS32 },
                 { "trellis low bits", 1, 1, false, false, MOTE_CODER_RANS32 },
                 { "trellis 32 symbols", 8, 1, false, false, MOTE_CODER_RANS32 },
                 { "trellis 8 column classes", 0, 8, false, false, MOTE_CODER_RANS32 },
                 { "trellis 8 lanes", 0, 1, false, false, MOTE_CODER_RANS8 },
                 { "trellis 1 lane", 0, 1, false, false, MOTE_CODER_RANS1 },
                 { "trellis adaptive", 0, 1, false, false, MOTE_CODER_ADAPTIVE1 } };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        mote_records f = { 0 };
        make_trellis(&f, made[i].shift, made[i].zero, made[i].offsets, made[i].classes, made[i].coder);
        report(made[i].name, f.records, f.n_records, runs);
        mote_records_free(&f);
    }
    free(data);
    return 0;
}
