/* Where values come from, which of them holds, and what is printed of the table. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/signals.h"
#include "common/options/option_table.h"
#include "tests/unit/options_fixture.h"
#include "tests/unit/suites.h"

#define USAGE "(expected consul-leader [OPTION...] -- COMMAND [ARG...])"

START_TEST(what_stands_behind_two_dashes_is_the_command)
{
    ACCEPT("--key", "k", "--", "redis-server", "--port", "1");
    ck_assert_str_eq(command[0], "redis-server");
    ck_assert_str_eq(command[1], "--port");
    ck_assert_str_eq(command[2], "1");
    ck_assert_ptr_null(command[3]);
    ck_assert_int_eq(settings.mode, MODE_FOLLOW);
}
END_TEST

START_TEST(without_a_command_it_is_a_sidecar)
{
    ACCEPT(NULL);
    ck_assert_ptr_null(command);
    ck_assert_int_eq(settings.mode, MODE_SIDECAR);
}
END_TEST

START_TEST(a_command_that_is_misplaced_or_missing_is_said_so)
{
    REFUSE("\"redis-server\" is neither an option nor behind -- " USAGE, "redis-server");
    REFUSE("\"-v\" is neither an option nor behind -- " USAGE, "-v");
    REFUSE("\"\" is neither an option nor behind -- " USAGE, "");
    REFUSE("--: a command is missing behind it " USAGE, "--key", "k", "--");
}
END_TEST

START_TEST(an_unknown_option_is_refused_without_its_value)
{
    REFUSE("--prob: unknown option (--help lists them)", "--prob=http://x");
    REFUSE("--tt: unknown option (--help lists them)", "--tt", "5");
    REFUSE("---ttl: unknown option (--help lists them)", "---ttl");
    REFUSE("--: unknown option (--help lists them)", "--=x");
    REFUSE("--help: takes no value", "--help=x");
}
END_TEST

START_TEST(a_value_follows_its_flag_or_an_equals_sign)
{
    ACCEPT("--ttl", "20s", "--service=a=b");
    ck_assert_uint_eq(settings.ttl_ns, 20000000000);
    ck_assert_str_eq(settings.service, "a=b");
    ACCEPT("--service=--x");
    ck_assert_str_eq(settings.service, "--x");
}
END_TEST

START_TEST(a_flag_goes_before_the_environment_before_the_file_before_the_default)
{
    const char *path = own_file("config", "ttl = 13s\nservice = file\nprimary-tag = file\n", 0600);

    setenv("CONSUL_LEADER_TTL", "12s", 1);
    setenv("CONSUL_LEADER_SERVICE", "environment", 1);
    ACCEPT("--ttl", "11s", "--config", path);
    ck_assert_uint_eq(settings.ttl_ns, 11000000000);
    ck_assert_str_eq(settings.service, "environment");
    ck_assert_str_eq(settings.primary_tag, "file");
    ck_assert_str_eq(settings.http_addr, "127.0.0.1:8500");
}
END_TEST

START_TEST(of_a_repeated_option_the_last_holds_but_a_list_grows)
{
    ACCEPT("--ttl", "11s", "--ttl", "12s", "--node-checks", "a", "--node-checks", "b, c",
           "--stop-signals", "HUP", "--stop-signals", "QUIT");
    ck_assert_uint_eq(settings.ttl_ns, 12000000000);
    ck_assert_str_eq(settings.node_checks, "a,b,c");
    ck_assert_uint_eq(settings.stop_signals, SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGQUIT));
}
END_TEST

START_TEST(a_list_of_a_higher_source_replaces_that_of_a_lower)
{
    const char *path = own_file("config", "node-checks = a\nnode-checks = b\n", 0600);

    ACCEPT("--config", path);
    ck_assert_str_eq(settings.node_checks, "a,b");
    setenv("CONSUL_LEADER_NODE_CHECKS", "none", 1);
    ACCEPT("--config", path);
    ck_assert_str_eq(settings.node_checks, "");
}
END_TEST

START_TEST(a_file_holds_lines_comments_and_blanks)
{
    const char *path = own_file("config",
                                "# comment\n\n  ttl=20s  \r\n\t# another = one\n"
                                "on-promote = notify '#1' = x\nexit-on-demote = true",
                                0600);

    setenv("CONSUL_LEADER_CONFIG", path, 1);
    ACCEPT(NULL);
    ck_assert_uint_eq(settings.ttl_ns, 20000000000);
    ck_assert_str_eq(settings.on_promote, "notify '#1' = x");
    ck_assert(settings.exit_on_demote);
}
END_TEST

struct wrong_file {
    const char *text;
    const char *reason;
};

static const struct wrong_file wrong_files[] = {
    { "ttl 5\n", ":1: \"=\" is missing (expected name = value)" },
    { "\nprob = x\n", ":2: \"prob\" is no option of a file (--help lists them)" },
    { "help = true\n", ":1: \"help\" is no option of a file (--help lists them)" },
    { "config = x\n", ":1: \"config\" is no option of a file (--help lists them)" },
    { " = x\n", ":1: \"\" is no option of a file (--help lists them)" },
    { "ttl =\n", ":1: ttl: \"\" is empty (expected DURATION)" },
};

START_TEST(a_wrong_file_is_refused_with_its_line)
{
    const char *path = own_file("config", wrong_files[_i].text, 0600);

    ck_assert_int_eq(PARSE("--config", path), -1);
    ck_assert_int_eq(strncmp(failure.text, path, strlen(path)), 0);
    ck_assert_str_eq(failure.text + strlen(path), wrong_files[_i].reason);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_refused_with_the_option)
{
    REFUSE("--config: cannot open \"/nowhere/x\": No such file or directory", "--config",
           "/nowhere/x");
    REFUSE("--config: cannot read \"/\": Is a directory", "--config", "/");
    setenv("CONSUL_LEADER_CONFIG", "/nowhere/x", 1);
    REFUSE("CONSUL_LEADER_CONFIG: cannot open \"/nowhere/x\": No such file or directory", NULL);
}
END_TEST

START_TEST(a_file_with_a_zero_byte_is_refused)
{
    const char *path = own_path("config");
    FILE *file = fopen(path, "we");
    char expected[400];

    fwrite("ttl = 5\0x\n", 1, 10, file);
    fclose(file);
    snprintf(expected, sizeof expected, "%s:1: has a zero byte in it (expected a text file)", path);
    REFUSE(expected, "--config", path);
}
END_TEST

START_TEST(consul_s_own_variables_are_read)
{
    setenv("CONSUL_HTTP_ADDR", "https://consul:8501", 1);
    setenv("CONSUL_HTTP_TOKEN", "one", 1);
    setenv("CONSUL_TOKEN", "other", 1);
    setenv("CONSUL_HTTP_TOKEN_FILE", "/run/token", 1);
    setenv("CONSUL_HTTP_SSL", "T", 1);
    setenv("CONSUL_HTTP_SSL_VERIFY", "0", 1);
    setenv("CONSUL_HTTP_AUTH", "user:password", 1);
    setenv("CONSUL_NAMESPACE", "n", 1);
    setenv("CONSUL_PARTITION", "p", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(settings.http_addr, "https://consul:8501");
    ck_assert_str_eq(settings.token, "one");
    ck_assert_str_eq(settings.token_file, "/run/token");
    ck_assert(settings.http_ssl);
    ck_assert(!settings.tls.verify);
    ck_assert_str_eq(settings.http_auth, "user:password");
    ck_assert_str_eq(settings.consul_namespace, "n");
    ck_assert_str_eq(settings.partition, "p");
}
END_TEST

START_TEST(consul_s_variables_stand_behind_our_own_and_may_be_empty)
{
    setenv("CONSUL_HTTP_ADDR", "consul:1", 1);
    setenv("CONSUL_LEADER_HTTP_ADDR", "consul:2", 1);
    setenv("CONSUL_HTTP_TOKEN", "", 1);
    setenv("CONSUL_TOKEN", "other", 1);
    setenv("CONSUL_HTTP_SSL_VERIFY", "", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(settings.http_addr, "consul:2");
    ck_assert_str_eq(settings.token, "other");
    ck_assert(settings.tls.verify);
}
END_TEST

START_TEST(the_bash_sidecar_s_variables_are_read)
{
    setenv("CONSUL_LEADER_SERVICE_NAME", "redis", 1);
    setenv("CONSUL_LEADER_PRIMARY_LABEL", "p", 1);
    setenv("CONSUL_LEADER_REPLICA_LABEL", "r", 1);
    setenv("CONSUL_LEADER_TTL", "15s", 1);
    setenv("CONSUL_LEADER_SLEEP", "10", 1);
    setenv("CONSUL_LEADER_LOCKDELAY", "33s", 1);
    setenv("CONSUL_LEADER_LOG_LEVEL", "warn", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(settings.key, "consul-leader/redis/lock");
    ck_assert_str_eq(settings.primary_tag, "p");
    ck_assert_str_eq(settings.replica_tag, "r");
    ck_assert_uint_eq(settings.ttl_ns, 15000000000);
    ck_assert_uint_eq(settings.renew_interval_ns, 10000000000);
    ck_assert_uint_eq(settings.lock_delay_ns, 33000000000);
    ck_assert_int_eq(settings.log_level, LOG_WARN);
    ck_assert_str_eq(warnings(), "");

    setenv("CONSUL_LEADER_KEY", "/consul-leader/lock", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(settings.key, "consul-leader/lock");
}
END_TEST

START_TEST(a_wrong_value_of_an_alias_is_refused_with_the_alias)
{
    setenv("CONSUL_LEADER_SLEEP", "x", 1);
    REFUSE("CONSUL_LEADER_SLEEP: \"x\" is not a duration (expected for example 10s, 1m30s, 500ms)",
           NULL);
    unsetenv("CONSUL_LEADER_SLEEP");
    setenv("CONSUL_HTTP_ADDR", "ftp://x", 1);
    ck_assert_int_eq(PARSE(NULL), -1);
    ck_assert_int_eq(strncmp(failure.text, "CONSUL_HTTP_ADDR: ", 18), 0);
}
END_TEST

START_TEST(an_unknown_variable_is_warned_of_once)
{
    setenv("CONSUL_LEADER_PROB", "x", 1);
    ACCEPT(NULL);

    const char *warning = strstr(warnings(), "CONSUL_LEADER_PROB: unknown variable, ignored");
    ck_assert_ptr_nonnull(warning);
    ck_assert_ptr_null(strstr(warning + 1, "CONSUL_LEADER_PROB"));
}
END_TEST

START_TEST(what_is_set_for_programs_is_not_warned_of)
{
    static const char *const set[] = {
        "ROLE",   "OLD_ROLE", "FENCING_TOKEN", "ELECTION",   "SESSION_ID",
        "REASON", "HOLDER",   "PROGRAM_PID",   "LEASE_FILE", "ACK_FD",
    };

    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        char variable[64];

        snprintf(variable, sizeof variable, "CONSUL_LEADER_%s", set[i]);
        setenv(variable, "x", 1);
    }
    setenv("CONSUL_LEADERS", "x", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(warnings(), "");
}
END_TEST

START_TEST(a_message_is_one_line_whatever_was_given)
{
    ck_assert_int_eq(PARSE("--ttl", "5\nx\033[0m"), -1);
    ck_assert_str_eq(
        failure.text,
        "--ttl: \"5?x?[0m\" is not a duration (expected for example 10s, 1m30s, 500ms)");
}
END_TEST

/* What a printer writes into memory. */
static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    print(out);
    fclose(out);
    return text;
}

START_TEST(help_and_manual_and_readme_know_every_option)
{
    char *help = printed(options_print_help);
    char *manual = printed(options_print_manual);
    char *markdown = printed(options_print_markdown);

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];
        char text[100], roff[100] = "";

        if (!option->name)
            continue;
        snprintf(text, sizeof text, "\n  --%s%s%s\n", option->name, option->placeholder ? " " : "",
                 option->placeholder ? option->placeholder : "");
        ck_assert_msg(strstr(help, text) != NULL, "%s", text);
        snprintf(text, sizeof text, "| `--%s%s%s` |", option->name, option->placeholder ? " " : "",
                 option->placeholder ? option->placeholder : "");
        ck_assert_msg(strstr(markdown, text) != NULL, "%s", text);
        for (const char *part = option->name; *part; part++)
            snprintf(roff + strlen(roff), sizeof roff - strlen(roff), "%s%c",
                     *part == '-' ? "\\" : "", *part);
        ck_assert_msg(strstr(manual, roff) != NULL, "%s", roff);
    }
    free(help);
    free(manual);
    free(markdown);
}
END_TEST

START_TEST(no_line_of_the_help_is_wider_than_a_terminal)
{
    char *help = printed(options_print_help);

    for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 79);
    free(help);
}
END_TEST

START_TEST(every_entry_of_the_table_is_whole)
{
    const struct option *option = &option_table[_i];

    ck_assert_ptr_nonnull(option->meaning);
    ck_assert(option->name || option->variables[0]);
    ck_assert(option->parse || option_is_flag_alone(_i) || _i == OPTION_CONFIG);
    ck_assert_uint_le(option->offset + option->size, sizeof(struct settings));
    for (int other = 0; option->name && other < _i; other++)
        ck_assert(!option_table[other].name || strcmp(option_table[other].name, option->name) != 0);
}
END_TEST

/* help and version print to stdout, which is a test's too. */
static const char *standard_output_of(const char *flag)
{
    static char text[16384];
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);
    int result;

    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    result = PARSE(flag, "--no-such-option");
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ck_assert_int_eq(result, 1);
    return text;
}

START_TEST(help_and_version_are_printed_and_nothing_else_is_done)
{
    char *help = printed(options_print_help);

    ck_assert_str_eq(standard_output_of("--version"), "consul-leader " CONSUL_LEADER_VERSION "\n");
    ck_assert_str_eq(standard_output_of("--help"), help);
    free(help);
}
END_TEST

Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");

    tcase_add_checked_fixture(tests, options_setup, options_teardown);
    tcase_add_test(tests, what_stands_behind_two_dashes_is_the_command);
    tcase_add_test(tests, without_a_command_it_is_a_sidecar);
    tcase_add_test(tests, a_command_that_is_misplaced_or_missing_is_said_so);
    tcase_add_test(tests, an_unknown_option_is_refused_without_its_value);
    tcase_add_test(tests, a_value_follows_its_flag_or_an_equals_sign);
    tcase_add_test(tests, a_flag_goes_before_the_environment_before_the_file_before_the_default);
    tcase_add_test(tests, of_a_repeated_option_the_last_holds_but_a_list_grows);
    tcase_add_test(tests, a_list_of_a_higher_source_replaces_that_of_a_lower);
    tcase_add_test(tests, a_file_holds_lines_comments_and_blanks);
    tcase_add_loop_test(tests, a_wrong_file_is_refused_with_its_line, 0,
                        sizeof wrong_files / sizeof *wrong_files);
    tcase_add_test(tests, a_file_that_cannot_be_read_is_refused_with_the_option);
    tcase_add_test(tests, a_file_with_a_zero_byte_is_refused);
    tcase_add_test(tests, consul_s_own_variables_are_read);
    tcase_add_test(tests, consul_s_variables_stand_behind_our_own_and_may_be_empty);
    tcase_add_test(tests, the_bash_sidecar_s_variables_are_read);
    tcase_add_test(tests, a_wrong_value_of_an_alias_is_refused_with_the_alias);
    tcase_add_test(tests, an_unknown_variable_is_warned_of_once);
    tcase_add_test(tests, what_is_set_for_programs_is_not_warned_of);
    tcase_add_test(tests, a_message_is_one_line_whatever_was_given);
    tcase_add_test(tests, help_and_manual_and_readme_know_every_option);
    tcase_add_test(tests, no_line_of_the_help_is_wider_than_a_terminal);
    tcase_add_loop_test(tests, every_entry_of_the_table_is_whole, 0, OPTION_COUNT);
    tcase_add_test(tests, help_and_version_are_printed_and_nothing_else_is_done);
    suite_add_tcase(suite, tests);
    return suite;
}
