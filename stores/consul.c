#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/path.h"
#include "consul/session.h"
#include "stores/consul_operation.h"
#include "stores/consul_store.h"

static struct store *consul_open(const struct settings *settings,
                                 const struct store_listener *listener, struct error *err)
{
    struct http *http = http_open(settings, err);

    if (!http)
        return NULL;
    struct store *store = memory_new(sizeof *store);
    store->settings = settings;
    store->listener = *listener;
    store->http = http;
    consul_value_init(&store->value, settings);
    consul_report_init(store);
    srandom((unsigned)clock_now_ns() ^ (unsigned)getpid());
    return store;
}

/* --- What each answer changes. --- */

static bool is_watched(const struct store *store, const struct session_id *session)
{
    return session_is(session, &store->watch.session);
}

static void session_answered(struct store *store, const struct lock_answer *answer)
{
    if (answer->result != ANSWER_DONE)
        return;
    consul_will_session(store, answer->term, &answer->session);
    if (consul_will_executing(store))
        return;
    consul_candidate_begin(store, &answer->session);
    consul_watch_start(store, answer->term, &answer->session, false);
}

static void acquire_answered(struct store *store, const struct lock_answer *answer)
{
    if (!is_watched(store, &answer->session))
        return;
    consul_candidate_acquired(store, answer->result == ANSWER_DONE);
    if (answer->result == ANSWER_DONE)
        consul_watch_start(store, answer->term, &answer->session, true);
    else if (answer->result == ANSWER_REFUSED)
        consul_watch_refresh(store);
}

static void renewal_answered(struct store *store, const struct lock_answer *answer)
{
    if (is_watched(store, &answer->session))
        consul_watch_renewed(store, answer->result == ANSWER_DONE);
}

/* The watch was stopped when the release was sent. */
static void release_answered(struct store *store, const struct lock_answer *answer)
{
    if (answer->result == ANSWER_DONE)
        consul_candidate_released(store, &answer->session);
}

/* An acquire whose answer was lost has succeeded after all. */
static void read_back_answered(struct store *store, const struct lock_answer *answer)
{
    bool ours =
        answer->result == ANSWER_DONE && session_is(&answer->session, &answer->view.session);

    if (!ours || !is_watched(store, &answer->session) || store->watch.holding)
        return;
    consul_candidate_acquired(store, true);
    consul_watch_start(store, answer->term, &answer->session, true);
}

static void (*const changes[REQUEST_TYPES])(struct store *, const struct lock_answer *) = {
    [REQUEST_SESSION] = session_answered,     [REQUEST_ACQUIRE] = acquire_answered,
    [REQUEST_RENEW] = renewal_answered,       [REQUEST_RELEASE] = release_answered,
    [REQUEST_READ_BACK] = read_back_answered,
};

/* Told first: somebody waits to be promoted. What it changes here comes before the next order. */
static void answered(struct store *store, const struct lock_answer *answer)
{
    struct lock_answer told = *answer;

    if (told.type == REQUEST_ACQUIRE && told.result == ANSWER_DONE)
        lock_identity_show(&store->value.identity, &told.view);
    store->listener.answer(store->listener.context, &told, -1);
    if (changes[answer->type])
        changes[answer->type](store, answer);
    consul_will_answered(store, answer);
}

/* --- The operations. --- */

static void consul_request(struct store *store, const struct lock_request *request)
{
    bool gives_up = request->type == REQUEST_RELEASE || request->type == REQUEST_DESTROY;

    if (request->type == REQUEST_ACQUIRE)
        consul_will_acquire(store, request);
    if (gives_up && is_watched(store, &request->session))
        consul_watch_stop(store);
    consul_operation_start(store, request, answered);
}

static void node_shown(void *context, const struct http_response *response)
{
    struct store *store = context;
    struct attempt attempt = { .what = "cannot read the session" };
    struct error ignored;

    session_verified(response, &attempt, &store->will.session, store->settings,
                     store->value.identity.node, &ignored);
}

/* The name of the session's node is part of our identity. */
static void learn_node(struct store *store, const struct session_id *session)
{
    AUTO_FREE char *path = path_name("/v1/session/info/", session->text, "");
    struct http_order order = {
        .method = "GET",
        .path = path,
        .timeout_ns = settings_request_timeout(store->settings),
        .callback = node_shown,
        .context = store,
    };

    http_request(store->http, &order);
}

static void consul_hold(struct store *store, uint64_t term, const struct session_id *session,
                        uint64_t index, uint64_t token, bool holding, int fd)
{
    if (fd >= 0)
        close(fd);                     /* of another store */
    store->candidate.lock_seen = true; /* whose process died may have seen it */
    if (session->text[0] == '\0')
        return;
    consul_will_adopt(store, term, session, index, token, holding);
    consul_candidate_begin(store, session);
    if (holding) {
        consul_value_adopt(&store->value);
        consul_candidate_acquired(store, true);
    }
    consul_watch_start(store, term, session, holding);
    learn_node(store, session);
}

static void consul_execute_will(struct store *store)
{
    consul_watch_stop(store);
    consul_candidate_stop(store);
    consul_will_execute(store);
}

static void consul_describe(struct store *store, const char *service_id, const char *host,
                            unsigned port)
{
    consul_value_describe(&store->value, service_id, host, port);
}

static int consul_descriptor(struct store *store)
{
    (void)store;
    return -1; /* all waiting is http_wait()'s */
}

static uint64_t consul_next_due(struct store *store)
{
    uint64_t next_ns = consul_report_next_due(store);

    next_ns = clock_earlier(next_ns, consul_watch_next_due(store));
    next_ns = clock_earlier(next_ns, consul_candidate_next_due(store));
    return clock_earlier(next_ns, consul_will_next_due(store));
}

static void consul_due(struct store *store)
{
    consul_report_due(store);
    consul_watch_due(store);
    consul_candidate_due(store);
    consul_will_due(store);
}

const struct store_operations store_consul = {
    .open = consul_open,
    .request = consul_request,
    .hold = consul_hold,
    .execute_will = consul_execute_will,
    .describe = consul_describe,
    .descriptor = consul_descriptor,
    .next_due = consul_next_due,
    .due = consul_due,
};
