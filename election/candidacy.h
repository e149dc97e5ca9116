/* candidacy.h - from when on a lock that is seen free may be taken.
 *
 * A lock that was released with our mark is free at once. Any other free lock may still have a
 * leader that does not know of its loss (somebody unlocked or deleted it by hand), so it is left
 * alone for that leader's lease and a little more. docs/safety.md, "A free lock".
 */
#ifndef ELECTION_CANDIDACY_H
#define ELECTION_CANDIDACY_H

#include "election/lease.h"
#include "election/lock.h"

/* How much longer than a lease a lock without the mark is left alone: for the difference of the
 * clocks, and for a kill that is late.
 */
#define CANDIDACY_MARGIN 500000000u

struct candidacy {
    duration_ns own_lease; /* where the lock's value names none */
    bool seen;             /* the lock was there once, or ours, or another said so */
    bool free;             /* at the last look */
    bool absent;           /* likewise */
    uint64_t index;        /* of the last look; 0: absent */
    uint64_t highest_index;
    uint64_t others_index; /* the highest */
    uint64_t highest_token;
    duration_ns last_lease; /* of the last value that named one; 0: none */
    instant_ns asked;       /* absent: when the last look was sent */
    instant_ns free_since;  /* first seen free at this index */
    instant_ns opens;       /* the lock may be taken from then on */
    instant_ns doubt_until; /* a leader whose lock was freed without the mark may act until then */
    instant_ns not_before;  /* after a try that failed, or to let others go first */
};

/* Takes in one look at the lock. */
void candidacy_see(struct candidacy *candidacy, const struct lock_view *view, instant_ns now);

/* Nobody has looked for a while. One absence looks like another: a lock that is absent may have
 * been led and deleted again since, so it counts as free from the next look on.
 */
void candidacy_lose_sight(struct candidacy *candidacy);

/* Takes in that the lock was granted to us, at the index that is our token. */
void candidacy_take(struct candidacy *candidacy, uint64_t token);

/* Leaves the lock alone until then. */
void candidacy_hold_off(struct candidacy *candidacy, instant_ns until);

/* The instant from which the lock may be tried; 0: not as it was last seen, or, as for one that is
 * absent, not before another look.
 */
instant_ns candidacy_opens(const struct candidacy *candidacy);

#endif
