/* What follows from the runs of the probes. */
#include "supervisor/health.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "supervisor/supervisor.h"
#include "tests/unit/suites.h"

#define START SECONDS(100)
#define LATER (START + SECONDS(20)) /* no grace is as long */

static struct settings settings;
static struct supervisor supervisor;

static void open_probes(const char *texts)
{
    memset(&settings, 0, sizeof settings);
    strcpy(settings.probes, texts);
    supervisor = (struct supervisor){
        .settings = &settings,
        .keeper.fd = -1,
        .network.fd = -1,
        .phase = PHASE_RUNS,
    };
    health_init(&supervisor);
    health_begin(&supervisor, START);
}

static void setup(void)
{
    log_open("unit", LOG_ERROR, LOG_TEXT);
    open_probes("tcp://a:1#rise=2,fall=3,grace=10s");
}

static void probed_at(uint32_t number, bool passed, instant_ns now)
{
    struct probe_report report = {
        .serial = supervisor.checkup.serial,
        .number = number,
        .passed = passed,
        .reason = "refused",
    };

    health_probed(&supervisor, &report, now);
}

/* What comes of runs of the first probe: `+` passed, `-` failed. */
static enum health after(const char *runs)
{
    for (; *runs; runs++)
        probed_at(0, *runs == '+', LATER);
    return health_state(&supervisor);
}

START_TEST(without_probes_it_is_always_well)
{
    open_probes("");
    ck_assert_int_eq(health_state(&supervisor), HEALTH_WELL);
    health_end(&supervisor, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_WELL);
}
END_TEST

static const struct {
    const char *runs;
    enum health health;
} rows[] = {
    { "", HEALTH_UNKNOWN },         { "+", HEALTH_UNKNOWN },     { "++", HEALTH_WELL },
    { "+-+", HEALTH_UNKNOWN },      { "+-++", HEALTH_WELL },     { "--", HEALTH_UNKNOWN },
    { "---", HEALTH_ILL },          { "--+--", HEALTH_UNKNOWN }, { "--+---", HEALTH_ILL },
    { "++--", HEALTH_WELL },        { "++--+--", HEALTH_WELL },  { "++---", HEALTH_ILL },
    { "++---+", HEALTH_ILL },       { "++---++", HEALTH_WELL },  { "++---+-+", HEALTH_ILL },
    { "++----------", HEALTH_ILL },
};

START_TEST(only_a_row_of_runs_changes_it)
{
    ck_assert_int_eq(after(rows[_i].runs), rows[_i].health);
}
END_TEST

START_TEST(failures_within_the_grace_do_not_count)
{
    for (int i = 0; i < 10; i++)
        probed_at(0, false, START + SECONDS(10) - 1);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
    probed_at(0, false, START + SECONDS(10));
    probed_at(0, false, START + SECONDS(10));
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
    probed_at(0, false, START + SECONDS(10));
    ck_assert_int_eq(health_state(&supervisor), HEALTH_ILL);
}
END_TEST

START_TEST(a_failure_within_the_grace_breaks_a_row_of_successes)
{
    probed_at(0, true, START);
    probed_at(0, false, START);
    probed_at(0, true, START);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
}
END_TEST

START_TEST(all_must_be_well_and_one_is_enough_to_be_ill)
{
    open_probes("tcp://a:1#fall=1\ntcp://b:1#fall=1");
    probed_at(0, true, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
    probed_at(1, true, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_WELL);
    probed_at(0, false, LATER);
    probed_at(1, false, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_ILL);
    probed_at(0, true, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_ILL);
    probed_at(1, true, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_WELL);
}
END_TEST

START_TEST(a_program_that_starts_again_is_unknown_and_has_its_grace)
{
    after("++");
    health_end(&supervisor, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
    health_begin(&supervisor, LATER);
    ck_assert_int_eq(after("---"), HEALTH_UNKNOWN);
    probed_at(0, true, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
    probed_at(0, true, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_WELL);
}
END_TEST

START_TEST(what_was_found_of_the_last_run_of_the_program_counts_nothing)
{
    struct probe_report report = { .serial = supervisor.checkup.serial, .passed = true };

    health_end(&supervisor, LATER);
    health_probed(&supervisor, &report, LATER);
    health_begin(&supervisor, LATER);
    health_probed(&supervisor, &report, LATER);
    health_probed(&supervisor, &report, LATER);
    ck_assert_int_eq(health_state(&supervisor), HEALTH_UNKNOWN);
}
END_TEST

START_TEST(a_probe_that_there_is_not_counts_nothing)
{
    probed_at(1, false, LATER);
    probed_at(UINT32_MAX, false, LATER);
    ck_assert_int_eq(after("++"), HEALTH_WELL);
}
END_TEST

START_TEST(nothing_is_probed_while_we_stop)
{
    health_end(&supervisor, LATER);
    supervisor.stop_deadline = LATER + SECONDS(4);
    health_begin(&supervisor, LATER);
    ck_assert(!supervisor.checkup.on);
}
END_TEST

Suite *health_suite(void)
{
    Suite *suite = suite_create("health");
    TCase *tests = tcase_create("health");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, without_probes_it_is_always_well);
    tcase_add_loop_test(tests, only_a_row_of_runs_changes_it, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, failures_within_the_grace_do_not_count);
    tcase_add_test(tests, a_failure_within_the_grace_breaks_a_row_of_successes);
    tcase_add_test(tests, all_must_be_well_and_one_is_enough_to_be_ill);
    tcase_add_test(tests, a_program_that_starts_again_is_unknown_and_has_its_grace);
    tcase_add_test(tests, what_was_found_of_the_last_run_of_the_program_counts_nothing);
    tcase_add_test(tests, a_probe_that_there_is_not_counts_nothing);
    tcase_add_test(tests, nothing_is_probed_while_we_stop);
    suite_add_tcase(suite, tests);
    return suite;
}
