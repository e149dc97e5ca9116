#include "stores/consul_operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/path.h"
#include "consul/session.h"
#include "consul/transaction.h"
#include "stores/consul_read.h"
#include "stores/consul_store.h"

struct operation {
    struct store *store;
    struct lock_request request;
    struct lock_answer answer;
    struct attempt attempt;
    consul_operation_done done;

    /* Of a holder's renewal: the look at the lock beside it, and what came of both so far. */
    struct consul_read *look; /* NULL: none, or over */
    bool renewed;
    bool shown; /* that the lock is ours, or that there is none to be shown */
    struct error look_reason;
};

/* How each request is sent, and what is told when it fails. */
struct kind {
    const char *what;
    bool of_session; /* needs a rule for sessions, not for keys */
    void (*send)(struct operation *operation);
};

static const struct kind kinds[REQUEST_TYPES];

/* --- The end of each. --- */

static void finish(struct operation *operation, enum answer_result result,
                   const struct error *reason)
{
    operation->answer.result = result;
    if (result != ANSWER_DONE)
        snprintf(operation->answer.reason, sizeof operation->answer.reason, "%.*s",
                 (int)sizeof operation->answer.reason - 1, reason->text);
    operation->done(operation->store, &operation->answer);
    free(operation);
}

static void report(struct store *store, bool outage, enum answer_result result,
                   const struct error *reason)
{
    if (outage)
        consul_report_away(store, reason->text);
    else
        consul_report_back(store);
    if (!outage && (result == ANSWER_FAILED || result == ANSWER_UNKNOWN))
        consul_report_complain(store, reason->text);
}

static void conclude(struct operation *operation, const struct http_response *response,
                     enum answer_result result, const struct error *reason)
{
    report(operation->store, refusal_is_outage(response), result, reason);
    finish(operation, result, reason);
}

/* --- Sending. --- */

static void send(struct operation *operation, const char *method, const char *path,
                 const char *body, http_callback callback)
{
    struct http_order order = {
        .method = method,
        .path = path,
        .body = body,
        .timeout_ns = settings_request_timeout(operation->store->settings),
        .once = strcmp(path, "/v1/txn") == 0,
        .callback = callback,
        .context = operation,
    };

    http_request(operation->store->http, &order);
}

static void send_transaction(struct operation *operation, struct json_object *transaction,
                             http_callback callback)
{
    send(operation, "PUT", "/v1/txn", json_line(transaction), callback);
}

/* --- The session. --- */

static void ignored(void *context, const struct http_response *response)
{
    (void)context, (void)response;
}

/* One that must not be used. */
static void discard_session(struct store *store, const struct session_id *session)
{
    AUTO_FREE char *path = path_name("/v1/session/destroy/", session->text, "");
    struct http_order order = {
        .method = "PUT",
        .path = path,
        .timeout_ns = settings_request_timeout(store->settings),
        .callback = ignored,
    };

    http_request(store->http, &order);
}

static void session_shown(void *context, const struct http_response *response)
{
    struct operation *operation = context;
    struct store *store = operation->store;
    struct error reason;
    enum answer_result result =
        session_verified(response, &operation->attempt, &operation->answer.session, store->settings,
                         store->value.identity.node, &reason);

    if (result != ANSWER_DONE) {
        discard_session(store, &operation->answer.session);
        memset(&operation->answer.session, 0, sizeof operation->answer.session);
    }
    conclude(operation, response, result, &reason);
}

static void session_made(void *context, const struct http_response *response)
{
    struct operation *operation = context;
    struct error reason;
    enum answer_result result =
        session_created(response, &operation->attempt, &operation->answer.session, &reason);

    if (result != ANSWER_DONE) {
        conclude(operation, response, result, &reason);
        return;
    }
    AUTO_FREE char *path =
        path_name("/v1/session/info/", operation->answer.session.text, "consistent");
    operation->attempt.what = "cannot verify the session";
    send(operation, "GET", path, NULL, session_shown);
}

static void send_session(struct operation *operation)
{
    AUTO_JSON struct json_object *body = session_body(operation->store->settings);

    send(operation, "PUT", "/v1/session/create", json_line(body), session_made);
}

/* A holder's renewal is done when the session was renewed and a look that began with it has shown
 * the lock as ours. A session lives on when somebody frees its lock by hand, and whoever finds the
 * lock free waits no longer than our lease.
 */
static void conclude_renewal(struct operation *operation)
{
    if (!operation->renewed || operation->look)
        return;
    if (operation->shown)
        report(operation->store, false, ANSWER_DONE, NULL);
    finish(operation, operation->shown ? ANSWER_DONE : ANSWER_FAILED, &operation->look_reason);
}

static bool is_held(const struct store *store, const struct session_id *session)
{
    return store->watch.holding && session_is(session, &store->watch.session);
}

static void renewal_looked(void *context, const struct consul_look *look)
{
    struct operation *operation = context;
    struct store *store = operation->store;
    const struct session_id *session = &operation->request.session;

    operation->look = NULL;
    operation->shown = look->known && session_is(session, &look->view.session);
    if (!look->known) {
        report(store, look->outage, ANSWER_FAILED, &look->reason);
        operation->look_reason = look->reason;
    } else if (!operation->shown) {
        struct lock_view view = look->view;
        view.term = operation->request.term;
        error_set(&operation->look_reason, "%s: the lock is not ours", operation->attempt.what);
        if (is_held(store, session)) /* else it was given away meanwhile */
            store->listener.lock_seen(store->listener.context, &view);
    }
    conclude_renewal(operation);
}

static void renewal_answered(void *context, const struct http_response *response)
{
    struct operation *operation = context;
    struct error reason;
    enum answer_result result =
        session_renewed(response, &operation->attempt, &operation->request.session, &reason);

    if (result == ANSWER_DONE) {
        operation->renewed = true;
        conclude_renewal(operation);
        return;
    }
    consul_read_cancel(operation->look);
    conclude(operation, response, result, &reason);
}

static void send_renewal(struct operation *operation)
{
    struct store *store = operation->store;
    const struct session_id *session = &operation->request.session;
    AUTO_FREE char *path = path_name("/v1/session/renew/", session->text, "");
    struct consul_read_order look = {
        .query = "consistent",
        .timeout_ns = settings_request_timeout(store->settings),
        .done = renewal_looked,
        .context = operation,
    };

    if (is_held(store, session))
        operation->look = consul_read_start(store, &look);
    else
        operation->shown = true;
    send(operation, "PUT", path, NULL, renewal_answered);
}

static void destroy_answered(void *context, const struct http_response *response)
{
    struct operation *operation = context;
    struct error reason;
    enum answer_result result = session_destroyed(response, &operation->attempt, &reason);

    conclude(operation, response, result, &reason);
}

static void send_destroy(struct operation *operation)
{
    AUTO_FREE char *path = path_name("/v1/session/destroy/", operation->request.session.text, "");

    consul_candidate_remove(operation->store, &operation->request.session);
    send(operation, "PUT", path, NULL, destroy_answered);
}

/* --- The lock. --- */

static void transaction_answered(void *context, const struct http_response *response)
{
    struct operation *operation = context;
    struct error reason;
    enum answer_result result =
        transaction_read(response, operation->store->settings->key, &operation->attempt,
                         &operation->answer.index, &reason);

    conclude(operation, response, result, &reason);
}

static void send_acquire(struct operation *operation)
{
    struct store *store = operation->store;
    const struct lock_request *request = &operation->request;
    const char *key = store->settings->key;
    AUTO_JSON struct json_object *transaction = transaction_new();
    struct error moved;

    if (request->index == 0 && !consul_candidate_others_rest(store, request->others_index)) {
        error_set(&moved, "%s: another may have held it since", operation->attempt.what);
        finish(operation, ANSWER_REFUSED, &moved);
        return;
    }
    transaction_guard(transaction, key, request->index);
    if (request->index == 0)
        consul_candidate_guard(store, transaction);
    transaction_lock(transaction, key, &request->session,
                     consul_value_acquire(&store->value, request->token));
    consul_candidate_acquire(store, transaction, &request->session);
    send_transaction(operation, transaction, transaction_answered);
}

static void send_write(struct operation *operation)
{
    struct store *store = operation->store;
    const struct lock_request *request = &operation->request;
    const char *key = store->settings->key;
    AUTO_JSON struct json_object *transaction = transaction_new();

    transaction_guard(transaction, key, request->index);
    transaction_set(transaction, key, consul_value_hold(&store->value, request->token));
    send_transaction(operation, transaction, transaction_answered);
}

/* NULL: it has changed since it was read. */
static const char *released_value(struct consul_value *value, const struct lock_request *request)
{
    if (request->former)
        return consul_value_give_back(value, request->index);
    return consul_value_release(value, request->token, request->unhealthy);
}

static void send_release(struct operation *operation)
{
    struct store *store = operation->store;
    const struct lock_request *request = &operation->request;
    const char *key = store->settings->key;
    const char *value = released_value(&store->value, request);
    AUTO_JSON struct json_object *transaction = transaction_new();
    struct error moved;

    if (!value) {
        error_set(&moved, "%s: it has changed", operation->attempt.what);
        finish(operation, ANSWER_REFUSED, &moved);
        return;
    }
    transaction_guard(transaction, key, request->index);
    transaction_unlock(transaction, key, &request->session, value);
    consul_candidate_release(store, transaction, &request->session);
    send_transaction(operation, transaction, transaction_answered);
}

static void read_back(void *context, const struct consul_look *look)
{
    struct operation *operation = context;
    enum answer_result result = look->known ? ANSWER_DONE : ANSWER_FAILED;

    operation->answer.view = look->view;
    operation->answer.view.term = operation->request.term;
    report(operation->store, look->outage, result, &look->reason);
    finish(operation, result, &look->reason);
}

static void send_read_back(struct operation *operation)
{
    struct consul_read_order order = {
        .query = "consistent",
        .timeout_ns = settings_request_timeout(operation->store->settings),
        .candidates = true,
        .done = read_back,
        .context = operation,
    };

    consul_read_start(operation->store, &order);
}

static void candidates_listed(void *context, const struct http_response *response)
{
    struct operation *operation = context;
    AUTO_ENTRIES struct entries entries;
    struct error reason;
    bool known = entries_read(response, &operation->attempt, &entries, &reason) == 0;

    operation->answer.candidates = consul_candidate_healthy_others(operation->store, &entries);
    conclude(operation, response, known ? ANSWER_DONE : ANSWER_FAILED, &reason);
}

static void send_candidates(struct operation *operation)
{
    AUTO_FREE char *path = consul_candidate_list(operation->store);

    send(operation, "GET", path, NULL, candidates_listed);
}

/* --- The table. --- */

static const struct kind kinds[REQUEST_TYPES] = {
    [REQUEST_SESSION] = { "cannot create a session", true, send_session },
    [REQUEST_ACQUIRE] = { "cannot acquire the lock", false, send_acquire },
    [REQUEST_RENEW] = { "cannot renew the session", true, send_renewal },
    [REQUEST_WRITE] = { "cannot write the lock's value", false, send_write },
    [REQUEST_RELEASE] = { "cannot release the lock", false, send_release },
    [REQUEST_DESTROY] = { "cannot destroy the session", true, send_destroy },
    [REQUEST_READ_BACK] = { "cannot read the lock", false, send_read_back },
    [REQUEST_CANDIDATES] = { "cannot list the candidates", false, send_candidates },
};

static void set_rule(struct operation *operation, bool of_session)
{
    const struct store *store = operation->store;
    struct attempt *attempt = &operation->attempt;
    const char *node = store->value.identity.node;

    if (of_session)
        snprintf(attempt->rule, sizeof attempt->rule, "session:write on %s%s",
                 node[0] ? "node " : "the agent's node", node);
    else
        snprintf(attempt->rule, sizeof attempt->rule, "key:write on the prefix \"%s\"",
                 store->settings->key);
}

void consul_operation_start(struct store *store, const struct lock_request *request,
                            consul_operation_done done)
{
    struct operation *operation = memory_new(sizeof *operation);
    const struct kind *kind = &kinds[request->type];

    operation->store = store;
    operation->request = *request;
    operation->done = done;
    operation->attempt.what = kind->what;
    set_rule(operation, kind->of_session);
    operation->answer = lock_answer_to(request, ANSWER_FAILED);
    kind->send(operation);
}
