/* consul_will.h - the last will: what is done for this instance when nothing of it is left to act.
 *
 * Release the lock with the mark if our session holds it, destroy the session, and say so. It is
 * kept up to date with each request of ours, so that it can be executed at any moment, while any
 * request is open. What fails is tried again until twice the TTL has passed, when the session has
 * run out by itself.
 */
#ifndef STORES_CONSUL_WILL_H
#define STORES_CONSUL_WILL_H

#include <stdbool.h>
#include <stdint.h>

#include "election/lock.h"

struct store;

enum consul_will_step {
    WILL_WAITS,   /* not to be executed yet, or done */
    WILL_ACQUIRE, /* for the open acquire's answer */
    WILL_READ,    /* whether the lock is ours */
    WILL_RELEASE,
    WILL_DESTROY,
    WILL_STEPS
};

/* Whether our session may hold the lock. */
enum consul_will_hold { HOLD_NO, HOLD_PERHAPS, HOLD_YES };

struct consul_will {
    struct session_id session; /* empty: there is nothing to do */
    struct session_id former;  /* one before it whose acquire seemed lost: destroyed as well */
    uint64_t term;
    enum consul_will_hold hold;
    uint64_t index; /* of the lock, when it is ours */
    uint64_t token;
    bool acquire_open;
    enum consul_will_step step;
    bool asked;             /* the step's request is open */
    uint64_t next_ns;       /* when to take the step again; 0: not by time */
    uint64_t read_until_ns; /* when reading has been tried long enough */
    uint64_t give_up_ns;
};

/* A session that has not asked for the lock: only to be destroyed; at once while the will is being
 * executed.
 */
void consul_will_session(struct store *store, uint64_t term, const struct session_id *session);

/* Takes over from a network process that died. holding: it had the lock; else it may have asked. */
void consul_will_adopt(struct store *store, uint64_t term, const struct session_id *session,
                       uint64_t index, uint64_t token, bool holding);

/* Before an acquire is sent. */
void consul_will_acquire(struct store *store, const struct lock_request *request);

/* After each answer. */
void consul_will_answered(struct store *store, const struct lock_answer *answer);

void consul_will_execute(struct store *store);
bool consul_will_executing(const struct store *store);

uint64_t consul_will_next_due(const struct store *store);
void consul_will_due(struct store *store);

#endif
