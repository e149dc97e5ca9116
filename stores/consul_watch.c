#include "stores/consul_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "stores/consul_read.h"
#include "stores/consul_store.h"

#define WAIT_OF_CANDIDATES SECONDS(60)
#define WAIT_OF_HOLDER     SECONDS(5)

/* A lock that is absent and may not be taken yet: only what was watched to the end counts. */
#define WAIT_WHILE_ABSENT MILLISECONDS(500)

#define UNCHANGED_PAUSE MILLISECONDS(100)

/* A lock that is seen free is tried next, and what came of that starts the watch again; looking on
 * meanwhile would only keep Consul busy.
 */
#define ACQUIRE_PAUSE MILLISECONDS(50)

static bool is_absent(const struct consul_watch *watch)
{
    return watch->looked && !watch->seen;
}

static uint64_t wait_of(const struct store *store)
{
    uint64_t third = store->settings->ttl_ns / 3;

    if (!store->watch.holding)
        return is_absent(&store->watch) ? WAIT_WHILE_ABSENT : WAIT_OF_CANDIDATES;
    return third < WAIT_OF_HOLDER ? third : WAIT_OF_HOLDER;
}

/* STORE_RETRY and up to as much again, so that not all candidates come at once. */
static uint64_t retry_pause(void)
{
    return STORE_RETRY + MILLISECONDS((uint64_t)random() % (STORE_RETRY / MILLISECONDS(1)));
}

/* Consul: an index that goes backwards means another state, to be looked at anew. */
static uint64_t index_after(uint64_t before, uint64_t now)
{
    return now < before ? 0 : now;
}

static void look_failed(struct store *store, const struct consul_look *seen)
{
    log_debug("%s", seen->reason.text);
    if (!seen->outage)
        consul_report_complain(store, seen->reason.text);
    store->watch.index = 0;
    if (store->watch.in_sight)
        store->listener.sight_lost(store->listener.context);
    store->watch.in_sight = false;
    store->watch.next_ns = clock_now_ns() + retry_pause();
}

static void look_answered(void *context, const struct consul_look *seen)
{
    struct store *store = context;
    struct consul_watch *watch = &store->watch;

    watch->read = NULL;
    if (!seen->known) {
        look_failed(store, seen);
        return;
    }

    bool changed =
        !watch->looked || watch->seen != seen->view.exists || watch->seen_index != seen->view.index;
    watch->looked = true;
    watch->seen = seen->view.exists;
    watch->seen_index = seen->view.index;
    watch->consistent = false;
    watch->index = index_after(watch->index, seen->index);
    bool is_free = !watch->holding && seen->view.session.text[0] == '\0';
    watch->next_ns = clock_now_ns() + (!changed ? UNCHANGED_PAUSE : is_free ? ACQUIRE_PAUSE : 0);

    struct lock_view view = seen->view;
    view.after_gap = !watch->in_sight;
    watch->in_sight = true;
    view.term = watch->holding ? watch->term : 0;
    store->listener.lock_seen(store->listener.context, &view);
    consul_candidate_looked(store, view.exists);
    consul_watch_due(store);
}

static void look(struct store *store)
{
    struct consul_watch *watch = &store->watch;
    /* A server that lags shows an absent lock for long. */
    bool asks_quorum = watch->holding || watch->consistent || is_absent(watch);
    const char *mode = asks_quorum ? "consistent" : "stale";
    uint64_t wait_ns = watch->index ? wait_of(store) : 0;
    char query[96];

    if (watch->index)
        snprintf(query, sizeof query, "%s&index=%" PRIu64 "&wait=%" PRIu64 "ms", mode, watch->index,
                 wait_ns / MILLISECONDS(1));
    else
        snprintf(query, sizeof query, "%s", mode);

    /* Consul adds up to a sixteenth of the wait. */
    struct consul_read_order order = {
        .query = query,
        .timeout_ns = wait_ns + wait_ns / 16 + settings_request_timeout(store->settings),
        .candidates = !watch->holding,
        .done = look_answered,
        .context = store,
    };
    if (!watch->holding && watch->index && !is_absent(watch))
        order.timeout_ns += SECONDS(10); /* servers hold a query while they elect */
    watch->next_ns = 0;
    watch->read = consul_read_start(store, &order);
}

void consul_watch_start(struct store *store, uint64_t term, const struct session_id *session,
                        bool holding)
{
    consul_watch_stop(store);
    store->watch.session = *session;
    store->watch.term = term;
    store->watch.holding = holding;
    store->watch.renewed_ns = clock_now_ns();
    look(store);
}

void consul_watch_stop(struct store *store)
{
    consul_read_cancel(store->watch.read);
    memset(&store->watch, 0, sizeof store->watch);
}

void consul_watch_refresh(struct store *store)
{
    struct consul_watch *watch = &store->watch;

    if (watch->session.text[0] == '\0')
        return;
    consul_read_cancel(watch->read);
    watch->index = 0;
    watch->consistent = true;
    watch->looked = false;
    look(store);
}

void consul_watch_renewed(struct store *store, bool done)
{
    struct consul_watch *watch = &store->watch;
    uint64_t now = clock_now_ns();

    if (!done || now > watch->renewed_ns + store->settings->renew_interval_ns + STANDSTILL)
        watch->in_sight = false;
    watch->renewed_ns = now;
    if (!done)
        return;
    if (!watch->in_sight && is_absent(watch))
        consul_watch_refresh(store);
}

uint64_t consul_watch_next_due(const struct store *store)
{
    return store->watch.next_ns;
}

void consul_watch_due(struct store *store)
{
    uint64_t next_ns = store->watch.next_ns;

    if (next_ns != 0 && clock_now_ns() >= next_ns)
        look(store);
}
