/* What is missing outside is found before anything is started. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/account.h"
#include "tests/unit/options_fixture.h"
#include "tests/unit/suites.h"

/* Checks what the last PARSE() gave. */
static int check(void)
{
    return options_check_files(&settings, command, &failure);
}

static void expect_command(const char *name, int status, const char *reason)
{
    char expected[400];

    ACCEPT("--key", "k", "--", name);
    ck_assert_int_eq(check(), status);
    snprintf(expected, sizeof expected, "command: \"%s\" %s", name, reason);
    if (status)
        ck_assert_str_eq(failure.text, expected);
}

START_TEST(a_command_that_can_run_passes)
{
    expect_command(own_file("program", "#!/bin/sh\n", 0755), 0, "");
    expect_command("sh", 0, "");
    setenv("PATH", "/nowhere:/dev/null:/bin", 1);
    expect_command("sh", 0, "");
}
END_TEST

START_TEST(a_command_that_is_not_there_is_127)
{
    expect_command("/nowhere/x", 127, "is not there (expected a program)");
    expect_command("no-such-program", 127, "is not found in PATH (expected a program)");
    expect_command("", 127, "is not found in PATH (expected a program)");
    setenv("PATH", "/dev/null", 1);
    expect_command("sh", 127, "is not found in PATH (expected a program)");
    setenv("PATH", "", 1);
    expect_command("sh", 127, "is not found in PATH (expected a program)");
}
END_TEST

START_TEST(a_command_that_cannot_run_is_126)
{
    const char *path = own_file("program", "#!/bin/sh\n", 0644);
    char folder[256];

    expect_command(path, 126, "is not executable (expected a program)");
    expect_command("/tmp", 126, "is a directory (expected a program)");
    expect_command("/dev/null", 126, "is not executable (expected a program)");
    expect_command("/dev/null/x", 126, "has a file for a folder in its path (expected a program)");

    snprintf(folder, sizeof folder, "%s:/nowhere", own_path("."));
    setenv("PATH", folder, 1);
    expect_command("program", 126, "is not executable (expected a program)");
}
END_TEST

START_TEST(a_program_further_on_in_path_is_found_behind_what_cannot_run)
{
    char path[600];

    own_file("sh", "", 0644);
    snprintf(path, sizeof path, "%s:/bin", own_path("."));
    setenv("PATH", path, 1);
    expect_command("sh", 0, "");
}
END_TEST

START_TEST(an_empty_folder_in_path_is_the_current_one)
{
    own_file("program", "#!/bin/sh\n", 0755);
    ck_assert_int_eq(chdir(own_path(".")), 0);
    setenv("PATH", "/nowhere:", 1);
    expect_command("program", 0, "");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* One option with this value is refused by the check with this text behind it, or passes. */
static void expect_option(const char *flag, const char *value, const char *reason)
{
    char expected[1024];

    ACCEPT(flag, value);

    int status = check();
    ck_assert_msg(status == (*reason ? 64 : 0), "%s", failure.text);
    snprintf(expected, sizeof expected, "%s: %s", flag, reason);
    if (status)
        ck_assert_str_eq(failure.text, expected);
}

START_TEST(a_hook_s_first_word_must_be_a_program)
{
    static const char *const flags[] = { "--on-promote", "--on-demote" };
    const char *flag = flags[_i];

    expect_option(flag, "sh -c 'exit 0'", "");
    expect_option(flag, "'/bin/sh' x", "");
    expect_option(flag, "/nowhere/x y", "\"/nowhere/x\" is not there (expected a program)");
    expect_option(flag, "no-such-program",
                  "\"no-such-program\" is not found in PATH (expected a program)");
    expect_option(flag, "/tmp", "\"/tmp\" is a directory (expected a program)");
    expect_option(flag, "''", "\"\" is not found in PATH (expected a program)");
}
END_TEST

START_TEST(the_token_file_must_be_readable)
{
    expect_option("--token-file", own_file("token", "x", 0600), "");
    expect_option("--token-file", "/nowhere/x",
                  "cannot read \"/nowhere/x\": No such file or directory");
    expect_option("--token-file", "/tmp", "\"/tmp\" is a directory (expected a file)");
}
END_TEST

START_TEST(the_user_must_be_known)
{
    expect_option("--user", "root", "");
    expect_option("--user", "root:root", "");
    expect_option("--user", "0", "");
    expect_option("--user", "4711:4711", "");
    expect_option("--user", "4711", "\"4711\" is no known user's number (expected 4711:GROUP)");
    expect_option("--user", "nobody-of-that-name",
                  "\"nobody-of-that-name\" is not a user (expected NAME[:GROUP])");
    expect_option("--user", "root:no-such-group",
                  "\"no-such-group\" is not a group (expected NAME[:GROUP])");
    expect_option("--user", "root:", "\"\" is not a group (expected NAME[:GROUP])");
    expect_option("--user", ":root", "\"\" is not a user (expected NAME[:GROUP])");
    expect_option("--user", "4294967295:0", "\"4294967295\" is not a user (expected NAME[:GROUP])");
}
END_TEST

START_TEST(an_account_is_the_user_with_its_group_or_the_one_given)
{
    struct account account;

    ck_assert_int_eq(account_resolve("root", &account, &failure), 0);
    ck_assert_uint_eq(account.uid, 0);
    ck_assert_uint_eq(account.gid, 0);
    ck_assert_str_eq(account.name, "root");
    ck_assert_int_eq(account_resolve("root:4711", &account, &failure), 0);
    ck_assert_uint_eq(account.gid, 4711);
    ck_assert_int_eq(account_resolve("4712:4711", &account, &failure), 0);
    ck_assert_uint_eq(account.uid, 4712);
    ck_assert_str_eq(account.name, "");
}
END_TEST

START_TEST(a_file_that_we_write_needs_a_directory_that_can_be_written)
{
    static const char *const flags[] = { "--role-file", "--leader-file" };
    const char *flag = flags[_i];
    const char *file = own_file("file", "", 0600);
    char below[300], reason[900];

    expect_option(flag, own_path("role"), "");
    expect_option(flag, file, "");
    expect_option(flag, "/nowhere/x",
                  "cannot write \"/nowhere/x\": its directory \"/nowhere\": No such file or "
                  "directory");
    expect_option(flag, "/tmp", "\"/tmp\" is a directory (expected a file)");
    expect_option(flag, "/tmp/", "\"/tmp/\" is a directory (expected a file)");

    snprintf(below, sizeof below, "%s/x", file);
    chmod(file, 0700);
    snprintf(reason, sizeof reason, "cannot write \"%s\": \"%s\" is not a directory", below, file);
    expect_option(flag, below, reason);
}
END_TEST

START_TEST(a_relative_file_is_written_here)
{
    ck_assert_int_eq(chdir(own_path(".")), 0);
    expect_option("--role-file", "role", "");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(the_file_store_needs_a_regular_file_or_room_for_one)
{
    char store[300], reason[900];

    snprintf(store, sizeof store, "file:%s", own_path("lock"));
    expect_option("--store", store, "");
    own_file("lock", "", 0600);
    expect_option("--store", store, "");
    expect_option("--store", "file:/nowhere/lock",
                  "cannot write \"/nowhere/lock\": its directory \"/nowhere\": No such file or "
                  "directory");
    snprintf(store, sizeof store, "file:%s", own_path("folder"));
    ck_assert_int_eq(mkdir(own_path("folder"), 0700), 0);
    snprintf(reason, sizeof reason, "\"%s\" is not a regular file (expected file:PATH of one)",
             store + 5);
    expect_option("--store", store, reason);
}
END_TEST

START_TEST(what_may_not_be_read_or_written_is_refused)
{
    const char *token = own_file("token", "x", 0600);
    char expected[800];

    if (geteuid() != 0)
        return; /* only root can become nobody */
    ck_assert_int_eq(seteuid(65534), 0);
    ACCEPT("--token-file", token);
    ck_assert_int_eq(check(), 64);
    snprintf(expected, sizeof expected, "--token-file: cannot read \"%s\": Permission denied",
             token);
    ck_assert_str_eq(failure.text, expected);

    ACCEPT("--role-file", "/usr/role");
    ck_assert_int_eq(check(), 64);
    ck_assert_str_eq(failure.text, "--role-file: cannot write \"/usr/role\": its directory "
                                   "\"/usr\": Permission denied");

    ACCEPT("--store", "file:/etc/passwd");
    ck_assert_int_eq(check(), 64);
    ck_assert_str_eq(failure.text,
                     "--store: cannot read and write \"/etc/passwd\": Permission denied");
    ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

Suite *option_check_suite(void)
{
    Suite *suite = suite_create("option check");
    TCase *tests = tcase_create("option check");

    tcase_add_checked_fixture(tests, options_setup, options_teardown);
    tcase_add_test(tests, a_command_that_can_run_passes);
    tcase_add_test(tests, a_command_that_is_not_there_is_127);
    tcase_add_test(tests, a_command_that_cannot_run_is_126);
    tcase_add_test(tests, a_program_further_on_in_path_is_found_behind_what_cannot_run);
    tcase_add_test(tests, an_empty_folder_in_path_is_the_current_one);
    tcase_add_loop_test(tests, a_hook_s_first_word_must_be_a_program, 0, 2);
    tcase_add_test(tests, the_token_file_must_be_readable);
    tcase_add_test(tests, the_user_must_be_known);
    tcase_add_test(tests, an_account_is_the_user_with_its_group_or_the_one_given);
    tcase_add_loop_test(tests, a_file_that_we_write_needs_a_directory_that_can_be_written, 0, 2);
    tcase_add_test(tests, a_relative_file_is_written_here);
    tcase_add_test(tests, the_file_store_needs_a_regular_file_or_room_for_one);
    tcase_add_test(tests, what_may_not_be_read_or_written_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
