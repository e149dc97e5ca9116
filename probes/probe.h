/* probe.h - one probe, as its kind and its schedule see it.
 *
 * A kind (http.h, tcp.h, consul.h, exec.h) carries out runs; when one begins and how long it may
 * take is the schedule's (schedule.h). Nothing here waits.
 */
#ifndef PROBES_PROBE_H
#define PROBES_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options/probe_spec.h"
#include "election/lease.h"

struct schedule;

enum probe_stage {
    PROBE_RESTS,
    PROBE_RUNS,
    PROBE_ENDS, /* cancelled, and not over yet */
};

struct probe {
    uint32_t number; /* its line in settings.probes */
    struct probe_spec spec;
    char name[PROBE_NAME_SIZE]; /* for the log */

    /* The kind's, whose runs set them. */
    void *context;       /* what the kind was given for all probes */
    void *run;           /* the one under way */
    const char *awaited; /* what is missing when its time is over: `answer` */

    /* The schedule's. */
    const struct probe_kind_operations *operations;
    struct schedule *schedule;
    enum probe_stage stage;
    instant_ns begun;
    instant_ns due;       /* to begin the next */
    instant_ns stuck_due; /* to have failed again, if it has not ended by then */
    bool failing;         /* the last run did not pass */
};

struct probe_kind_operations {
    /* Begins a run, which probe_ended() ends: later, or before this returns. */
    void (*begin)(struct probe *probe);

    /* Nobody waits for the run any more. probe_ended() has to follow as soon as nothing of it is
     * left, at best before this returns.
     */
    void (*cancel)(struct probe *probe);
};

/* By the kind. reason: why it failed, one line without secrets; of no account where it passed. */
void probe_ended(struct probe *probe, bool passed, const char *reason);

#endif
