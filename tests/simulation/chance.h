/* chance.h - everything that is left to chance in one run comes from here, and from its seed. */
#ifndef SIMULATION_CHANCE_H
#define SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

void chance_seed(uint64_t seed);

/* 0 to below - 1; below must not be 0. */
uint64_t chance(uint64_t below);

/* From `least` to `most`, both included. */
uint64_t chance_between(uint64_t least, uint64_t most);

/* Mostly near the least, now and then anything up to the most: as delays are. */
uint64_t chance_delay(uint64_t least, uint64_t most);

bool chance_of(unsigned in_1000);

#endif
