/* runner.h - when which probe runs.
 *
 * At most one run of a probe at a time. The next begins its interval after the last one began, or
 * when that is over, if that is later. A run that takes longer than its timeout has failed, and is
 * cancelled; one that cannot be ended fails again and again. Each process has a runner of its own
 * with the kinds of probes that it can run.
 */
#ifndef PROBES_RUNNER_H
#define PROBES_RUNNER_H

#include "probes/probe.h"

struct probe_kind_user {
    const struct probe_kind_operations *operations; /* NULL: runs in another process */
    void *context;
};

/* Told of each run that has ended while the runner was on, but for those that it cancelled. */
typedef void probe_listener(void *context, const struct probe *probe, bool passed,
                            const char *reason);

/* texts: settings.probes. NULL: there are no such probes. The caller's to free(). Aborts without
 * memory.
 */
struct runner *runner_open(const char *texts, const struct probe_kind_user kinds[PROBE_KINDS],
                           probe_listener *listener, void *context);

/* On: every probe runs at once. Off: what runs is cancelled, and nobody is told. No effect where it
 * is so already.
 */
void runner_switch(struct runner *runner, bool on, instant_ns now);

/* Begins and ends what is due. */
void runner_turn(struct runner *runner, instant_ns now);

/* 0: nothing is due by time. */
instant_ns runner_next_due(const struct runner *runner);

/* Calls for every probe that is in it, on or off. */
void runner_each(struct runner *runner, void (*call)(struct probe *probe, void *context),
                 void *context);

#endif
