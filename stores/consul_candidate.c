#include "stores/consul_candidate.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/lock_value.h"
#include "consul/path.h"
#include "consul/transaction.h"
#include "stores/consul_store.h"

/* A candidate that acquires at its first look writes its entry with that commit alone. */
#define FIRST_WRITE_PAUSE  MILLISECONDS(100)
#define RETRY_PAUSE        SECONDS(1)
#define ABANDONED_INTERVAL SECONDS(30)
#define SWEEP_MAX          32

static char *entry_key(const struct store *store, const struct session_id *session)
{
    return memory_text("%s.candidates/%s", store->settings->key, session->text);
}

static struct json_object *entry_value(const struct store *store, bool lock_seen, bool acquired)
{
    const struct lock_identity *identity = &store->value.identity;
    struct json_object *value = json_new_object();

    json_set_number(value, "format", LOCK_VALUE_FORMAT);
    json_set_text(value, "instance", identity->instance);
    json_set_text(value, "node", identity->node);
    json_set_number(value, "pid", identity->pid);
    json_set_number(value, "priority", 100);
    json_set_flag(value, "healthy", true);
    json_set_flag(value, "lock_seen", lock_seen);
    json_set_flag(value, "acquired", acquired);
    return value;
}

static void send(struct store *store, const char *method, const char *path, const char *body,
                 http_callback callback, struct http_request **request)
{
    struct http_order order = {
        .method = method,
        .path = path,
        .body = body,
        .timeout_ns = settings_request_timeout(store->settings),
        .callback = callback,
        .context = store,
    };

    *request = http_request(store->http, &order);
}

/* --- Our entry. --- */

static bool entry_is_right(const struct consul_candidate *candidate)
{
    return candidate->written && candidate->written_lock_seen == candidate->lock_seen;
}

static void entry_written(void *context, const struct http_response *response)
{
    struct store *store = context;
    struct consul_candidate *candidate = &store->candidate;
    struct attempt attempt = { .what = "cannot write this candidate's entry" };
    struct error reason;

    candidate->write = NULL;
    if (response->answered && response->status == 200 && strncmp(response->body, "true", 4) == 0) {
        candidate->written = true;
        candidate->written_lock_seen = candidate->write_says_seen;
        candidate->next_ns = entry_is_right(candidate) ? 0 : clock_now_ns();
        return;
    }
    snprintf(attempt.rule, sizeof attempt.rule, "key:write on the prefix \"%s\"",
             store->settings->key);
    refusal_read(response, &attempt, &reason);
    if (!refusal_is_outage(response) && !refusal_says(response, "invalid session"))
        consul_report_complain(store, reason.text);
    candidate->next_ns = clock_now_ns() + RETRY_PAUSE;
}

static void entry_write(struct store *store)
{
    struct consul_candidate *candidate = &store->candidate;
    AUTO_FREE char *key = entry_key(store, &candidate->session);
    AUTO_FREE char *query = memory_text("acquire=%s", candidate->session.text);
    AUTO_FREE char *path = path_key(key, query);
    AUTO_JSON struct json_object *value = entry_value(store, candidate->lock_seen, false);

    candidate->next_ns = 0;
    candidate->write_says_seen = candidate->lock_seen;
    send(store, "PUT", path, json_line(value), entry_written, &candidate->write);
}

void consul_candidate_begin(struct store *store, const struct session_id *session)
{
    consul_candidate_stop(store);
    store->candidate.session = *session;
}

void consul_candidate_stop(struct store *store)
{
    struct session_id removed = store->candidate.removed;
    bool lock_seen = store->candidate.lock_seen;

    http_cancel(store->candidate.write);
    http_cancel(store->candidate.sweep);
    memset(&store->candidate, 0, sizeof store->candidate);
    store->candidate.removed = removed;
    store->candidate.lock_seen = lock_seen;
}

void consul_candidate_looked(struct store *store, bool lock_exists)
{
    struct consul_candidate *candidate = &store->candidate;

    if (candidate->session.text[0] == '\0')
        return;
    candidate->lock_seen |= lock_exists;
    if (!entry_is_right(candidate) && !candidate->write && candidate->next_ns == 0)
        candidate->next_ns = clock_now_ns() + FIRST_WRITE_PAUSE;
}

void consul_candidate_acquire(struct store *store, struct json_object *transaction,
                              const struct session_id *session)
{
    struct consul_candidate *candidate = &store->candidate;

    if (session_is(session, &candidate->session))
        candidate->next_ns = 0;
    AUTO_FREE char *key = entry_key(store, session);
    AUTO_JSON struct json_object *value = entry_value(store, true, true);
    transaction_lock(transaction, key, session, json_line(value));
}

/* A write of the entry that is open may overtake the commit, or be overtaken: when it is answered
 * it is written again if it did not say that the lock was seen.
 */
void consul_candidate_acquired(struct store *store, bool done)
{
    struct consul_candidate *candidate = &store->candidate;

    if (done) {
        candidate->lock_seen = candidate->written = candidate->written_lock_seen = true;
        candidate->sweep_ns = clock_now_ns() + ABANDONED_INTERVAL;
    }
    consul_candidate_looked(store, done);
}

void consul_candidate_release(struct store *store, struct json_object *transaction,
                              const struct session_id *session)
{
    AUTO_FREE char *key = entry_key(store, session);

    transaction_delete(transaction, key);
    if (session_is(session, &store->candidate.session))
        consul_candidate_stop(store);
}

void consul_candidate_released(struct store *store, const struct session_id *session)
{
    store->candidate.removed = *session;
}

/* --- Entries of sessions that end or have ended. --- */

static void nobody_waits(void *context, const struct http_response *response)
{
    (void)context, (void)response;
}

void consul_candidate_remove(struct store *store, const struct session_id *session)
{
    AUTO_FREE char *key = entry_key(store, session);
    AUTO_FREE char *path = path_key(key, "");
    struct http_request *request;

    if (session_is(session, &store->candidate.session))
        consul_candidate_stop(store);
    if (!session_is(session, &store->candidate.removed))
        send(store, "DELETE", path, NULL, nobody_waits, &request);
}

static bool says_lock_seen(const struct entry *entry)
{
    AUTO_JSON struct json_object *value = json_read(entry->value, entry->length);
    struct json_object *lock_seen = json_member(value, "lock_seen", json_type_boolean);

    return !lock_seen || json_object_get_boolean(lock_seen); /* what cannot be read may have */
}

/* What lies deeper, or has a longer name than a session, is no candidate's. */
static void note_other(struct store *store, const struct entry *entry, size_t prefix_length)
{
    struct consul_candidate *candidate = &store->candidate;
    const char *name = entry->key + prefix_length;
    struct guarded_entry *other = &candidate->others[candidate->other_count];

    if (candidate->other_count == CANDIDATES_GUARDED || strchr(name, '/') ||
        strlen(name) >= sizeof other->session.text)
        return;
    strcpy(other->session.text, name);
    other->index = entry->index;
    candidate->other_count++;
}

uint64_t consul_candidate_listed(struct store *store, const struct entries *entries)
{
    AUTO_FREE char *own = entry_key(store, &store->candidate.session);
    size_t prefix_length = strlen(own) - strlen(store->candidate.session.text);
    uint64_t highest = 0;

    store->candidate.listed = true;
    store->candidate.other_count = 0;
    store->candidate.written &=
        entries_find(entries, own) != NULL; /* somebody may have deleted it */
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *entry = &entries->list[i];
        if (strcmp(entry->key, own) == 0)
            continue;
        note_other(store, entry, prefix_length);
        if (says_lock_seen(entry) && entry->index > highest)
            highest = entry->index;
    }
    store->candidate.others_saw = highest;
    return highest;
}

bool consul_candidate_others_rest(const struct store *store, uint64_t others_index)
{
    return store->candidate.listed && store->candidate.others_saw <= others_index;
}

void consul_candidate_guard(const struct store *store, struct json_object *transaction)
{
    const struct consul_candidate *candidate = &store->candidate;

    for (unsigned i = 0; i < candidate->other_count; i++) {
        AUTO_FREE char *key = entry_key(store, &candidate->others[i].session);
        transaction_guard(transaction, key, candidate->others[i].index);
    }
}

static bool stands(const struct entry *entry)
{
    AUTO_JSON struct json_object *value = json_read(entry->value, entry->length);

    return entry->session.text[0] != '\0' && json_number(value, "priority") > 0 &&
           json_object_get_boolean(json_member(value, "healthy", json_type_boolean));
}

unsigned consul_candidate_healthy_others(const struct store *store, const struct entries *entries)
{
    AUTO_FREE char *own = entry_key(store, &store->candidate.session);
    unsigned others = 0;

    for (size_t i = 0; i < entries->count; i++)
        others += strcmp(entries->list[i].key, own) != 0 && stands(&entries->list[i]);
    return others;
}

char *consul_candidate_list(const struct store *store)
{
    AUTO_FREE char *prefix = memory_text("%s.candidates/", store->settings->key);

    return path_key(prefix, "recurse");
}

static bool own_entry_stands(const struct store *store, const struct entries *entries)
{
    AUTO_FREE char *own = entry_key(store, &store->candidate.session);
    const struct entry *entry = entries_find(entries, own);

    return entry && session_is(&store->candidate.session, &entry->session);
}

/* By a leader whose own entry stands: it may be the last that says that the lock was seen. Guarded,
 * because a session may take its entry up again. A few at a time: one that changed refuses them
 * all.
 */
static void remove_abandoned(struct store *store, const struct entries *entries)
{
    AUTO_JSON struct json_object *transaction = transaction_new();
    struct http_request *request;
    unsigned removed = 0;

    if (!own_entry_stands(store, entries))
        return;

    for (size_t i = 0; i < entries->count && removed < SWEEP_MAX; i++) {
        const struct entry *entry = &entries->list[i];
        if (entry->session.text[0] != '\0')
            continue;
        transaction_guard(transaction, entry->key, entry->index);
        transaction_delete(transaction, entry->key);
        removed++;
    }
    if (removed > 0) {
        log_debug("entries of candidates whose session has ended are removed count=%u", removed);
        send(store, "PUT", "/v1/txn", json_line(transaction), nobody_waits, &request);
    }
}

static void entries_listed(void *context, const struct http_response *response)
{
    struct store *store = context;
    struct attempt attempt = { .what = "cannot list the candidates" };
    AUTO_ENTRIES struct entries entries;
    struct error reason;

    store->candidate.sweep = NULL;
    snprintf(attempt.rule, sizeof attempt.rule, "key:write on the prefix \"%s\"",
             store->settings->key);
    if (entries_read(response, &attempt, &entries, &reason) == 0)
        remove_abandoned(store, &entries);
    else
        log_debug("%s", reason.text);
}

static void sweep(struct store *store)
{
    AUTO_FREE char *path = consul_candidate_list(store);

    http_cancel(store->candidate.sweep);
    send(store, "GET", path, NULL, entries_listed, &store->candidate.sweep);
    store->candidate.sweep_ns = clock_now_ns() + ABANDONED_INTERVAL;
}

uint64_t consul_candidate_next_due(const struct store *store)
{
    return clock_earlier(store->candidate.next_ns, store->candidate.sweep_ns);
}

void consul_candidate_due(struct store *store)
{
    struct consul_candidate *candidate = &store->candidate;
    uint64_t now = clock_now_ns();

    if (candidate->next_ns != 0 && now >= candidate->next_ns && !candidate->write)
        entry_write(store);
    if (candidate->sweep_ns != 0 && now >= candidate->sweep_ns)
        sweep(store);
}
