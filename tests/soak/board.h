/* board.h - what all processes of the soak share: a memory file, which hooks open by its path. */
#ifndef SOAK_BOARD_H
#define SOAK_BOARD_H

#include <stdatomic.h>

#define LANES_MAX 64

/* A lane plays one round after another, each with a keeper of its own. */
struct board {
    atomic_uint hooks[LANES_MAX]; /* that ran */
    atomic_uint stray;            /* of them: with descriptors that are none of theirs */
    atomic_uint promotions, failed_promotions, overtaken;
    atomic_uint demotions, failed_demotions;
    atomic_uint killed; /* processes, from outside */
    atomic_uint rounds;
    atomic_int grown_kib; /* the most that a keeper's memory has */
    atomic_uint wrong;
};

#endif
