#include "election/candidacy.h"

#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

#define NOW       SECONDS(100)
#define OWN_LEASE SECONDS(20)
#define OWN_WAIT  (OWN_LEASE + CANDIDACY_MARGIN)

static struct candidacy candidacy;

static void setup(void)
{
    candidacy = (struct candidacy){ .own_lease = OWN_LEASE };
}

static void look(struct lock_view view, instant_ns at)
{
    view.asked_ns = at;
    candidacy_see(&candidacy, &view, at);
}

#define ck_assert_opens(instant) ck_assert_uint_eq(candidacy_opens(&candidacy), instant)
#define ck_assert_closed()       ck_assert_uint_eq(candidacy_opens(&candidacy), 0)

/* An absent lock: by the look that was sent then, and no earlier one. */
static void ck_assert_opens_if_watched(instant_ns instant)
{
    look(absent_lock(), instant - 1);
    ck_assert_closed();
    look(absent_lock(), instant);
    ck_assert_opens(instant);
}

static struct lock_view with_lease(struct lock_view view, duration_ns lease)
{
    view.lease_ns = lease;
    return view;
}

static struct lock_view lagging(struct lock_view view)
{
    view.consistent = false;
    return view;
}

static struct lock_view absent_but_seen_by_others(void)
{
    struct lock_view view = absent_lock();

    view.others_index = 5;
    return view;
}

START_TEST(a_lock_that_was_never_looked_at_is_left_alone)
{
    ck_assert_closed();
}
END_TEST

START_TEST(a_lock_that_is_held_is_left_alone)
{
    look(others_lock(10), NOW);
    ck_assert_closed();
}
END_TEST

/* --- The mark. --- */

START_TEST(a_lock_with_the_mark_is_free_at_once)
{
    look(with_lease(marked_lock(10), SECONDS(57)), NOW);
    ck_assert_opens(NOW);
}
END_TEST

START_TEST(a_mark_counts_at_the_index_that_we_saw_and_above)
{
    look(others_lock(10), NOW);
    look(marked_lock(10), NOW);
    ck_assert_opens(NOW);
    look(marked_lock(11), NOW);
    ck_assert_opens(NOW);
}
END_TEST

START_TEST(a_mark_below_an_index_that_we_saw_counts_nothing)
{
    look(others_lock(12), NOW);
    look(with_lease(marked_lock(11), SECONDS(30)), NOW + 1); /* of a snapshot */
    ck_assert_opens(NOW + 1 + SECONDS(30) + CANDIDACY_MARGIN);
}
END_TEST

START_TEST(a_mark_of_an_earlier_leader_than_we_saw_counts_nothing)
{
    look(with_token(others_lock(10), 9), NOW);
    look(with_token(marked_lock(14), 5), NOW + 1); /* of a leader whom a snapshot brought back */
    ck_assert_opens(NOW + 1 + OWN_WAIT);
}
END_TEST

START_TEST(a_mark_does_not_end_the_wait_for_an_earlier_leader)
{
    look(others_lock(10), NOW);
    look(absent_lock(), NOW + 1);
    look(marked_lock(12), NOW + SECONDS(5)); /* of one who knew of no leader */
    ck_assert_opens(NOW + 1 + OWN_WAIT);
    look(marked_lock(13), NOW + SECONDS(30));
    ck_assert_opens(NOW + SECONDS(30));
}
END_TEST

/* --- No mark. --- */

START_TEST(without_the_mark_the_lease_in_the_value_is_waited_for)
{
    look(with_lease(unmarked_lock(10), SECONDS(30)), NOW);
    ck_assert_opens(NOW + SECONDS(30) + CANDIDACY_MARGIN);
}
END_TEST

START_TEST(without_a_lease_in_the_value_ours_is_waited_for)
{
    look(with_lease(others_lock(9), SECONDS(30)), NOW);
    look(unmarked_lock(10), NOW);
    ck_assert_opens(NOW + OWN_WAIT);
}
END_TEST

START_TEST(it_counts_from_when_the_lock_was_first_seen_free_at_this_index)
{
    look(unmarked_lock(10), NOW);
    look(unmarked_lock(10), NOW + SECONDS(5));
    ck_assert_opens(NOW + OWN_WAIT);
}
END_TEST

START_TEST(at_another_index_it_counts_anew)
{
    look(unmarked_lock(10), NOW);
    look(unmarked_lock(11), NOW + SECONDS(5));
    ck_assert_opens(NOW + SECONDS(5) + OWN_WAIT);
}
END_TEST

START_TEST(after_it_was_held_it_counts_anew)
{
    look(unmarked_lock(10), NOW);
    look(others_lock(11), NOW + SECONDS(1));
    ck_assert_closed();
    look(unmarked_lock(12), NOW + SECONDS(2));
    ck_assert_opens(NOW + SECONDS(2) + OWN_WAIT);
}
END_TEST

/* --- Absence. --- */

START_TEST(what_another_has_said_is_not_forgotten_with_its_entry)
{
    look(absent_but_seen_by_others(), NOW);
    look(absent_lock(), NOW + SECONDS(5));
    ck_assert_opens_if_watched(NOW + OWN_WAIT);
}
END_TEST

START_TEST(after_a_gap_an_absence_counts_anew)
{
    struct lock_view view = absent_lock();

    look(others_lock(10), NOW);
    look(view, NOW + 1);
    view.after_gap = true;
    look(view, NOW + SECONDS(3));
    ck_assert_opens_if_watched(NOW + SECONDS(3) + OWN_WAIT);
}
END_TEST

START_TEST(an_absent_lock_that_nobody_saw_is_taken_at_once)
{
    look(absent_lock(), NOW);
    ck_assert_opens(NOW);
}
END_TEST

START_TEST(absence_is_believed_of_a_quorum_alone)
{
    look(lagging(absent_lock()), NOW);
    ck_assert_closed();
}
END_TEST

START_TEST(an_absent_lock_that_we_saw_waits_for_the_lease_last_seen)
{
    look(with_lease(others_lock(10), SECONDS(30)), NOW);
    look(absent_lock(), NOW + SECONDS(1));
    ck_assert_opens_if_watched(NOW + SECONDS(31) + CANDIDACY_MARGIN);
}
END_TEST

START_TEST(an_absent_lock_that_we_saw_without_a_lease_waits_for_ours)
{
    look(marked_lock(10), NOW);
    look(absent_lock(), NOW);
    ck_assert_opens_if_watched(NOW + OWN_WAIT);
}
END_TEST

START_TEST(an_absent_lock_that_others_saw_waits)
{
    look(absent_but_seen_by_others(), NOW);
    ck_assert_opens_if_watched(NOW + OWN_WAIT);
}
END_TEST

START_TEST(an_absence_counts_as_far_as_it_was_looked_at)
{
    look(others_lock(10), NOW);
    look(absent_lock(), NOW + SECONDS(1));

    struct lock_view view = absent_lock();
    view.asked_ns = NOW + OWN_WAIT; /* answered late: what came after its sending is not known */
    candidacy_see(&candidacy, &view, NOW + SECONDS(2) + OWN_WAIT);
    ck_assert_closed();
}
END_TEST

START_TEST(who_has_led_between_two_looks_is_waited_for)
{
    struct lock_view view = absent_but_seen_by_others();

    look(view, NOW);
    look(view, NOW + SECONDS(10));
    view.others_index++;
    look(view, NOW + SECONDS(19)); /* and the lock was deleted again */
    ck_assert_opens_if_watched(NOW + SECONDS(19) + OWN_WAIT);
}
END_TEST

START_TEST(a_lock_that_vanishes_twice_is_waited_for_twice)
{
    look(absent_lock(), NOW);
    look(others_lock(10), NOW + SECONDS(1));
    look(absent_lock(), NOW + SECONDS(90));
    ck_assert_opens_if_watched(NOW + SECONDS(90) + OWN_WAIT);
}
END_TEST

START_TEST(a_lock_that_we_had_counts_as_seen)
{
    look(absent_lock(), NOW);
    candidacy_take(&candidacy, 11);
    look(absent_lock(), NOW + SECONDS(1));
    ck_assert_opens_if_watched(NOW + SECONDS(1) + OWN_WAIT);
    ck_assert_uint_eq(candidacy.highest_token, 11);

    look(with_lease(marked_lock(10), SECONDS(30)), NOW + SECONDS(2)); /* of a snapshot */
    ck_assert_opens(NOW + SECONDS(32) + CANDIDACY_MARGIN);
}
END_TEST

/* --- The rest. --- */

START_TEST(the_highest_token_is_remembered)
{
    struct lock_view view = others_lock(10);

    view.token = 9;
    look(view, NOW);
    look(unmarked_lock(11), NOW);
    look(absent_lock(), NOW);
    ck_assert_uint_eq(candidacy.highest_token, 9);
}
END_TEST

START_TEST(a_lock_that_is_held_off_opens_later)
{
    candidacy_hold_off(&candidacy, NOW + SECONDS(60));
    look(marked_lock(10), NOW);
    ck_assert_opens(NOW + SECONDS(60));
    look(marked_lock(11), NOW + SECONDS(61));
    ck_assert_opens(NOW + SECONDS(61));
}
END_TEST

Suite *candidacy_suite(void)
{
    Suite *suite = suite_create("candidacy");
    TCase *marks = tcase_create("marks");
    TCase *absence = tcase_create("absence");

    tcase_add_checked_fixture(marks, setup, NULL);
    tcase_add_test(marks, a_lock_that_was_never_looked_at_is_left_alone);
    tcase_add_test(marks, a_lock_that_is_held_is_left_alone);
    tcase_add_test(marks, a_lock_with_the_mark_is_free_at_once);
    tcase_add_test(marks, a_mark_counts_at_the_index_that_we_saw_and_above);
    tcase_add_test(marks, a_mark_below_an_index_that_we_saw_counts_nothing);
    tcase_add_test(marks, a_mark_does_not_end_the_wait_for_an_earlier_leader);
    tcase_add_test(marks, a_mark_of_an_earlier_leader_than_we_saw_counts_nothing);
    tcase_add_test(marks, without_the_mark_the_lease_in_the_value_is_waited_for);
    tcase_add_test(marks, without_a_lease_in_the_value_ours_is_waited_for);
    tcase_add_test(marks, it_counts_from_when_the_lock_was_first_seen_free_at_this_index);
    tcase_add_test(marks, at_another_index_it_counts_anew);
    tcase_add_test(marks, after_it_was_held_it_counts_anew);
    tcase_add_test(marks, the_highest_token_is_remembered);
    tcase_add_test(marks, a_lock_that_is_held_off_opens_later);
    suite_add_tcase(suite, marks);

    tcase_add_checked_fixture(absence, setup, NULL);
    tcase_add_test(absence, an_absent_lock_that_nobody_saw_is_taken_at_once);
    tcase_add_test(absence, after_a_gap_an_absence_counts_anew);
    tcase_add_test(absence, what_another_has_said_is_not_forgotten_with_its_entry);
    tcase_add_test(absence, absence_is_believed_of_a_quorum_alone);
    tcase_add_test(absence, an_absent_lock_that_we_saw_waits_for_the_lease_last_seen);
    tcase_add_test(absence, an_absent_lock_that_we_saw_without_a_lease_waits_for_ours);
    tcase_add_test(absence, an_absent_lock_that_others_saw_waits);
    tcase_add_test(absence, who_has_led_between_two_looks_is_waited_for);
    tcase_add_test(absence, an_absence_counts_as_far_as_it_was_looked_at);
    tcase_add_test(absence, a_lock_that_vanishes_twice_is_waited_for_twice);
    tcase_add_test(absence, a_lock_that_we_had_counts_as_seen);
    suite_add_tcase(suite, absence);
    return suite;
}
