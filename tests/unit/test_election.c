/* A candidacy from its session to its stop, and the role between. */
#include <string.h>

#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

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

/* --- Fitness. --- */

START_TEST(who_withdraws_gives_up_its_session_and_stands_again_with_another)
{
    to_state(STATE_WAITING);
    withdraws();
    ck_assert_said("destroy");
    ck_assert_state("idle");
    sees(marked_lock(10));
    passes(SECONDS(60));
    ck_assert_said("");

    stands_again();
    ck_assert_said("session");
}
END_TEST

START_TEST(a_session_that_comes_after_the_withdrawal_is_destroyed)
{
    stands();
    withdraws();
    is_done(REQUEST_SESSION);
    ck_assert_said("destroy");
    ck_assert_state("idle");
}
END_TEST

START_TEST(a_lock_that_is_won_after_the_withdrawal_is_released)
{
    to_acquiring();
    withdraws();
    ck_assert_said("");
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("release");
}
END_TEST

START_TEST(a_lock_that_is_refused_after_the_withdrawal_ends_the_session)
{
    to_acquiring();
    withdraws();
    fails(REQUEST_ACQUIRE, ANSWER_REFUSED);
    ck_assert_said("destroy");
    ck_assert_state("idle");
}
END_TEST

START_TEST(a_leader_that_withdraws_leads_on_and_stands_no_more_afterwards)
{
    to_leading();
    withdraws();
    ck_assert_said("");
    ck_assert_state("leading");
    sees(while_we_held(others_lock(20)));
    demoted(true);
    passes(SECONDS(60));
    ck_assert_state("idle");
}
END_TEST

START_TEST(who_steps_down_demotes_releases_and_lets_others_go_first)
{
    to_leading();
    steps_down(REASON_UNHEALTHY, SECONDS(10));
    ck_assert_said("demote:unhealthy");
    demoted(true);
    ck_assert_said("release");
    ck_assert(asked(REQUEST_RELEASE).unhealthy);
    is_done(REQUEST_RELEASE);
    is_done(REQUEST_SESSION);
    sees(marked_lock(20));
    passes(SECONDS(9));
    ck_assert_state("waiting");
    passes(SECONDS(1));
    ck_assert_state("acquiring");
}
END_TEST

START_TEST(only_probes_mark_a_release_as_unhealthy)
{
    to_leading();
    steps_down(REASON_PROGRAM_ENDED, 0);
    demoted(true);
    ck_assert(!asked(REQUEST_RELEASE).unhealthy);
}
END_TEST

START_TEST(who_does_not_lead_does_not_step_down)
{
    to_state(STATE_WAITING);
    steps_down(REASON_UNHEALTHY, SECONDS(10));
    ck_assert_said("");
    sees(marked_lock(10));
    ck_assert_said("acquire");
}
END_TEST

START_TEST(a_leader_whose_program_could_not_be_promoted_again_is_demoted)
{
    to_leading();
    promoted(false);
    ck_assert_said("demote:promotion-failed");
}
END_TEST

Suite *election_suite(void)
{
    Suite *suite = suite_create("election");
    TCase *session = tcase_create("session");
    TCase *role = tcase_create("role");
    TCase *stop = tcase_create("stop");
    TCase *fitness = tcase_create("fitness");

    tcase_add_test(session, who_stands_asks_for_a_session);
    tcase_add_test(session, a_session_that_was_not_made_is_asked_for_again);
    tcase_add_test(session, a_setting_that_the_store_refuses_is_told_and_not_hammered);
    tcase_add_test(session, a_session_that_is_lost_is_replaced);
    tcase_add_test(session, sessions_that_do_not_last_are_not_hammered);
    tcase_add_test(session, a_session_that_comes_after_the_stop_is_destroyed);
    suite_add_tcase(suite, session);

    tcase_add_test(role, a_lock_that_names_another_session_is_a_loss);
    tcase_add_test(role, a_lock_that_is_absent_or_free_is_a_loss);
    tcase_add_test(role, a_look_from_before_the_win_is_no_loss);
    tcase_add_test(role, a_lock_that_was_lost_before_the_promotion_promotes_nobody);
    tcase_add_test(role, a_promotion_that_fails_demotes_and_backs_off);
    tcase_add_test(role, what_the_keeper_says_of_an_earlier_term_changes_nothing);
    tcase_add_test(role, a_promotion_that_ends_after_the_demotion_began_changes_nothing);
    tcase_add_test(role, what_the_keeper_killed_at_the_deadline_is_demoted_as_all_else);
    suite_add_tcase(suite, role);

    tcase_add_loop_test(stop, a_stop_comes_to_its_end_from_every_state, 0, ELECTION_STATES);
    tcase_add_test(stop, a_second_stop_changes_nothing);
    tcase_add_test(stop, an_acquire_that_seems_lost_does_not_hold_up_a_stop);
    tcase_add_test(stop, a_winner_that_still_waits_for_a_renewal_stops_at_once);
    tcase_add_test(stop, a_stop_during_a_demotion_does_not_rename_its_reason);
    suite_add_tcase(suite, stop);

    tcase_add_test(fitness, who_withdraws_gives_up_its_session_and_stands_again_with_another);
    tcase_add_test(fitness, a_session_that_comes_after_the_withdrawal_is_destroyed);
    tcase_add_test(fitness, a_lock_that_is_won_after_the_withdrawal_is_released);
    tcase_add_test(fitness, a_lock_that_is_refused_after_the_withdrawal_ends_the_session);
    tcase_add_test(fitness, a_leader_that_withdraws_leads_on_and_stands_no_more_afterwards);
    tcase_add_test(fitness, who_steps_down_demotes_releases_and_lets_others_go_first);
    tcase_add_test(fitness, only_probes_mark_a_release_as_unhealthy);
    tcase_add_test(fitness, who_does_not_lead_does_not_step_down);
    tcase_add_test(fitness, a_leader_whose_program_could_not_be_promoted_again_is_demoted);
    suite_add_tcase(suite, fitness);
    return suite;
}
