/* standing.h - whether this instance is a candidate, and what becomes of a lead whose holder is not
 * well. Private to supervisor/.
 */
#ifndef SUPERVISOR_STANDING_H
#define SUPERVISOR_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "election/lease.h"
#include "election/lock.h"

struct supervisor;

struct standing {
    uint64_t serial;          /* counts requests */
    uint64_t open;            /* the question for other candidates; 0: none */
    instant_ns due;           /* to ask it; 0: no need */
    bool stay_told;           /* why an ill leader leads on */
    bool given_by_probes;     /* the lock, as it was last seen free */
    instant_ns settled_until; /* probes do not move the lead before that */
};

/* Stands, or stands no more, as is right now; after each change of what it depends on. */
void standing_update(struct supervisor *supervisor, instant_ns now);

/* The probes have come to another result: whoever is ill stands no more, and a leader does as
 * --unhealthy-leader says.
 */
void standing_health_changed(struct supervisor *supervisor, instant_ns now);

/* The answer to a request of ASKER_STANDING. */
void standing_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                       instant_ns now);

/* Another network process was started: what was asked of the dead one is asked again. */
void standing_network_lost(struct supervisor *supervisor, instant_ns now);

/* A look at the lock; a promotion begins. Probes alone move the lead once a minute at most. */
void standing_lock_seen(struct supervisor *supervisor, const struct lock_view *view);
void standing_promoted(struct supervisor *supervisor, instant_ns now);

void standing_time_passed(struct supervisor *supervisor, instant_ns now);

/* 0: nothing is due. */
instant_ns standing_next_due(const struct supervisor *supervisor);

#endif
