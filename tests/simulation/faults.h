/* faults.h - everything that may befall an instance, a machine, the network or Consul. Not among
 * them is a machine that stands still with its clock: that is left to tokens (docs/safety.md,
 * "Limits").
 */
#ifndef SIMULATION_FAULTS_H
#define SIMULATION_FAULTS_H

#include "tests/simulation/world.h"

struct fault;
struct instance;
struct process;

struct fault_kind {
    const char *name;
    duration_ns shortest; /* both 0: it is a moment, and never ends */
    duration_ns longest;
    void (*begin)(struct fault *fault);
    void (*end)(struct fault *fault); /* NULL: nothing to end but what was stopped */
};

/* NULL: there are not so many. */
const struct fault_kind *fault_kind(unsigned number);
unsigned fault_kind_count(void);

/* Forgets all of the last run. */
void faults_begin(void);

/* Plans one of that kind; over by `latest`. */
void fault_plan(unsigned kind, true_ns at, true_ns latest);

/* Moments of an instance's that a fault may wait for. */
enum moment {
    MOMENT_NONE,
    MOMENT_RENEWED,  /* a holder's renewal is complete */
    MOMENT_PROMOTES, /* the keeper is about to be ordered to */
    MOMENT_DEMOTES,
};

void faults_moment(enum moment moment, const struct instance *instance);

/* --- For the kinds. --- */

struct fault {
    unsigned kind;
    true_ns latest;
    struct host *host;
    struct instance *instance;
    bool over;
    enum moment awaited;
    void (*strike)(struct fault *fault);
    struct process *stopped[8];
    unsigned stopped_count;
    struct fault *earlier; /* of the run; NULL: none */
};

/* Each ends with one that has no name. */
extern const struct fault_kind process_faults[], machine_faults[], consul_faults[];

/* Calls `strike` once, when that moment comes before the fault is over. */
void fault_awaits(struct fault *fault, enum moment moment, void (*strike)(struct fault *fault));

/* What ends just before or after a deadline is worth more than what ends at any time. */
duration_ns about_a_lease(const struct instance *instance);

/* Stops it until the fault is over. */
void fault_stops(struct fault *fault, struct process *process);

#endif
