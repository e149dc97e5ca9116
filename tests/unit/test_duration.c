#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/duration.h"
#include "tests/unit/suites.h"

struct reading {
    const char *text;
    uint64_t duration_ns;
};

static const struct reading readings[] = {
    { "0", 0 },
    { "0s", 0 },
    { "10", SECONDS(10) },
    { "1.5", MILLISECONDS(1500) },
    { "10s", SECONDS(10) },
    { "1m30s", SECONDS(90) },
    { "2h", SECONDS(7200) },
    { "1.5h", SECONDS(5400) },
    { ".5s", MILLISECONDS(500) },
    { "1.s", SECONDS(1) },
    { "500ms", MILLISECONDS(500) },
    { "250us", 250000 },
    { "250\xc2\xb5s", 250000 },
    { "250\xce\xbcs", 250000 },
    { "7ns", 7 },
    { "1h1m1s1ms1us1ns", SECONDS(3661) + 1001001 },
    { "0.0000000019s", 1 },
    { "9223372036s", SECONDS(9223372036) },
    { "9223372036854775807ns", INT64_MAX },
};

START_TEST(a_duration_is_read_as_go_writes_it_and_a_bare_number_is_seconds)
{
    uint64_t duration_ns = 1;
    struct error err = { "" };

    ck_assert_msg(duration_parse(readings[_i].text, &duration_ns, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(duration_ns, readings[_i].duration_ns);
}
END_TEST

static const char *const no_durations[] = {
    "",       " ",  "s",    ".",   ".s", "5x", "x5",   "5 s", " 5s", "5s ",   "1m30",
    "1.2.3s", "5d", "1e3s", "+5s", "-",  "-x", "0x10", "5s-", "10S", "--ttl",
};

START_TEST(what_is_not_a_duration_is_refused_with_an_example)
{
    uint64_t duration_ns;
    struct error err;
    char expected[200];

    snprintf(expected, sizeof expected,
             "\"%s\" is not a duration (expected for example 10s, 1m30s, 500ms)", no_durations[_i]);
    ck_assert_int_eq(duration_parse(no_durations[_i], &duration_ns, &err), -1);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

START_TEST(a_negative_duration_is_refused_as_negative)
{
    uint64_t duration_ns;
    struct error err;

    ck_assert_int_eq(duration_parse("-5s", &duration_ns, &err), -1);
    ck_assert_str_eq(err.text, "\"-5s\" is negative (expected for example 10s, 1m30s, 500ms)");
}
END_TEST

static const char *const too_long[] = {
    "9223372036854775808ns", "18446744073709551616ns", "99999999999999999999", "2562048h",
    "2562047h60m",           "18446744073709551615h",
};

START_TEST(a_duration_that_overflows_is_refused)
{
    uint64_t duration_ns;
    struct error err;

    ck_assert_int_eq(duration_parse(too_long[_i], &duration_ns, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is too long a duration (at most 292 years)"));
}
END_TEST

static const struct reading writings[] = {
    { "0s", 0 },
    { "1ns", 1 },
    { "1.5us", 1500 },
    { "500ms", MILLISECONDS(500) },
    { "14.28s", MILLISECONDS(14280) },
    { "29s", SECONDS(29) },
    { "1m", SECONDS(60) },
    { "1m30s", SECONDS(90) },
    { "1h", SECONDS(3600) },
    { "1h0.5s", SECONDS(3600) + MILLISECONDS(500) },
    { "24h", SECONDS(86400) },
    { "2562047h47m16.854775807s", INT64_MAX },
    { "5124095h34m33.709551615s", UINT64_MAX },
};

START_TEST(a_duration_is_written_exactly_and_without_needless_units)
{
    char text[DURATION_TEXT_SIZE];

    ck_assert_str_eq(duration_format(writings[_i].duration_ns, text), writings[_i].text);
}
END_TEST

START_TEST(what_is_written_reads_back_the_same)
{
    uint64_t duration_ns = 1;

    for (int i = 0; i < 1000; i++, duration_ns = duration_ns * 7 % INT64_MAX + (uint64_t)i) {
        char text[DURATION_TEXT_SIZE];
        uint64_t read_ns;
        struct error err;

        ck_assert_int_eq(duration_parse(duration_format(duration_ns, text), &read_ns, &err), 0);
        ck_assert_uint_eq(read_ns, duration_ns);
    }
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

Suite *duration_suite(void)
{
    Suite *suite = suite_create("duration");
    TCase *tests = tcase_create("duration");

    tcase_add_loop_test(tests, a_duration_is_read_as_go_writes_it_and_a_bare_number_is_seconds, 0,
                        COUNT(readings));
    tcase_add_loop_test(tests, what_is_not_a_duration_is_refused_with_an_example, 0,
                        COUNT(no_durations));
    tcase_add_test(tests, a_negative_duration_is_refused_as_negative);
    tcase_add_loop_test(tests, a_duration_that_overflows_is_refused, 0, COUNT(too_long));
    tcase_add_loop_test(tests, a_duration_is_written_exactly_and_without_needless_units, 0,
                        COUNT(writings));
    tcase_add_test(tests, what_is_written_reads_back_the_same);
    suite_add_tcase(suite, tests);
    return suite;
}
