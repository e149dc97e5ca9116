/* consul_candidate.h - our entry in the list of candidates, KEY.candidates/SESSION, held with the
 * session itself; and, while we hold the lock, the removal of entries whose session has ended.
 *
 *   {"format":1, "instance":"", "node":"", "pid":0, "priority":100, "healthy":true,
 *    "lock_seen":true, "acquired":false}
 *
 * `lock_seen` tells a newcomer that a lock which is absent now was there before: its leader may
 * still act (docs/safety.md, "A free lock"). `acquired` changes with the acquisition, so that it
 * moves the entry's index also where the lock was seen before.
 */
#ifndef STORES_CONSUL_CANDIDATE_H
#define STORES_CONSUL_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "consul/entry.h"
#include "election/lock.h"

struct store;
struct http_request;

/* A transaction of Consul's has at most 64 parts. */
#define CANDIDATES_GUARDED 48

struct consul_candidate {
    struct session_id session; /* empty: none stands */
    struct session_id removed; /* its entry went with the release */
    bool lock_seen;            /* once, also under an earlier session */
    bool written;              /* the entry stands */
    bool written_lock_seen;    /* and says so */
    bool write_says_seen;      /* what the open write says */
    uint64_t next_ns;          /* when to write it; 0: no need */
    uint64_t sweep_ns;         /* when to look for abandoned entries; 0: not ours to do */
    struct http_request *write;
    struct http_request *sweep;
    struct guarded_entry {
        struct session_id session;
        uint64_t index;
    } others[CANDIDATES_GUARDED]; /* those that were last listed */
    unsigned other_count;
    bool listed;         /* since this session stands */
    uint64_t others_saw; /* of them the highest index of one that has seen the lock */
};

/* A session stands from now on; the entry follows its first look at the lock. */
void consul_candidate_begin(struct store *store, const struct session_id *session);

/* Nothing more is written or removed. */
void consul_candidate_stop(struct store *store);

/* A look at the lock. */
void consul_candidate_looked(struct store *store, bool lock_exists);

/* Whether an absent lock may be asked for on the strength of a look in which the others' entries
 * had that highest index: they were listed since this session stands, and none has acquired it
 * since.
 */
bool consul_candidate_others_rest(const struct store *store, uint64_t others_index);

/* Adds to the commit that acquires an absent lock that no other entry was changed since they were
 * listed: one absence looks like another, also where the lock was led and deleted in between.
 */
void consul_candidate_guard(const struct store *store, struct json_object *transaction);

/* Adds the entry, which says that the lock was seen, to the commit that acquires it. */
void consul_candidate_acquire(struct store *store, struct json_object *transaction,
                              const struct session_id *session);

/* That commit came, or did not. */
void consul_candidate_acquired(struct store *store, bool done);

/* Removes the entry with the commit that releases the lock. */
void consul_candidate_release(struct store *store, struct json_object *transaction,
                              const struct session_id *session);

/* That commit came: there is no entry any more. */
void consul_candidate_released(struct store *store, const struct session_id *session);

/* Removes the entry of a session that is about to be destroyed, if it still has one, without
 * waiting for it.
 */
void consul_candidate_remove(struct store *store, const struct session_id *session);

/* Takes note of these candidates. Returns the highest index of one of them, but our present one,
 * that has seen the lock; 0: none has.
 */
uint64_t consul_candidate_listed(struct store *store, const struct entries *entries);

/* How many of these candidates stand beside us, and are healthy. */
unsigned consul_candidate_healthy_others(const struct store *store, const struct entries *entries);

/* The path that lists them; the caller's to free. */
char *consul_candidate_list(const struct store *store);

uint64_t consul_candidate_next_due(const struct store *store);
void consul_candidate_due(struct store *store);

#endif
