/* guard.h - the keeper's own view of the lease: what may start, and when everything is killed.
 *
 * The keeper asks it and nobody else, so that neither a supervisor that hangs nor one that died
 * can let a program act past its lease. Pure: the caller gives the time.
 */
#ifndef ELECTION_GUARD_H
#define ELECTION_GUARD_H

#include "election/lease.h"

struct guard {
    struct lease lease; /* the last that the supervisor granted */
    bool armed;         /* something may act as leader until it is disarmed */
};

/* Takes a lease: a longer one of the same term, or the first of a later one. */
void guard_grant(struct guard *guard, struct lease lease);

/* From here on the hard deadline kills. */
void guard_arm(struct guard *guard);

/* The demotion is complete: nothing acts any more, and nothing starts under this lease again. */
void guard_disarm(struct guard *guard);

/* Whether a program or hook may still be let go as leader: more than the demote budget must
 * remain, so that nothing starts in the shadow of a loss.
 */
bool guard_may_start(const struct guard *guard, instant_ns now);

/* The instant at which the end of whatever acts has to begin, when it takes `needed`: nothing for a
 * kill, its time for a hook. 0: nothing acts. needed: at most the lease's length.
 */
instant_ns guard_deadline(const struct guard *guard, duration_ns needed);

#endif
