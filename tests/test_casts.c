/* SPDX-License-Identifier: Apache-2.0
 * Casts between types of floats, against a table and against what the machine computes. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "codec_helpers.h"
#include "common/casts.h"

START_TEST(casts_read_table) /* Spec codecs.md 7.1 */
{
    static const struct {
        uint32_t x;
        uint16_t f16, bf16;
    } rows[] = {
        { 0x00000000, 0x0000, 0x0000 }, { 0x80000000, 0x8000, 0x8000 }, { 0x3F800000, 0x3C00, 0x3F80 },
        { 0x3F801000, 0x3C00, 0x3F80 }, /* tie to even, down */
        { 0x3F803000, 0x3C02, 0x3F80 }, /* tie to even, up */
        { 0x3F801001, 0x3C01, 0x3F80 }, { 0x3F808000, 0x3C04, 0x3F80 }, { 0x3F818000, 0x3C0C, 0x3F82 },
        { 0x477FEFFF, 0x7BFF, 0x4780 }, /* below the middle of the largest and infinity */
        { 0x477FF000, 0x7C00, 0x4780 }, { 0x47800000, 0x7C00, 0x4780 }, { 0x7F7FFFFF, 0x7C00, 0x7F80 },
        { 0x7F800000, 0x7C00, 0x7F80 }, { 0xFF800000, 0xFC00, 0xFF80 }, { 0x7F800001, 0x7E00, 0x7FC0 },
        { 0xFFABCDEF, 0xFF5E, 0xFFEB }, { 0x38800000, 0x0400, 0x3880 }, { 0x387FC000, 0x03FF, 0x3880 },
        { 0x387FE000, 0x0400, 0x3880 }, /* rounds up to the smallest normal */
        { 0x33800000, 0x0001, 0x3380 }, { 0x33000000, 0x0000, 0x3300 }, { 0x33000001, 0x0001, 0x3300 },
        { 0x33C00000, 0x0002, 0x33C0 }, { 0x32FFFFFF, 0x0000, 0x3300 }, { 0x00000001, 0x0000, 0x0000 },
        { 0x00008000, 0x0000, 0x0000 }, { 0x00018000, 0x0000, 0x0002 }, { 0x807FFFFF, 0x8000, 0x8080 },
    };
    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_msg(mote_f32_to_f16(rows[i].x) == rows[i].f16, "%08x: f16 %04x", rows[i].x,
                      mote_f32_to_f16(rows[i].x));
        ck_assert_msg(mote_f32_to_bf16(rows[i].x) == rows[i].bf16, "%08x: bf16 %04x", rows[i].x,
                      mote_f32_to_bf16(rows[i].x));
    }
    static const struct {
        uint64_t x;
        uint32_t f32;
    } narrow[] = {
        { 0, 0 },
        { 0x8000000000000000, 0x80000000 },
        { 0x3FF0000000000000, 0x3F800000 },
        { 0x3FF0000010000000, 0x3F800000 },
        { 0x3FF0000030000000, 0x3F800002 },
        { 0x3FF0000010000001, 0x3F800001 },
        { 0x47EFFFFFE0000000, 0x7F7FFFFF },
        { 0x47EFFFFFEFFFFFFF, 0x7F7FFFFF },
        { 0x47EFFFFFF0000000, 0x7F800000 },
        { 0x7FEFFFFFFFFFFFFF, 0x7F800000 },
        { 0xFFF0000000000000, 0xFF800000 },
        { 0x7FF0000000000001, 0x7FC00000 },
        { 0xFFF4000020000000, 0xFFE00001 },
        { 0x3810000000000000, 0x00800000 },
        { 0x380FFFFFFFFFFFFF, 0x00800000 },
        { 0x36A0000000000000, 0x00000001 },
        { 0x3690000000000000, 0x00000000 },
        { 0x3690000000000001, 0x00000001 },
        { 0x36B8000000000000, 0x00000003 },
        { 0x0000000000000001, 0 },
    };
    for (size_t i = 0; i < N(narrow); i++)
        ck_assert_msg(mote_f64_to_f32(narrow[i].x) == narrow[i].f32, "row %zu: %08x", i, mote_f64_to_f32(narrow[i].x));
}
END_TEST

/* Against the machine's own casts, which are IEEE 754's on every host that this is built for. */
START_TEST(casts_agree_with_the_machine)
{
    rnd_seed(3);
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t x = mote_f16_to_f32(i);
        if (mote_f32_to_f16(x) != ((i & 0x7FFF) > 0x7C00 ? i | 0x200 : i)) ck_abort_msg("%04x", i);
        double want = (double)(i & 0x3FF) + ((i >> 10 & 31) ? 1024 : 0); /* by definition, in binary64 */
        for (unsigned e = (i >> 10 & 31) ? (i >> 10 & 31) : 1; e < 25; e++) want /= 2;
        for (unsigned e = i >> 10 & 31; e > 25; e--) want *= 2;
        float f;
        memcpy(&f, &x, 4);
        if ((i & 0x7C00) != 0x7C00 && f != (float)(i >> 15 ? -want : want)) ck_abort_msg("%04x", i);
    }
    for (unsigned i = 0; i < 3000000; i++) {
        uint64_t x = rnd();
        if (i % 2) x = (x & 0x800FFFFFFFFFFFFF) | (uint64_t)(1023 - 155 + rnd_below(290)) << 52;
        if (i % 3 == 0) x &= ~(uint64_t)0x1FFFFFFF;
        double g, back;
        float f;
        uint32_t bits;
        uint64_t wide;
        memcpy(&g, &x, 8);
        if (g != g) continue;
        f = (float)g;
        memcpy(&bits, &f, 4);
        if (mote_f64_to_f32(x) != bits)
            ck_abort_msg("%016llx: %08x, not %08x", (unsigned long long)x, mote_f64_to_f32(x), bits);
        back = f;
        memcpy(&wide, &back, 8);
        if (mote_f32_to_f64(bits) != wide) ck_abort_msg("%08x", bits);
    }
    ck_assert_uint_eq(mote_f32_to_f64(0x7F800001), 0x7FF0000020000000); /* payloads are kept */
    ck_assert_uint_eq(mote_f32_to_f64(0xFFC12345), 0xFFF82468A0000000);
    ck_assert_uint_eq(mote_f16_to_f32(0x7C01), 0x7F802000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("casts");
    TCase *tc = tcase_create("casts");
    tcase_add_test(tc, casts_read_table);
    tcase_add_test(tc, casts_agree_with_the_machine);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
