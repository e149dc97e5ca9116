/* Every option refuses what is not its value, wherever that came from, and says where. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/options/option_table.h"
#include "tests/unit/options_fixture.h"
#include "tests/unit/suites.h"

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

#define DURATION_EXAMPLE "(expected for example 10s, 1m30s, 500ms)"
#define SIGNAL_EXAMPLE   "(expected for example TERM, SIGUSR1, 10, RTMIN+3)"
#define ADDRESS_FORMS    "(expected HOST:PORT, http://..., https://... or unix://PATH)"

struct refusal {
    const char *option;
    const char *value;
    const char *reason;
};

#define ENDPOINTS "(expected for example 6379, 10.0.0.1:6379, [::1]:6379)"

static const struct refusal refusals[] = {
    { "kill-mode", "all", "\"all\" is unknown (expected one of: mixed, group, process)" },
    { "restart", "sometimes",
      "\"sometimes\" is unknown (expected one of: never, on-failure, always)" },
    { "restart-limit", "5",
      "\"5\" is not COUNT/DURATION (expected for example 5/1m, at most 100/...)" },
    { "restart-limit", "-1/1m",
      "\"-1/1m\" is not COUNT/DURATION (expected for example 5/1m, at most 100/...)" },
    { "restart-limit", "5/0", "\"5/0\" has no time (expected for example 5/1m)" },
    { "register", "host", "\"host\" is not PORT or ADDRESS:PORT " ENDPOINTS },
    { "register", ":80", "\":80\" is not PORT or ADDRESS:PORT " ENDPOINTS },
    { "register", "::1:80", "\"::1:80\" is not PORT or ADDRESS:PORT " ENDPOINTS },
    { "register", "65536", "\"65536\" is not PORT or ADDRESS:PORT " ENDPOINTS },
    { "store", "nomad", "\"nomad\" is not a store (expected consul or file:PATH)" },
    { "store", "file:", "\"file:\" is not a store (expected consul or file:PATH)" },
    { "store", "Consul", "\"Consul\" is not a store (expected consul or file:PATH)" },
    { "store", "file:/tmp/", "\"file:/tmp/\" names a directory (expected file:PATH of a file)" },
    { "store", "file:/a\tb", "\"file:/a?b\" has a control character in it (expected plain text)" },
    { "http-addr", "ftp://host", "\"ftp://host\" has an unknown scheme " ADDRESS_FORMS },
    { "http-addr", "://host", "\"://host\" has an unknown scheme " ADDRESS_FORMS },
    { "http-addr", "unix://", "\"unix://\" has no path " ADDRESS_FORMS },
    { "http-addr", "http://", "\"http://\" is not an address " ADDRESS_FORMS },
    { "http-addr", "https:///x", "\"https:///x\" is not an address " ADDRESS_FORMS },
    { "http-addr", ":8500", "\":8500\" is not an address " ADDRESS_FORMS },
    { "http-addr", "host:", "\"host:\" is not an address " ADDRESS_FORMS },
    { "http-addr", "host:0", "\"host:0\" is not an address " ADDRESS_FORMS },
    { "http-addr", "host:65536", "\"host:65536\" is not an address " ADDRESS_FORMS },
    { "http-addr", "host:port", "\"host:port\" is not an address " ADDRESS_FORMS },
    { "http-addr", "host:1/path", "\"host:1/path\" is not an address " ADDRESS_FORMS },
    { "http-addr", "[::1", "\"[::1\" is not an address " ADDRESS_FORMS },
    { "http-addr", "[::1]x", "\"[::1]x\" is not an address " ADDRESS_FORMS },
    { "http-addr", "a b", "\"a b\" is not an address " ADDRESS_FORMS },
    { "http-addr", "http://u:secret@host",
      "a user and password do not belong in an address (expected them in CONSUL_HTTP_AUTH)" },
    { "token-file", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "namespace", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "partition", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "service", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "key", "/", "\"/\" is empty without its slashes (expected for example a/b)" },
    { "key", "/a/", "\"/a/\" ends in a slash (expected for example a/b)" },
    { "key", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "instance", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "ttl", "5x", "\"5x\" is not a duration " DURATION_EXAMPLE },
    { "ttl", "-5s", "\"-5s\" is negative " DURATION_EXAMPLE },
    { "ttl", "999ms", "\"999ms\" is out of range (expected 1s to 24h)" },
    { "ttl", "24h1s", "\"24h1s\" is out of range (expected 1s to 24h)" },
    { "ttl", "auto", "\"auto\" is not a duration " DURATION_EXAMPLE },
    { "ttl", "300y", "\"300y\" is not a duration " DURATION_EXAMPLE },
    { "ttl", "9999999h", "\"9999999h\" is too long a duration (at most 292 years)" },
    { "lease", "x", "\"x\" is not a duration " DURATION_EXAMPLE },
    { "lease", "0", "\"0\" is out of range (expected 500ms to 57s)" },
    { "lease", "58s", "\"58s\" is out of range (expected 500ms to 57s)" },
    { "renew-interval", "x", "\"x\" is not a duration " DURATION_EXAMPLE },
    { "renew-interval", "0", "\"0\" is out of range (expected 100ms to 24h)" },
    { "lock-delay", "never", "\"never\" is not a duration " DURATION_EXAMPLE },
    { "lock-delay", "61s", "\"61s\" is out of range (expected 0s to 1m)" },
    { "node-checks", "a,,b", "an element of the list is empty (expected CHECK,...)" },
    { "node-checks", "a,", "an element of the list is empty (expected CHECK,...)" },
    { "node-checks", "a,none", "\"none\" stands alone (expected none or CHECK,...)" },
    { "node-checks", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "primary-tag", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "replica-tag", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "replica-tag", "primary", "\"primary\" is the tag of both roles (expected two tags)" },
    { "tag-service", "*",
      "\"*\" has its * not at the end of a prefix (expected auto, none, an ID, or a prefix ending "
      "in *)" },
    { "tag-service", "a*b",
      "\"a*b\" has its * not at the end of a prefix (expected auto, none, an ID, or a prefix "
      "ending in *)" },
    { "mode", "leader", "\"leader\" is unknown (expected one of: follow, leader-only, sidecar)" },
    { "mode", "follow", "\"follow\" needs a command behind -- (without one: sidecar)" },
    { "mode", "leader-only", "\"leader-only\" needs a command behind -- (without one: sidecar)" },
    { "promote-signal", "FOO", "\"FOO\" is not a signal " SIGNAL_EXAMPLE },
    { "promote-signal", "0", "\"0\" is not a signal " SIGNAL_EXAMPLE },
    { "promote-signal", "HUP", "needs the mode follow, in which the program always runs" },
    { "demote-signal", "FOO", "\"FOO\" is not a signal " SIGNAL_EXAMPLE },
    { "demote-signal", "HUP", "needs the mode follow, in which the program always runs" },
    { "on-promote", "a 'b", "\"a 'b\" has a single quote that is not closed" },
    { "on-promote", "a \"b", "\"a \"b\" has a double quote that is not closed" },
    { "on-promote", "a \\", "\"a \\\" ends in a backslash" },
    { "on-demote", "a 'b", "\"a 'b\" has a single quote that is not closed" },
    { "promote-timeout", "x", "\"x\" is not a duration " DURATION_EXAMPLE },
    { "promote-timeout", "0", "\"0\" is out of range (expected 100ms to 24h)" },
    { "demote-timeout", "x", "\"x\" is not a duration " DURATION_EXAMPLE },
    { "demote-timeout", "0", "\"0\" is out of range (expected 100ms to 24h)" },
    { "stop-timeout", "x", "\"x\" is not a duration " DURATION_EXAMPLE },
    { "stop-timeout", "300ms", "\"300ms\" is out of range (expected 400ms to 24h)" },
    { "kill-signal", "FOO", "\"FOO\" is not a signal " SIGNAL_EXAMPLE },
    { "stop-signals", "TERM,FOO", "\"FOO\" is not a signal " SIGNAL_EXAMPLE },
    { "stop-signals", "KILL", "\"KILL\" cannot be caught (expected for example TERM,INT)" },
    { "stop-signals", "STOP", "\"STOP\" cannot be caught (expected for example TERM,INT)" },
    { "exit-on-demote", "on", "\"on\" is not a boolean (expected true or false)" },
    { "user", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "runtime-dir", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "state-dir", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "role-file", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "leader-file", "a\001b", "\"a?b\" has a control character in it (expected plain text)" },
    { "start-timeout", "x", "\"x\" is not a duration " DURATION_EXAMPLE },
    { "start-timeout", "25h", "\"25h\" is out of range (expected 0s to 24h)" },
    { "log-level", "trace", "\"trace\" is unknown (expected one of: debug, info, warn, error)" },
    { "log-format", "xml", "\"xml\" is unknown (expected one of: text, json)" },
};

static void expect(const char *origin, const char *reason)
{
    char expected[sizeof failure.text];

    snprintf(expected, sizeof expected, "%s: %s", origin, reason);
    ck_assert_str_eq(failure.text, expected);
}

START_TEST(a_wrong_value_is_refused_with_its_flag)
{
    char word[200], origin[100];

    snprintf(word, sizeof word, "--%s=%s", refusals[_i].option, refusals[_i].value);
    snprintf(origin, sizeof origin, "--%s", refusals[_i].option);
    ck_assert_int_eq(PARSE(word), -1);
    expect(origin, refusals[_i].reason);
}
END_TEST

START_TEST(a_wrong_value_is_refused_with_its_variable)
{
    char variable[OPTION_VARIABLE_SIZE];
    struct option option = { .name = refusals[_i].option };

    setenv(option_variable(&option, variable), refusals[_i].value, 1);
    ck_assert_int_eq(PARSE(NULL), -1);
    expect(variable, refusals[_i].reason);
}
END_TEST

START_TEST(a_wrong_value_is_refused_with_its_file_and_line)
{
    char text[200], origin[400];

    snprintf(text, sizeof text, "# a comment\n\n%s = %s\n", refusals[_i].option,
             refusals[_i].value);

    const char *path = own_file("config", text, 0600);
    snprintf(origin, sizeof origin, "%s:3: %s", path, refusals[_i].option);
    ck_assert_int_eq(PARSE("--config", path), -1);
    expect(origin, refusals[_i].reason);
}
END_TEST

static bool takes_a_value(enum option_id id)
{
    return option_table[id].name && option_table[id].placeholder;
}

START_TEST(every_option_with_a_value_refuses_none)
{
    char flag[100], expected[300];

    if (!takes_a_value(_i))
        return;
    snprintf(flag, sizeof flag, "--%s", option_table[_i].name);
    snprintf(expected, sizeof expected, "%s: the value is missing (expected %s)", flag,
             option_table[_i].placeholder);
    REFUSE(expected, flag);
    REFUSE(expected, flag, "--service", "x");
    REFUSE(expected, flag, "--", "true");

    snprintf(expected, sizeof expected, "%s: \"\" is empty (expected %s)", flag,
             option_table[_i].placeholder);
    REFUSE(expected, flag, "");
    strcat(flag, "=");
    REFUSE(expected, flag);
}
END_TEST

START_TEST(every_text_refuses_more_than_it_has_room_for)
{
    const struct option *option = &option_table[_i];
    char flag[100];
    bool is_text = takes_a_value(_i) && option->size >= NAME_SIZE && _i != OPTION_STORE;

    if (!is_text)
        return;

    char *value = malloc(option->size + 1);
    memset(value, 'x', option->size);
    value[option->size] = '\0';
    snprintf(flag, sizeof flag, "--%s", option->name);
    ck_assert_int_eq(PARSE(flag, value), -1);
    ck_assert_ptr_nonnull(strstr(failure.text, flag));
    bool is_plain = _i != OPTION_HTTP_ADDR && _i != OPTION_PROBE && _i != OPTION_REGISTER;
    if (is_plain)
        ck_assert_ptr_nonnull(strstr(failure.text, " is too long (expected at most "));
    free(value);
}
END_TEST

START_TEST(an_empty_variable_counts_as_unset)
{
    char variable[OPTION_VARIABLE_SIZE];

    if (!option_table[_i].name || option_is_flag_alone(_i))
        return;
    setenv(option_variable(&option_table[_i], variable), "", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(warnings(), "");
}
END_TEST

START_TEST(a_switch_takes_no_second_word_but_a_boolean_behind_an_equals_sign)
{
    ACCEPT("--exit-on-demote");
    ck_assert(settings.exit_on_demote);
    ACCEPT("--exit-on-demote=f");
    ck_assert(!settings.exit_on_demote);
    REFUSE("--exit-on-demote: \"\" is empty (expected true or false)", "--exit-on-demote=");
    REFUSE("\"true\" is neither an option nor behind -- (expected consul-leader [OPTION...] -- "
           "COMMAND [ARG...])",
           "--exit-on-demote", "true");
}
END_TEST

static const char *const addresses[] = {
    "localhost:8500",  "localhost",  "http://10.0.0.1:8500", "https://consul.example/path/",
    "unix:///run/c@x", "[::1]:8500", "http://[::1]",         "https://h:1/a@b",
};

START_TEST(an_address_is_taken_as_it_is_given)
{
    ACCEPT("--http-addr", addresses[_i]);
    ck_assert_str_eq(settings.http_addr, addresses[_i]);
}
END_TEST

START_TEST(a_secret_is_refused_without_being_shown)
{
    char secret[NAME_SIZE + 1];

    setenv("CONSUL_HTTP_TOKEN", "s3cret\n", 1);
    REFUSE("CONSUL_HTTP_TOKEN: the value has a control character in it (expected plain text)",
           NULL);
    memset(secret, 's', sizeof secret - 1);
    secret[sizeof secret - 1] = '\0';
    setenv("CONSUL_HTTP_TOKEN", secret, 1);
    REFUSE("CONSUL_HTTP_TOKEN: the value is too long (expected at most 255 bytes)", NULL);
    unsetenv("CONSUL_HTTP_TOKEN");
    setenv("CONSUL_HTTP_AUTH", "user:s3cret\n", 1);
    REFUSE("CONSUL_HTTP_AUTH: the value has a control character in it (expected plain text)", NULL);
}
END_TEST

START_TEST(a_secret_is_no_flag_and_no_line_of_a_file)
{
    const char *path = own_file("config", "token = s3cret\n", 0600);
    char expected[400];

    REFUSE("--token: unknown option (--help lists them)", "--token=s3cret");
    snprintf(expected, sizeof expected,
             "%s:1: \"token\" is no option of a file (--help lists them)", path);
    REFUSE(expected, "--config", path);
    path = own_file("config", "token s3cret\n", 0600);
    snprintf(expected, sizeof expected, "%s:1: \"=\" is missing (expected name = value)", path);
    REFUSE(expected, "--config", path);
}
END_TEST

START_TEST(a_boolean_of_consul_that_cannot_be_read_is_refused)
{
    setenv("CONSUL_HTTP_SSL_VERIFY", "no", 1);
    REFUSE("CONSUL_HTTP_SSL_VERIFY: \"no\" is not a boolean (expected true or false)", NULL);
    unsetenv("CONSUL_HTTP_SSL_VERIFY");
    setenv("CONSUL_HTTP_SSL", "yes", 1);
    REFUSE("CONSUL_HTTP_SSL: \"yes\" is not a boolean (expected true or false)", NULL);
}
END_TEST

START_TEST(probes_of_a_variable_have_a_line_each_and_repeated_flags_are_added)
{
    setenv("CONSUL_LEADER_PROBE", "tcp://a:1\n\nexec:true\n", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(settings.probes, "tcp://a:1\nexec:true");
    ACCEPT("--probe", "tcp://b:1", "--probe", "consul:");
    ck_assert_str_eq(settings.probes, "tcp://b:1\nconsul:");
}
END_TEST

START_TEST(more_probes_than_there_is_room_for_are_refused)
{
    char many[PROBES_MAX * 16 + 32] = "";

    for (int i = 0; i <= PROBES_MAX; i++)
        strcat(many, "tcp://a:1\n");
    setenv("CONSUL_LEADER_PROBE", many, 1);
    REFUSE("CONSUL_LEADER_PROBE: there are too many (expected at most 64, of together 32767 bytes)",
           NULL);
}
END_TEST

START_TEST(a_restart_limit_has_a_count_and_a_time)
{
    ACCEPT(NULL);
    ck_assert_uint_eq(settings.restart_limit.count, 5);
    ck_assert_uint_eq(settings.restart_limit.window_ns, 60000000000);
    ACCEPT("--restart-limit", "0/10s");
    ck_assert_uint_eq(settings.restart_limit.count, 0);
    ck_assert_uint_eq(settings.restart_limit.window_ns, 10000000000);
}
END_TEST

START_TEST(what_is_registered_has_a_port_and_may_have_an_address)
{
    ACCEPT("--register", "6379");
    ck_assert_str_eq(settings.register_address, "");
    ck_assert_uint_eq(settings.register_port, 6379);
    ACCEPT("--register", "web.example:80");
    ck_assert_str_eq(settings.register_address, "web.example");
    ACCEPT("--register", "[::1]:80");
    ck_assert_str_eq(settings.register_address, "::1");
}
END_TEST

Suite *option_values_suite(void)
{
    Suite *suite = suite_create("option values");
    TCase *tests = tcase_create("option values");

    tcase_add_checked_fixture(tests, options_setup, options_teardown);
    tcase_add_loop_test(tests, a_wrong_value_is_refused_with_its_flag, 0, COUNT(refusals));
    tcase_add_loop_test(tests, a_wrong_value_is_refused_with_its_variable, 0, COUNT(refusals));
    tcase_add_loop_test(tests, a_wrong_value_is_refused_with_its_file_and_line, 0, COUNT(refusals));
    tcase_add_loop_test(tests, every_option_with_a_value_refuses_none, 0, OPTION_COUNT);
    tcase_add_loop_test(tests, every_text_refuses_more_than_it_has_room_for, 0, OPTION_COUNT);
    tcase_add_loop_test(tests, an_empty_variable_counts_as_unset, 0, OPTION_COUNT);
    tcase_add_test(tests, a_switch_takes_no_second_word_but_a_boolean_behind_an_equals_sign);
    tcase_add_loop_test(tests, an_address_is_taken_as_it_is_given, 0, COUNT(addresses));
    tcase_add_test(tests, a_secret_is_refused_without_being_shown);
    tcase_add_test(tests, a_secret_is_no_flag_and_no_line_of_a_file);
    tcase_add_test(tests, a_boolean_of_consul_that_cannot_be_read_is_refused);
    tcase_add_test(tests, probes_of_a_variable_have_a_line_each_and_repeated_flags_are_added);
    tcase_add_test(tests, more_probes_than_there_is_room_for_are_refused);
    tcase_add_test(tests, a_restart_limit_has_a_count_and_a_time);
    tcase_add_test(tests, what_is_registered_has_a_port_and_may_have_an_address);
    suite_add_tcase(suite, tests);
    return suite;
}
