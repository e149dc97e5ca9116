/* What hooks and probes print, on its way into the log. */
#include "common/process/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "tests/unit/suites.h"

#define PIPE_SIZE 65536

static struct output output;
static unsigned lines;
static char last[2048];

static bool keep_line(void *context, const char *line, size_t length)
{
    (void)context;
    lines++;
    snprintf(last, sizeof last, "%.*s", (int)length, line);
    return true;
}

static void teardown(void)
{
    log_set_relay(NULL, NULL);
}

/* A child that has filled its pipe, and is dead. */
static void prints_much(bool held)
{
    struct error err;
    int writer;

    lines = 0;
    ck_assert_int_eq(output_open(&output, "check", held, &writer, &err), 0);
    ck_assert_int_eq(fcntl(writer, F_GETPIPE_SZ), PIPE_SIZE);
    for (int i = 1; i < PIPE_SIZE / 64; i++)
        ck_assert_int_eq(dprintf(writer, "%063d\n", i), 64);
    ck_assert_int_eq(dprintf(writer, "the end\n"), 8);
    close(writer);
    log_set_relay(keep_line, NULL);
}

START_TEST(the_last_of_it_is_told_however_much_it_was)
{
    prints_much(true);
    output_close(&output, true);
    ck_assert_uint_lt(lines, PIPE_SIZE / 64);
    ck_assert_ptr_nonnull(strstr(last, " info check: the end\n"));
}
END_TEST

START_TEST(what_is_held_and_not_wanted_is_not_told)
{
    prints_much(true);
    output_close(&output, false);
    ck_assert_uint_eq(lines, 0);
}
END_TEST

START_TEST(what_is_not_held_is_told_whole)
{
    prints_much(false);
    output_close(&output, false);
    ck_assert_uint_eq(lines, PIPE_SIZE / 64);
    ck_assert_ptr_nonnull(strstr(last, " info check: the end\n"));
}
END_TEST

Suite *output_suite(void)
{
    Suite *suite = suite_create("output");
    TCase *tests = tcase_create("output");

    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, the_last_of_it_is_told_however_much_it_was);
    tcase_add_test(tests, what_is_held_and_not_wanted_is_not_told);
    tcase_add_test(tests, what_is_not_held_is_told_whole);
    suite_add_tcase(suite, tests);
    return suite;
}
