/* predecessor.h - the run of this instance that was in this place before, when it was ended without
 * the time to end in order.
 *
 * What it has left is killed before anything is started. Where it is proved dead, and its demotion
 * made up for, its lock is given back: read through a quorum, released with the mark if one of its
 * sessions holds it, and the sessions destroyed, so that an acquire that is still on its way fails.
 * That goes on beside the life of this run, and waits for nothing of it. The answers to its
 * requests come here, and the election never sees them.
 */
#ifndef SUPERVISOR_PREDECESSOR_H
#define SUPERVISOR_PREDECESSOR_H

#include "common/place/remains.h"
#include "election/lease.h"

struct supervisor;

enum predecessor_step {
    PREDECESSOR_SETTLED, /* there is nothing to give back, or not yet */
    PREDECESSOR_READS,
    PREDECESSOR_RELEASES,
    PREDECESSOR_DESTROYS,
    PREDECESSOR_STEPS
};

struct predecessor {
    struct record left;
    bool looked_for;
    bool found;          /* `left` was read whole */
    instant_ns patience; /* until when its death is waited for */
    instant_ns warning;  /* when to tell that something cannot be killed; 0: told */

    enum predecessor_step step;
    struct session_id holder; /* of its sessions the one that holds the lock */
    uint64_t index;           /* of the lock then */
    uint64_t serial;          /* counts requests */
    uint64_t open;            /* serial of the open one; 0: none */
    instant_ns due;           /* to take the step again; 0: no need */
    instant_ns give_up;       /* 0: the store has not answered yet */
};

/* While the place is ours and nothing is started: ends what is left. Returns whether this run may
 * begin, which may take another call a few milliseconds later.
 */
bool predecessor_is_over(struct supervisor *supervisor, instant_ns now);

/* Takes over what it owed, into this run's record. */
void predecessor_take_over(struct supervisor *supervisor, instant_ns now);

/* Its demotion, where it led, was made up for, or has failed. */
void predecessor_demoted(struct supervisor *supervisor, bool succeeded, instant_ns now);

/* The answer to a request of ASKER_PREDECESSOR. */
void predecessor_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                          instant_ns now);

/* Another network process was started: nobody will answer what is open. */
void predecessor_network_lost(struct supervisor *supervisor, instant_ns now);

void predecessor_time_passed(struct supervisor *supervisor, instant_ns now);

/* 0: nothing is due. */
instant_ns predecessor_next_due(const struct supervisor *supervisor);

#endif
