#include <stdio.h>
#include <strings.h>

#include "common/base/memory.h"
#include "tests/model/consul_state.h"

#define TTL_MULTIPLIER    2                          /* structs.go: SessionTTLMultiplier */
#define LOCK_DELAY_MAX_NS ((int64_t)60 * 1000000000) /* structs.go: MaxLockDelay */

/* --- IDs. --- */

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

#define NO_ID "failed session lookup: index error: "

/* memdb's UUIDFieldIndex. 36 digits without dashes are 18 bytes: no session's. */
static int uuid_read(const char *id, struct session_uuid *uuid, bool *possible,
                     struct text *complaint)
{
    unsigned dashes = 0, digits = 0;

    if (strlen(id) != SESSION_ID_LENGTH) {
        text_add(complaint, NO_ID "UUID must be 36 characters");
        return -1;
    }
    for (const char *at = id; *at; at++)
        dashes += *at == '-';
    if (dashes > 4) {
        text_add_format(complaint, NO_ID "UUID should have maximum of 4 \"-\"; got %u", dashes);
        return -1;
    }
    if ((SESSION_ID_LENGTH - dashes) % 2 != 0) {
        text_add(complaint, NO_ID "Input (without hyphens) must be even length");
        return -1;
    }

    *possible = dashes == 4;
    for (const char *at = id; *at; at++) {
        int value = hex_value(*at);
        if (*at == '-')
            continue;
        if (value < 0) {
            text_add_format(complaint,
                            NO_ID "Invalid UUID: encoding/hex: invalid byte: U+%04X '%c'",
                            (unsigned char)*at, *at);
            return -1;
        }
        if (*possible)
            uuid->bytes[digits / 2] = (uint8_t)(uuid->bytes[digits / 2] << 4 | value);
        digits++;
    }
    return 0;
}

static bool uuid_same(const struct session_uuid *one, const struct session_uuid *other)
{
    return memcmp(one, other, sizeof *one) == 0;
}

int sessions_find(const struct consul_state *state, const char *id, size_t *at,
                  struct text *complaint)
{
    struct session_uuid uuid;
    bool possible;

    if (uuid_read(id, &uuid, &possible, complaint) != 0)
        return -1;
    *at = state->session_count;
    for (size_t i = 0; possible && i < state->session_count; i++)
        if (uuid_same(&state->sessions[i].session->uuid, &uuid)) {
            *at = i;
            break;
        }
    return 0;
}

/* --- From creation to end. --- */

/* validateSessionChecksTxn */
static int checks_pass(const struct consul_state *state, const struct session_order *order,
                       struct text *complaint)
{
    for (const char *check = order->checks; *check; check += strlen(check) + 1) {
        const struct registration *found = catalog_find(state, order->node, check);
        if (found && !found->critical)
            continue;
        if (found)
            text_add_format(complaint, "Check '%s' is in critical state", check);
        else
            text_add_format(complaint, "Missing check '%s' registration", check);
        return -1;
    }
    return 0;
}

static size_t checks_size(const char *checks)
{
    const char *at = checks;

    while (*at)
        at += strlen(at) + 1;
    return (size_t)(at - checks) + 1;
}

/* What GET /v1/session/info shows, which never changes. */
static void session_show(struct text *json, const struct session_order *order, uint64_t index)
{
    text_add(json, "{\"ID\":");
    text_add_json(json, order->id);
    text_add(json, ",\"Name\":");
    text_add_json(json, order->name);
    text_add(json, ",\"Node\":");
    text_add_json(json, order->node);
    text_add_format(json, ",\"LockDelay\":%lld,\"Behavior\":", (long long)order->lock_delay_ns);
    text_add_json(json, order->behavior);
    text_add(json, ",\"TTL\":");
    text_add_json(json, order->ttl);
    text_add(json, ",\"NodeChecks\":");
    text_add(json, order->node_checks);
    text_add(json, ",\"ServiceChecks\":null");
    if (order->old_checks[0] != '\0') {
        text_add(json, ",\"Checks\":");
        text_add(json, order->old_checks);
    }
    text_add(json, ",\"CreateIndex\":");
    text_add_number(json, index);
    text_add(json, ",\"ModifyIndex\":");
    text_add_number(json, index);
    text_add(json, "}");
}

static struct session *session_new(const struct session_order *order, uint64_t index)
{
    struct text json = { 0 };
    size_t node_size = strlen(order->node) + 1;
    size_t bound_size = checks_size(order->checks);
    bool possible;

    session_show(&json, order, index);
    struct session *session =
        shared_new(sizeof *session + node_size + bound_size + json.length + 1);
    snprintf(session->id, sizeof session->id, "%s", order->id);
    uuid_read(session->id, &session->uuid, &possible, &json);
    session->deletes = strcmp(order->behavior, "delete") == 0;
    session->lock_delay_ns = order->lock_delay_ns;
    session->ttl_ns = order->ttl_ns;
    session->index = index;
    memcpy(session->node, order->node, node_size);
    session->checks = memcpy(session->node + node_size, order->checks, bound_size);
    session->json = memcpy(session->node + node_size + bound_size, json.bytes, json.length + 1);
    text_end(&json);
    return session;
}

int sessions_create(struct consul_state *state, const struct session_order *order, uint64_t now,
                    struct text *complaint)
{
    if (!catalog_find(state, order->node, "")) {
        text_add(complaint, "Missing node registration");
        return -1;
    }
    if (checks_pass(state, order, complaint) != 0)
        return -1;

    state->sessions = array_grow(state->sessions, state->session_count, &state->session_room,
                                 sizeof *state->sessions);
    state->sessions[state->session_count].session = session_new(order, state->index);
    state->sessions_index = state->index;
    sessions_renew(state, state->session_count++, now);
    return 0;
}

void sessions_renew(struct consul_state *state, size_t at, uint64_t now)
{
    int64_t ttl_ns = state->sessions[at].session->ttl_ns;

    state->sessions[at].due_ns = ttl_ns > 0 ? now + TTL_MULTIPLIER * (uint64_t)ttl_ns : 0;
}

static void delays_begin(struct consul_state *state, const char *key, uint64_t now,
                         uint64_t until_ns)
{
    size_t kept = 0;

    for (size_t i = 0; i < state->delay_count; i++)
        if (state->delays[i].until_ns > now && strcmp(state->delays[i].key, key) != 0)
            state->delays[kept++] = state->delays[i];
        else
            shared_drop(state->delays[i].key);
    state->delay_count = kept;
    state->delays =
        array_grow(state->delays, state->delay_count, &state->delay_room, sizeof *state->delays);
    state->delays[state->delay_count++] =
        (struct lock_delay){ .key = shared_text(key), .until_ns = until_ns };
}

uint64_t delays_until(const struct consul_state *state, const char *key)
{
    for (size_t i = 0; i < state->delay_count; i++)
        if (strcmp(state->delays[i].key, key) == 0)
            return state->delays[i].until_ns;
    return 0;
}

void delays_forget(struct consul_state *state)
{
    for (size_t i = 0; i < state->delay_count; i++)
        shared_drop(state->delays[i].key);
    state->delay_count = 0;
}

/* deleteSessionTxn */
static void give_up(struct consul_state *state, size_t at, const struct session *session,
                    uint64_t now)
{
    struct kv_entry *entry = shared_keep(state->keys.items[at]);
    int64_t delay_ns =
        session->lock_delay_ns < LOCK_DELAY_MAX_NS ? session->lock_delay_ns : LOCK_DELAY_MAX_NS;

    if (session->deletes)
        keys_delete(state, entry->key);
    else
        keys_release(state, at);
    if (delay_ns > 0)
        delays_begin(state, entry->key, now, now + (uint64_t)delay_ns);
    shared_drop(entry);
}

void sessions_end(struct consul_state *state, size_t at, uint64_t now)
{
    struct session *session = state->sessions[at].session;

    state->session_count--;
    memmove(state->sessions + at, state->sessions + at + 1,
            (state->session_count - at) * sizeof *state->sessions);
    state->sessions_index = state->index;

    for (size_t i = state->keys.count; i-- > 0;) {
        const struct kv_entry *entry = state->keys.items[i];
        if (entry->session[0] != '\0' && uuid_same(&entry->session_uuid, &session->uuid))
            give_up(state, i, session, now);
    }
    shared_drop(session);
}

static bool is_bound(const struct session *session, const char *node, const char *check)
{
    if (strcasecmp(session->node, node) != 0)
        return false;
    if (!check)
        return true;
    for (const char *bound = session->checks; *bound; bound += strlen(bound) + 1)
        if (strcasecmp(bound, check) == 0)
            return true;
    return false;
}

void sessions_end_bound(struct consul_state *state, const char *node, const char *check,
                        uint64_t now)
{
    for (size_t i = state->session_count; i-- > 0;)
        if (is_bound(state->sessions[i].session, node, check))
            sessions_end(state, i, now);
}

size_t sessions_next_due(const struct consul_state *state)
{
    size_t next = state->session_count;

    for (size_t i = 0; i < state->session_count; i++) {
        uint64_t due_ns = state->sessions[i].due_ns;
        if (due_ns != 0 && (next == state->session_count || due_ns < state->sessions[next].due_ns))
            next = i;
    }
    return next;
}
