/* consul_watch.h - look after look at the lock, for as long as a session lives.
 *
 * A candidate waits in long blocking queries that any server may answer (stale): the acquire's
 * guard makes up for a server that lags. The holder asks through a quorum, briefly, so that neither
 * a deposed leader nor a dead connection hides a loss for long.
 */
#ifndef STORES_CONSUL_WATCH_H
#define STORES_CONSUL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "election/lock.h"

struct store;
struct consul_read;

struct consul_watch {
    struct session_id session; /* whose it is; empty: stopped */
    uint64_t term;
    bool holding;
    struct consul_read *read; /* the open one */
    uint64_t next_ns;         /* when to look again; 0: a look is open, or stopped */
    uint64_t index;           /* for the next blocking query; 0: look at once */
    bool consistent;          /* the next look goes through a quorum */
    bool looked;              /* there was one look */
    bool in_sight;            /* and nothing has failed since */
    uint64_t renewed_ns;      /* when a renewal was last answered; at first when it began */
    bool seen;                /* the lock was there at the last look */
    uint64_t seen_index;
};

/* Looks at once, and goes on. holding: the lock is this term's, its views carry the term. */
void consul_watch_start(struct store *store, uint64_t term, const struct session_id *session,
                        bool holding);

void consul_watch_stop(struct store *store);

/* Looks at once through a quorum: what was seen last has turned out to be old. */
void consul_watch_refresh(struct store *store);

/* What came of a renewal. Where one fails, or none was answered for longer than they are apart, a
 * look may have waited in vain; when they succeed again an absent lock is looked at anew, because
 * one absence looks like another.
 */
void consul_watch_renewed(struct store *store, bool done);

uint64_t consul_watch_next_due(const struct store *store);
void consul_watch_due(struct store *store);

#endif
