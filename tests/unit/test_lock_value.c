#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/scope.h"
#include "consul/base64.h"
#include "consul/lock_value.h"
#include "tests/unit/suites.h"

static const struct lock_identity web_2 = {
    .instance = "web-2",
    .node = "node-7",
    .allocation = "f81d",
    .pid = 42,
};

static const struct lock_claim first_claim = {
    .state = "held",
    .since = "2026-01-02T03:04:05.678Z",
    .lease_ns = SECONDS(20),
    .previous_token = 17,
};

static struct json_object *read_text(const char *text)
{
    return lock_value_read(text, strlen(text));
}

static struct lock_view show_text(const char *text)
{
    AUTO_JSON struct json_object *value = read_text(text);
    struct lock_view view = { 0 };

    lock_value_show(value, &view);
    return view;
}

START_TEST(a_claim_says_all_that_the_format_names)
{
    AUTO_JSON struct json_object *value = lock_value_claim(NULL, &web_2, &first_claim);

    ck_assert_int_eq(strncmp(json_line(value),
                             "{\"format\":1,\"state\":\"held\",\"instance\":\"web-2\","
                             "\"node\":\"node-7\",\"address\":\"\",\"service_id\":\"\","
                             "\"allocation\":\"f81d\",\"pid\":42,\"version\":\"",
                             strlen("{\"format\":1,\"state\":\"held\",\"instance\":\"web-2\","
                                    "\"node\":\"node-7\",\"address\":\"\",\"service_id\":\"\","
                                    "\"allocation\":\"f81d\",\"pid\":42,\"version\":\"")),
                     0);
    ck_assert_ptr_nonnull(strstr(json_line(value),
                                 "\"since\":\"2026-01-02T03:04:05.678Z\",\"lease_ms\":20000,"
                                 "\"previous_token\":17,\"token\":0,\"successor\":\"\"}"));
}
END_TEST

START_TEST(fields_that_we_do_not_know_are_kept)
{
    AUTO_JSON struct json_object *present =
        read_text("{\"format\":1,\"state\":\"released\",\"epoch\":{\"n\":[3]},\"token\":9}");
    AUTO_JSON struct json_object *value = lock_value_claim(present, &web_2, &first_claim);

    ck_assert_str_eq(json_line(json_member(value, "epoch", json_type_object)), "{\"n\":[3]}");
    ck_assert_str_eq(json_text(value, "state"), "held");
    ck_assert_str_eq(json_text(present, "state"), "released");
}
END_TEST

START_TEST(a_lock_that_is_given_back_for_another_keeps_all_that_it_wrote)
{
    AUTO_JSON struct json_object *present =
        read_text("{\"format\":1,\"state\":\"held\",\"instance\":\"web-1\",\"epoch\":[3],\"pid\":7,"
                  "\"since\":\"x\",\"lease_ms\":9000,\"previous_token\":17,\"token\":23}");
    AUTO_JSON struct json_object *value = lock_value_released(present, 99);

    ck_assert_str_eq(json_line(value),
                     "{\"format\":1,\"state\":\"released\",\"instance\":\"web-1\",\"epoch\":[3],"
                     "\"pid\":7,\"since\":\"x\",\"lease_ms\":9000,\"previous_token\":17,"
                     "\"token\":23}");
}
END_TEST

START_TEST(a_holder_that_could_not_write_its_token_had_the_index_of_its_only_write)
{
    AUTO_JSON struct json_object *present =
        read_text("{\"format\":1,\"state\":\"held\",\"previous_token\":17,\"token\":0}");
    AUTO_JSON struct json_object *value = lock_value_released(present, 99);

    ck_assert_uint_eq(json_number(value, "token"), 99);
    ck_assert_uint_eq(json_number(value, "previous_token"), 17);
}
END_TEST

START_TEST(the_successor_of_an_earlier_term_is_forgotten)
{
    AUTO_JSON struct json_object *present =
        read_text("{\"format\":1,\"state\":\"offered\",\"successor\":\"s1\"}");
    AUTO_JSON struct json_object *value = lock_value_claim(present, &web_2, &first_claim);

    ck_assert_str_eq(json_text(value, "successor"), "");
}
END_TEST

START_TEST(the_token_shown_is_the_higher_of_both)
{
    ck_assert_uint_eq(
        show_text("{\"format\":1,\"state\":\"held\",\"previous_token\":17,\"token\":0}").token, 17);
    ck_assert_uint_eq(
        show_text("{\"format\":1,\"state\":\"held\",\"previous_token\":17,\"token\":23}").token,
        23);
}
END_TEST

START_TEST(only_the_mark_means_released)
{
    ck_assert(show_text("{\"format\":1,\"state\":\"released\"}").released);
    ck_assert(!show_text("{\"format\":1,\"state\":\"held\"}").released);
    ck_assert(!show_text("{\"format\":1,\"state\":\"release\"}").released);
}
END_TEST

/* The bash sidecar's empty value, `consul lock`'s text, a plain number, and JSON of others. */
static const char *const foreign_values[] = {
    "",
    "Consul Lock",
    "7",
    "null",
    "[]",
    "{\"format\":1",
    "{}",
    "{\"state\":\"held\"}",
    "{\"format\":1}",
    "{\"format\":\"1\",\"state\":\"held\"}",
    "{\"format\":1,\"state\":\"held\"} and more",
};

START_TEST(other_values_are_foreign_and_say_nothing)
{
    struct lock_view view = show_text(foreign_values[_i]);

    ck_assert(view.foreign);
    ck_assert(!view.released);
    ck_assert_uint_eq(view.token, 0);
    ck_assert_uint_eq(view.lease_ns, 0);
    ck_assert_str_eq(view.holder, "");
}
END_TEST

START_TEST(numbers_that_make_no_sense_are_none)
{
    struct lock_view view = show_text(
        "{\"format\":1,\"state\":\"held\",\"token\":-3,\"previous_token\":\"x\",\"lease_ms\":1.5}");

    ck_assert(!view.foreign);
    ck_assert_uint_eq(view.token, 0);
    ck_assert_uint_eq(view.lease_ns, 0);
}
END_TEST

START_TEST(a_lease_without_end_is_bounded)
{
    ck_assert_uint_eq(
        show_text("{\"format\":1,\"state\":\"held\",\"lease_ms\":9223372036854775807}").lease_ns,
        LOCK_VALUE_LEASE_LIMIT_NS);
}
END_TEST

START_TEST(the_holder_is_shown_as_json)
{
    AUTO_JSON struct json_object *value = lock_value_claim(NULL, &web_2, &first_claim);
    struct lock_view view = { 0 };

    lock_value_show(value, &view);
    ck_assert_str_eq(view.holder, "{\"instance\":\"web-2\",\"node\":\"node-7\",\"address\":\"\","
                                  "\"service_id\":\"\",\"allocation\":\"f81d\",\"pid\":42}");
}
END_TEST

static const struct {
    const char *host;
    unsigned port;
    const char *address;
} addresses[] = {
    { "10.0.0.7", 6379, "10.0.0.7:6379" },
    { "", 6379, "node-7:6379" },
    { "fd00::7", 6379, "[fd00::7]:6379" },
    { "db.example", 0, "db.example" },
    { "", 0, "node-7" },
};

START_TEST(a_service_is_described)
{
    struct lock_identity identity = web_2;

    ck_assert(lock_identity_describe(&identity, "redis-1", addresses[_i].host, addresses[_i].port));
    ck_assert_str_eq(identity.address, addresses[_i].address);
    ck_assert_str_eq(identity.service_id, "redis-1");
    ck_assert(
        !lock_identity_describe(&identity, "redis-1", addresses[_i].host, addresses[_i].port));
    ck_assert(lock_identity_describe(&identity, "redis-2", addresses[_i].host, addresses[_i].port));
}
END_TEST

START_TEST(a_host_that_is_too_long_is_cut_off)
{
    struct lock_identity identity = web_2;
    char host[2 * NAME_SIZE];

    memset(host, 'a', sizeof host);
    host[sizeof host - 1] = '\0';
    lock_identity_describe(&identity, "redis-1", host, 6379);
    ck_assert_uint_eq(strlen(identity.address), NAME_SIZE - 1);
}
END_TEST

START_TEST(a_holder_that_is_too_long_is_still_json)
{
    struct lock_identity wide = web_2;
    struct lock_view view = { 0 };

    memset(wide.address, 'a', sizeof wide.address - 1);
    memset(wide.service_id, '"', sizeof wide.service_id - 1);
    AUTO_JSON struct json_object *value = lock_value_claim(NULL, &wide, &first_claim);
    lock_value_show(value, &view);

    AUTO_JSON struct json_object *holder = json_read(view.holder, strlen(view.holder));
    ck_assert_str_eq(json_text(holder, "instance"), "web-2");
    ck_assert_str_eq(json_text(holder, "node"), "node-7");
}
END_TEST

START_TEST(a_value_names_its_process)
{
    AUTO_JSON struct json_object *value = lock_value_claim(NULL, &web_2, &first_claim);
    struct lock_identity restarted = web_2;

    restarted.pid = 43;
    ck_assert(lock_value_names(value, &web_2));
    ck_assert(!lock_value_names(value, &restarted));
    ck_assert(!lock_value_names(NULL, &web_2));
}
END_TEST

static const struct {
    const char *plain;
    const char *encoded;
} base64_pairs[] = { { "", "" },
                     { "f", "Zg==" },
                     { "fo", "Zm8=" },
                     { "foo", "Zm9v" },
                     { "foob", "Zm9vYg==" },
                     { "fooba", "Zm9vYmE=" },
                     { "foobar", "Zm9vYmFy" },
                     { "\xff\xfe?", "//4/" } };

START_TEST(base64_goes_both_ways)
{
    size_t length = 99;
    AUTO_FREE char *encoded = base64_encode(base64_pairs[_i].plain, strlen(base64_pairs[_i].plain));
    AUTO_FREE char *decoded = base64_decode(base64_pairs[_i].encoded, &length);

    ck_assert_str_eq(encoded, base64_pairs[_i].encoded);
    ck_assert_str_eq(decoded, base64_pairs[_i].plain);
    ck_assert_uint_eq(length, strlen(base64_pairs[_i].plain));
}
END_TEST

static const char *const not_base64[] = { "Z", "Zg=", "Z===", "Zg==Zg==", "Zm9!", "====", "Zm 9v" };

START_TEST(what_is_not_base64_is_refused)
{
    size_t length;

    ck_assert_ptr_null(base64_decode(not_base64[_i], &length));
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *lock_value_suite(void)
{
    Suite *suite = suite_create("lock value");
    TCase *value = tcase_create("value");
    TCase *base64 = tcase_create("base64");

    tcase_add_test(value, a_claim_says_all_that_the_format_names);
    tcase_add_test(value, fields_that_we_do_not_know_are_kept);
    tcase_add_test(value, a_lock_that_is_given_back_for_another_keeps_all_that_it_wrote);
    tcase_add_test(value, a_holder_that_could_not_write_its_token_had_the_index_of_its_only_write);
    tcase_add_test(value, the_successor_of_an_earlier_term_is_forgotten);
    tcase_add_test(value, the_token_shown_is_the_higher_of_both);
    tcase_add_test(value, only_the_mark_means_released);
    tcase_add_loop_test(value, other_values_are_foreign_and_say_nothing, 0, COUNT(foreign_values));
    tcase_add_test(value, numbers_that_make_no_sense_are_none);
    tcase_add_test(value, a_lease_without_end_is_bounded);
    tcase_add_test(value, the_holder_is_shown_as_json);
    tcase_add_loop_test(value, a_service_is_described, 0, COUNT(addresses));
    tcase_add_test(value, a_host_that_is_too_long_is_cut_off);
    tcase_add_test(value, a_holder_that_is_too_long_is_still_json);
    tcase_add_test(value, a_value_names_its_process);
    suite_add_tcase(suite, value);

    tcase_add_loop_test(base64, base64_goes_both_ways, 0, COUNT(base64_pairs));
    tcase_add_loop_test(base64, what_is_not_base64_is_refused, 0, COUNT(not_base64));
    suite_add_tcase(suite, base64);
    return suite;
}
