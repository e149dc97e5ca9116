#include "election/lease.h"

#include "common/base/clock.h"
#include "tests/unit/suites.h"

static const struct lease_terms twenty_seconds = {
    .length = SECONDS(20),
    .demote_budget = MILLISECONDS(3200),
    .drift_ppm = 1000,
};

START_TEST(a_lease_is_counted_from_before_the_request_left)
{
    struct lease lease = lease_granted(&twenty_seconds, 1, SECONDS(100));

    ck_assert_uint_eq(lease.hard, MILLISECONDS(119980)); /* 1,000 ppm of drift */
    ck_assert_uint_eq(lease.term, 1);
}
END_TEST

START_TEST(the_soft_deadline_leaves_the_demotion_its_time)
{
    struct lease lease = lease_granted(&twenty_seconds, 1, SECONDS(100));

    ck_assert_uint_eq(lease.hard - lease.soft, MILLISECONDS(3200));
}
END_TEST

START_TEST(a_later_renewal_extends)
{
    struct lease lease = lease_granted(&twenty_seconds, 1, SECONDS(100));

    ck_assert(lease_extend(&lease, lease_granted(&twenty_seconds, 1, SECONDS(102))));
    ck_assert_uint_eq(lease.hard, MILLISECONDS(121980));
    ck_assert_uint_eq(lease.soft, MILLISECONDS(118780));
}
END_TEST

START_TEST(of_several_answers_the_best_counts)
{
    struct lease lease = lease_granted(&twenty_seconds, 1, SECONDS(104));

    ck_assert(!lease_extend(&lease, lease_granted(&twenty_seconds, 1, SECONDS(102))));
    ck_assert(!lease_extend(&lease, lease_granted(&twenty_seconds, 1, SECONDS(104))));
    ck_assert_uint_eq(lease.hard, MILLISECONDS(123980));
}
END_TEST

START_TEST(an_answer_of_another_term_extends_nothing)
{
    struct lease lease = lease_granted(&twenty_seconds, 2, SECONDS(100));

    ck_assert(!lease_extend(&lease, lease_granted(&twenty_seconds, 1, SECONDS(110))));
    ck_assert(!lease_extend(&lease, lease_granted(&twenty_seconds, 3, SECONDS(110))));
    ck_assert_uint_eq(lease.hard, MILLISECONDS(119980));
    ck_assert_uint_eq(lease.term, 2);
}
END_TEST

START_TEST(a_demotion_has_to_fit_what_the_drift_leaves_of_the_lease)
{
    struct lease_terms terms = twenty_seconds;

    terms.demote_budget = MILLISECONDS(19980) - 1;
    ck_assert(lease_terms_hold(&terms));
    terms.demote_budget = MILLISECONDS(19980);
    ck_assert(!lease_terms_hold(&terms));
}
END_TEST

START_TEST(the_longest_lease_does_not_overflow)
{
    struct lease_terms day = { .length = SECONDS(48 * 3600),
                               .demote_budget = SECONDS(3600),
                               .drift_ppm = 1000 };
    struct lease lease = lease_granted(&day, 1, SECONDS(10 * 365 * 86400ull));

    ck_assert_uint_eq(lease.hard - SECONDS(10 * 365 * 86400ull),
                      SECONDS(48 * 3600) - SECONDS(48 * 3600) / 1000);
}
END_TEST

Suite *lease_suite(void)
{
    Suite *suite = suite_create("lease");
    TCase *lease = tcase_create("lease");

    tcase_add_test(lease, a_lease_is_counted_from_before_the_request_left);
    tcase_add_test(lease, the_soft_deadline_leaves_the_demotion_its_time);
    tcase_add_test(lease, a_later_renewal_extends);
    tcase_add_test(lease, of_several_answers_the_best_counts);
    tcase_add_test(lease, an_answer_of_another_term_extends_nothing);
    tcase_add_test(lease, a_demotion_has_to_fit_what_the_drift_leaves_of_the_lease);
    tcase_add_test(lease, the_longest_lease_does_not_overflow);
    suite_add_tcase(suite, lease);
    return suite;
}
