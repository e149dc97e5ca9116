#include "tests/simulation/chance.h"

static uint64_t state;

void chance_seed(uint64_t seed)
{
    state = seed;
}

/* splitmix64: every seed, small ones too, gives a sequence of its own. */
uint64_t chance(uint64_t below)
{
    uint64_t mixed = state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return ((mixed ^ (mixed >> 31)) >> 1) % below;
}

uint64_t chance_between(uint64_t least, uint64_t most)
{
    return least + chance(most - least + 1);
}

uint64_t chance_delay(uint64_t least, uint64_t most)
{
    uint64_t range = most - least;

    return least + (chance_of(850) ? chance(range / 20 + 1) : chance(range + 1));
}

bool chance_of(unsigned in_1000)
{
    return chance(1000) < in_1000;
}
