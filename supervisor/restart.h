/* restart.h - a program that ended by itself is started again: whether, when, and what becomes of
 * the lead meanwhile. Private to supervisor/.
 */
#ifndef SUPERVISOR_RESTART_H
#define SUPERVISOR_RESTART_H

#include <stdbool.h>

#include "common/options/settings.h"
#include "election/lease.h"

struct supervisor;

struct restarts {
    instant_ns recent[RESTARTS_MAX]; /* the last ones, in a ring */
    unsigned next;
    duration_ns backoff; /* before the last one, without its jitter; 0: none yet */
    instant_ns started;  /* the program's last start */
    instant_ns due;      /* to start it again; 0: no need */
    bool in_place;       /* under the lead that goes on */
    bool promoting;      /* it was, and is not told of the lead yet */
};

/* The program runs. */
void restart_program_started(struct supervisor *supervisor, instant_ns now);

/* It has ended by itself, with this status of ours. was_told: it was sent a signal that ends
 * programs. Returns whether it will be started again; else this instance ends. A leader goes on
 * only where the program will surely be back within its lease, and soon; else it steps down.
 */
bool restart_program_ended(struct supervisor *supervisor, int status, bool was_told,
                           instant_ns now);

/* The lead is being lost: what is started now starts as a follower. */
void restart_lead_lost(struct supervisor *supervisor);

/* Starts it when it is time and nothing of its last run is left. */
void restart_time_passed(struct supervisor *supervisor, instant_ns now);

/* 0: nothing is due. */
instant_ns restart_next_due(const struct supervisor *supervisor);

#endif
