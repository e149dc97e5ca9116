/* conduct.h - how promotions, demotions and stops are done with processes.
 *
 * Each order sets what is wanted; keeper_advance() looks at what is and does the next step, after
 * every event, until all that was wanted is done. Private to keeper/.
 */
#ifndef KEEPER_CONDUCT_H
#define KEEPER_CONDUCT_H

#include "election/guard.h"
#include "keeper/hook.h"
#include "keeper/keeper.h"
#include "keeper/program.h"

enum demotion_stage {
    DEMOTION_NONE,
    DEMOTION_ENDS_PROMOTION, /* the promotion's hook is being ended */
    DEMOTION_STOPS_PROGRAM,  /* until it and all that it started are gone */
    DEMOTION_WAITS,          /* for the time that a program without an answer is given */
    DEMOTION_RUNS_HOOK,
    DEMOTION_KILLS,
};

struct promotion {
    bool active;
    uint64_t term;
    instant_ns until;
    struct situation situation;
};

struct demotion {
    enum demotion_stage stage;
    uint64_t term;
    struct demotion_order order;
};

struct keeper {
    const struct keeper_start *start;
    int supervisor_fd; /* -1: the supervisor is dead */
    int network_fd;
    int lock_fd; /* the file store's lock; -1: none */
    struct guard guard;
    struct program program;
    struct hook hook;
    struct promotion promotion;
    struct demotion demotion;
    struct situation lead; /* as of the promotion */
    bool led;              /* promoted, or on the way, and not demoted since */
    bool killing;          /* everything that lives is to die */
    bool gone_wanted;      /* KEEPER_GONE is owed */
    instant_ns sweep_due;  /* 0: no sweep under way */
    bool failed;           /* an outside demotion failed: ALL_GONE would be a lie */
    bool finished;
};

void keeper_start_program(struct keeper *keeper, const struct situation *situation);
void keeper_promote(struct keeper *keeper, uint64_t term, const struct situation *situation);
void keeper_demote(struct keeper *keeper, uint64_t term, const struct demotion_order *order);
void keeper_stop(struct keeper *keeper, instant_ns until);
void keeper_supervisor_died(struct keeper *keeper);

/* One process has ended. Called before it is reaped, while its pid still names it. */
void keeper_child_ended(struct keeper *keeper, pid_t pid, int wait_status);

/* The program's exec is decided, or may be. */
void keeper_exec_decided(struct keeper *keeper);

/* Does all that can be done now. */
void keeper_advance(struct keeper *keeper);

/* The instant at which keeper_advance() must be called again; 0: at the next event. */
instant_ns keeper_next_due(const struct keeper *keeper);

#endif
