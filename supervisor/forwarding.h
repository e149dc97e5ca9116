/* forwarding.h - signals that we are sent and that mean nothing to us: the program gets them, as
 * --rewrite says. Private to supervisor/.
 */
#ifndef SUPERVISOR_FORWARDING_H
#define SUPERVISOR_FORWARDING_H

#include <stdbool.h>

#include "common/base/signals.h"
#include "election/lease.h"

struct supervisor;

struct forwarding {
    instant_ns sent[SIGNAL_NUMBERS];  /* when the keeper was last told of each; 0: never */
    unsigned pending[SIGNAL_NUMBERS]; /* how many of each the keeper has no room for yet */
};

void forwarding_take(struct supervisor *supervisor, int number, instant_ns now);

/* Sends what was pending, lower numbers first, as far as there is room: in each turn. */
void forwarding_catch_up(struct supervisor *supervisor, instant_ns now);

/* Whether something waits for room. */
bool forwarding_is_behind(const struct forwarding *forwarding);

/* Whether the program's end follows from a signal that it was forwarded: one that it died by, or
 * one that programs take as a wish to end. Such an end is a stop, and no crash.
 */
bool forwarding_ended_program(const struct supervisor *supervisor, int wait_status, instant_ns now);

#endif
