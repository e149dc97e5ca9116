/* coverage.h - what the runs have met: cells of the shipped tables (it stands in for machine.c),
 * faults, pairs of faults.
 */
#ifndef SIMULATION_COVERAGE_H
#define SIMULATION_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/world.h"

#define FAULTS_MAX 55

#define MACHINES_COUNTED 1
#define STATES_MAX       16
#define EVENTS_MAX       24

struct coverage {
    uint32_t cells[MACHINES_COUNTED][STATES_MAX][EVENTS_MAX];
    uint32_t faults[FAULTS_MAX];
    uint32_t pairs[FAULTS_MAX][FAULTS_MAX]; /* the lower number first */
    uint64_t runs;
    uint64_t events;
    uint64_t promotions;
    uint64_t given_back; /* locks of dead runs, by those that came after them in their places */
    uint64_t refused_writes;
    uint64_t simulated_s;
};

/* This process's. */
extern struct coverage coverage;

/* A run begins. */
void coverage_begin(void);

/* A fault begins; it meets those of the run that began no longer ago than that. */
void coverage_fault(unsigned kind, true_ns now, duration_ns meeting);

void coverage_add(struct coverage *sum, const struct coverage *part);

/* Prints what was hit and what was not; false: something that should have been was not. */
bool coverage_report(const struct coverage *sum);

#endif
