/* SPDX-License-Identifier: Apache-2.0
 * The rANS coder: the encoder against the words of codecs.md 3.4, every kernel against the reference, over all short
 * lengths, lanes, alignments and truncations. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "codec_helpers.h"
#include "enc/rans_fast.h"

enum { LENGTHS = 130, CANARIES = 16 };

static const unsigned lane_counts[] = { 1, 8, 32 };

/* A random table of positive frequencies or, sometimes, of two symbols, or of one. */
static mote_table random_table(unsigned bits, unsigned shift, mote_table_spec *spec)
{
    *spec = (mote_table_spec){ .bits = (uint8_t)bits, .shift = (uint8_t)shift, .lo = (int32_t)rnd_below(1000) - 500 };
    const unsigned total = 1u << bits, kind = rnd_below(6);
    if (kind == 0) {
        spec->freq[rnd_below(16)] = (uint16_t)total;
    } else if (kind == 1) {
        unsigned i = rnd_below(16), f = 1 + rnd_below(total - 1);
        spec->freq[i] = (uint16_t)f;
        spec->freq[(i + 1 + rnd_below(15)) % 16] = (uint16_t)(total - f);
    } else {
        unsigned left = total - 16;
        for (unsigned i = 0; i < 15; i++) {
            unsigned f = rnd_below(left / (1 + rnd_below(10)) + 1);
            spec->freq[i] = (uint16_t)(1 + f);
            left -= f;
        }
        spec->freq[15] = (uint16_t)(1 + left);
    }
    mote_table t;
    ck_assert_int_eq(mote_table_build(&t, spec, -32768, 32767, false), MOTE_OK);
    return t;
}

/* n tokens that the table can code, drawn by its frequencies */
static void random_tokens(const mote_table *t, mote_token *token, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned slot = rnd_below(1u << t->bits), k = 0;
        if (rnd_below(4) == 0) { /* rare ones, too */
            do slot = rnd_below(16);
            while (t->cum[slot + 1] == t->cum[slot]);
            token[i].symbol = (uint8_t)slot;
        } else {
            while (t->cum[k + 1] <= slot) k++;
            token[i].symbol = (uint8_t)k;
        }
        token[i].low = (uint8_t)rnd_below(1u << t->shift);
    }
}

typedef struct coded {
    uint8_t *data;
    size_t n;
} coded;

static bool by_rows; /* under test: mote_rans_put_rows(), with the table as two classes */

static coded encode(unsigned lanes, const mote_table *t, const mote_token *token, const size_t *len, size_t rows)
{
    size_t n = 0;
    for (size_t r = 0; r < rows; r++) n += len[r];
    const size_t room = 2 * n + 4 * lanes;
    uint8_t *buf = allocate(room);
    const uint8_t *data;
    mote_enc_table e[2];
    mote_rans_enc enc;
    coded c;
    mote_enc_table_init(&e[0], t);
    mote_enc_table_init(&e[1], t);
    mote_rans_enc_init(&enc, lanes, buf, room);
    if (by_rows) {
        uint32_t *length = allocate((rows + 1) * sizeof *length);
        uint8_t *row_class = allocate(rows + 1);
        for (size_t r = 0; r < rows; r++) {
            length[r] = (uint32_t)len[r];
            row_class[r] = r / 2 % 2;
        }
        mote_rans_put_rows(&enc, e, token, length, rows, rows > 1 ? row_class : NULL);
        free(length);
        free(row_class);
    }
    for (size_t r = rows; r-- > 0 && !by_rows;) {
        n -= len[r];
        mote_rans_put_row(&enc, e, token + n, len[r]);
    }
    ck_assert_int_eq(mote_rans_finish(&enc, &data, &c.n), MOTE_OK);
    c.data = exact_copy(data, c.n);
    free(buf);
    return c;
}

/* Spec codecs.md 3.4, word by word: steps backwards, lanes of a step in descending order; a list of words, reversed. */
static coded encode_again(unsigned lanes, const mote_table *t, const mote_token *token, const size_t *len, size_t rows)
{
    size_t total = 0, n_words = 0;
    for (size_t r = 0; r < rows; r++) total += len[r];
    uint64_t x[32];
    uint16_t *word = allocate((total + 1) * sizeof *word);
    for (unsigned l = 0; l < lanes; l++) x[l] = 65536;
    for (size_t r = rows, end = total; r-- > 0;) {
        end -= len[r];
        for (size_t step = (len[r] + lanes - 1) / lanes; step-- > 0;) {
            for (unsigned l = lanes; l-- > 0;) {
                size_t i = step * lanes + l;
                if (i >= len[r]) continue;
                mote_token k = token[end + i];
                uint64_t f = (uint64_t)t->cum[k.symbol + 1] - t->cum[k.symbol];
                if (x[l] >= f * ((uint64_t)1 << (32 - t->bits - t->shift))) {
                    word[n_words++] = (uint16_t)(x[l] & 0xFFFF);
                    x[l] = x[l] >> 16;
                }
                x[l] = x[l] * (1u << t->shift) + k.low;
                x[l] = x[l] / f * (1u << t->bits) + t->cum[k.symbol] + x[l] % f;
            }
        }
    }
    bytes b = { 0 };
    for (unsigned l = 0; l < lanes && total; l++) put_le(&b, x[l], 4);
    while (n_words > 0) put_le(&b, word[--n_words], 2);
    coded c = { exact_copy(b.p, b.n), b.n };
    bytes_free(&b);
    free(word);
    return c;
}

START_TEST(encoder_does_what_is_specified)
{
    rnd_seed(11 + (uint64_t)_i);
    by_rows = _i % 2;
    for (unsigned round = 0; round < 400; round++) {
        unsigned lanes = lane_counts[rnd_below(3)], bits = rnd_below(2) ? 12 : 14;
        mote_table_spec spec;
        mote_table t = random_table(bits, rnd_below(17 - bits), &spec);
        size_t len[6], n = 0, rows = rnd_below(7);
        for (size_t r = 0; r < rows; r++) n += len[r] = rnd_below(rnd_below(2) ? 5 : 600);
        mote_token *token = allocate((n + 1) * sizeof *token);
        random_tokens(&t, token, n);
        coded a = encode(lanes, &t, token, len, rows), b = encode_again(lanes, &t, token, len, rows);
        ck_assert_uint_eq(a.n, b.n);
        ck_assert(a.n == 0 || memcmp(a.data, b.data, a.n) == 0);

        /* every smaller buffer is refused, this one is enough */
        mote_enc_table e;
        mote_enc_table_init(&e, &t);
        bool refused = true;
        for (size_t room = a.n > 40 ? a.n - 40 : 0; room <= a.n; room++) {
            uint8_t *buf = exact_copy(a.data, room);
            const uint8_t *data;
            size_t used;
            mote_rans_enc enc;
            mote_rans_enc_init(&enc, lanes, buf, room);
            size_t at = n;
            for (size_t r = rows; r-- > 0;) mote_rans_put_row(&enc, &e, token + (at -= len[r]), len[r]);
            mote_status st = mote_rans_finish(&enc, &data, &used);
            refused = refused && st == (room < a.n ? MOTE_NEED_OUTPUT : MOTE_OK);
            free(buf);
        }
        ck_assert(refused);
        free(a.data);
        free(b.data);
        free(token);
    }
}
END_TEST

START_TEST(certain_symbols_cost_nothing)
{
    const mote_table_spec spec = { .bits = 14, .freq = { [9] = 16384 } };
    mote_table t;
    mote_token token[1000];
    size_t len = 1000;
    ck_assert_int_eq(mote_table_build(&t, &spec, 0, 255, false), MOTE_OK);
    for (size_t i = 0; i < len; i++) token[i] = (mote_token){ 9, 0 };
    coded c = encode(8, &t, token, &len, 1);
    ck_assert_uint_eq(c.n, 32);
    for (unsigned i = 0; i < 8; i++) ck_assert_uint_eq(mote_le32(c.data + 4 * i), 65536);
    free(c.data);
}
END_TEST

/* Division by multiplication is exact at the edges of quotients, for each frequency. */
START_TEST(reciprocals_are_exact)
{
    for (unsigned bits = 12; bits <= 14; bits += 2) {
        for (uint32_t f = 1; f <= 1u << bits; f++) {
            mote_table t = { .bits = (uint8_t)bits };
            for (unsigned i = 1; i <= MOTE_SYMBOLS; i++) t.cum[i] = (uint16_t)(i == 1 ? f : 1u << bits);
            mote_enc_table e;
            mote_enc_table_init(&e, &t);
            const uint32_t most = (uint32_t)(((uint64_t)f << (32 - bits)) - 1), q_most = most / f;
            for (unsigned k = 0; k < 40; k++) {
                uint32_t q = k < 10 ? k : k < 20 ? q_most - (k - 10) : (uint32_t)(rnd() % (q_most + 1ull));
                uint64_t edge = (uint64_t)q * f;
                for (int d = -1; d <= 1; d++) {
                    uint64_t x = edge + (uint64_t)(int64_t)d;
                    if (x > most) continue;
                    if ((uint32_t)((x * e.sym[0].reciprocal) >> 32 >> e.sym[0].rshift) != x / f)
                        ck_abort_msg("%u / %u", (unsigned)x, f);
                }
            }
        }
    }
}
END_TEST

START_TEST(tokens_read_table) /* Spec codecs.md 3.1 */
{
    static const struct {
        int32_t v, lo;
        unsigned shift;
        bool escapes;
        unsigned symbol, low;
        uint32_t number;
    } rows[] = {
        { 0, 0, 0, false, 0, 0, 77 },
        { 15, 0, 0, false, 15, 0, 77 },
        { 15, 0, 0, true, 15, 0, 0 },
        { 14, 0, 0, true, 14, 0, 77 },
        { 16, 0, 0, true, 15, 0, 2 },
        { -1, 0, 0, true, 15, 0, 1 },
        { -2, 0, 0, true, 15, 0, 3 },
        { -8, -8, 0, false, 0, 0, 77 },
        { 100, -128, 4, false, 14, 4, 77 },
        { -1, 0, 3, true, 15, 7, 1 },
        { -8, 0, 3, true, 15, 0, 1 },
        { -9, 0, 3, true, 15, 7, 3 },
        { 120, 0, 3, true, 15, 0, 0 },
        { 127, 0, 3, true, 15, 7, 0 },
        { 128, 0, 3, true, 15, 0, 2 },
        { 32767, -32768, 4, true, 15, 15, 8160 },
        { -32768, 32767, 0, true, 15, 0, 131069 },
    };
    for (size_t i = 0; i < N(rows); i++) {
        uint32_t number = 77;
        mote_token t = mote_token_of(rows[i].v, rows[i].lo, rows[i].shift, rows[i].escapes, &number);
        ck_assert_msg(t.symbol == rows[i].symbol && t.low == rows[i].low && number == rows[i].number,
                      "row %zu: symbol %u low %u number %u", i, t.symbol, t.low, number);
    }
}
END_TEST

/* Decodes at an offset of both sides, from heap blocks of the exact size, in one go or in two. */
static bool decode(const mote_kern *kern, const mote_table *t, unsigned lanes, const uint8_t *data, size_t bytes_,
                   size_t offset, uint16_t *v, size_t n, size_t cut, uint32_t *x, size_t *left)
{
    void *prepared = allocate(kern->table_bytes ? kern->table_bytes : 1);
    uint8_t *copy = allocate(bytes_ + offset);
    memcpy(copy + offset, data, bytes_);
    if (kern->table_bytes) kern->prepare(prepared, t);
    const void *table = kern->table_bytes ? prepared : t;
    mote_words in = { .p = copy + offset + 4 * lanes, .end = copy + offset + bytes_ };
    for (unsigned l = 0; l < lanes; l++) x[l] = mote_le32(copy + offset + 4 * l);
    bool ok = cut == 0 || kern->decode(&in, x, lanes, table, v, cut);
    ok = ok && kern->decode(&in, x, lanes, table, v + cut, n - cut);
    *left = ok ? (size_t)(in.end - in.p) : 0;
    free(copy);
    free(prepared);
    return ok;
}

START_TEST(kernels_decode_what_was_encoded)
{
    const unsigned lanes = lane_counts[_i % 3], bits = _i / 3 % 2 ? 14 : 12;
    rnd_seed(1000 + (uint64_t)_i);
    for (size_t n = 1; n < LENGTHS; n++) {
        for (unsigned shift = 0; shift <= 16 - bits; shift++) {
            mote_table_spec spec;
            mote_table t = random_table(bits, shift, &spec);
            mote_token token[LENGTHS];
            random_tokens(&t, token, n);
            coded c = encode(lanes, &t, token, &n, 1);
            for (size_t k = 0; test_kernel(k); k++) {
                const size_t align = (n + shift) % 16, cut = rnd_below((unsigned)(n / lanes) + 1) * lanes;
                uint16_t *block = allocate((LENGTHS + 2 * CANARIES + 16) * sizeof *block),
                         *v = block + CANARIES + align;
                uint32_t x[32];
                size_t left = 1;
                bool same = true;
                memset(block, 0xCA, (LENGTHS + 2 * CANARIES + 16) * sizeof *block);
                ck_assert(decode(test_kernel(k), &t, lanes, c.data, c.n, align, v, n, cut, x, &left));
                for (size_t i = 0; i < n; i++)
                    same = same && (int16_t)v[i] == t.lo + (token[i].symbol << shift) + token[i].low;
                for (unsigned l = 0; l < lanes; l++) same = same && x[l] == 65536;
                for (size_t i = 0; i < CANARIES; i++) same = same && v[n + i] == 0xCACA && v[-1 - (int)i] == 0xCACA;
                ck_assert_msg(same && left == 0, "%s, %u lanes, %zu values", test_kernel(k)->name, lanes, n);

                /* a word less is one too few, whichever it is */
                for (size_t less = c.n - 4 * lanes; less > 0 && k < 4; less--) {
                    uint16_t w[LENGTHS + CANARIES];
                    memset(w, 0xCA, sizeof w);
                    bool ok = decode(test_kernel(k), &t, lanes, c.data, c.n - less, 0, w, n, 0, x, &left);
                    for (size_t i = n; i < n + CANARIES; i++) ok = ok || w[i] != 0xCACA;
                    ck_assert_msg(!ok, "%s: accepted %zu bytes less", test_kernel(k)->name, less);
                    if (less > 6) less -= 5;
                }
                free(block);
            }
            free(c.data);
        }
    }
}
END_TEST

/* Any states >= 2^16 and any words: the same values, states and rest, or the same refusal. */
START_TEST(kernels_agree_on_noise)
{
    rnd_seed(500 + (uint64_t)_i);
    for (unsigned round = 0; round < 3000; round++) {
        const unsigned lanes = lane_counts[_i], bits = rnd_below(2) ? 14 : 12;
        mote_table_spec spec;
        mote_table t = random_table(bits, rnd_below(17 - bits), &spec);
        uint8_t data[128 + 300];
        uint16_t v[2][LENGTHS] = { { 0 } };
        uint32_t x[2][32];
        size_t n = rnd_below(LENGTHS), words = rnd_below(rnd_below(2) ? 20 : 300), left[2];
        for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)rnd();
        for (unsigned l = 0; l < lanes; l++) data[4 * l + 2] |= 1; /* >= 2^16 */
        bool ref = decode(mote_kern_ref(), &t, lanes, data, 4 * lanes + words, 0, v[0], n, 0, x[0], &left[0]);
        for (size_t k = 1; test_kernel(k); k++) {
            bool ok = decode(test_kernel(k), &t, lanes, data, 4 * lanes + words, 0, v[1], n, 0, x[1], &left[1]);
            ck_assert_int_eq(ok, ref);
            if (!ok) continue;
            ck_assert_uint_eq(left[0], left[1]);
            ck_assert_mem_eq(v[0], v[1], n * sizeof v[0][0] + !n);
            ck_assert_mem_eq(x[0], x[1], lanes * sizeof x[0][0]);
            for (unsigned l = 0; l < lanes; l++)
                if (x[0][l] < 65536) ck_abort_msg("a state fell below 2^16");
        }
    }
}
END_TEST

#if MOTE_KERN_LOOPS
/* What kernels have beside the rANS loop, against its definition, at all alignments. */
START_TEST(loops_are_as_defined)
{
    rnd_seed(77);
    for (size_t k = 0; test_kernel(k); k++) {
        const mote_kern *kern = test_kernel(k);
        for (size_t n = 0; n < 100; n++) {
            for (size_t align = 0; align < 16; align++) {
                uint16_t v[116];
                uint8_t b[2][116], out[4 * 100 + 16 + 8];
                const uint16_t lo = (uint16_t)rnd(), span = (uint16_t)(1 + rnd_below(rnd_below(2) ? 300 : 65535));
                const bool within = rnd_below(2);
                size_t inside = 0;
                for (size_t i = 0; i < 116; i++) {
                    v[i] = (uint16_t)(within || rnd_below(40) ? lo + rnd_below(span) : rnd());
                    b[0][i] = (uint8_t)rnd();
                    b[1][i] = (uint8_t)rnd();
                }
                while (inside < n && (uint16_t)(v[align + inside] - lo) < span) inside++;
                if (kern->inside) ck_assert_uint_eq(kern->inside(v + align, n, lo, span), inside);
                for (unsigned m = 7; m <= 10 && kern->join_16; m += 3) {
                    memset(out, 0xCA, sizeof out);
                    kern->join_16(out + align, v + align, b[0] + align, n, m);
                    bool right = true;
                    for (size_t i = 0; i < n; i++) {
                        const unsigned x = (v[align + i] & 0xFFu) << 8 | b[0][align + i], s = x >> m & 1,
                                       e = x >> (m + 1), f = x & ((1u << m) - 1);
                        right = right && mote_le16(out + align + 2 * i) == (s << 15 | e << m | f);
                    }
                    for (size_t i = 0; i < 8; i++) right = right && out[align + 2 * n + i] == 0xCA;
                    ck_assert_msg(right, "%s: %zu elements of 16 bits", kern->name, n);
                }
                if (kern->narrow) {
                    uint16_t own[116];
                    bool right = true;
                    for (size_t i = 0; i < n; i++) own[align + i] = b[0][i];
                    kern->narrow((uint8_t *)(own + align), own + align, n);
                    for (size_t i = 0; i < n; i++) right = right && ((uint8_t *)(own + align))[i] == b[0][i];
                    ck_assert_msg(right, "%s: %zu narrowed", kern->name, n);
                }
                if (!kern->join_f32) continue;
                memset(out, 0xCA, sizeof out);
                kern->join_f32(out + align, v + align, b[1] + align, b[0] + align, n);
                bool same = true;
                for (size_t i = 0; i < n; i++) {
                    const uint32_t x = v[align + i], high = (x >> 7 & 1) << 15 | x >> 8 << 7 | (x & 127);
                    same = same && mote_le32(out + align + 4 * i) ==
                                       (high << 16 | (uint32_t)b[1][align + i] << 8 | b[0][align + i]);
                }
                for (size_t i = 0; i < 8; i++) same = same && out[align + 4 * n + i] == 0xCA;
                ck_assert_msg(same, "%s: %zu elements", kern->name, n);
            }
        }
    }
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("rans");
    TCase *tc = tcase_create("rans");
    tcase_add_loop_test(tc, encoder_does_what_is_specified, 0, 4);
    tcase_add_test(tc, certain_symbols_cost_nothing);
#if MOTE_KERN_LOOPS
    tcase_add_test(tc, loops_are_as_defined);
#endif
    tcase_add_test(tc, reciprocals_are_exact);
    tcase_add_test(tc, tokens_read_table);
    tcase_add_loop_test(tc, kernels_decode_what_was_encoded, 0, 6);
    tcase_add_loop_test(tc, kernels_agree_on_noise, 0, 3);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
