#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/scope.h"
#include "consul/address.h"
#include "consul/entry.h"
#include "consul/path.h"
#include "consul/session.h"
#include "consul/transaction.h"
#include "tests/unit/suites.h"

#define SESSION     "47a992a3-6ee1-7255-0b78-ab31bca0bcfb"
#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static const struct session_id session = { SESSION };
static const struct attempt attempt = { "cannot do it", "key:write on the prefix \"k\"" };

static struct http_response answer(long status, const char *body)
{
    return (struct http_response){
        .answered = true,
        .status = status,
        .body = body,
        .length = strlen(body),
        .address = "http://127.0.0.1:8500",
    };
}

static struct http_response silence(bool never_sent)
{
    return (struct http_response){
        .never_sent = never_sent,
        .body = "",
        .failure = "Connection refused at http://127.0.0.1:8500",
        .address = "http://127.0.0.1:8500",
    };
}

/* --- Transactions. The bodies are Consul 1.8.7's. --- */

#define ERRORS(first, second)                                                                      \
    "{\"Results\": null, \"Errors\": [{\"OpIndex\": 0, \"What\": \"" first "\"},"                  \
    "{\"OpIndex\": 1, \"What\": \"" second "\"}]}\n"

static const struct {
    long status;
    const char *body;
    enum answer_result result;
} transactions[] = {
    { 409, ERRORS("key \\\"k\\\" exists", "failed to lock key \\\"k\\\", lock is already held"),
      ANSWER_REFUSED },
    { 409, ERRORS("failed index check for key \\\"k\\\", current modify index 15 != 3", "x"),
      ANSWER_REFUSED },
    { 409, ERRORS("failed to check index, key \\\"k\\\" doesn't exist", "x"), ANSWER_REFUSED },
    { 409, ERRORS("failed to lock key \\\"k\\\" due to lock delay", "x"), ANSWER_DELAYED },
    { 409, ERRORS("x", "failed to lock key \\\"k\\\" due to lock delay"), ANSWER_DELAYED },
    { 409, ERRORS("key \\\"k\\\" exists", "invalid session \\\"" SESSION "\\\""), ANSWER_GONE },
    { 500, "rpc error making call: invalid session \"" SESSION "\"", ANSWER_GONE },
    { 409, "{\"Results\": null, \"Errors\": [{\"OpIn", ANSWER_UNKNOWN },
    { 409, "conflict", ANSWER_UNKNOWN },
    { 200, "{\"Results\": [{\"KV\": {\"Key\"", ANSWER_UNKNOWN },
    { 200, "{\"Results\": [], \"Errors\": null}", ANSWER_UNKNOWN },
    { 200, "{\"Results\": [{\"KV\":{\"Key\":\"other\",\"ModifyIndex\":5}}]}", ANSWER_UNKNOWN },
    { 200, "<html>Sign in</html>", ANSWER_UNKNOWN },
    { 200, "", ANSWER_UNKNOWN },
    { 502, "<html>Bad gateway</html>", ANSWER_UNKNOWN },
    { 500, "rpc error making call: leadership lost while committing log", ANSWER_UNKNOWN },
    { 500, "rpc error making call: EOF", ANSWER_UNKNOWN },
    { 500, "No cluster leader", ANSWER_FAILED },
    { 500, "No known Consul servers", ANSWER_FAILED },
    { 500, "rpc error getting client: failed to get conn: dial tcp: connection refused",
      ANSWER_FAILED },
    { 429, "RPC rate limit exceeded", ANSWER_FAILED },
    { 503, "rate limit exceeded for operation that can only be performed by the leader",
      ANSWER_FAILED },
    { 403, "Permission denied", ANSWER_FAILED },
    { 400, "bad request", ANSWER_FAILED },
};

START_TEST(a_transaction_is_read)
{
    struct http_response response = answer(transactions[_i].status, transactions[_i].body);
    struct error reason = { "" };
    uint64_t index = 0;

    ck_assert_msg(transaction_read(&response, "k", &attempt, &index, &reason) ==
                      transactions[_i].result,
                  "%ld %s", transactions[_i].status, transactions[_i].body);
    ck_assert_str_ne(reason.text, "");
    ck_assert_ptr_null(strchr(reason.text, '\n'));
}
END_TEST

START_TEST(the_index_is_the_write_s_and_not_the_guard_s)
{
    struct http_response response =
        answer(200, "{\"Results\":[{\"KV\":{\"Key\":\"k\",\"ModifyIndex\":15}},"
                    "{\"KV\":{\"Key\":\"k\",\"ModifyIndex\":21}},"
                    "{\"KV\":{\"Key\":\"k.candidates/s\",\"ModifyIndex\":22}}],\"Errors\":null}");
    struct error reason;
    uint64_t index;

    ck_assert_int_eq(transaction_read(&response, "k", &attempt, &index, &reason), ANSWER_DONE);
    ck_assert_uint_eq(index, 21);
}
END_TEST

START_TEST(only_what_never_left_has_surely_not_been_done)
{
    struct http_response refused = silence(true);
    struct http_response lost = silence(false);
    struct error reason;
    uint64_t index;

    ck_assert_int_eq(transaction_read(&refused, "k", &attempt, &index, &reason), ANSWER_FAILED);
    ck_assert_int_eq(transaction_read(&lost, "k", &attempt, &index, &reason), ANSWER_UNKNOWN);
    ck_assert_str_eq(reason.text, "cannot do it: Connection refused at http://127.0.0.1:8500");
}
END_TEST

START_TEST(a_transaction_is_written)
{
    AUTO_JSON struct json_object *absent = transaction_new();
    AUTO_JSON struct json_object *present = transaction_new();

    transaction_guard(absent, "a/b", 0);
    transaction_lock(absent, "a/b", &session, "foo");
    ck_assert_str_eq(json_line(absent),
                     "[{\"KV\":{\"Verb\":\"check-not-exists\",\"Key\":\"a/b\"}},"
                     "{\"KV\":{\"Verb\":\"lock\",\"Key\":\"a/b\",\"Session\":\"" SESSION "\","
                     "\"Value\":\"Zm9v\",\"Flags\":0}}]");

    transaction_guard(present, "k", 7);
    transaction_unlock(present, "k", &session, "");
    transaction_delete(present, "l");
    ck_assert_str_eq(json_line(present),
                     "[{\"KV\":{\"Verb\":\"check-index\",\"Key\":\"k\",\"Index\":7}},"
                     "{\"KV\":{\"Verb\":\"unlock\",\"Key\":\"k\",\"Session\":\"" SESSION "\","
                     "\"Value\":\"\",\"Flags\":0}},{\"KV\":{\"Verb\":\"delete\",\"Key\":\"l\"}}]");
}
END_TEST

/* --- Words. --- */

static const struct {
    long status;
    const char *body;
    const char *text;
} refusals[] = {
    { 403, "Permission denied",
      "cannot do it at http://127.0.0.1:8500: permission denied (the token needs key:write on the "
      "prefix \"k\")" },
    { 403, "ACL not found",
      "cannot do it at http://127.0.0.1:8500: Consul does not know the token (ACL not found)" },
    { 403,
      "Permission denied: token with AccessorID '00000000-0000-0000-0000-000000000002' lacks "
      "permission 'session:write' on \"web-1\"",
      "cannot do it at http://127.0.0.1:8500: Permission denied: token with AccessorID "
      "'00000000-0000-0000-0000-000000000002' lacks permission 'session:write' on \"web-1\"" },
    { 403, "Endpoint is blocked by agent configuration",
      "cannot do it at http://127.0.0.1:8500: forbidden: Endpoint is blocked by agent "
      "configuration" },
    { 502, "\n<html>\n<body>Bad gateway</body></html>",
      "cannot do it: http://127.0.0.1:8500 answered 502 with a web page: is it Consul's HTTP "
      "API?" },
    { 200, "{\"a\":\n  [1,",
      "cannot do it: http://127.0.0.1:8500 gave an answer that is not "
      "Consul's: \"{\"a\": [1,\"" },
    { 500, "No cluster leader\n",
      "cannot do it at http://127.0.0.1:8500: Consul answered 500: No cluster leader" },
};

START_TEST(a_refusal_is_told_in_one_line)
{
    struct http_response response = answer(refusals[_i].status, refusals[_i].body);
    struct error reason;

    refusal_read(&response, &attempt, &reason);
    ck_assert_str_eq(reason.text, refusals[_i].text);
}
END_TEST

/* --- Sessions. --- */

static struct settings settings_of_session(void)
{
    return (struct settings){
        .service = "redis",
        .ttl_ns = SECONDS(15),
        .lock_delay_ns = MILLISECONDS(29500),
        .node_checks = "serfHealth,disk",
    };
}

START_TEST(a_session_is_asked_for)
{
    struct settings settings = settings_of_session();
    AUTO_JSON struct json_object *body = session_body(&settings);

    ck_assert_str_eq(json_line(body),
                     "{\"Name\":\"redis\",\"TTL\":\"15s\",\"LockDelay\":\"29.5s\","
                     "\"Behavior\":\"release\",\"NodeChecks\":[\"serfHealth\",\"disk\"]}");
    settings.node_checks[0] = '\0';
    AUTO_JSON struct json_object *without = session_body(&settings);
    ck_assert_ptr_nonnull(strstr(json_line(without), "\"NodeChecks\":[]"));
}
END_TEST

static const struct {
    long status;
    const char *body;
    enum answer_result result;
} creations[] = {
    { 200, "{\"ID\":\"" SESSION "\"}", ANSWER_DONE },
    { 200, "{\"ID\":\"../../kv/x\"}", ANSWER_FAILED },
    { 200, "{\"ID\":7}", ANSWER_FAILED },
    { 200, "{}", ANSWER_FAILED },
    { 200, "{\"ID\":\"", ANSWER_FAILED },
    { 200, "<html></html>", ANSWER_FAILED },
    { 500, "Invalid Session TTL '5000000000', must be between [10s=24h0m0s]", ANSWER_INVALID },
    { 500, "rpc error making call: Invalid Session TTL '5000000000'", ANSWER_INVALID },
    { 500, "Missing check 'x' registration", ANSWER_FAILED },
    { 500, "No cluster leader", ANSWER_FAILED },
    { 403, "Permission denied", ANSWER_FAILED },
};

START_TEST(a_creation_is_read)
{
    struct http_response response = answer(creations[_i].status, creations[_i].body);
    struct session_id made = { "" };
    struct error reason;

    ck_assert_int_eq(session_created(&response, &attempt, &made, &reason), creations[_i].result);
    ck_assert_str_eq(made.text, creations[_i].result == ANSWER_DONE ? SESSION : "");
}
END_TEST

#define SHOWN(ttl, delay, behavior)                                                                \
    "[{\"ID\":\"" SESSION "\",\"Node\":\"web-1\",\"TTL\":\"" ttl "\",\"LockDelay\":" delay ","     \
    "\"Behavior\":\"" behavior "\"}]"

static const struct {
    const char *body;
    enum answer_result result;
} shown[] = {
    { SHOWN("15s", "29500000000", "release"), ANSWER_DONE },
    { SHOWN("15000ms", "29500000000", "release"), ANSWER_DONE },
    { SHOWN("", "15000000000", "release"), ANSWER_INVALID },
    { SHOWN("15s", "15000000000", "release"), ANSWER_INVALID },
    { SHOWN("15s", "29500000000", "delete"), ANSWER_INVALID },
    { "[]", ANSWER_FAILED },
    { "[{\"ID\":\"another\"}]", ANSWER_FAILED },
    { "null", ANSWER_FAILED },
    { "<html></html>", ANSWER_FAILED },
};

START_TEST(a_session_is_verified)
{
    struct settings settings = settings_of_session();
    struct http_response response = answer(200, shown[_i].body);
    char node[NAME_SIZE] = "";
    struct error reason;

    ck_assert_int_eq(session_verified(&response, &attempt, &session, &settings, node, &reason),
                     shown[_i].result);
    if (shown[_i].result == ANSWER_DONE)
        ck_assert_str_eq(node, "web-1");
}
END_TEST

static const struct {
    long status;
    const char *body;
    enum answer_result result;
} renewals[] = {
    { 200, "[{\"ID\":\"" SESSION "\",\"TTL\":\"15s\"}]\n", ANSWER_DONE },
    { 200, "[{\"ID\":\"another\"}]", ANSWER_FAILED },
    { 200, "<html>Sign in</html>", ANSWER_FAILED },
    { 404, "Session id '" SESSION "' not found", ANSWER_GONE },
    { 404, "404 page not found", ANSWER_FAILED },
    { 404, "<html>Not Found</html>", ANSWER_FAILED },
    { 500, "rpc error making call: EOF", ANSWER_FAILED },
    { 403, "Permission denied", ANSWER_FAILED },
    { 429, "rate limit exceeded", ANSWER_FAILED },
};

START_TEST(a_renewal_is_read)
{
    struct http_response response = answer(renewals[_i].status, renewals[_i].body);
    struct error reason;

    ck_assert_int_eq(session_renewed(&response, &attempt, &session, &reason), renewals[_i].result);
}
END_TEST

/* --- Keys. --- */

START_TEST(keys_are_read)
{
    struct http_response response =
        answer(200, "[{\"Key\":\"k\",\"Value\":\"Zm9v\",\"ModifyIndex\":21,\"Session\":\"" SESSION
                    "\"},{\"Key\":\"k.candidates/x\",\"Value\":null,\"ModifyIndex\":9}]");
    AUTO_ENTRIES struct entries entries;
    struct error reason;

    ck_assert_int_eq(entries_read(&response, &attempt, &entries, &reason), 0);
    ck_assert_uint_eq(entries.count, 2);
    ck_assert_str_eq(entries_find(&entries, "k")->value, "foo");
    ck_assert_str_eq(entries_find(&entries, "k")->session.text, SESSION);
    ck_assert_uint_eq(entries_find(&entries, "k")->index, 21);
    ck_assert_uint_eq(entries_find(&entries, "k.candidates/x")->length, 0);
    ck_assert_ptr_null(entries_find(&entries, "k.candidates/"));
}
END_TEST

static const struct {
    long status;
    uint64_t index;
    const char *body;
    int result;
} keys[] = {
    { 404, 7, "", 0 },
    { 404, 0, "", -1 }, /* another server's */
    { 404, 0, "404 page not found", -1 },
    { 200, 7, "[]", 0 },
    { 200, 7, "", -1 },
    { 200, 7, "{}", -1 },
    { 200, 7, "[7]", -1 },
    { 200, 7, "[{\"Key\":\"k\",\"Value\":\"Zm9v\"}]", -1 },
    { 200, 7, "[{\"Key\":\"k\",\"Value\":\"!\",\"ModifyIndex\":7}]", -1 },
    { 200, 7, "[{\"Key\":\"k\",\"Value\":\"Zm9v\",\"ModifyIndex\":7},{\"Key\"", -1 },
    { 500, 0, "No cluster leader", -1 },
};

START_TEST(what_is_no_list_of_keys_is_no_absence)
{
    struct http_response response = answer(keys[_i].status, keys[_i].body);
    AUTO_ENTRIES struct entries entries;
    struct error reason;

    response.index = keys[_i].index;
    ck_assert_int_eq(entries_read(&response, &attempt, &entries, &reason), keys[_i].result);
    ck_assert_uint_eq(entries.count, 0);
}
END_TEST

START_TEST(keys_are_escaped)
{
    AUTO_FREE char *path = path_key("a b/c?d#e%\xc3\xbc..", "stale");
    AUTO_FREE char *name = path_name("/v1/agent/service/", "_nomad-task/x", "");

    ck_assert_str_eq(path, "/v1/kv/a%20b/c%3Fd%23e%25%C3%BC..?stale");
    ck_assert_str_eq(name, "/v1/agent/service/_nomad-task%2Fx");
}
END_TEST

/* --- Addresses. --- */

static const struct {
    const char *text;
    bool tls;
    const char *url;
    bool loopback;
} addresses[] = {
    { "127.0.0.1:8500", false, "http://127.0.0.1:8500", true },
    { "localhost:8500", true, "https://localhost:8500", true },
    { "http://consul.example", true, "https://consul.example", false },
    { "https://consul.example:8501/", false, "https://consul.example:8501", false },
    { "http://consul.example/a/b", false, "http://consul.example/a/b", false },
    { "[::1]:8500", false, "http://[::1]:8500", true },
    { "unix:///run/consul.sock", false, "http://localhost", true },
};

START_TEST(an_address_is_read)
{
    struct address address;
    struct error err;

    ck_assert_int_eq(address_parse(addresses[_i].text, addresses[_i].tls, &address, &err), 0);
    ck_assert_str_eq(address.url, addresses[_i].url);
    ck_assert_int_eq(address.loopback, addresses[_i].loopback);
}
END_TEST

static const char *const not_addresses[] = {
    "",         "::1:8500", "ftp://host:1",  "host:port",   "host:99999", "host/prefix",
    "a b:8500", "http://",  "unix://socket", "user@host:1", "host:1?x",
};

START_TEST(what_is_no_address_is_refused)
{
    struct address address;
    struct error err = { "" };

    ck_assert_int_eq(address_parse(not_addresses[_i], false, &address, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, not_addresses[_i]));
}
END_TEST

Suite *consul_answers_suite(void)
{
    Suite *suite = suite_create("Consul's answers");
    TCase *transaction = tcase_create("transactions");
    TCase *sessions = tcase_create("sessions");
    TCase *rest = tcase_create("keys and addresses");

    tcase_add_loop_test(transaction, a_transaction_is_read, 0, COUNT(transactions));
    tcase_add_test(transaction, the_index_is_the_write_s_and_not_the_guard_s);
    tcase_add_test(transaction, only_what_never_left_has_surely_not_been_done);
    tcase_add_test(transaction, a_transaction_is_written);
    tcase_add_loop_test(transaction, a_refusal_is_told_in_one_line, 0, COUNT(refusals));
    suite_add_tcase(suite, transaction);

    tcase_add_test(sessions, a_session_is_asked_for);
    tcase_add_loop_test(sessions, a_creation_is_read, 0, COUNT(creations));
    tcase_add_loop_test(sessions, a_session_is_verified, 0, COUNT(shown));
    tcase_add_loop_test(sessions, a_renewal_is_read, 0, COUNT(renewals));
    suite_add_tcase(suite, sessions);

    tcase_add_test(rest, keys_are_read);
    tcase_add_loop_test(rest, what_is_no_list_of_keys_is_no_absence, 0, COUNT(keys));
    tcase_add_test(rest, keys_are_escaped);
    tcase_add_loop_test(rest, an_address_is_read, 0, COUNT(addresses));
    tcase_add_loop_test(rest, what_is_no_address_is_refused, 0, COUNT(not_addresses));
    suite_add_tcase(suite, rest);
    return suite;
}
