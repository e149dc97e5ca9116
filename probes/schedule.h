/* schedule.h - when which probe runs.
 *
 * At most one run of a probe at a time. The next begins its interval after the last one began, or
 * when that is over, if that is later. A run that takes longer than its timeout has failed, and is
 * cancelled; one that cannot be ended fails again and again. Each process has a schedule of its own
 * with the kinds of probes that it can run.
 */
#ifndef PROBES_SCHEDULE_H
#define PROBES_SCHEDULE_H

#include "probes/probe.h"

struct probe_kind_user {
    const struct probe_kind_operations *operations; /* NULL: runs in another process */
    void *context;
};

/* Told of each run that has ended while the schedule was on, but for those that it cancelled. */
typedef void probe_listener(void *context, const struct probe *probe, bool passed,
                            const char *reason);

/* texts: settings.probes. NULL: there are no such probes. The caller's to free(). Aborts
 * without memory.
 */
struct schedule *schedule_open(const char *texts, const struct probe_kind_user kinds[PROBE_KINDS],
                               probe_listener *listener, void *context);

/* On: every probe runs at once. Off: what runs is cancelled, and nobody is told. No effect where it
 * is so already.
 */
void schedule_switch(struct schedule *schedule, bool on, instant_ns now);

/* Begins and ends what is due. */
void schedule_turn(struct schedule *schedule, instant_ns now);

/* 0: nothing is due by time. */
instant_ns schedule_next_due(const struct schedule *schedule);

/* Calls for every probe that is in it. */
void schedule_each(struct schedule *schedule, void (*call)(struct probe *probe, void *context),
                   void *context);

#endif
