/* When probes run, and what is told of their runs. */
#include "probes/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/unit/suites.h"

#define START SECONDS(100)

/* Probes of one kind, whose runs end when a test says so. */
static struct {
    unsigned begun, cancelled, told;
    bool fails_at_once, lingers; /* its cancelled runs end later */
    bool passed;
    uint32_t number;
    char reason[512];
} seen;

static struct schedule *schedule;
static struct probe *present;

static void begin(struct probe *probe)
{
    seen.begun++;
    present = probe;
    probe->awaited = "answer";
    if (seen.fails_at_once)
        probe_ended(probe, false, "cannot begin");
}

static void cancel(struct probe *probe)
{
    seen.cancelled++;
    if (!seen.lingers)
        probe_ended(probe, false, "cancelled");
}

static void listen(void *context, const struct probe *probe, bool passed, const char *reason)
{
    ck_assert_ptr_eq(context, &seen);
    seen.told++;
    seen.passed = passed;
    seen.number = probe->number;
    strcpy(seen.reason, reason);
}

static const struct probe_kind_operations operations = { .begin = begin, .cancel = cancel };
static const struct probe_kind_user kinds[PROBE_KINDS] = { [PROBE_TCP] = { &operations, NULL } };

static void open_probes(const char *texts)
{
    memset(&seen, 0, sizeof seen);
    free(schedule);
    schedule = schedule_open(texts, kinds, listen, &seen);
    ck_assert_ptr_nonnull(schedule);
}

static void setup(void)
{
    open_probes("tcp://a:1#interval=5s,timeout=1s");
}

static void teardown(void)
{
    free(schedule);
    schedule = NULL;
}

static void runs_at(instant_ns now)
{
    unsigned before = seen.begun;

    ck_assert_uint_eq(schedule_next_due(schedule), now);
    schedule_turn(schedule, now - 1);
    ck_assert_uint_eq(seen.begun, before);
    schedule_turn(schedule, now);
    ck_assert_uint_eq(seen.begun, before + 1);
}

START_TEST(probes_of_other_kinds_are_another_process_s)
{
    ck_assert_ptr_null(schedule_open("", kinds, listen, &seen));
    ck_assert_ptr_null(schedule_open("http://a/\nexec:b", kinds, listen, &seen));
    open_probes("http://a/\ntcp://a:1\nexec:b");
    schedule_switch(schedule, true, START);
    schedule_turn(schedule, START);
    probe_ended(present, true, NULL);
    ck_assert_uint_eq(seen.number, 1);
    ck_assert_str_eq(present->name, "tcp://a:1");
    ck_assert(seen.passed);
    ck_assert_str_eq(seen.reason, "");
}
END_TEST

START_TEST(nothing_runs_before_it_is_switched_on)
{
    schedule_turn(schedule, START);
    ck_assert_uint_eq(seen.begun, 0);
    ck_assert_uint_eq(schedule_next_due(schedule), 0);
}
END_TEST

START_TEST(the_next_begins_its_interval_after_the_last_began)
{
    schedule_switch(schedule, true, START);
    runs_at(START);
    probe_ended(present, true, NULL);
    runs_at(START + SECONDS(5));
    probe_ended(present, false, "refused");
    ck_assert_str_eq(seen.reason, "refused");
    runs_at(START + SECONDS(10));
}
END_TEST

START_TEST(a_run_that_takes_too_long_has_failed_and_is_cancelled)
{
    schedule_switch(schedule, true, START);
    runs_at(START);
    ck_assert_uint_eq(schedule_next_due(schedule), START + SECONDS(1));
    schedule_turn(schedule, START + SECONDS(1) - 1);
    ck_assert_uint_eq(seen.told, 0);
    schedule_turn(schedule, START + SECONDS(1));
    ck_assert_uint_eq(seen.told, 1);
    ck_assert_uint_eq(seen.cancelled, 1);
    ck_assert(!seen.passed);
    ck_assert_str_eq(seen.reason, "no answer within 1s");
    runs_at(START + SECONDS(5));
}
END_TEST

START_TEST(two_runs_of_one_probe_never_overlap)
{
    open_probes("tcp://a:1#interval=1s,timeout=3s");
    seen.lingers = true;
    schedule_switch(schedule, true, START);
    runs_at(START);
    schedule_turn(schedule, START + SECONDS(2));
    ck_assert_uint_eq(seen.begun, 1);
    schedule_turn(schedule, START + SECONDS(3));
    ck_assert_uint_eq(seen.cancelled, 1);
    schedule_turn(schedule, START + SECONDS(4));
    ck_assert_uint_eq(seen.begun, 1);
    probe_ended(present, false, "killed");
    ck_assert_uint_eq(seen.told, 1);
    schedule_turn(schedule, START + SECONDS(4));
    ck_assert_uint_eq(seen.begun, 2);
}
END_TEST

START_TEST(one_that_cannot_be_ended_fails_again_and_again)
{
    seen.lingers = true;
    schedule_switch(schedule, true, START);
    schedule_turn(schedule, START);
    schedule_turn(schedule, START + SECONDS(1));
    ck_assert_uint_eq(schedule_next_due(schedule), START + SECONDS(3));
    schedule_turn(schedule, START + SECONDS(3) - 1);
    ck_assert_uint_eq(seen.told, 1);
    schedule_turn(schedule, START + SECONDS(3));
    ck_assert_uint_eq(seen.told, 2);
    ck_assert_str_eq(seen.reason, "its last run cannot be ended");
    ck_assert_uint_eq(schedule_next_due(schedule), START + SECONDS(8));
    schedule_turn(schedule, START + SECONDS(8));
    ck_assert_uint_eq(seen.told, 3);
    ck_assert_uint_eq(seen.begun, 1);
    ck_assert_uint_eq(seen.cancelled, 1);
}
END_TEST

START_TEST(one_that_cannot_begin_is_tried_again_at_its_interval)
{
    seen.fails_at_once = true;
    schedule_switch(schedule, true, START);
    runs_at(START);
    ck_assert_uint_eq(seen.told, 1);
    ck_assert_str_eq(seen.reason, "cannot begin");
    runs_at(START + SECONDS(5));
}
END_TEST

START_TEST(nobody_is_told_of_what_was_switched_off)
{
    schedule_switch(schedule, true, START);
    runs_at(START);
    schedule_switch(schedule, false, START + 1);
    ck_assert_uint_eq(seen.cancelled, 1);
    schedule_turn(schedule, START + SECONDS(60));
    ck_assert_uint_eq(seen.begun, 1);
    ck_assert_uint_eq(seen.told, 0);
    ck_assert_uint_eq(schedule_next_due(schedule), 0);
}
END_TEST

START_TEST(switched_on_again_it_runs_at_once_or_when_its_last_run_is_over)
{
    seen.lingers = true;
    schedule_switch(schedule, true, START);
    runs_at(START);
    schedule_switch(schedule, false, START + 1);
    schedule_switch(schedule, true, START + 2);
    schedule_turn(schedule, START + 2);
    ck_assert_uint_eq(seen.begun, 1);
    probe_ended(present, true, NULL);
    ck_assert_uint_eq(seen.told, 0);
    runs_at(START + 2);
}
END_TEST

START_TEST(the_first_runs_are_spread_a_little)
{
    open_probes("tcp://a:1\ntcp://b:1\ntcp://c:1");
    schedule_switch(schedule, true, START);
    schedule_turn(schedule, START);
    ck_assert_uint_eq(seen.begun, 1);
    schedule_turn(schedule, START + MILLISECONDS(20));
    ck_assert_uint_eq(seen.begun, 3);
}
END_TEST

Suite *schedule_suite(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, probes_of_other_kinds_are_another_process_s);
    tcase_add_test(tests, nothing_runs_before_it_is_switched_on);
    tcase_add_test(tests, the_next_begins_its_interval_after_the_last_began);
    tcase_add_test(tests, a_run_that_takes_too_long_has_failed_and_is_cancelled);
    tcase_add_test(tests, two_runs_of_one_probe_never_overlap);
    tcase_add_test(tests, one_that_cannot_be_ended_fails_again_and_again);
    tcase_add_test(tests, one_that_cannot_begin_is_tried_again_at_its_interval);
    tcase_add_test(tests, nobody_is_told_of_what_was_switched_off);
    tcase_add_test(tests, switched_on_again_it_runs_at_once_or_when_its_last_run_is_over);
    tcase_add_test(tests, the_first_runs_are_spread_a_little);
    suite_add_tcase(suite, tests);
    return suite;
}
