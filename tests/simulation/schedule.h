/* schedule.h - one run's story: who competes, what befalls them and when, and when it is over. */
#ifndef SIMULATION_SCHEDULE_H
#define SIMULATION_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the settings that instances are given, once a process. */
void schedule_prepare(void);

/* Plays the run of this seed to its end. */
void schedule_play(uint64_t seed);

/* Faults are still to come or not yet over. */
bool schedule_is_troubled(void);

#endif
