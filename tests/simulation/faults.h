/* faults.h - everything that may befall an instance, a machine, the network or Consul. Not among
 * them is a machine that stands still with its clock: that is left to tokens (docs/safety.md,
 * "Limits").
 */
#ifndef SIMULATION_FAULTS_H
#define SIMULATION_FAULTS_H

#include "tests/simulation/world.h"

struct instance;

struct fault_kind {
    const char *name;
    duration_ns shortest; /* both 0: it is a moment */
    duration_ns longest;
    void (*begin)(void);
    void (*end)(void);
};

extern const struct fault_kind fault_kinds[];
extern const unsigned fault_kind_count;

/* Forgets all of the last run. */
void faults_begin(void);

/* A holder's renewal is complete: what waited for that moment begins (term.c). */
void faults_renewed(const struct instance *instance);

/* A keeper is about to be ordered to promote, to demote (channel.c). */
void faults_promoting(const struct instance *instance);
void faults_demoting(const struct instance *instance);

/* Plans one of that kind; over by `latest`. */
void fault_plan(unsigned kind, true_ns at, true_ns latest);

#endif
