#include "tests/conformance/questions.h"

void question_odd(struct sequence *sequence)
{
    static const struct {
        const char *method, *path, *body;
    } odd[] = {
        { "GET", "/v1/kv/", "" },
        { "PUT", "/v1/kv/", "x" },
        { "DELETE", "/v1/kv/", "" },
        { "POST", "/v1/kv/odd", "x" },
        { "PUT", "/v1/kv/odd?flags=x", "x" },
        { "PUT", "/v1/kv/odd?flags=", "x" },
        { "PUT", "/v1/kv/odd?flags=18446744073709551616", "x" },
        { "PUT", "/v1/kv/odd?cas=-1", "x" },
        { "PUT", "/v1/kv/odd?cas=1&acquire=2", "x" },
        { "PUT", "/v1/kv/odd?release=1&flags=3&acquire=2", "x" },
        { "PUT", "/v1/kv/odd?stale&consistent", "x" },
        { "DELETE", "/v1/kv/odd?cas=x", "" },
        { "DELETE", "/v1/kv/odd?cas=0&recurse", "" },
        { "GET", "/v1/kv/odd?stale&consistent", "" },
        { "GET", "/v1/kv/odd?index=x", "" },
        { "GET", "/v1/kv/odd?index=-1", "" },
        { "GET", "/v1/kv/odd?wait=3", "" },
        { "GET", "/v1/nothing", "" },
        { "GET", "/v1/txn", "" },
        { "PUT", "/v1/txn", "" },
        { "PUT", "/v1/txn", "{" },
        { "PUT", "/v1/txn", "{}" },
        { "PUT", "/v1/txn", "[]" },
        { "PUT", "/v1/txn", "null" },
        { "PUT", "/v1/txn", "[5]" },
        { "PUT", "/v1/txn", "[{}]" },
        { "PUT", "/v1/txn", "[{\"KV\":5}]" },
        { "PUT", "/v1/txn", "[{\"Foo\":5}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"set\"}}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"odd\",\"Key\":\"odd\"}}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"get\",\"Key\":\"odd\",\"Foo\":1}}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"set\",\"Key\":\"odd\",\"Value\":\"!!\"}}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"set\",\"Key\":\"odd\",\"Value\":5}}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"cas\",\"Key\":\"odd\",\"Index\":\"5\"}}]" },
        { "PUT", "/v1/txn", "[{\"KV\":{\"Verb\":\"cas\",\"Key\":\"odd\",\"Index\":-5}}]" },
        { "GET", "/v1/session/create", "" },
        { "PUT", "/v1/session/create", "{" },
        { "PUT", "/v1/session/create", "[]" },
        { "PUT", "/v1/session/create", "{\"Node\":\"\"}" },
        { "GET", "/v1/session/renew/x", "" },
        { "PUT", "/v1/session/renew/", "" },
        { "PUT", "/v1/session/destroy/", "" },
        { "GET", "/v1/session/info/", "" },
        { "GET", "/v1/session/info/x?index=1&wait=1", "" },
        { "GET", "/v1/catalog/register", "" },
        { "PUT", "/v1/catalog/register", "" },
        { "PUT", "/v1/catalog/register", "{}" },
        { "PUT", "/v1/catalog/register", "{\"Node\":\"odd\"}" },
        { "PUT", "/v1/catalog/register", "{\"Node\":5}" },
        { "PUT", "/v1/catalog/register", "{\"Node\":\"odd\",\"Address\":\"127.0.0.1\",\"Foo\":1}" },
        { "PUT", "/v1/catalog/register",
          "{\"Node\":\"odd\",\"Address\":\"127.0.0.1\",\"Check\":{\"CheckID\":5}}" },
        { "PUT", "/v1/catalog/register",
          "{\"Node\":\"odd\",\"Address\":\"127.0.0.1\",\"Check\":{\"Status\":\"passing\"}}" },
        { "PUT", "/v1/catalog/register",
          "{\"Node\":\"odd\",\"Address\":\"127.0.0.1\",\"Check\":{\"Node\":\"even\",\"CheckID\":"
          "\"c\"}}" },
        { "PUT", "/v1/catalog/deregister", "{" },
        { "PUT", "/v1/catalog/deregister", "{}" },
        { "PUT", "/v1/catalog/deregister", "[]" },
        { "PUT", "/v1/catalog/deregister", "{\"Node\":\"odd\",\"ServiceID\":\"x\"}" },
    };
    unsigned which = sequence_pick(sequence, sizeof odd / sizeof *odd);

    question_ask(sequence, odd[which].method, odd[which].path);
    question_body(sequence, odd[which].body);
}
