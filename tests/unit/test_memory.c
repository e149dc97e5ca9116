/* Out of memory: what would lack a part is never sent, the network process ends and is started
 * anew.
 */
#include "common/base/memory.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "consul/http.h"
#include "consul/json.h"
#include "consul/transaction.h"
#include "tests/unit/suites.h"

/* Less than is mapped already: what the heap has, and no more. */
#define LITTLE 1000000

#ifdef SANITIZER /* it has an address space of its own */
#define MEMORY_CAN_END false
#else
#define MEMORY_CAN_END true
#endif

static void leave_little_memory(void)
{
    struct rlimit limit = { LITTLE, LITTLE };

    http_begin_library();
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* ck_assert() needs memory itself. */
static void must_be(bool condition)
{
    if (!condition)
        _exit(EXIT_FAILURE);
}

START_TEST(a_list_has_each_item_or_the_process_ends)
{
    struct json_object *list = json_new_list();

    for (size_t i = 0;; i++) {
        json_append_text(list, "some text", 9);
        must_be(json_object_array_get_idx(list, i) != NULL);
    }
}
END_TEST

START_TEST(an_object_has_each_member_or_the_process_ends)
{
    struct json_object *object = json_new_object();
    char name[32];

    for (unsigned i = 0;; i++) {
        snprintf(name, sizeof name, "%u", i);
        json_set_text(object, name, "some text");
        must_be(strcmp(json_text(object, name), "some text") == 0);
    }
}
END_TEST

START_TEST(a_transaction_has_each_guard_or_the_process_ends)
{
    struct json_object *transaction = transaction_new();

    for (size_t i = 0;; i++) {
        transaction_guard(transaction, "key", i + 1);
        struct json_object *operation = json_object_array_get_idx(transaction, i);
        struct json_object *kv = json_member(operation, "KV", json_type_object);
        must_be(json_number(kv, "Index") == i + 1);
    }
}
END_TEST

START_TEST(a_copy_is_whole_or_the_process_ends)
{
    struct json_object *list = json_new_list();

    for (size_t i = 0; i < 1000; i++)
        json_append_text(list, "some text", 9);
    for (;;)
        must_be(json_object_array_get_idx(json_copy(list), 999) != NULL);
}
END_TEST

START_TEST(nor_goes_a_request_without_its_headers)
{
    struct curl_slist *headers = NULL;

    for (;;) {
        headers = curl_slist_append(headers, "X-Consul-Token: some text");
        must_be(headers != NULL);
    }
}
END_TEST

Suite *memory_suite(void)
{
    Suite *suite = suite_create("memory");
    TCase *none = tcase_create("none");

    tcase_add_checked_fixture(none, leave_little_memory, NULL);
    if (MEMORY_CAN_END) {
        tcase_add_test_raise_signal(none, a_list_has_each_item_or_the_process_ends, SIGABRT);
        tcase_add_test_raise_signal(none, an_object_has_each_member_or_the_process_ends, SIGABRT);
        tcase_add_test_raise_signal(none, a_transaction_has_each_guard_or_the_process_ends,
                                    SIGABRT);
        tcase_add_test_raise_signal(none, nor_goes_a_request_without_its_headers, SIGABRT);
        tcase_add_test_raise_signal(none, a_copy_is_whole_or_the_process_ends, SIGABRT);
    }
    suite_add_tcase(suite, none);
    return suite;
}
