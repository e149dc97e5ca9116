/* round.h - one keeper from its fork to its end, with hooks of all kinds in between. */
#ifndef SOAK_ROUND_H
#define SOAK_ROUND_H

#include <stdint.h>

#include "common/process/signal_state.h"
#include "tests/soak/board.h"

struct round_place {
    struct board *board;
    unsigned lane;
    const char *program;    /* our own path: hooks and programs are we ourselves */
    const char *board_path; /* for the hooks */
    const struct signal_state *signals;
};

/* Plays it in a process that is a child subreaper and has no children, until about so many hooks
 * have run. What is wrong is printed and counted on the board, and ends the round.
 */
void round_play(const struct round_place *place, uint64_t seed, unsigned number, unsigned hooks);

#endif
