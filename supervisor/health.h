/* health.h - whether the program is well: what keeper and network process found by their probes,
 * counted.
 *
 * A probe is unknown when the probes are switched on, well after `rise` successes in a row, ill
 * after `fall` failures in a row; failures within its grace count nothing but that no success came.
 * The whole is ill when one is ill, well when all are well, else unknown. Without probes it is
 * always well.
 */
#ifndef SUPERVISOR_HEALTH_H
#define SUPERVISOR_HEALTH_H

#include "common/messages/probe.h"
#include "common/options/probe_spec.h"
#include "election/lease.h"

struct supervisor;

enum health { HEALTH_UNKNOWN, HEALTH_WELL, HEALTH_ILL };

struct probe_health {
    char name[PROBE_NAME_SIZE];
    unsigned rise, fall;
    duration_ns grace;
    enum health state;
    unsigned successes, failures; /* the last in a row */
    instant_ns told;              /* when its failing was last told; 0: never */
};

/* All probes of this instance. */
struct checkup {
    struct probe_health probes[PROBES_MAX];
    uint32_t count;
    bool on;
    uint64_t serial; /* of the last order to the probes */
    instant_ns begun;
    enum health state;
    char reason[256]; /* of the last change to ill, or why nothing is known */
};

/* Reads the settings. */
void health_init(struct supervisor *supervisor);

/* The program runs: all is unknown again, and the probes run. No effect while we stop. */
void health_begin(struct supervisor *supervisor, instant_ns now);

/* There is nothing to be probed any more. */
void health_end(struct supervisor *supervisor, instant_ns now);

/* A run has ended. One of before the last order counts nothing. */
void health_probed(struct supervisor *supervisor, const struct probe_report *report,
                   instant_ns now);

/* The network process is another: it is told whether to probe. */
void health_network_lost(struct supervisor *supervisor);

enum health health_state(const struct supervisor *supervisor);

#endif
