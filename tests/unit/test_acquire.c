/* Winning the lock: the acquire, one that seems lost, and the token. */
#include <string.h>

#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

/* The acquire that was guarded by index 10 seems lost: its session is session-1. */
static void to_abandoned(void)
{
    to_acquiring();
    fails(REQUEST_ACQUIRE, ANSWER_UNKNOWN);
    reads(marked_lock(10));
}

static struct lock_view held_by_session_1(uint64_t index)
{
    struct lock_view view = others_lock(index);

    strcpy(view.session.text, "session-1");
    return view;
}

/* --- The acquire. --- */

START_TEST(an_acquire_is_guarded_by_the_index_that_was_seen_free)
{
    to_state(STATE_WAITING);
    sees(with_token(marked_lock(10), 7));

    ck_assert_said("acquire");
    ck_assert_uint_eq(asked(REQUEST_ACQUIRE).index, 10);
    ck_assert_uint_eq(asked(REQUEST_ACQUIRE).token, 7);
}
END_TEST

START_TEST(an_absent_lock_is_acquired_only_if_it_still_is_absent)
{
    to_state(STATE_WAITING);
    sees(absent_lock());

    ck_assert_said("acquire");
    ck_assert_uint_eq(asked(REQUEST_ACQUIRE).index, 0);
}
END_TEST

START_TEST(a_lock_that_we_had_and_that_vanished_is_waited_for)
{
    to_state(STATE_WAITING);
    sees(absent_lock());
    is_done_at(REQUEST_ACQUIRE, 11);
    sees(while_we_held(absent_lock())); /* before we ever saw it there */
    demoted(true);
    is_done(REQUEST_SESSION);
    sees(absent_lock());
    ck_assert_said("");

    for (int i = 0; i < 10; i++) {
        passes(SECONDS(2));
        is_done(REQUEST_RENEW);
    }
    passes(CANDIDACY_MARGIN - 1);
    sees(absent_lock());
    ck_assert_state("waiting");
    passes(1);
    sees(absent_lock());
    ck_assert_state("acquiring");
}
END_TEST

static void waits_for_a_vanished_lock(void)
{
    to_state(STATE_WAITING);
    sees(others_lock(11));
    sees(absent_lock());
    ck_assert_state("waiting");
}

START_TEST(who_stood_still_waits_anew_for_a_lock_that_vanished)
{
    waits_for_a_vanished_lock();
    freezes(SECONDS(21)); /* it may have been led and deleted again */
    wakes();
    ck_assert_state("waiting");
    is_done(REQUEST_RENEW);
    sees(absent_lock());
    ck_assert_uint_eq(election.candidacy.opens, now + SECONDS(20) + CANDIDACY_MARGIN);
}
END_TEST

START_TEST(who_cannot_look_waits_anew_for_a_lock_that_vanished)
{
    waits_for_a_vanished_lock();
    election_sight_lost(&election);
    ck_assert_uint_eq(candidacy_opens(&election.candidacy), 0);
}
END_TEST

START_TEST(what_was_seen_under_an_earlier_session_counts_no_more)
{
    waits_for_a_vanished_lock();
    passes(SECONDS(2));
    fails(REQUEST_RENEW, ANSWER_GONE);
    ck_assert_said("session");
    is_done(REQUEST_SESSION);
    ck_assert_uint_eq(candidacy_opens(&election.candidacy), 0);
}
END_TEST

START_TEST(who_cannot_renew_waits_anew_for_a_lock_that_vanished)
{
    waits_for_a_vanished_lock();
    passes(SECONDS(2));
    fails(REQUEST_RENEW, ANSWER_FAILED);
    ck_assert_uint_eq(candidacy_opens(&election.candidacy), 0);
}
END_TEST

START_TEST(a_free_lock_without_the_mark_is_acquired_when_its_lease_is_over)
{
    to_state(STATE_WAITING);
    sees(unmarked_lock(10));
    for (int i = 0; i < 10; i++) {
        passes(SECONDS(2));
        ck_assert_said("renew");
        is_done(REQUEST_RENEW);
    }
    passes(CANDIDACY_MARGIN);
    ck_assert_said("acquire");
}
END_TEST

START_TEST(a_refused_acquire_waits_for_another_look)
{
    to_acquiring();
    fails(REQUEST_ACQUIRE, ANSWER_REFUSED);
    ck_assert_said("");
    ck_assert_state("waiting");

    sees(marked_lock(14));
    ck_assert_said("acquire");
    ck_assert_uint_eq(asked(REQUEST_ACQUIRE).index, 14);
    ck_assert_str_eq(asked(REQUEST_ACQUIRE).session.text, "session-1");
}
END_TEST

START_TEST(a_lock_that_another_was_shown_to_hold_since_is_left_to_its_lock_delay)
{
    to_acquiring();
    sees(others_lock(11));
    is_done_at(REQUEST_ACQUIRE, 12); /* the key was deleted, or an old snapshot restored */
    ck_assert_said("destroy session");
    ck_assert_state("idle");
}
END_TEST

START_TEST(a_lease_begins_no_later_than_the_acquire_was_sent)
{
    to_acquiring();
    instant_ns sent = now;
    passes(SECONDS(2));
    is_done(REQUEST_RENEW); /* of the session alone: nobody has looked at the lock */
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_uint_eq(election.lease.hard, sent + USABLE_LEASE);
}
END_TEST

START_TEST(an_older_look_that_comes_late_is_no_other_leader)
{
    to_acquiring();
    sees(others_lock(9));
    is_done_at(REQUEST_ACQUIRE, 12);
    ck_assert_state("promoting");
}
END_TEST

static const enum answer_result not_done[] = { ANSWER_DELAYED, ANSWER_FAILED };

START_TEST(an_acquire_that_surely_was_not_done_is_tried_again_in_half_a_second)
{
    to_acquiring();
    fails(REQUEST_ACQUIRE, not_done[_i]);
    ck_assert_said("");
    passes(MILLISECONDS(499));
    ck_assert_said("");
    passes(MILLISECONDS(1));
    ck_assert_said("acquire");
    ck_assert_str_eq(asked(REQUEST_ACQUIRE).session.text, "session-1");
}
END_TEST

START_TEST(an_acquire_of_unknown_outcome_is_read_back_before_anything_is_decided)
{
    to_acquiring();
    fails(REQUEST_ACQUIRE, ANSWER_UNKNOWN);
    ck_assert_said("read-back");
    ck_assert_state("acquiring");

    for (int i = 0; i < 3; i++) {
        fails(REQUEST_READ_BACK, ANSWER_FAILED);
        ck_assert_said("");
        passes(MILLISECONDS(500));
        ck_assert_said("read-back");
        ck_assert_state("acquiring");
    }
}
END_TEST

START_TEST(an_acquire_whose_answer_was_lost_promotes_when_the_lock_is_ours)
{
    to_acquiring();
    fails(REQUEST_ACQUIRE, ANSWER_UNKNOWN);
    reads(with_token(held_by_session_1(11), 5));

    ck_assert_said("lease promote write");
    ck_assert_uint_eq(election.token, 11);
}
END_TEST

START_TEST(an_answer_that_comes_after_the_read_back_changes_nothing)
{
    to_abandoned();
    is_done_at(REQUEST_ACQUIRE, 11);

    ck_assert_said("");
    ck_assert(!election_may_act(&election));
}
END_TEST

START_TEST(an_answer_that_comes_in_a_later_term_changes_nothing)
{
    to_acquiring();
    struct lock_request earlier = asked(REQUEST_ACQUIRE);
    fails(REQUEST_ACQUIRE, ANSWER_UNKNOWN);
    reads(marked_lock(10));
    passes(MILLISECONDS(500));
    is_done(REQUEST_SESSION);
    ck_assert_said("acquire");

    answers(&earlier, ANSWER_DONE, 11);
    ck_assert_said("");
    ck_assert_state("acquiring");
    is_done_at(REQUEST_ACQUIRE, 12);
    ck_assert_state("promoting");
}
END_TEST

/* --- An acquire that seems lost. --- */

START_TEST(its_session_is_kept_and_another_one_stands)
{
    to_abandoned();
    ck_assert_said("");
    passes(MILLISECONDS(500));
    ck_assert_said("session");
    is_done(REQUEST_SESSION);
    ck_assert_said("acquire");
    ck_assert_str_eq(asked(REQUEST_ACQUIRE).session.text, "session-2");
}
END_TEST

START_TEST(its_session_is_kept_for_fifteen_seconds)
{
    to_abandoned();
    passes(SECONDS(15) - 1);
    ck_assert_said("session"); /* of the next term */
    passes(1);
    ck_assert_said("destroy");
    ck_assert_str_eq(asked(REQUEST_DESTROY).session.text, "session-1");
}
END_TEST

START_TEST(its_session_ends_when_another_holds_the_lock)
{
    to_abandoned();
    sees(others_lock(11));

    ck_assert_said("destroy");
    ck_assert_str_eq(asked(REQUEST_DESTROY).session.text, "session-1");
}
END_TEST

START_TEST(a_look_at_what_was_before_it_ends_nothing)
{
    to_abandoned();
    sees(others_lock(9)); /* a follower that lags */
    ck_assert_said("");
    sees(absent_lock());
    ck_assert_said("");
}
END_TEST

START_TEST(if_it_holds_the_lock_after_all_it_releases_and_ends)
{
    to_abandoned();
    sees(held_by_session_1(11));
    ck_assert_said("release");
    ck_assert_str_eq(asked(REQUEST_RELEASE).session.text, "session-1");
    ck_assert_uint_eq(asked(REQUEST_RELEASE).index, 11);

    is_done(REQUEST_RELEASE);
    ck_assert_said("destroy");
    ck_assert_str_eq(asked(REQUEST_DESTROY).session.text, "session-1");
}
END_TEST

START_TEST(a_release_of_it_that_fails_is_tried_again_at_the_next_look)
{
    to_abandoned();
    sees(held_by_session_1(11));
    sees(held_by_session_1(11));
    ck_assert_said(""); /* one at a time */
    fails(REQUEST_RELEASE, ANSWER_UNKNOWN);
    ck_assert_said("");
    sees(held_by_session_1(11));
    ck_assert_said("release");
}
END_TEST

/* --- The token. --- */

START_TEST(the_token_is_the_index_of_the_acquisition)
{
    to_state(STATE_PROMOTING);
    ck_assert_uint_eq(election.token, 11);
    ck_assert_uint_eq(asked(REQUEST_WRITE).token, 11);
    ck_assert_uint_eq(asked(REQUEST_WRITE).index, 11);
}
END_TEST

static void win_with(uint64_t token, uint64_t highest)
{
    to_state(STATE_WAITING);
    sees(with_token(marked_lock(10), highest));
    is_done_at(REQUEST_ACQUIRE, token);
}

START_TEST(a_token_not_above_the_highest_is_released_without_a_promotion)
{
    win_with(11, 11);
    ck_assert_said("low release");
    win_with(11, 500);
    ck_assert_said("low release");
    win_with(11, 10);
    ck_assert_said("lease promote write");
}
END_TEST

START_TEST(our_own_token_in_the_value_is_not_too_low)
{
    to_acquiring();
    freezes(SECONDS(15));
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("renew");
    sees(own_lock(11)); /* a store whose acquire writes the token at once */
    is_done(REQUEST_RENEW);

    ck_assert_said("lease promote write");
}
END_TEST

START_TEST(a_token_of_ours_is_never_given_out_twice)
{
    to_leading();
    sees(while_we_held(unmarked_lock(5))); /* Consul was restored from before our term */
    demoted(true);
    is_done(REQUEST_SESSION);
    freezes(SECONDS(20) + CANDIDACY_MARGIN);
    wakes();
    ck_assert_uint_eq(asked(REQUEST_ACQUIRE).token, 11);
    is_done_at(REQUEST_ACQUIRE, 7);

    ck_assert_said("low release");
}
END_TEST

START_TEST(after_a_token_that_was_too_low_the_next_try_comes_in_a_minute)
{
    win_with(11, 500);
    is_done(REQUEST_RELEASE);
    is_done(REQUEST_SESSION);
    sees(with_token(marked_lock(12), 500));
    ck_assert_said("");

    freezes(SECONDS(60) - 1);
    wakes();
    ck_assert_state("waiting");
    freezes(1);
    wakes();
    ck_assert_state("acquiring");
    ck_assert_uint_eq(asked(REQUEST_ACQUIRE).token, 500); /* is kept as previous_token */
}
END_TEST

Suite *acquire_suite(void)
{
    Suite *suite = suite_create("acquire");
    TCase *acquire = tcase_create("acquire");
    TCase *ghost = tcase_create("ghost");
    TCase *token = tcase_create("token");

    tcase_add_test(acquire, an_acquire_is_guarded_by_the_index_that_was_seen_free);
    tcase_add_test(acquire, an_absent_lock_is_acquired_only_if_it_still_is_absent);
    tcase_add_test(acquire, a_lock_that_we_had_and_that_vanished_is_waited_for);
    tcase_add_test(acquire, who_stood_still_waits_anew_for_a_lock_that_vanished);
    tcase_add_test(acquire, who_cannot_renew_waits_anew_for_a_lock_that_vanished);
    tcase_add_test(acquire, who_cannot_look_waits_anew_for_a_lock_that_vanished);
    tcase_add_test(acquire, what_was_seen_under_an_earlier_session_counts_no_more);
    tcase_add_test(acquire, a_free_lock_without_the_mark_is_acquired_when_its_lease_is_over);
    tcase_add_test(acquire, a_refused_acquire_waits_for_another_look);
    tcase_add_test(acquire, a_lock_that_another_was_shown_to_hold_since_is_left_to_its_lock_delay);
    tcase_add_test(acquire, an_older_look_that_comes_late_is_no_other_leader);
    tcase_add_test(acquire, a_lease_begins_no_later_than_the_acquire_was_sent);
    tcase_add_loop_test(acquire,
                        an_acquire_that_surely_was_not_done_is_tried_again_in_half_a_second, 0, 2);
    tcase_add_test(acquire, an_acquire_of_unknown_outcome_is_read_back_before_anything_is_decided);
    tcase_add_test(acquire, an_acquire_whose_answer_was_lost_promotes_when_the_lock_is_ours);
    tcase_add_test(acquire, an_answer_that_comes_after_the_read_back_changes_nothing);
    tcase_add_test(acquire, an_answer_that_comes_in_a_later_term_changes_nothing);
    suite_add_tcase(suite, acquire);

    tcase_add_test(ghost, its_session_is_kept_and_another_one_stands);
    tcase_add_test(ghost, its_session_is_kept_for_fifteen_seconds);
    tcase_add_test(ghost, its_session_ends_when_another_holds_the_lock);
    tcase_add_test(ghost, a_look_at_what_was_before_it_ends_nothing);
    tcase_add_test(ghost, if_it_holds_the_lock_after_all_it_releases_and_ends);
    tcase_add_test(ghost, a_release_of_it_that_fails_is_tried_again_at_the_next_look);
    suite_add_tcase(suite, ghost);

    tcase_add_test(token, the_token_is_the_index_of_the_acquisition);
    tcase_add_test(token, a_token_not_above_the_highest_is_released_without_a_promotion);
    tcase_add_test(token, our_own_token_in_the_value_is_not_too_low);
    tcase_add_test(token, a_token_of_ours_is_never_given_out_twice);
    tcase_add_test(token, after_a_token_that_was_too_low_the_next_try_comes_in_a_minute);
    suite_add_tcase(suite, token);
    return suite;
}
