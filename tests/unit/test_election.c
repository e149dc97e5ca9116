/* A term from its session to its end: acquire, release, token, value, stop. */
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

static struct lock_view with_token(struct lock_view view, uint64_t token)
{
    view.token = token;
    return view;
}

static struct lock_view foreign(struct lock_view view)
{
    view.ours = false;
    view.foreign = true;
    return view;
}

/* --- The session. --- */

START_TEST(who_stands_asks_for_a_session)
{
    stands();
    ck_assert_said("session");
}
END_TEST

START_TEST(a_session_that_was_not_made_is_asked_for_again)
{
    stands();
    fails(REQUEST_SESSION, ANSWER_FAILED);
    ck_assert_said("");
    passes(MILLISECONDS(499));
    ck_assert_said("");
    passes(MILLISECONDS(1));
    ck_assert_said("session");
}
END_TEST

START_TEST(a_setting_that_the_store_refuses_is_told_and_not_hammered)
{
    stands();
    fails(REQUEST_SESSION, ANSWER_INVALID);
    ck_assert_said("invalid");
    stops();
    ck_assert_said("stopped");
}
END_TEST

START_TEST(a_session_that_is_lost_is_replaced)
{
    to_state(STATE_WAITING);
    passes(SECONDS(2));
    fails(REQUEST_RENEW, ANSWER_GONE);

    ck_assert_said("session");
}
END_TEST

START_TEST(sessions_that_do_not_last_are_not_hammered)
{
    to_acquiring();
    for (int i = 0; i < 3; i++) {
        fails(REQUEST_ACQUIRE, ANSWER_GONE);
        ck_assert_said(i == 0 ? "" : "destroy"); /* of the former one that seems lost */
        passes(MILLISECONDS(499));
        ck_assert_said("");
        passes(MILLISECONDS(1));
        ck_assert_said("session");
        is_done(REQUEST_SESSION);
        ck_assert_state("acquiring");
    }
}
END_TEST

START_TEST(a_session_that_comes_after_the_stop_is_destroyed)
{
    stands();
    stops();
    ck_assert_said("stopped");
    is_done(REQUEST_SESSION);
    ck_assert_said("destroy");
    ck_assert_str_eq(asked(REQUEST_DESTROY).session.text, "session-1");
    ck_assert_state("stopped");
}
END_TEST

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

    freezes(SECONDS(20) - 1);
    wakes();
    ck_assert_state("waiting");
    freezes(1);
    wakes();
    ck_assert_state("acquiring");
}
END_TEST

START_TEST(a_free_lock_without_the_mark_is_acquired_when_its_lease_is_over)
{
    to_state(STATE_WAITING);
    sees(unmarked_lock(10));
    for (int i = 1; i < 10; i++) {
        passes(SECONDS(2));
        ck_assert_said("renew");
        is_done(REQUEST_RENEW);
    }
    passes(SECONDS(2));
    ck_assert_said("renew acquire");
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

/* --- The role. --- */

START_TEST(a_lock_that_names_another_session_is_a_loss)
{
    to_leading();
    sees(while_we_held(others_lock(20)));

    ck_assert_said("demote:lock-lost");
}
END_TEST

START_TEST(a_lock_that_is_absent_or_free_is_a_loss)
{
    to_leading();
    sees(while_we_held(absent_lock()));
    ck_assert_said("demote:lock-lost");

    to_leading();
    sees(while_we_held(unmarked_lock(20)));
    ck_assert_said("demote:lock-lost");
}
END_TEST

START_TEST(a_look_from_before_the_win_is_no_loss)
{
    to_leading();
    sees(others_lock(9));

    ck_assert_said("");
    ck_assert_state("leading");
}
END_TEST

START_TEST(a_lock_that_was_lost_before_the_promotion_promotes_nobody)
{
    to_acquiring();
    freezes(SECONDS(15));
    is_done_at(REQUEST_ACQUIRE, 11);
    sees(while_we_held(others_lock(20)));

    ck_assert_said("destroy session");
    ck_assert_state("idle");
}
END_TEST

START_TEST(a_promotion_that_fails_demotes_and_backs_off)
{
    to_state(STATE_PROMOTING);
    is_done_at(REQUEST_WRITE, 12);
    promoted(false);
    ck_assert_said("demote:promotion-failed");
    demoted(true);
    is_done(REQUEST_RELEASE);
    is_done(REQUEST_SESSION);
    sees(marked_lock(13));
    ck_assert_said("");

    passes(SECONDS(10) - 1);
    ck_assert_state("waiting");
    passes(1);
    ck_assert_state("acquiring");
}
END_TEST

START_TEST(what_the_keeper_says_of_an_earlier_term_changes_nothing)
{
    struct election_commands commands = { 0 };

    to_state(STATE_PROMOTING);
    election_promoted(&election, election.term - 1, false, now, &commands);
    election_demoted(&election, election.term - 1, true, now, &commands);
    ck_assert_uint_eq(commands.count, 0);
    ck_assert_state("promoting");
}
END_TEST

START_TEST(a_promotion_that_ends_after_the_demotion_began_changes_nothing)
{
    to_state(STATE_PROMOTING);
    sees(while_we_held(others_lock(20)));
    promoted(true);
    ck_assert_state("demoting");
    promoted(false);
    ck_assert_state("demoting");
}
END_TEST

START_TEST(what_the_keeper_killed_at_the_deadline_is_demoted_as_all_else)
{
    to_leading();
    freezes(USABLE_LEASE);
    demoted(true); /* the supervisor was late: it hears of it before it read the deadline */
    ck_assert_said("demote:lease-expired renew");
    demoted(true);
    ck_assert_said("release");
}
END_TEST

/* --- Giving the lock away. --- */

START_TEST(the_lock_is_released_when_the_demotion_is_complete_and_not_before)
{
    to_leading();
    stops();
    ck_assert_said("demote:shutdown");
    demoted(true);
    ck_assert_said("release");
    ck_assert_uint_eq(asked(REQUEST_RELEASE).index, 12); /* as of our last write */
    is_done(REQUEST_RELEASE);
    ck_assert_said("destroy stopped");
}
END_TEST

START_TEST(a_term_has_its_own_session)
{
    to_state(STATE_RELEASING);
    is_done(REQUEST_RELEASE);
    ck_assert_said("destroy session");
    ck_assert_str_eq(asked(REQUEST_DESTROY).session.text, "session-1");
    ck_assert_uint_eq(asked(REQUEST_SESSION).term, 2);

    is_done(REQUEST_SESSION);
    sees(marked_lock(13));
    passes(SECONDS(10));
    ck_assert_str_eq(asked(REQUEST_ACQUIRE).session.text, "session-2");
}
END_TEST

START_TEST(a_release_of_unknown_outcome_that_was_done_ends_the_term)
{
    to_state(STATE_RELEASING);
    fails(REQUEST_RELEASE, ANSWER_UNKNOWN);
    ck_assert_said("read-back");
    reads(marked_lock(13));
    ck_assert_said("destroy session");
}
END_TEST

START_TEST(a_release_of_unknown_outcome_that_was_not_done_is_sent_again)
{
    to_state(STATE_RELEASING);
    fails(REQUEST_RELEASE, ANSWER_UNKNOWN);
    reads(own_lock(13));
    ck_assert_said("release");
    ck_assert_uint_eq(asked(REQUEST_RELEASE).index, 13);
}
END_TEST

START_TEST(a_release_whose_index_has_moved_is_read_back)
{
    to_state(STATE_RELEASING);
    fails(REQUEST_RELEASE, ANSWER_REFUSED);
    ck_assert_said("read-back");
    reads(own_lock(13));
    ck_assert_said("release");
}
END_TEST

START_TEST(a_release_that_the_store_refuses_does_not_make_us_hasty)
{
    to_state(STATE_RELEASING);
    for (int i = 0; i < 3; i++) {
        fails(REQUEST_RELEASE, ANSWER_FAILED);
        if (i > 0) {
            ck_assert_said("");
            passes(MILLISECONDS(500));
        }
        ck_assert_said("read-back");
        reads(own_lock(13));
        ck_assert_said("release");
    }
}
END_TEST

START_TEST(a_release_without_a_session_is_done)
{
    to_state(STATE_RELEASING);
    fails(REQUEST_RELEASE, ANSWER_GONE);
    ck_assert_said("destroy session");
}
END_TEST

START_TEST(a_read_back_that_fails_is_repeated)
{
    to_state(STATE_RELEASING);
    fails(REQUEST_RELEASE, ANSWER_UNKNOWN);
    fails(REQUEST_READ_BACK, ANSWER_FAILED);
    ck_assert_said("");
    passes(MILLISECONDS(500));
    ck_assert_said("read-back");
    ck_assert_state("releasing");
}
END_TEST

START_TEST(a_demotion_that_failed_keeps_the_lock)
{
    to_state(STATE_DEMOTING);
    demoted(false);
    ck_assert_said("stopped");
    passes(SECONDS(60));
    ck_assert_said(""); /* neither renewed nor released nor destroyed */
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
    freezes(SECONDS(20));
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

/* --- The value. --- */

START_TEST(a_write_of_unknown_outcome_changes_no_role)
{
    to_state(STATE_PROMOTING);
    fails(REQUEST_WRITE, ANSWER_UNKNOWN);
    ck_assert_state("promoting");
    promoted(true);
    ck_assert_state("leading");
}
END_TEST

START_TEST(a_write_that_was_not_done_is_read_back_after_a_pause)
{
    to_state(STATE_PROMOTING);
    for (int i = 0; i < 3; i++) { /* a token that may read and not write */
        fails(REQUEST_WRITE, i == 0 ? ANSWER_UNKNOWN : ANSWER_FAILED);
        ck_assert_said("");
        sees(with_token(own_lock(11), 0));
        ck_assert_said("");
        passes(MILLISECONDS(500));
        ck_assert_said("read-back");
        reads(with_token(own_lock(11), 0));
        ck_assert_said("write");
    }
}
END_TEST

START_TEST(a_write_that_was_done_after_all_is_not_repeated)
{
    to_state(STATE_PROMOTING);
    fails(REQUEST_WRITE, ANSWER_UNKNOWN);
    passes(MILLISECONDS(500));
    reads(own_lock(12));
    ck_assert_said("");
    stops();
    demoted(true);
    ck_assert_uint_eq(asked(REQUEST_RELEASE).index, 12);
}
END_TEST

START_TEST(a_read_back_of_the_value_that_fails_is_repeated)
{
    to_state(STATE_PROMOTING);
    fails(REQUEST_WRITE, ANSWER_UNKNOWN);
    passes(MILLISECONDS(500));
    fails(REQUEST_READ_BACK, ANSWER_FAILED);
    ck_assert_said("");
    passes(MILLISECONDS(500));
    ck_assert_said("read-back");
}
END_TEST

START_TEST(a_foreign_value_is_replaced_and_told_once)
{
    to_leading();
    sees(foreign(own_lock(20)));
    ck_assert_said("foreign write");
    ck_assert_uint_eq(asked(REQUEST_WRITE).index, 20);
    sees(foreign(own_lock(20)));
    ck_assert_said(""); /* the write is under way */
    is_done_at(REQUEST_WRITE, 21);

    sees(foreign(own_lock(22)));
    ck_assert_said("write");
}
END_TEST

START_TEST(in_the_next_term_a_foreign_value_is_told_again)
{
    to_leading();
    sees(foreign(own_lock(20)));
    sees(while_we_held(others_lock(21)));
    demoted(true);
    is_done(REQUEST_SESSION);
    sees(marked_lock(22));
    is_done_at(REQUEST_ACQUIRE, 23);
    is_done_at(REQUEST_WRITE, 24);
    sees(foreign(own_lock(25)));
    ck_assert_said("foreign write");
}
END_TEST

START_TEST(our_own_value_is_left_as_it_is)
{
    to_leading();
    sees(own_lock(12));
    ck_assert_said("");
}
END_TEST

START_TEST(a_value_of_ours_without_the_token_is_written_again)
{
    to_leading();
    sees(with_token(own_lock(13), 10)); /* the acquire's */
    ck_assert_said("write");
}
END_TEST

START_TEST(during_a_demotion_the_value_is_left_alone_and_its_index_followed)
{
    to_state(STATE_DEMOTING);
    sees(foreign(own_lock(20)));
    ck_assert_said("");
    demoted(true);
    ck_assert_uint_eq(asked(REQUEST_RELEASE).index, 20);
}
END_TEST

START_TEST(an_older_look_moves_no_index)
{
    to_leading();
    sees(foreign(own_lock(11)));
    ck_assert_said("");
    stops();
    demoted(true);
    ck_assert_uint_eq(asked(REQUEST_RELEASE).index, 12);
}
END_TEST

/* --- The stop. --- */

/* All that a store and a keeper that work would answer. */
static const char *answer_all(void)
{
    static char heard[512];

    heard[0] = '\0';
    for (int i = 0; i < 10 && election.state != STATE_STOPPED; i++) {
        switch (election.state) {
        case STATE_ACQUIRING:
            is_done_at(REQUEST_ACQUIRE, 11);
            break;
        case STATE_DEMOTING:
            demoted(true);
            break;
        case STATE_RELEASING:
            is_done(REQUEST_RELEASE);
            break;
        default:
            ck_abort_msg("nothing ends the state %s", election_state_name(election.state));
        }
        strcat(strcat(heard, i > 0 ? " " : ""), said());
    }
    return heard;
}

static const struct {
    enum election_state state;
    const char *at_once;
    const char *then;
} stops_from[] = {
    { STATE_IDLE, "stopped", "" },
    { STATE_WAITING, "destroy stopped", "" },
    { STATE_ACQUIRING, "", "release destroy stopped" },
    { STATE_PROMOTING, "demote:shutdown", "release destroy stopped" },
    { STATE_LEADING, "demote:shutdown", "release destroy stopped" },
    { STATE_DEMOTING, "", "release destroy stopped" },
    { STATE_RELEASING, "", "destroy stopped" },
    { STATE_STOPPED, "", "" },
};

START_TEST(a_stop_comes_to_its_end_from_every_state)
{
    to_state(stops_from[_i].state);
    stops();
    ck_assert_said(stops_from[_i].at_once);
    ck_assert_str_eq(answer_all(), stops_from[_i].then);
    ck_assert_state("stopped");
    ck_assert_uint_eq(election_next_due(&election), 0);
}
END_TEST

START_TEST(a_second_stop_changes_nothing)
{
    to_leading();
    stops();
    stops();
    ck_assert_said("");
    ck_assert_state("demoting");
}
END_TEST

START_TEST(an_acquire_that_seems_lost_does_not_hold_up_a_stop)
{
    to_acquiring();
    stops();
    fails(REQUEST_ACQUIRE, ANSWER_UNKNOWN);
    ck_assert_said("read-back");
    reads(marked_lock(10));
    ck_assert_said("destroy stopped");
}
END_TEST

START_TEST(a_winner_that_still_waits_for_a_renewal_stops_at_once)
{
    to_acquiring();
    freezes(SECONDS(15));
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_state("acquiring");

    stops();
    ck_assert_said("release");
    is_done(REQUEST_RELEASE);
    ck_assert_said("destroy stopped");
}
END_TEST

START_TEST(a_stop_during_a_demotion_does_not_rename_its_reason)
{
    to_leading();
    sees(while_we_held(others_lock(20)));
    stops();
    ck_assert_int_eq(election.reason, REASON_LOCK_LOST);
}
END_TEST

Suite *election_suite(void)
{
    Suite *suite = suite_create("election");
    TCase *session = tcase_create("session");
    TCase *acquire = tcase_create("acquire");
    TCase *ghost = tcase_create("ghost");
    TCase *role = tcase_create("role");
    TCase *release = tcase_create("release");
    TCase *token = tcase_create("token");
    TCase *value = tcase_create("value");
    TCase *stop = tcase_create("stop");

    tcase_add_test(session, who_stands_asks_for_a_session);
    tcase_add_test(session, a_session_that_was_not_made_is_asked_for_again);
    tcase_add_test(session, a_setting_that_the_store_refuses_is_told_and_not_hammered);
    tcase_add_test(session, a_session_that_is_lost_is_replaced);
    tcase_add_test(session, sessions_that_do_not_last_are_not_hammered);
    tcase_add_test(session, a_session_that_comes_after_the_stop_is_destroyed);
    suite_add_tcase(suite, session);

    tcase_add_test(acquire, an_acquire_is_guarded_by_the_index_that_was_seen_free);
    tcase_add_test(acquire, an_absent_lock_is_acquired_only_if_it_still_is_absent);
    tcase_add_test(acquire, a_lock_that_we_had_and_that_vanished_is_waited_for);
    tcase_add_test(acquire, a_free_lock_without_the_mark_is_acquired_when_its_lease_is_over);
    tcase_add_test(acquire, a_refused_acquire_waits_for_another_look);
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

    tcase_add_test(role, a_lock_that_names_another_session_is_a_loss);
    tcase_add_test(role, a_lock_that_is_absent_or_free_is_a_loss);
    tcase_add_test(role, a_look_from_before_the_win_is_no_loss);
    tcase_add_test(role, a_lock_that_was_lost_before_the_promotion_promotes_nobody);
    tcase_add_test(role, a_promotion_that_fails_demotes_and_backs_off);
    tcase_add_test(role, what_the_keeper_says_of_an_earlier_term_changes_nothing);
    tcase_add_test(role, a_promotion_that_ends_after_the_demotion_began_changes_nothing);
    tcase_add_test(role, what_the_keeper_killed_at_the_deadline_is_demoted_as_all_else);
    suite_add_tcase(suite, role);

    tcase_add_test(release, the_lock_is_released_when_the_demotion_is_complete_and_not_before);
    tcase_add_test(release, a_term_has_its_own_session);
    tcase_add_test(release, a_release_of_unknown_outcome_that_was_done_ends_the_term);
    tcase_add_test(release, a_release_of_unknown_outcome_that_was_not_done_is_sent_again);
    tcase_add_test(release, a_release_whose_index_has_moved_is_read_back);
    tcase_add_test(release, a_release_that_the_store_refuses_does_not_make_us_hasty);
    tcase_add_test(release, a_release_without_a_session_is_done);
    tcase_add_test(release, a_read_back_that_fails_is_repeated);
    tcase_add_test(release, a_demotion_that_failed_keeps_the_lock);
    suite_add_tcase(suite, release);

    tcase_add_test(token, the_token_is_the_index_of_the_acquisition);
    tcase_add_test(token, a_token_not_above_the_highest_is_released_without_a_promotion);
    tcase_add_test(token, our_own_token_in_the_value_is_not_too_low);
    tcase_add_test(token, a_token_of_ours_is_never_given_out_twice);
    tcase_add_test(token, after_a_token_that_was_too_low_the_next_try_comes_in_a_minute);
    suite_add_tcase(suite, token);

    tcase_add_test(value, a_write_of_unknown_outcome_changes_no_role);
    tcase_add_test(value, a_write_that_was_not_done_is_read_back_after_a_pause);
    tcase_add_test(value, a_write_that_was_done_after_all_is_not_repeated);
    tcase_add_test(value, a_read_back_of_the_value_that_fails_is_repeated);
    tcase_add_test(value, a_foreign_value_is_replaced_and_told_once);
    tcase_add_test(value, in_the_next_term_a_foreign_value_is_told_again);
    tcase_add_test(value, our_own_value_is_left_as_it_is);
    tcase_add_test(value, a_value_of_ours_without_the_token_is_written_again);
    tcase_add_test(value, during_a_demotion_the_value_is_left_alone_and_its_index_followed);
    tcase_add_test(value, an_older_look_moves_no_index);
    suite_add_tcase(suite, value);

    tcase_add_loop_test(stop, a_stop_comes_to_its_end_from_every_state, 0, ELECTION_STATES);
    tcase_add_test(stop, a_second_stop_changes_nothing);
    tcase_add_test(stop, an_acquire_that_seems_lost_does_not_hold_up_a_stop);
    tcase_add_test(stop, a_winner_that_still_waits_for_a_renewal_stops_at_once);
    tcase_add_test(stop, a_stop_during_a_demotion_does_not_rename_its_reason);
    suite_add_tcase(suite, stop);
    return suite;
}
