#include "tests/model/consul_state.h"

#include <string.h>

static struct kv_entry *entry_at(const struct shared_list *list, size_t at)
{
    return list->items[at];
}

/* Where the key is, or would be. */
static size_t place_of(const struct shared_list *list, const char *key, bool *found)
{
    size_t low = 0, high = list->count;

    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(entry_at(list, middle)->key, key);
        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct kv_entry *find(const struct shared_list *list, const char *key)
{
    bool found;
    size_t at = place_of(list, key, &found);

    return found ? entry_at(list, at) : NULL;
}

const struct kv_entry *keys_find(const struct consul_state *state, const char *key)
{
    return find(&state->keys, key);
}

static size_t prefix_of(const struct shared_list *list, const char *prefix, size_t *count)
{
    bool found;
    size_t first = place_of(list, prefix, &found);
    size_t length = strlen(prefix), at = first;

    while (at < list->count && strncmp(entry_at(list, at)->key, prefix, length) == 0)
        at++;
    *count = at - first;
    return first;
}

size_t keys_prefix(const struct consul_state *state, const char *prefix, size_t *count)
{
    return prefix_of(&state->keys, prefix, count);
}

uint64_t keys_table_index(const struct consul_state *state)
{
    return state->kvs_index > state->tombstones_index ? state->kvs_index : state->tombstones_index;
}

static uint64_t highest(const struct shared_list *list, const char *prefix)
{
    size_t count, first = prefix_of(list, prefix, &count);
    uint64_t index = 0;

    for (size_t i = first; i < first + count; i++)
        if (entry_at(list, i)->modify_index > index)
            index = entry_at(list, i)->modify_index;
    return index;
}

uint64_t keys_prefix_index(const struct consul_state *state, const char *prefix)
{
    uint64_t keys = highest(&state->keys, prefix);
    uint64_t tombstones = highest(&state->tombstones, prefix);
    uint64_t index = keys > tombstones ? keys : tombstones;

    return prefix[0] == '\0' || index == 0 ? keys_table_index(state) : index;
}

static struct kv_entry *entry_new(const char *key, const char *value, size_t value_length)
{
    size_t key_size = strlen(key) + 1;
    struct kv_entry *entry = shared_new(sizeof *entry + key_size + value_length + 1);

    memcpy(entry->key, key, key_size);
    entry->value = entry->key + key_size;
    entry->value_length = value_length;
    if (value_length > 0)
        memcpy(entry->key + key_size, value, value_length);
    return entry;
}

static bool same(const struct kv_entry *one, const struct kv_entry *other)
{
    return one->lock_index == other->lock_index && one->flags == other->flags &&
           one->value_length == other->value_length &&
           memcmp(one->value, other->value, one->value_length) == 0 &&
           strcmp(one->session, other->session) == 0;
}

static void put(struct shared_list *list, struct kv_entry *entry)
{
    bool found;
    size_t at = place_of(list, entry->key, &found);

    if (found)
        shared_list_replace(list, at, entry);
    else
        shared_list_insert(list, at, entry);
}

/* The lock index and the session are those of `entry`. What changes nothing is not written: no
 * index moves (kvsSetTxn).
 */
static void store(struct consul_state *state, struct kv_entry *entry)
{
    const struct kv_entry *existing = keys_find(state, entry->key);

    if (existing && same(existing, entry)) {
        shared_drop(entry);
        return;
    }
    entry->create_index = existing ? existing->create_index : state->index;
    entry->modify_index = state->index;
    state->kvs_index = state->index;
    put(&state->keys, entry);
}

static void session_copy(struct kv_entry *entry, const char *session,
                         const struct session_uuid *uuid)
{
    strcpy(entry->session, session);
    entry->session_uuid = *uuid;
}

static struct kv_entry *entry_written(const struct kv_write *write)
{
    struct kv_entry *entry = entry_new(write->key, write->value, write->value_length);

    entry->flags = write->flags;
    return entry;
}

/* Whoever writes: the session stays, but the lock index is lost. */
int keys_set(struct consul_state *state, const struct kv_write *write)
{
    const struct kv_entry *existing = keys_find(state, write->key);
    struct kv_entry *entry = entry_written(write);

    if (existing)
        session_copy(entry, existing->session, &existing->session_uuid);
    store(state, entry);
    return 1;
}

int keys_cas(struct consul_state *state, const struct kv_write *write)
{
    const struct kv_entry *existing = keys_find(state, write->key);

    if (write->index != (existing ? existing->modify_index : 0))
        return 0;
    return keys_set(state, write);
}

int keys_lock(struct consul_state *state, const struct kv_write *write, struct text *complaint)
{
    const struct kv_entry *existing = keys_find(state, write->key);
    size_t at;

    if (write->session[0] == '\0') {
        text_add(complaint, "missing session");
        return -1;
    }
    if (sessions_find(state, write->session, &at, complaint) != 0)
        return -1;
    if (at == state->session_count) {
        text_add(complaint, "invalid session ");
        text_add_quoted(complaint, write->session);
        return -1;
    }
    bool held = existing && existing->session[0] != '\0';
    if (held && strcmp(existing->session, write->session) != 0)
        return 0;

    struct kv_entry *entry = entry_written(write);
    session_copy(entry, write->session, &state->sessions[at].session->uuid);
    entry->lock_index = (existing ? existing->lock_index : 0) + !held;
    store(state, entry);
    return 1;
}

/* The session need not live. */
int keys_unlock(struct consul_state *state, const struct kv_write *write, struct text *complaint)
{
    const struct kv_entry *existing = keys_find(state, write->key);

    if (write->session[0] == '\0') {
        text_add(complaint, "missing session");
        return -1;
    }
    if (!existing || strcmp(existing->session, write->session) != 0)
        return 0;

    struct kv_entry *entry = entry_written(write);
    entry->lock_index = existing->lock_index;
    store(state, entry);
    return 1;
}

void keys_release(struct consul_state *state, size_t at)
{
    const struct kv_entry *held = entry_at(&state->keys, at);
    struct kv_entry *entry = entry_new(held->key, held->value, held->value_length);

    entry->flags = held->flags;
    entry->lock_index = held->lock_index;
    store(state, entry);
}

static void bury(struct consul_state *state, const char *key)
{
    struct kv_entry *tombstone = entry_new(key, NULL, 0);

    tombstone->modify_index = state->index;
    put(&state->tombstones, tombstone);
    state->tombstones_index = state->index;
}

int keys_delete(struct consul_state *state, const char *key)
{
    bool found;
    size_t at = place_of(&state->keys, key, &found);

    if (!found)
        return 1;
    bury(state, key);
    shared_list_remove(&state->keys, at, 1);
    state->kvs_index = state->index;
    return 1;
}

/* Of a key that is not there it says that it was deleted, whatever the guard. */
int keys_delete_cas(struct consul_state *state, const char *key, uint64_t index)
{
    const struct kv_entry *existing = keys_find(state, key);

    if (existing && existing->modify_index != index)
        return 0;
    return keys_delete(state, key);
}

/* One tombstone for all of them. */
int keys_delete_prefix(struct consul_state *state, const char *prefix)
{
    size_t count, first = keys_prefix(state, prefix, &count);

    if (count == 0)
        return 1;
    if (prefix[0] != '\0')
        bury(state, prefix);
    shared_list_remove(&state->keys, first, count);
    state->kvs_index = state->index;
    return 1;
}

struct keys_saved keys_save(const struct consul_state *state)
{
    return (struct keys_saved){
        .keys = shared_list_copy(&state->keys),
        .tombstones = shared_list_copy(&state->tombstones),
        .kvs_index = state->kvs_index,
        .tombstones_index = state->tombstones_index,
    };
}

void keys_restore(struct consul_state *state, struct keys_saved *saved)
{
    shared_list_end(&state->keys);
    shared_list_end(&state->tombstones);
    state->keys = saved->keys;
    state->tombstones = saved->tombstones;
    state->kvs_index = saved->kvs_index;
    state->tombstones_index = saved->tombstones_index;
}

void keys_forget(struct keys_saved *saved)
{
    shared_list_end(&saved->keys);
    shared_list_end(&saved->tombstones);
}
