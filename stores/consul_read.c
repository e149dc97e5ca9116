#include "stores/consul_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/entry.h"
#include "consul/path.h"
#include "stores/consul_store.h"

struct consul_read {
    struct store *store;
    bool listed; /* the candidates were asked */
    struct consul_read_order order;
    struct consul_look look;
    struct http_request *request;
};

static void finish(struct consul_read *read)
{
    read->order.done(read->order.context, &read->look);
    free(read);
}

static void send(struct consul_read *read, const char *key, const char *query, uint64_t timeout_ns,
                 http_callback callback)
{
    AUTO_FREE char *path = path_key(key, query);
    struct http_order order = {
        .method = "GET",
        .path = path,
        .timeout_ns = timeout_ns,
        .callback = callback,
        .context = read,
    };

    read->request = http_request(read->store->http, &order);
}

/* False: the answer is none. */
static bool take(struct consul_read *read, const struct http_response *response,
                 struct entries *entries)
{
    struct attempt attempt = { .what = "cannot read the lock" };

    snprintf(attempt.rule, sizeof attempt.rule, "key:write on the prefix \"%s\"",
             read->store->settings->key);
    read->request = NULL;
    read->look.known = entries_read(response, &attempt, entries, &read->look.reason) == 0;
    read->look.outage = !read->look.known && refusal_is_outage(response);
    return read->look.known;
}

static void lock_answered(void *context, const struct http_response *response);

/* Who saw it may have acquired it since we looked: then it is there now. */
static void look_again(struct consul_read *read)
{
    const struct settings *settings = read->store->settings;

    send(read, settings->key, "consistent", settings_request_timeout(settings), lock_answered);
}

static void candidates_answered(void *context, const struct http_response *response)
{
    struct consul_read *read = context;
    AUTO_ENTRIES struct entries entries;

    read->listed = true;
    if (take(read, response, &entries))
        read->look.view.others_index = consul_candidate_listed(read->store, &entries);
    if (read->look.view.others_index != 0)
        look_again(read);
    else
        finish(read);
}

static void ask_for_lock(struct consul_read *read, const char *query, uint64_t timeout_ns)
{
    read->look.view.asked_ns = clock_now_ns();
    send(read, read->store->settings->key, query, timeout_ns, lock_answered);
}

/* Absence is made sure of, and who may have seen the lock is asked after that: whoever acquires it
 * in between says so in the same commit.
 */
static void ask_further(struct consul_read *read)
{
    const struct settings *settings = read->store->settings;
    uint64_t timeout_ns = settings_request_timeout(settings);
    AUTO_FREE char *candidates = memory_text("%s.candidates/", settings->key);

    if (read->look.view.consistent)
        send(read, candidates, "recurse&consistent", timeout_ns, candidates_answered);
    else
        ask_for_lock(read, "consistent", timeout_ns);
    read->look.view.consistent = true;
}

static void lock_answered(void *context, const struct http_response *response)
{
    struct consul_read *read = context;
    AUTO_ENTRIES struct entries entries;

    if (take(read, response, &entries)) {
        const struct entry *lock = entries_find(&entries, read->store->settings->key);
        read->look.index = response->index ? response->index : 1;
        if (lock) {
            read->look.view.others_index = 0;
            consul_value_seen(&read->store->value, lock, &read->look.view);
        } else if (read->order.candidates && !read->listed) {
            ask_further(read);
            return;
        }
    }
    finish(read);
}

struct consul_read *consul_read_start(struct store *store, const struct consul_read_order *order)
{
    struct consul_read *read = memory_new(sizeof *read);

    read->store = store;
    read->order = *order;
    read->look.view.consistent = strstr(order->query, "consistent") != NULL;
    ask_for_lock(read, order->query, order->timeout_ns);
    read->order.query = NULL; /* the caller's */
    return read;
}

void consul_read_cancel(struct consul_read *read)
{
    if (!read)
        return;
    http_cancel(read->request);
    free(read);
}
