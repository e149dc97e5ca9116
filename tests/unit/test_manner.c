/* Which manner the options give, and what each manner means. */
#include "common/options/manner.h"

#include "common/base/clock.h"
#include "tests/unit/options_fixture.h"
#include "tests/unit/suites.h"

#define COMMAND "--key", "k", "--", "true"

enum { TOLD_NOTHING, BY_SIGNALS, ANSWERED, LEADER_ONLY, SIDECAR, MANNERS };

static const struct manner *manners[MANNERS];

static const struct manner *manner_with(const char *const *words)
{
    ck_assert_msg(parse_words(words) == 0, "%s", failure.text);
    return manner_of(&settings);
}

#define WITH(...) manner_with((const char *[]){ "consul-leader", __VA_ARGS__, NULL })

static void setup(void)
{
    options_setup();
    manners[TOLD_NOTHING] = WITH(COMMAND);
    manners[BY_SIGNALS] = WITH("--demote-signal", "HUP", COMMAND);
    manners[ANSWERED] = WITH("--on-demote", "hook", COMMAND);
    manners[LEADER_ONLY] = WITH("--mode", "leader-only", COMMAND);
    manners[SIDECAR] = WITH(NULL);
}

/* Asserts the field's values in the order of the manners. */
#define CELLS(field, ...)                                                                          \
    do {                                                                                           \
        const long cells[] = { __VA_ARGS__ };                                                      \
        _Static_assert(sizeof cells / sizeof cells[0] == MANNERS, "one cell a manner");            \
        for (int i = 0; i < MANNERS; i++)                                                          \
            ck_assert_msg((long)manners[i]->field == cells[i], "%s: " #field, manners[i]->name);   \
    } while (0)

/* --- Which it is. --- */

#define ck_assert_manner(expected, ...) ck_assert_str_eq(WITH(__VA_ARGS__)->name, expected)

START_TEST(a_program_without_signal_hook_and_word_is_told_nothing)
{
    ck_assert_manner("told nothing", COMMAND);
    ck_assert_manner("told nothing", "--on-leader-change", "hook", COMMAND);
}
END_TEST

START_TEST(a_program_whose_demotion_nothing_answers_is_led_by_signals)
{
    ck_assert_manner("by signals", "--promote-signal", "HUP", COMMAND);
    ck_assert_manner("by signals", "--demote-signal", "HUP", COMMAND);
    ck_assert_manner("by signals", "--on-promote", "hook", COMMAND);
    ck_assert_manner("by signals", "--promote-signal", "HUP", "--on-promote", "hook", COMMAND);
}
END_TEST

START_TEST(a_demote_hook_or_the_programs_word_answers)
{
    ck_assert_manner("answered", "--on-demote", "hook", COMMAND);
    ck_assert_manner("answered", "--demote-ack", COMMAND);
    ck_assert_manner("answered", "--demote-signal", "HUP", "--demote-ack", COMMAND);
    ck_assert_manner("answered", "--on-promote", "hook", "--on-demote", "hook", COMMAND);
}
END_TEST

START_TEST(hooks_change_nothing_in_the_other_modes)
{
    ck_assert_manner("leader-only", "--mode", "leader-only", COMMAND);
    ck_assert_manner("leader-only", "--mode", "leader-only", "--on-promote", "hook", "--on-demote",
                     "hook", COMMAND);
    ck_assert_manner("sidecar", NULL);
    ck_assert_manner("sidecar", "--mode", "sidecar");
    ck_assert_manner("sidecar", "--on-promote", "hook", "--on-demote", "hook");
}
END_TEST

/* --- What it means. --- */

START_TEST(a_program_is_started_before_this_instance_stands_or_by_the_promotion)
{
    CELLS(starts_first, true, true, true, false, false);
    CELLS(starts_with_lead, false, false, false, true, false);
}
END_TEST

START_TEST(a_demotion_ends_by_the_deadline_by_time_by_answers_or_by_the_programs_end)
{
    CELLS(demoted_by, DEMOTED_BY_DEADLINE, DEMOTED_BY_TIME, DEMOTED_BY_ANSWERS, DEMOTED_BY_STOP,
          DEMOTED_BY_ANSWERS);
}
END_TEST

START_TEST(a_late_demotion_is_spared_killed_or_keeps_the_lock)
{
    CELLS(late, LATE_IS_SPARED, LATE_IS_KILLED, LATE_IS_KILLED, LATE_IS_KILLED, LATE_KEEPS_LOCK);
}
END_TEST

START_TEST(at_the_hard_deadline_the_keeper_kills_what_it_may_and_a_hook_is_begun_before)
{
    CELLS(at_deadline, DEADLINE_SPARES, DEADLINE_KILLS, DEADLINE_KILLS, DEADLINE_KILLS,
          DEADLINE_HOOKS);
}
END_TEST

START_TEST(only_a_sidecars_keeper_has_to_answer_sooner_than_it_demotes)
{
    CELLS(first_word_ns, 0, 0, 0, 0, MILLISECONDS(500));
}
END_TEST

START_TEST(a_program_that_is_started_first_has_to_run_and_all_have_to_be_well_but_leader_only)
{
    CELLS(needs_program, true, true, true, false, false);
    CELLS(stands_unprobed, false, false, false, true, false);
}
END_TEST

START_TEST(a_sidecar_is_probed_and_served_from_when_it_stands_others_while_their_program_runs)
{
    CELLS(serves_as_a_whole, false, false, false, false, true);
}
END_TEST

START_TEST(only_leader_only_goes_on_after_a_demotion_has_ended_its_program)
{
    CELLS(outlives_program, false, false, false, true, false);
}
END_TEST

START_TEST(a_program_that_can_be_told_is_started_again_without_losing_the_lead)
{
    CELLS(restarts_in_place, false, true, true, true, false);
}
END_TEST

START_TEST(only_a_sidecar_keeps_its_predecessors_lock_when_the_demote_hook_failed)
{
    CELLS(keeps_predecessors_lock, false, false, false, false, true);
}
END_TEST

START_TEST(only_a_sidecar_shows_its_session_at_the_service_and_is_of_no_use_without_one)
{
    CELLS(shows_session, false, false, false, false, true);
    CELLS(needs_service, false, false, false, false, true);
}
END_TEST

Suite *manner_suite(void)
{
    Suite *suite = suite_create("manner");
    TCase *which = tcase_create("which it is");
    TCase *means = tcase_create("what it means");

    tcase_add_checked_fixture(which, options_setup, options_teardown);
    tcase_add_test(which, a_program_without_signal_hook_and_word_is_told_nothing);
    tcase_add_test(which, a_program_whose_demotion_nothing_answers_is_led_by_signals);
    tcase_add_test(which, a_demote_hook_or_the_programs_word_answers);
    tcase_add_test(which, hooks_change_nothing_in_the_other_modes);
    suite_add_tcase(suite, which);
    tcase_add_checked_fixture(means, setup, options_teardown);
    tcase_add_test(means, a_program_is_started_before_this_instance_stands_or_by_the_promotion);
    tcase_add_test(means,
                   a_demotion_ends_by_the_deadline_by_time_by_answers_or_by_the_programs_end);
    tcase_add_test(means, a_late_demotion_is_spared_killed_or_keeps_the_lock);
    tcase_add_test(means,
                   at_the_hard_deadline_the_keeper_kills_what_it_may_and_a_hook_is_begun_before);
    tcase_add_test(means, only_a_sidecars_keeper_has_to_answer_sooner_than_it_demotes);
    tcase_add_test(
        means, a_program_that_is_started_first_has_to_run_and_all_have_to_be_well_but_leader_only);
    tcase_add_test(
        means, a_sidecar_is_probed_and_served_from_when_it_stands_others_while_their_program_runs);
    tcase_add_test(means, only_leader_only_goes_on_after_a_demotion_has_ended_its_program);
    tcase_add_test(means, a_program_that_can_be_told_is_started_again_without_losing_the_lead);
    tcase_add_test(means, only_a_sidecar_keeps_its_predecessors_lock_when_the_demote_hook_failed);
    tcase_add_test(means,
                   only_a_sidecar_shows_its_session_at_the_service_and_is_of_no_use_without_one);
    suite_add_tcase(suite, means);
    return suite;
}
