/* The lease of a term: its renewals, what they are worth, and its end. */
#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

/* Waits so long for a promotion that little of the lease is left: the demotion, a renewal and its
 * time must fit.
 */
#define LEAST_LEFT MILLISECONDS(3200 + 2000 + 2000)

#define SOFT_AFTER (USABLE_LEASE - MILLISECONDS(3200))

static void lose_lock(void)
{
    sees(while_we_held(others_lock(30)));
}

/* --- From when a lease counts. --- */

START_TEST(at_first_a_lease_counts_from_before_the_session_was_asked_for)
{
    stands();
    freezes(SECONDS(3));
    is_done(REQUEST_SESSION);

    ck_assert_uint_eq(election.lease.hard, SECONDS(100) + USABLE_LEASE);
}
END_TEST

START_TEST(a_renewal_counts_from_before_it_was_sent)
{
    to_leading();
    passes(SECONDS(2));
    ck_assert_said("renew");
    freezes(SECONDS(1));
    is_done(REQUEST_RENEW);

    ck_assert_said("lease");
    ck_assert_uint_eq(election.lease.hard, SECONDS(102) + USABLE_LEASE);
}
END_TEST

START_TEST(renewals_sent_while_waiting_count)
{
    to_state(STATE_WAITING);
    passes(SECONDS(2));
    is_done(REQUEST_RENEW);
    sees(marked_lock(10));
    is_done_at(REQUEST_ACQUIRE, 11);

    ck_assert_state("promoting");
    ck_assert_uint_eq(election.lease.hard, SECONDS(102) + USABLE_LEASE);
}
END_TEST

START_TEST(the_acquire_renews_nothing)
{
    to_acquiring();
    freezes(SECONDS(1));
    is_done_at(REQUEST_ACQUIRE, 11);

    ck_assert_said("lease promote write");
    ck_assert_uint_eq(election.lease.hard, SECONDS(100) + USABLE_LEASE);
}
END_TEST

START_TEST(of_several_renewals_the_best_counts)
{
    to_leading();
    passes(SECONDS(2));
    struct lock_request first = asked(REQUEST_RENEW);
    passes(SECONDS(2));
    is_done(REQUEST_RENEW);
    ck_assert_said("lease");

    answers(&first, ANSWER_DONE, 0);
    ck_assert_said("");
    ck_assert_uint_eq(election.lease.hard, SECONDS(104) + USABLE_LEASE);
}
END_TEST

START_TEST(a_renewal_of_an_earlier_term_extends_nothing)
{
    to_leading();
    passes(SECONDS(2));
    struct lock_request earlier = asked(REQUEST_RENEW);
    lose_lock();
    demoted(true);
    is_done(REQUEST_SESSION);
    struct lease lease = election.lease;

    freezes(SECONDS(1));
    answers(&earlier, ANSWER_DONE, 0);
    ck_assert_uint_eq(election.lease.hard, lease.hard);
}
END_TEST

START_TEST(a_renewal_of_an_earlier_term_that_found_no_session_is_no_loss)
{
    to_leading();
    passes(SECONDS(2));
    struct lock_request earlier = asked(REQUEST_RENEW);
    lose_lock();
    demoted(true);
    is_done(REQUEST_SESSION);

    answers(&earlier, ANSWER_GONE, 0);
    ck_assert_state("waiting");
}
END_TEST

/* --- What is left when the lock is won. --- */

START_TEST(with_enough_of_the_lease_left_a_winner_is_promoted_at_once)
{
    to_acquiring();
    freezes(USABLE_LEASE - LEAST_LEFT);
    is_done_at(REQUEST_ACQUIRE, 11);

    ck_assert_said("lease promote write renew");
}
END_TEST

START_TEST(with_too_little_of_the_lease_left_a_renewal_comes_first)
{
    to_acquiring();
    freezes(USABLE_LEASE - LEAST_LEFT + 1);
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("renew");
    ck_assert_state("acquiring");

    is_done(REQUEST_RENEW);
    ck_assert_said("lease promote write");
}
END_TEST

START_TEST(a_late_answer_never_promotes)
{
    to_acquiring();
    freezes(SECONDS(3600)); /* suspended between the request and its answer */
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("renew");

    fails(REQUEST_RENEW, ANSWER_GONE);
    ck_assert_state("idle");
}
END_TEST

START_TEST(a_renewal_that_fails_promotes_nobody)
{
    to_acquiring();
    freezes(SECONDS(15));
    is_done_at(REQUEST_ACQUIRE, 11);
    fails(REQUEST_RENEW, ANSWER_FAILED);
    ck_assert_said("");
    ck_assert_state("acquiring");

    passes(MILLISECONDS(500));
    ck_assert_said("renew");
    is_done(REQUEST_RENEW);
    ck_assert_state("promoting");
}
END_TEST

START_TEST(one_renewal_in_time_is_enough_however_short_the_lease)
{
    to_acquiring();
    election.terms.lease.demote_budget = USABLE_LEASE - SECONDS(4) - 1; /* just fits */
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("lease promote write");

    to_acquiring();
    election.terms.lease.demote_budget = USABLE_LEASE - SECONDS(4) - 1;
    freezes(MILLISECONDS(1));
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("renew");
    freezes(MILLISECONDS(1));
    is_done(REQUEST_RENEW);
    ck_assert_said("lease promote write");
}
END_TEST

START_TEST(a_renewal_whose_answer_is_late_promotes_nobody_either)
{
    to_acquiring();
    freezes(SECONDS(15));
    is_done_at(REQUEST_ACQUIRE, 11);
    freezes(SECONDS(15));
    is_done(REQUEST_RENEW);

    ck_assert_said("renew");
    ck_assert_state("acquiring");
    is_done(REQUEST_RENEW);
    ck_assert_said("lease promote write");
}
END_TEST

/* --- When renewals are sent. --- */

START_TEST(renewals_are_sent_at_their_interval)
{
    to_leading();
    for (int i = 0; i < 100; i++) {
        passes(SECONDS(2) - 1);
        ck_assert_said("");
        passes(1);
        ck_assert_said("renew");
        is_done(REQUEST_RENEW);
        ck_assert_said("lease");
    }
}
END_TEST

START_TEST(at_most_four_renewals_are_open)
{
    to_leading();
    passes(SECONDS(9));
    ck_assert_said("renew renew renew renew");
    passes(SECONDS(7));
    ck_assert_said("");
    is_done(REQUEST_RENEW);
    ck_assert_said("lease renew");
}
END_TEST

static const enum answer_result no_losses[] = { ANSWER_FAILED, ANSWER_UNKNOWN, ANSWER_REFUSED,
                                                ANSWER_DELAYED, ANSWER_INVALID };

START_TEST(a_renewal_that_fails_is_no_loss_and_is_sent_again_in_half_a_second)
{
    to_leading();
    passes(SECONDS(2));
    fails(REQUEST_RENEW, no_losses[_i]);
    ck_assert_said("");
    ck_assert_state("leading");

    passes(MILLISECONDS(500) - 1);
    ck_assert_said("");
    passes(1);
    ck_assert_said("renew");
}
END_TEST

START_TEST(the_pause_between_failing_renewals_does_not_grow)
{
    to_leading();
    passes(SECONDS(2));
    for (int i = 0; i < 20; i++) {
        fails(REQUEST_RENEW, ANSWER_FAILED);
        passes(MILLISECONDS(500));
        ck_assert_said("renew");
    }
}
END_TEST

START_TEST(while_the_store_is_silent_renewals_go_on_every_half_second)
{
    to_leading();
    passes(SECONDS(2));
    struct lock_request silent = asked(REQUEST_RENEW);
    passes(SECONDS(2) - 1);
    ck_assert_said("");
    answers(&silent, ANSWER_FAILED, 0); /* given up */
    ck_assert_said("renew");

    passes(MILLISECONDS(1500));
    ck_assert_said("renew renew renew");
}
END_TEST

START_TEST(another_network_process_renews_at_once)
{
    to_leading();
    passes(MILLISECONDS(100));
    store_reopened();
    ck_assert_said("renew");
    is_done(REQUEST_RENEW);
    passes(SECONDS(2) - 1);
    ck_assert_said("");
    passes(1);
    ck_assert_said("renew");
}
END_TEST

START_TEST(after_a_renewal_that_succeeds_the_interval_holds_again)
{
    to_leading();
    passes(SECONDS(2));
    fails(REQUEST_RENEW, ANSWER_FAILED);
    passes(MILLISECONDS(500));
    is_done(REQUEST_RENEW);

    passes(SECONDS(2) - 1);
    ck_assert_said("");
    passes(1);
    ck_assert_said("renew");
}
END_TEST

/* --- Its end. --- */

START_TEST(a_session_that_does_not_exist_any_more_is_a_loss)
{
    to_leading();
    passes(SECONDS(2));
    fails(REQUEST_RENEW, ANSWER_GONE);

    ck_assert_said("demote:lock-lost");
}
END_TEST

START_TEST(the_soft_deadline_demotes)
{
    to_leading();
    passes(SOFT_AFTER - 1);
    ck_assert_state("leading");
    passes(1);
    ck_assert_said("demote:lease-expired");
}
END_TEST

START_TEST(the_soft_deadline_demotes_what_is_still_being_promoted)
{
    to_state(STATE_PROMOTING);
    passes(SOFT_AFTER);

    ck_assert_state("demoting");
}
END_TEST

START_TEST(who_wakes_after_the_soft_deadline_demotes_before_anything_else)
{
    to_leading();
    passes(SECONDS(2));
    instant_ns hard = election.lease.hard;
    freezes(SOFT_AFTER); /* with a renewal granted meanwhile, and not read */
    is_done(REQUEST_RENEW);

    ck_assert_said("demote:lease-expired renew");
    ck_assert_uint_eq(election.lease.hard, hard);
}
END_TEST

START_TEST(a_promotion_that_ends_after_the_soft_deadline_makes_no_leader)
{
    to_state(STATE_PROMOTING);
    freezes(SOFT_AFTER);
    promoted(true);

    ck_assert_said("demote:lease-expired renew");
}
END_TEST

START_TEST(while_something_may_act_the_lock_is_kept)
{
    to_state(STATE_DEMOTING);
    passes(SECONDS(2));
    ck_assert_said("renew");
    is_done(REQUEST_RENEW);
    passes(SECONDS(2));
    ck_assert_said("renew");
}
END_TEST

START_TEST(a_renewal_during_a_demotion_does_not_cancel_it)
{
    to_leading();
    passes(SOFT_AFTER);
    is_done(REQUEST_RENEW);

    ck_assert_state("demoting");
    demoted(true);
    ck_assert_state("releasing");
}
END_TEST

START_TEST(a_renewal_during_a_demotion_does_not_move_its_end)
{
    to_leading();
    passes(SOFT_AFTER);
    instant_ns hard = election.lease.hard;
    is_done(REQUEST_RENEW);

    ck_assert_said("renew"); /* no lease */
    ck_assert_uint_eq(election.lease.hard, hard);
}
END_TEST

START_TEST(a_lock_is_renewed_until_it_is_given_away)
{
    to_state(STATE_RELEASING);
    passes(SECONDS(2));
    ck_assert_said("renew");
    is_done(REQUEST_RELEASE);
    is_done(REQUEST_SESSION);
    struct lock_request earlier = asked(REQUEST_RENEW);
    passes(SECONDS(2));
    ck_assert_said("renew");
    ck_assert_str_ne(asked(REQUEST_RENEW).session.text, earlier.session.text);
}
END_TEST

START_TEST(a_lock_that_is_lost_is_not_renewed)
{
    to_leading();
    lose_lock();
    passes(SECONDS(20));

    ck_assert_said("");
    ck_assert_state("demoting");
}
END_TEST

Suite *renewal_suite(void)
{
    Suite *suite = suite_create("renewal");
    TCase *base = tcase_create("base");
    TCase *won = tcase_create("won");
    TCase *sending = tcase_create("sending");
    TCase *end = tcase_create("end");

    tcase_add_test(base, at_first_a_lease_counts_from_before_the_session_was_asked_for);
    tcase_add_test(base, a_renewal_counts_from_before_it_was_sent);
    tcase_add_test(base, renewals_sent_while_waiting_count);
    tcase_add_test(base, the_acquire_renews_nothing);
    tcase_add_test(base, of_several_renewals_the_best_counts);
    tcase_add_test(base, a_renewal_of_an_earlier_term_extends_nothing);
    tcase_add_test(base, a_renewal_of_an_earlier_term_that_found_no_session_is_no_loss);
    suite_add_tcase(suite, base);

    tcase_add_test(won, with_enough_of_the_lease_left_a_winner_is_promoted_at_once);
    tcase_add_test(won, with_too_little_of_the_lease_left_a_renewal_comes_first);
    tcase_add_test(won, a_late_answer_never_promotes);
    tcase_add_test(won, a_renewal_that_fails_promotes_nobody);
    tcase_add_test(won, one_renewal_in_time_is_enough_however_short_the_lease);
    tcase_add_test(won, a_renewal_whose_answer_is_late_promotes_nobody_either);
    suite_add_tcase(suite, won);

    tcase_add_test(sending, renewals_are_sent_at_their_interval);
    tcase_add_test(sending, at_most_four_renewals_are_open);
    tcase_add_loop_test(sending, a_renewal_that_fails_is_no_loss_and_is_sent_again_in_half_a_second,
                        0, (int)(sizeof no_losses / sizeof *no_losses));
    tcase_add_test(sending, another_network_process_renews_at_once);
    tcase_add_test(sending, the_pause_between_failing_renewals_does_not_grow);
    tcase_add_test(sending, while_the_store_is_silent_renewals_go_on_every_half_second);
    tcase_add_test(sending, after_a_renewal_that_succeeds_the_interval_holds_again);
    suite_add_tcase(suite, sending);

    tcase_add_test(end, a_session_that_does_not_exist_any_more_is_a_loss);
    tcase_add_test(end, the_soft_deadline_demotes);
    tcase_add_test(end, the_soft_deadline_demotes_what_is_still_being_promoted);
    tcase_add_test(end, who_wakes_after_the_soft_deadline_demotes_before_anything_else);
    tcase_add_test(end, a_promotion_that_ends_after_the_soft_deadline_makes_no_leader);
    tcase_add_test(end, while_something_may_act_the_lock_is_kept);
    tcase_add_test(end, a_renewal_during_a_demotion_does_not_cancel_it);
    tcase_add_test(end, a_renewal_during_a_demotion_does_not_move_its_end);
    tcase_add_test(end, a_lock_is_renewed_until_it_is_given_away);
    tcase_add_test(end, a_lock_that_is_lost_is_not_renewed);
    suite_add_tcase(suite, end);
    return suite;
}
