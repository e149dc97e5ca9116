/* hands.h - what people do to the lock by hand, and programs that keep to Consul's locks and to
 * nothing else.
 */
#ifndef SIMULATION_HANDS_H
#define SIMULATION_HANDS_H

#include "tests/simulation/world.h"

void hands_unlock(void);
void hands_delete(bool with_candidates);
void hands_overwrite(void);
void hands_destroy_session(void);
void hands_destroy_session_at(true_ns at);

/* `consul lock` and the like: it waits for the lock, takes it when it can, holds it for so long and
 * releases it or, when it `dies`, leaves it to run out. It tries no more after `until`.
 */
void hands_foreign_candidate(duration_ns holds, bool dies, true_ns until);

#endif
