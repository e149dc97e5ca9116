#include "election/guard.h"

#include "common/base/clock.h"
#include "tests/unit/suites.h"

static const struct lease first = { .term = 1, .soft = SECONDS(117), .hard = SECONDS(120) };
static const struct lease renewed = { .term = 1, .soft = SECONDS(119), .hard = SECONDS(122) };
static const struct lease second = { .term = 2, .soft = SECONDS(137), .hard = SECONDS(140) };

static struct guard guard;

static void setup(void)
{
    guard = (struct guard){ 0 };
}

static void acts_under(struct lease lease)
{
    guard_grant(&guard, lease);
    guard_arm(&guard);
}

START_TEST(nothing_starts_before_a_lease_is_granted)
{
    ck_assert(!guard_may_start(&guard, SECONDS(100)));
    ck_assert_uint_eq(guard_deadline(&guard, 0), 0);
}
END_TEST

START_TEST(a_lease_alone_kills_nothing)
{
    guard_grant(&guard, first);

    ck_assert_uint_eq(guard_deadline(&guard, 0), 0);
    ck_assert(!guard_may_start(&guard, SECONDS(100)));
}
END_TEST

START_TEST(nothing_starts_in_the_shadow_of_a_loss)
{
    acts_under(first);

    ck_assert(guard_may_start(&guard, first.soft - 1));
    ck_assert(!guard_may_start(&guard, first.soft));
}
END_TEST

START_TEST(what_acts_is_killed_at_the_hard_deadline_and_not_before)
{
    acts_under(first);

    ck_assert_uint_eq(guard_deadline(&guard, 0), first.hard);
}
END_TEST

START_TEST(what_only_a_hook_can_end_is_begun_with_in_time)
{
    acts_under(first);

    ck_assert_uint_eq(guard_deadline(&guard, SECONDS(2)), first.hard - SECONDS(2));
}
END_TEST

START_TEST(a_renewal_moves_the_deadline)
{
    acts_under(first);
    guard_grant(&guard, renewed);

    ck_assert_uint_eq(guard_deadline(&guard, 0), renewed.hard);
    ck_assert(guard_may_start(&guard, first.soft));
}
END_TEST

START_TEST(an_earlier_renewal_that_comes_late_moves_nothing)
{
    acts_under(renewed);
    guard_grant(&guard, first);

    ck_assert_uint_eq(guard_deadline(&guard, 0), renewed.hard);
}
END_TEST

START_TEST(a_lease_of_an_earlier_term_moves_nothing)
{
    struct lease earlier = { .term = 1, .soft = SECONDS(197), .hard = SECONDS(200) };

    acts_under(second);
    guard_grant(&guard, earlier);

    ck_assert_uint_eq(guard_deadline(&guard, 0), second.hard);
}
END_TEST

START_TEST(after_the_demotion_nothing_is_killed)
{
    acts_under(first);
    guard_disarm(&guard);

    ck_assert_uint_eq(guard_deadline(&guard, 0), 0);
}
END_TEST

START_TEST(after_the_demotion_nothing_starts_under_this_lease_again)
{
    acts_under(first);
    guard_disarm(&guard);
    acts_under(renewed); /* an order that was under way */

    ck_assert(!guard_may_start(&guard, SECONDS(100)));
}
END_TEST

START_TEST(the_next_term_has_a_lease_of_its_own)
{
    acts_under(first);
    guard_disarm(&guard);
    acts_under(second);

    ck_assert_uint_eq(guard_deadline(&guard, 0), second.hard);
    ck_assert(guard_may_start(&guard, SECONDS(125)));
}
END_TEST

START_TEST(a_demotion_without_a_lease_hinders_no_later_one)
{
    guard_disarm(&guard); /* what a predecessor had left */
    acts_under(first);

    ck_assert(guard_may_start(&guard, SECONDS(100)));
}
END_TEST

Suite *guard_suite(void)
{
    Suite *suite = suite_create("guard");
    TCase *cases = tcase_create("guard");

    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, nothing_starts_before_a_lease_is_granted);
    tcase_add_test(cases, a_lease_alone_kills_nothing);
    tcase_add_test(cases, nothing_starts_in_the_shadow_of_a_loss);
    tcase_add_test(cases, what_acts_is_killed_at_the_hard_deadline_and_not_before);
    tcase_add_test(cases, what_only_a_hook_can_end_is_begun_with_in_time);
    tcase_add_test(cases, a_renewal_moves_the_deadline);
    tcase_add_test(cases, an_earlier_renewal_that_comes_late_moves_nothing);
    tcase_add_test(cases, a_lease_of_an_earlier_term_moves_nothing);
    tcase_add_test(cases, after_the_demotion_nothing_is_killed);
    tcase_add_test(cases, after_the_demotion_nothing_starts_under_this_lease_again);
    tcase_add_test(cases, the_next_term_has_a_lease_of_its_own);
    tcase_add_test(cases, a_demotion_without_a_lease_hinders_no_later_one);
    suite_add_tcase(suite, cases);
    return suite;
}
