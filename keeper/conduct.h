/* conduct.h - how promotions, demotions and stops are done with processes.
 *
 * Each order sets what is wanted; keeper_advance() looks at what is and does the next step, after
 * every event, until all that was wanted is done. Private to keeper/.
 */
#ifndef KEEPER_CONDUCT_H
#define KEEPER_CONDUCT_H

#include "common/messages/keeper.h"
#include "common/messages/outbox.h"
#include "election/guard.h"
#include "keeper/hook.h"
#include "keeper/keeper.h"
#include "keeper/program.h"
#include "probes/exec.h"

enum demotion_stage {
    DEMOTION_NONE,
    DEMOTION_ENDS_PROMOTION, /* the promotion's hook is being ended */
    DEMOTION_STOPS_PROGRAM,  /* until it and all that it started are gone */
    DEMOTION_WAITS,          /* for the time that a program without an answer is given */
    DEMOTION_AWAITS_ANSWERS, /* the hook's status, the program's word */
    DEMOTION_KILLS,
};

struct promotion {
    bool active;
    bool starts_program;
    uint64_t term;
    instant_ns until;
    instant_ns signal_due; /* to look whether the program is ready for its signal; 0: it was sent */
    struct situation situation;
};

struct demotion {
    enum demotion_stage stage;
    uint64_t term;
    struct demotion_order order;
    instant_ns answered_by;   /* when a program that answers nothing has answered */
    bool word_is_awaited;     /* the program's own, --demote-ack */
    bool program_was_stopped; /* since it was told, or before */
};

/* What followers are told of another leader; apart from promotions and demotions, which never wait
 * for it.
 */
struct leader_change {
    struct hook hook;
    bool wanted; /* the situation is yet to be told: the newest, whatever came before */
    struct situation situation;
};

struct keeper {
    const struct keeper_start *start;
    int supervisor_fd; /* -1: the supervisor is dead */
    int network_fd;
    struct outbox to_supervisor;
    struct outbox to_network;
    int lock_fd; /* the file store's lock; -1: none */
    struct guard guard;
    struct program program;
    struct ack ack;
    struct hook hook;
    struct leader_change change;
    struct schedule *probes; /* NULL: none that run here */
    struct exec_starter probe_starter;
    uint64_t probes_serial; /* of the order that they follow */
    struct promotion promotion;
    struct demotion demotion;
    struct situation lead; /* as of the promotion */
    bool led;              /* promoted, or on the way, and not demoted since */
    uint64_t demoted_term; /* the last whose demotion is complete */
    bool killing;          /* everything that lives is to die */
    bool gone_wanted;      /* KEEPER_GONE is owed */
    instant_ns order_due;  /* a supervisor that has ordered no end by then hangs; 0: it need not */
    instant_ns sweep_due;  /* 0: no sweep under way */
    instant_ns grace;      /* until then what the program has left may end by itself; 0: at once */
    unsigned sweeps;       /* of the one under way */
    bool failed;           /* an outside demotion failed: ALL_GONE would be a lie */
    bool finished;         /* nothing is left to be done */
    instant_ns patience;   /* until then ALL_GONE may wait for room, once it is finished */

    /* Of an order that cannot be, when last; 0: never. */
    instant_ns complained;
};

/* --- turn.c: the loop's turns. --- */

void keeper_init(struct keeper *keeper, const struct keeper_start *start);

/* Does what has come and what has become due. */
void keeper_turn(struct keeper *keeper);

/* It is finished, and has said so. */
bool keeper_has_ended(const struct keeper *keeper);

/* --- Orders. --- */

void keeper_start_program(struct keeper *keeper, const struct situation *situation);
void keeper_promote(struct keeper *keeper, uint64_t term, const struct situation *situation);

/* The program of a lead that goes on has ended, and nothing of it is left. */
void keeper_restart(struct keeper *keeper, uint64_t term, const struct situation *situation);
void keeper_demote(struct keeper *keeper, uint64_t term, const struct demotion_order *order);
void keeper_stop(struct keeper *keeper, instant_ns until);
void keeper_leader_changed(struct keeper *keeper, const struct situation *situation);
void keeper_supervisor_died(struct keeper *keeper);

/* --- Events. --- */

/* One process has ended. Called before it is reaped, while its pid still names it. */
void keeper_child_ended(struct keeper *keeper, pid_t pid, int wait_status);

/* The program's exec is decided, or may be. */
void keeper_exec_decided(struct keeper *keeper);

/* Does all that can be done now. */
void keeper_advance(struct keeper *keeper);

/* Where the program's word is awaited; -1: nowhere. */
int keeper_ack_descriptor(const struct keeper *keeper);

/* The instant at which keeper_advance() must be called again; 0: at the next event. */
instant_ns keeper_next_due(const struct keeper *keeper);

/* --- probes.c: the commands that ask whether the program is well. --- */

void keeper_open_probes(struct keeper *keeper);
void keeper_order_probes(struct keeper *keeper, const struct probe_order *order);

/* Begins and ends what is due; none begins while something is being ended. */
void keeper_turn_probes(struct keeper *keeper, instant_ns now);
instant_ns keeper_probes_due(const struct keeper *keeper);

/* --- Between the parts: conduct.c, promotion.c, demotion.c. --- */

const struct settings *keeper_settings(const struct keeper *keeper);
void keeper_report(struct keeper *keeper, enum keeper_message type, uint64_t term, const void *body,
                   size_t size);

/* What stopped the program, or 0. Only the newest is told to a supervisor that does not read. */
void keeper_report_stopped(struct keeper *keeper, int number);
void keeper_report_failure(struct keeper *keeper, enum keeper_message type, uint64_t term,
                           int status, const char *reason);

/* To the network process: it may give the lock away. */
void keeper_say_all_gone(struct keeper *keeper);

/* The program, at its gate. */
int keeper_spawn_program(struct keeper *keeper, const struct situation *situation,
                         struct error *err);

/* The operator's command as this keeper runs it. */
struct command keeper_command(const struct keeper *keeper, const char *text,
                              const struct situation *situation);

bool keeper_has_hook(const char *command);

/* The leader-change hook is out of date, or in the way; and the next, when nothing is. */
void keeper_end_leader_change(struct keeper *keeper, instant_ns now);
void keeper_advance_leader_change(struct keeper *keeper, instant_ns now);

/* hook: its place. guard: NULL for a hook that may always start. grace: from its SIGTERM to its
 * SIGKILL. */
void keeper_start_hook(struct keeper *keeper, struct hook *hook, const char *name,
                       const char *command, const struct situation *situation,
                       const struct guard *guard, instant_ns timeout, duration_ns grace);

/* What the program has left has no more time than that. */
void keeper_shorten_grace(struct keeper *keeper, instant_ns until);

/* Whether anything is left to be reaped, now or later. */
bool keeper_has_children(void);

/* Nothing may act any more: no grace, no hooks. */
void keeper_kill_everything(struct keeper *keeper);

void keeper_advance_promotion(struct keeper *keeper, instant_ns now);
void keeper_advance_demotion(struct keeper *keeper, instant_ns now);

/* When a promotion that waits for the program is looked at again; 0: it does not wait. */
instant_ns keeper_promotion_due(const struct keeper *keeper);

/* When a demotion that waits for the program goes on; 0: it does not wait. */
instant_ns keeper_waiting_due(const struct keeper *keeper);

/* The demotion is late, has failed or never begun: what acts is killed, which completes it. */
void keeper_kill_for_demotion(struct keeper *keeper);

/* What a sidecar's hooks have done outside cannot be killed: late is better than never. */
void keeper_demote_outside(struct keeper *keeper, instant_ns now);

/* After the supervisor's death and the end of everything: the hook, the word, the end. */
void keeper_advance_alone(struct keeper *keeper, instant_ns now);

#endif
