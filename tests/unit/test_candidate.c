/* The list of candidates: who guards the acquire of an absent lock. */
#include "stores/consul_candidate.h"

#include <stdio.h>
#include <string.h>

#include "consul/transaction.h"
#include "stores/consul_store.h"
#include "tests/unit/suites.h"

#define ENTRIES_MAX 100

static const struct settings settings = { .key = "service/lock" };
static struct store store;
static struct entry list[ENTRIES_MAX];
static char keys[ENTRIES_MAX][128];
static struct entries entries;

static void setup(void)
{
    memset(&store, 0, sizeof store);
    store.settings = &settings;
    strcpy(store.candidate.session.text, "own");
    entries = (struct entries){ .list = list };
}

static void stands(const char *name, uint64_t index, bool lock_seen)
{
    struct entry *entry = &list[entries.count];

    snprintf(keys[entries.count], sizeof keys[0], "service/lock.candidates/%s", name);
    *entry = (struct entry){
        .key = keys[entries.count++],
        .value = (char *)(lock_seen ? "{\"lock_seen\":true}" : "{\"lock_seen\":false}"),
        .index = index,
    };
    entry->length = strlen(entry->value);
}

/* What the commit checks besides the lock. */
static const char *guards(void)
{
    static char text[8192];
    AUTO_JSON struct json_object *transaction = transaction_new();

    consul_candidate_guard(&store, transaction);
    snprintf(text, sizeof text, "%s", json_line(transaction));
    return text;
}

START_TEST(the_acquire_is_guarded_by_each_of_the_others)
{
    stands("own", 7, true);
    stands("one", 8, true);
    stands("another", 9, false);
    ck_assert_uint_eq(consul_candidate_listed(&store, &entries), 8);
    ck_assert_ptr_nonnull(strstr(guards(), "\"service/lock.candidates/one\",\"Index\":8"));
    ck_assert_ptr_nonnull(strstr(guards(), "\"service/lock.candidates/another\",\"Index\":9"));
    ck_assert_ptr_null(strstr(guards(), "candidates/own"));
}
END_TEST

/* Its check would look for another key, and refuse each acquire for ever. */
START_TEST(what_lies_deeper_guards_nothing)
{
    stands("folder/one", 8, true);
    consul_candidate_listed(&store, &entries);
    ck_assert_str_eq(guards(), "[]");
}
END_TEST

START_TEST(no_more_are_guarded_than_a_transaction_bears)
{
    char name[16];

    for (unsigned i = 0; i < ENTRIES_MAX; i++) {
        snprintf(name, sizeof name, "candidate-%u", i);
        stands(name, 10 + i, true);
    }
    ck_assert_uint_eq(consul_candidate_listed(&store, &entries), 10 + ENTRIES_MAX - 1);
    ck_assert_uint_eq(store.candidate.other_count, CANDIDATES_GUARDED);
}
END_TEST

/* As after another network process was started: what it has not listed it cannot guard against. */
START_TEST(an_absent_lock_is_asked_for_only_after_a_list)
{
    ck_assert(!consul_candidate_others_rest(&store, UINT64_MAX));
    consul_candidate_listed(&store, &entries);
    ck_assert(consul_candidate_others_rest(&store, 0));
}
END_TEST

START_TEST(nor_where_another_has_acquired_since_the_look)
{
    stands("one", 8, true);
    consul_candidate_listed(&store, &entries);
    ck_assert(!consul_candidate_others_rest(&store, 7));
    ck_assert(consul_candidate_others_rest(&store, 8));
}
END_TEST

START_TEST(an_entry_that_somebody_deleted_is_written_again)
{
    store.candidate.written = true;
    stands("own", 7, true);
    consul_candidate_listed(&store, &entries);
    ck_assert(store.candidate.written);
    entries.count = 0;
    consul_candidate_listed(&store, &entries);
    ck_assert(!store.candidate.written);
}
END_TEST

Suite *candidate_suite(void)
{
    Suite *suite = suite_create("candidates");
    TCase *tests = tcase_create("list");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, the_acquire_is_guarded_by_each_of_the_others);
    tcase_add_test(tests, what_lies_deeper_guards_nothing);
    tcase_add_test(tests, no_more_are_guarded_than_a_transaction_bears);
    tcase_add_test(tests, an_absent_lock_is_asked_for_only_after_a_list);
    tcase_add_test(tests, nor_where_another_has_acquired_since_the_look);
    tcase_add_test(tests, an_entry_that_somebody_deleted_is_written_again);
    suite_add_tcase(suite, tests);
    return suite;
}
