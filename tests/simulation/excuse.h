/* excuse.h - what the judge lets pass, because nobody could have prevented it. */
#ifndef SIMULATION_EXCUSE_H
#define SIMULATION_EXCUSE_H

#include "tests/simulation/process.h"
#include "tests/simulation/term.h"

/* How late a kill may be: what a scheduler lets wait. */
duration_ns excuse_lateness(const struct instance *instance);

/* One of its processes cannot be killed, or could not until so long ago. */
bool excuse_held(const struct instance *instance, duration_ns ago);

/* Nobody is there who could have ended it by now, or it cannot be ended: that is left to tokens. */
bool excuse_cannot_be_ended(const struct process *process);

/* Of two that act the one that came later could not know of the other when it began: lock and
 * candidates were deleted together, or an old snapshot was restored, and it was shown nothing of
 * that leader before. Shown it later, it has the time of its demotion.
 */
bool excuse_could_not_know(const struct process *one, const struct process *other);

/* Of two that act one acquired an absent lock that the other, which nobody had listed yet, had just
 * acquired; somebody had deleted it in between.
 */
bool excuse_was_not_listed(const struct process *one, const struct process *other);

/* What no program but ours can be kept from: locks freed by hand, lock-delays forgotten after
 * sessions that were ended by hand or gossip. Ours wait for the lease.
 */
bool excuse_plain_candidate(const struct term *term);

#endif
