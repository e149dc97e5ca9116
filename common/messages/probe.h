/* probe.h - what the supervisor orders of whoever runs probes, and what it is told of each run:
 * keeper and network process have the same words for it (keeper.h, network.h).
 */
#ifndef MESSAGES_PROBE_H
#define MESSAGES_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct probe_order {
    uint64_t serial; /* of this order; the runs that follow carry it */
    bool on;
};

struct probe_report {
    uint64_t serial;
    uint32_t number; /* the probe, by its line in settings.probes */
    bool passed;
    char reason[512]; /* empty where it passed */
};

#endif
