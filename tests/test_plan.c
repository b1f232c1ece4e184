/* SPDX-License-Identifier: Apache-2.0
 * Lagrangian choice of errors: on curves whose best choice is known in closed form. */
#include <check.h>
#include <math.h>

#include "enc/plan.h"

/* bytes = elements (offset + slope s) / 8, slope in bits a dB; some points of it */
static mote_rates line(uint64_t elements, double offset, double slope)
{
    mote_rates r = { .elements = elements, .exact = (double)elements * 4 };
    for (double s = 4; s <= 56; s += 4 + s / 10) {
        if (r.n == MOTE_RATES_MAX) break;
        r.snr[r.n] = s;
        r.bytes[r.n++] = (double)elements * (offset + slope * s) / 8;
    }
    return r;
}

/* Where all curves have the slope of high rate, every tensor gets the level. */
START_TEST(equal_slopes_get_equal_errors)
{
    const mote_rates r[] = { line(1000, 0.1, 1 / 6.0206), line(500000, 1, 1 / 6.0206), line(70000, -0.2, 1 / 6.0206) };
    double snr[3];
    for (double level = 8; level < 50; level += 3) {
        const double bytes = mote_plan_choose(r, 3, level, snr);
        for (unsigned i = 0; i < 3; i++) ck_assert_msg(fabs(snr[i] - level) < 0.07, "%g at level %g", snr[i], level);
        ck_assert(fabs(bytes - mote_plan_bytes(r, 3, snr)) < 1e-6 * bytes);
        ck_assert(fabs(mote_plan_error(r, 3, snr) - pow(10, -snr[0] / 10)) < 0.05 * pow(10, -level / 10));
    }
}
END_TEST

/* A tensor for which a dB costs half as much gets 3 dB more. */
START_TEST(cheap_bits_are_bought)
{
    const mote_rates r[] = { line(100000, 0, 1 / 6.0206), line(100000, 0, 0.5 / 6.0206) };
    double snr[2];
    (void)mote_plan_choose(r, 2, 20, snr);
    ck_assert_msg(fabs(snr[0] - 20) < 0.07 && fabs(snr[1] - 23.01) < 0.07, "%g %g", snr[0], snr[1]);
}
END_TEST

START_TEST(being_exact_is_a_choice)
{
    mote_rates r[] = { line(100000, 0, 1 / 6.0206), { .elements = 10, .exact = 77 }, line(100000, 0, 1 / 6.0206) };
    double snr[3];
    r[2].exact = r[2].bytes[r[2].n - 1] / 2; /* from some error on it costs less than any */
    (void)mote_plan_choose(r, 3, 40, snr);
    ck_assert(snr[0] < 41 && snr[1] >= MOTE_PLAN_EXACT && snr[2] >= MOTE_PLAN_EXACT);
    ck_assert(fabs(mote_plan_bytes(r, 3, NULL) - (r[0].exact + 77 + r[2].exact)) < 1e-6);
}
END_TEST

START_TEST(plans_keep_to_what_is_asked)
{
    const mote_rates r[] = { line(1000, 0.1, 0.17), line(500000, 1, 0.16), line(70000, -0.2, 0.15) };
    double snr[3];
    double last = 1;
    for (double bytes = 150000; bytes < 600000; bytes *= 1.1) {
        ck_assert(mote_plan_solve(r, 3, bytes, 0, snr));
        const double got = mote_plan_bytes(r, 3, snr), error = mote_plan_error(r, 3, snr);
        ck_assert_msg(got <= bytes && got > 0.99 * bytes, "%g of %g", got, bytes);
        ck_assert(error < last); /* more bytes, less error */
        last = error;
        ck_assert(mote_plan_solve(r, 3, 0, error * 1.0001, snr));
        ck_assert(mote_plan_error(r, 3, snr) <= error * 1.0001 && mote_plan_bytes(r, 3, snr) < got * 1.003);
    }
    ck_assert(!mote_plan_solve(r, 3, 1000, 0, snr)); /* no error is large enough */
    ck_assert(mote_plan_solve(r, 3, 1e9, 0, snr) && snr[0] >= MOTE_PLAN_EXACT);
    ck_assert(mote_plan_solve(r, 3, 0, 1e-12, snr) && mote_plan_error(r, 3, snr) <= 1e-12);
    ck_assert(mote_plan_solve(r, 0, 5, 0, snr));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plan");
    TCase *tc = tcase_create("plan");
    tcase_add_test(tc, equal_slopes_get_equal_errors);
    tcase_add_test(tc, cheap_bits_are_bought);
    tcase_add_test(tc, being_exact_is_a_choice);
    tcase_add_test(tc, plans_keep_to_what_is_asked);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
