/* consul_state.h - what Consul's servers replicate: keys, sessions, nodes and their checks; and the
 * lock-delays, which each server keeps for itself.
 *
 * Rules and texts are those of Consul 1.8 (agent/consul/state/): kvs.go, session.go, catalog.go,
 * delay_oss.go, graveyard.go. Nothing here knows of HTTP.
 *
 * consul_state.c      the state as a whole
 * consul_keys.c       the verbs on keys
 * consul_sessions.c   sessions, their ends and the lock-delays
 * consul_catalog.c    nodes and checks
 */
#ifndef MODEL_CONSUL_STATE_H
#define MODEL_CONSUL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/model/shared.h"
#include "tests/model/text.h"

#define SESSION_ID_LENGTH 36

/* A session ID is compared by its bytes: capitals and the place of the dashes do not matter. */
struct session_uuid {
    uint8_t bytes[16];
};

/* One key. Also a tombstone: a deleted key, or a deleted prefix, and when (modify_index). */
struct kv_entry {
    uint64_t create_index, modify_index, lock_index, flags;
    char session[SESSION_ID_LENGTH + 1]; /* as it was written; empty: not locked */
    struct session_uuid session_uuid;
    size_t value_length; /* 0: shown as null */
    const char *value;
    char key[]; /* followed by the value */
};

struct session {
    char id[SESSION_ID_LENGTH + 1];
    struct session_uuid uuid;
    bool deletes; /* Behavior: its keys are deleted, not released */
    int64_t lock_delay_ns;
    int64_t ttl_ns;     /* 0: none */
    uint64_t index;     /* when it was created */
    const char *checks; /* their IDs, each with its NUL, and one more NUL */
    const char *json;
    char node[]; /* followed by the texts */
};

/* A session and what the leader alone keeps of it. */
struct session_row {
    struct session *session;
    uint64_t due_ns; /* when it ends if it is not renewed; 0: never */
};

/* A node, or with a check one of its checks. */
struct registration {
    bool critical;
    const char *check; /* "": this is the node itself */
    char node[];       /* followed by the check's ID */
};

struct lock_delay {
    char *key; /* shared */
    uint64_t until_ns;
};

struct consul_state {
    uint64_t index; /* raft's */
    uint64_t kvs_index, tombstones_index, sessions_index;
    struct shared_list keys, tombstones; /* of kv_entry, in the order of the keys */
    struct shared_list registrations;
    struct session_row *sessions;
    size_t session_count, session_room;
    struct lock_delay *delays;
    size_t delay_count, delay_room;
};

struct consul_state consul_state_copy(const struct consul_state *state);
void consul_state_end(struct consul_state *state);

/* The next raft entry begins. Many change nothing, but each has an index. */
void consul_state_entry(struct consul_state *state);

/* --- Keys. --- */

/* What a write says. */
struct kv_write {
    const char *key;
    const char *value;
    size_t value_length;
    uint64_t flags;
    const char *session;
    uint64_t index; /* what cas is guarded by; 0: the key must not exist */
};

const struct kv_entry *keys_find(const struct consul_state *state, const char *key);

/* The first key of that prefix is at the place that is returned, the others behind it. */
size_t keys_prefix(const struct consul_state *state, const char *prefix, size_t *count);

/* X-Consul-Index of a key that is not there: kvs and tombstones together. */
uint64_t keys_table_index(const struct consul_state *state);

/* X-Consul-Index of all keys of that prefix. */
uint64_t keys_prefix_index(const struct consul_state *state, const char *prefix);

/* The verbs. 1: done. 0: not, because of the guard or of who holds the lock; nothing was changed.
 * -1: complaint gets Consul's text.
 */
int keys_set(struct consul_state *state, const struct kv_write *write);
int keys_cas(struct consul_state *state, const struct kv_write *write);
int keys_lock(struct consul_state *state, const struct kv_write *write, struct text *complaint);
int keys_unlock(struct consul_state *state, const struct kv_write *write, struct text *complaint);
int keys_delete(struct consul_state *state, const char *key);
int keys_delete_cas(struct consul_state *state, const char *key, uint64_t index);
int keys_delete_prefix(struct consul_state *state, const char *prefix);

/* The lock is taken from whom an ended session left it with. */
void keys_release(struct consul_state *state, size_t at);

/* The keys before a transaction, for when it fails. */
struct keys_saved {
    struct shared_list keys, tombstones;
    uint64_t kvs_index, tombstones_index;
};
struct keys_saved keys_save(const struct consul_state *state);
void keys_restore(struct consul_state *state, struct keys_saved *saved);
void keys_forget(struct keys_saved *saved);

/* --- Sessions. --- */

/* What a session is created with. */
struct session_order {
    const char *id;
    const char *name;
    const char *node;
    const char *behavior; /* "release" or "delete" */
    const char *ttl;      /* as it is shown */
    int64_t ttl_ns;
    int64_t lock_delay_ns;
    const char *checks;      /* all that it is bound to, as in struct session */
    const char *node_checks; /* what is shown of them: JSON */
    const char *old_checks;  /* what is shown of those that the old field names; "": nothing */
};

/* The place of a session; sessions.count: there is none. -1: not an ID, with Consul's text. */
int sessions_find(const struct consul_state *state, const char *id, size_t *at,
                  struct text *complaint);

/* -1: not, with Consul's text. */
int sessions_create(struct consul_state *state, const struct session_order *order, uint64_t now,
                    struct text *complaint);

/* The timer begins anew. */
void sessions_renew(struct consul_state *state, size_t at, uint64_t now);

/* Ends a session: its keys are released or deleted, and their lock-delays begin. */
void sessions_end(struct consul_state *state, size_t at, uint64_t now);

/* Ends those that are bound to the check, or with check NULL all of the node. */
void sessions_end_bound(struct consul_state *state, const char *node, const char *check,
                        uint64_t now);

/* The next one to end by time; session_count: none. */
size_t sessions_next_due(const struct consul_state *state);

/* Until when the key cannot be locked; 0 or past: it can. */
uint64_t delays_until(const struct consul_state *state, const char *key);
void delays_forget(struct consul_state *state);

/* --- The catalog. Names of nodes and checks are alike whatever their capitals. --- */

const struct registration *catalog_find(const struct consul_state *state, const char *node,
                                        const char *check);

/* Adds or replaces; a check that is critical ends the sessions that are bound to it. */
void catalog_register_node(struct consul_state *state, const char *node);
void catalog_register_check(struct consul_state *state, const char *node, const char *check,
                            bool critical, uint64_t now);

void catalog_remove_check(struct consul_state *state, const char *node, const char *check,
                          uint64_t now);
void catalog_remove_node(struct consul_state *state, const char *node, uint64_t now);

#endif
