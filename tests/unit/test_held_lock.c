/* A lock that is ours: its value, and giving it away. */
#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

static struct lock_view foreign(struct lock_view view)
{
    view.ours = false;
    view.foreign = true;
    return view;
}

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

Suite *held_lock_suite(void)
{
    Suite *suite = suite_create("held lock");
    TCase *value = tcase_create("value");
    TCase *release = tcase_create("release");

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
    return suite;
}
