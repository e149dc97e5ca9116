#include <string.h>

#include "common/base/scope.h"
#include "common/base/words.h"
#include "tests/unit/suites.h"

struct splitting {
    const char *text;
    const char *words[6];
};

static const struct splitting splittings[] = {
    { "notify", { "notify" } },
    { "  notify\tprimary \n x ", { "notify", "primary", "x" } },
    { "'two words' three", { "two words", "three" } },
    { "\"two words\" three", { "two words", "three" } },
    { "one\\ word", { "one word" } },
    { "a'b'\"c\"d", { "abcd" } },
    { "a '' \"\"", { "a", "", "" } },
    { "''", { "" } },
    { "'a\\b' '\"'", { "a\\b", "\"" } },
    { "\"a\\b \\$ \\` \\\" \\\\ '\"", { "a\\b $ ` \" \\ '" } },
    { "a \\\n b\\\nc \"d\\\ne\"", { "a", "bc", "de" } },
    { "echo $HOME * | cat;", { "echo", "$HOME", "*", "|", "cat;" } },
    { "a #b", { "a", "#b" } },
    { "\xc3\xa4 '\xc3\xb6 \xc3\xbc'", { "\xc3\xa4", "\xc3\xb6 \xc3\xbc" } },
};

START_TEST(words_are_split_as_a_shell_splits_them_and_nothing_is_expanded)
{
    AUTO_FREE char **words = NULL;
    struct error err;
    size_t i = 0;

    ck_assert_int_eq(words_split(splittings[_i].text, &words, &err), 0);
    for (; splittings[_i].words[i]; i++)
        ck_assert_pstr_eq(words[i], splittings[_i].words[i]);
    ck_assert_ptr_null(words[i]);
}
END_TEST

struct refusal {
    const char *text;
    const char *reason;
};

static const struct refusal refusals[] = {
    { "", "\"\" has no word in it (expected a command)" },
    { " \t\n", "\" \t\n\" has no word in it (expected a command)" },
    { "\\\n", "\"\\\n\" has no word in it (expected a command)" },
    { "a 'b", "\"a 'b\" has a single quote that is not closed" },
    { "it's", "\"it's\" has a single quote that is not closed" },
    { "a \"b", "\"a \"b\" has a double quote that is not closed" },
    { "a \"b\\\"", "\"a \"b\\\"\" has a double quote that is not closed" },
    { "a \"b\\", "\"a \"b\\\" has a double quote that is not closed" },
    { "a \\", "\"a \\\" ends in a backslash" },
};

START_TEST(a_text_that_a_shell_would_not_take_is_refused)
{
    char *nothing;
    char **words = &nothing;
    struct error err;

    ck_assert_int_eq(words_split(refusals[_i].text, &words, &err), -1);
    ck_assert_str_eq(err.text, refusals[_i].reason);
    ck_assert_ptr_null(words);
}
END_TEST

START_TEST(as_many_words_as_a_text_can_hold_fit)
{
    char text[4096];
    AUTO_FREE char **words = NULL;
    struct error err;
    size_t count = 0;

    memset(text, ' ', sizeof text);
    for (size_t i = 0; i < sizeof text; i += 2)
        text[i] = 'x';
    text[sizeof text - 1] = '\0';

    ck_assert_int_eq(words_split(text, &words, &err), 0);
    while (words[count])
        ck_assert_str_eq(words[count++], "x");
    ck_assert_uint_eq(count, sizeof text / 2);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

Suite *words_suite(void)
{
    Suite *suite = suite_create("words");
    TCase *tests = tcase_create("words");

    tcase_add_loop_test(tests, words_are_split_as_a_shell_splits_them_and_nothing_is_expanded, 0,
                        COUNT(splittings));
    tcase_add_loop_test(tests, a_text_that_a_shell_would_not_take_is_refused, 0, COUNT(refusals));
    tcase_add_test(tests, as_many_words_as_a_text_can_hold_fit);
    suite_add_tcase(suite, tests);
    return suite;
}
