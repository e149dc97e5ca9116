#include <signal.h>
#include <stdio.h>

#include "common/base/signals.h"
#include "tests/unit/suites.h"

struct spelling {
    const char *text;
    int number;
};

static const struct spelling spellings[] = {
    { "TERM", SIGTERM },  { "SIGTERM", SIGTERM }, { "term", SIGTERM }, { "sigusr1", SIGUSR1 },
    { "15", SIGTERM },    { "9", SIGKILL },       { "KILL", SIGKILL }, { "STOP", SIGSTOP },
    { "CLD", SIGCHLD },   { "IOT", SIGABRT },     { "POLL", SIGIO },   { "WINCH", SIGWINCH },
    { "SIGPWR", SIGPWR }, { "31", SIGSYS },
};

START_TEST(a_signal_is_known_by_its_name_with_and_without_sig_and_by_its_number)
{
    int number = 0;
    struct error err;

    ck_assert_int_eq(signal_parse(spellings[_i].text, &number, &err), 0);
    ck_assert_int_eq(number, spellings[_i].number);
}
END_TEST

START_TEST(a_real_time_signal_is_counted_from_either_end)
{
    int number = 0;
    struct error err;

    ck_assert_int_eq(signal_parse("RTMIN", &number, &err), 0);
    ck_assert_int_eq(number, SIGRTMIN);
    ck_assert_int_eq(signal_parse("SIGRTMIN+3", &number, &err), 0);
    ck_assert_int_eq(number, SIGRTMIN + 3);
    ck_assert_int_eq(signal_parse("SIGRTMAX-2", &number, &err), 0);
    ck_assert_int_eq(number, SIGRTMAX - 2);
    ck_assert_int_eq(signal_parse("RTMAX", &number, &err), 0);
    ck_assert_int_eq(number, SIGRTMAX);
    ck_assert_int_eq(signal_parse("64", &number, &err), 0);
    ck_assert_int_eq(number, 64);
}
END_TEST

static const char *const no_signals[] = {
    "",        "SIG",      "FOO",      "0",        "-1",         "65",       "32",
    "33",      "999",      "15x",      "TERM ",    "RTMIN-1",    "RTMAX+1",  "RTMIN+",
    "RTMIN+x", "RTMIN+99", "RTMAX-99", "RTMIN+31", "SIGSIGTERM", "RTMIN+-1",
};

START_TEST(what_is_not_a_signal_is_refused_with_examples)
{
    int number;
    struct error err;
    char expected[200];

    snprintf(expected, sizeof expected,
             "\"%s\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)",
             no_signals[_i]);
    ck_assert_int_eq(signal_parse(no_signals[_i], &number, &err), -1);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

START_TEST(every_signal_has_a_name_that_reads_back)
{
    int number = _i;
    int read = 0;
    char name[SIGNAL_NAME_SIZE];
    struct error err;

    if (number > SIGSYS && number < SIGRTMIN)
        return; /* the C library's own */
    ck_assert_int_eq(signal_parse(signal_name(number, name), &read, &err), 0);
    ck_assert_int_eq(read, number);
}
END_TEST

START_TEST(names_are_written_without_sig)
{
    char name[SIGNAL_NAME_SIZE];

    ck_assert_str_eq(signal_name(SIGTERM, name), "TERM");
    ck_assert_str_eq(signal_name(SIGABRT, name), "ABRT");
    ck_assert_str_eq(signal_name(SIGCHLD, name), "CHLD");
    ck_assert_str_eq(signal_name(SIGRTMIN, name), "RTMIN");
    ck_assert_str_eq(signal_name(SIGRTMIN + 3, name), "RTMIN+3");
    ck_assert_str_eq(signal_name(32, name), "32");
    ck_assert_str_eq(signal_name(200, name), "200");
}
END_TEST

START_TEST(a_list_becomes_a_mask_and_is_added_to_it)
{
    uint64_t mask = SIGNAL_BIT(SIGHUP);
    struct error err;

    ck_assert_int_eq(signals_parse("TERM, SIGINT ,2", &mask, &err), 0);
    ck_assert_uint_eq(mask, SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGTERM) | SIGNAL_BIT(SIGINT));
    ck_assert_int_eq(signals_parse("64", &mask, &err), 0);
    ck_assert_uint_eq(mask >> 63, 1);
}
END_TEST

struct refusal {
    const char *list;
    const char *reason;
};

static const struct refusal refusals[] = {
    { "TERM,KILL", "\"KILL\" cannot be caught (expected for example TERM,INT)" },
    { "SIGSTOP", "\"SIGSTOP\" cannot be caught (expected for example TERM,INT)" },
    { "9", "\"9\" cannot be caught (expected for example TERM,INT)" },
    { "CHLD", "\"CHLD\" only tells of children that ended (expected for example TERM,INT)" },
    { "TERM,", "\"\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)" },
    { "", "\"\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)" },
    { "TERM INT",
      "\"TERM INT\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)" },
    { "TERMINATE_ALL_OF_THEM,INT", "\"TERMINATE_ALL_OF_THEM\" is not a signal (expected for "
                                   "example TERM, SIGUSR1, 10, RTMIN+3)" },
};

START_TEST(a_list_with_a_signal_that_cannot_be_caught_is_refused_whole)
{
    uint64_t mask = 1;
    struct error err;

    ck_assert_int_eq(signals_parse(refusals[_i].list, &mask, &err), -1);
    ck_assert_str_eq(err.text, refusals[_i].reason);
    ck_assert_uint_eq(mask, 1);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

START_TEST(a_rewritten_signal_becomes_another_or_none)
{
    struct signal_rewrites rewrites = { 0 };
    struct error err;

    ck_assert_int_eq(signal_rewrites_parse("HUP:USR1, SIGWINCH:0,40:RTMIN+1", &rewrites, &err), 0);
    ck_assert_int_eq(signal_rewritten(&rewrites, SIGHUP), SIGUSR1);
    ck_assert_int_eq(signal_rewritten(&rewrites, SIGWINCH), 0);
    ck_assert_int_eq(signal_rewritten(&rewrites, 40), SIGRTMIN + 1);
    ck_assert_int_eq(signal_rewritten(&rewrites, SIGUSR1), SIGUSR1);
    ck_assert_int_eq(signal_rewritten(&rewrites, 64), 64);
}
END_TEST

static const char *const wrong_rewrites[][2] = {
    { "HUP", "\"HUP\" is not SIGNAL:SIGNAL (expected for example HUP:USR1, WINCH:0)" },
    { "", "\"\" is not SIGNAL:SIGNAL (expected for example HUP:USR1, WINCH:0)" },
    { "KILL:TERM", "\"KILL\" cannot be caught (expected for example HUP:USR1)" },
    { "HUP:X", "\"X\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)" },
    { "0:HUP", "\"0\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)" },
    { "HUP:USR1,1:USR2", "\"1\" is rewritten twice" },
};

START_TEST(a_rewrite_that_cannot_be_is_refused)
{
    struct signal_rewrites rewrites = { 0 };
    struct error err;

    ck_assert_int_eq(signal_rewrites_parse(wrong_rewrites[_i][0], &rewrites, &err), -1);
    ck_assert_str_eq(err.text, wrong_rewrites[_i][1]);
}
END_TEST

Suite *signals_suite(void)
{
    Suite *suite = suite_create("signals");
    TCase *tests = tcase_create("signals");

    tcase_add_loop_test(tests, a_signal_is_known_by_its_name_with_and_without_sig_and_by_its_number,
                        0, COUNT(spellings));
    tcase_add_test(tests, a_real_time_signal_is_counted_from_either_end);
    tcase_add_loop_test(tests, what_is_not_a_signal_is_refused_with_examples, 0, COUNT(no_signals));
    tcase_add_loop_test(tests, every_signal_has_a_name_that_reads_back, 1, 65);
    tcase_add_test(tests, names_are_written_without_sig);
    tcase_add_test(tests, a_list_becomes_a_mask_and_is_added_to_it);
    tcase_add_loop_test(tests, a_list_with_a_signal_that_cannot_be_caught_is_refused_whole, 0,
                        COUNT(refusals));
    tcase_add_test(tests, a_rewritten_signal_becomes_another_or_none);
    tcase_add_loop_test(tests, a_rewrite_that_cannot_be_is_refused, 0,
                        (int)(sizeof wrong_rewrites / sizeof *wrong_rewrites));
    suite_add_tcase(suite, tests);
    return suite;
}
