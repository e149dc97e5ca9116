/* player.h - plays the supervisor of one keeper: gives it orders and hears what it says. */
#ifndef SOAK_PLAYER_H
#define SOAK_PLAYER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/messages/keeper.h"
#include "common/options/settings.h"
#include "tests/soak/board.h"
#include "tests/soak/script.h"

/* What a busy machine may add to any time. */
#define PATIENCE SECONDS(20)

enum program { PROGRAM_IS_ABSENT, PROGRAM_LIVES, PROGRAM_HAS_ENDED };

struct player {
    struct board *board;
    const struct settings *settings;
    unsigned round; /* its number */
    unsigned leads; /* so far */
    pid_t keeper;   /* 0: it has been waited for */
    int fd;         /* to the keeper; -1: closed */
    int network_fd; /* the network process's end of its channel to the keeper */
    int lock;       /* hangs up when nobody has the lock any more; -1: none was given */
    enum program program;
    unsigned said[KEEPER_PROBED + 1]; /* in this lead, how often */
    unsigned demotions;               /* that were ordered in this lead */
    bool may_say_again;               /* the demotion of the lead before, to its second order */
    uint64_t term;
    instant_ns kill_due; /* to kill somebody from outside; 0: nobody */
    instant_ns lease_due;
    char promotion[SCRIPT_TEXT_SIZE], demotion[SCRIPT_TEXT_SIZE]; /* this lead's hooks */
    bool wrong;                                                   /* ends the round */
};

/* Prints what is wrong, the first time in a round, and counts it. */
void player_complain(struct player *player, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- Orders. --- */

void player_send(struct player *player, enum keeper_message type, const void *body, size_t size,
                 int passed_fd);
void player_start_program(struct player *player);

/* A lead begins: the lock, the lease, the promotion. */
void player_promote(struct player *player);

/* until: from now on. wild: the hook may be one that fails; a second order of a lead is about the
 * first one's hook.
 */
void player_demote(struct player *player, bool planned, duration_ns until, bool wild);
void player_stop(struct player *player, duration_ns until);
void player_tell_change(struct player *player);

/* --- Waiting: renews the lease meanwhile, and kills whom it is time to kill. --- */

/* Until that has come to be, or the time is over; returns which. */
bool player_await(struct player *player, bool (*has_come)(const struct player *), duration_ns time);

/* Until that has come to be; complains with `what` when it does not. */
void player_insist(struct player *player, bool (*has_come)(const struct player *),
                   const char *what);

/* For a while. */
void player_pass(struct player *player, duration_ns most);

/* Perhaps, so many times in 1,000: in a while somebody is killed from outside. */
void player_plan_kill(struct player *player, unsigned in_1000, duration_ns most);

#endif
