/* options_fixture.h - options parsed in an environment that holds nothing else. */
#ifndef TESTS_UNIT_OPTIONS_FIXTURE_H
#define TESTS_UNIT_OPTIONS_FIXTURE_H

#include <check.h>

#include "common/options/options.h"

/* What the last PARSE() gave. */
extern struct settings settings;
extern char **command;
extern struct error failure;

/* Empties the environment and makes a directory of the test's own; stderr goes into a file. */
void options_setup(void);
void options_teardown(void);

/* Parses the words behind `consul-leader`: PARSE("--ttl", "20s"). Without any: PARSE(NULL). */
#define PARSE(...) parse_words((const char *[]){ "consul-leader", __VA_ARGS__, NULL })
int parse_words(const char *const *words);

/* Parses and asserts that this is accepted, or refused with exactly this text. */
#define ACCEPT(...) ck_assert_msg(PARSE(__VA_ARGS__) == 0, "%s", failure.text)
#define REFUSE(reason, ...)                                                                        \
    do {                                                                                           \
        ck_assert_int_eq(PARSE(__VA_ARGS__), -1);                                                  \
        ck_assert_str_eq(failure.text, reason);                                                    \
    } while (0)

/* What was warned of since the test began. */
const char *warnings(void);

/* The path of a file in the test's directory; in memory that lasts as long as the test. */
const char *own_path(const char *name);

/* Makes a file of that name with this text and mode there. Returns its path. */
const char *own_file(const char *name, const char *text, unsigned mode);

#endif
