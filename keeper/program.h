/* program.h - the program that is supervised, from its start until nothing of it is left. */
#ifndef KEEPER_PROGRAM_H
#define KEEPER_PROGRAM_H

#include "common/messages/situation.h"
#include "common/options/settings.h"
#include "common/process/child.h"
#include "election/lease.h"

enum program_state {
    PROGRAM_ABSENT,   /* not started, or gone with all that it had started */
    PROGRAM_STARTING, /* forked, its exec not decided */
    PROGRAM_RUNNING,
    PROGRAM_ENDED, /* reaped; its descendants may live */
};

struct program {
    enum program_state state;
    struct child child;
    pid_t terminal_group;  /* lends it the terminal */
    int stopped_by;        /* that signal, as far as was looked; 0: it is not stopped */
    bool ordered;          /* its end was asked for */
    bool overdue;          /* it was killed at its lease's deadline */
    instant_ns stop_until; /* SIGKILL then; 0: none */
};

struct program_spec {
    char *const *command;
    const struct settings *settings;
    const struct user *user;
    const struct signal_state *signals;
    const char *directory;
    pid_t started_as; /* child.h */
    pid_t terminal_group;
    const char *lease_path;
    const struct situation *situation;
    int private_fd;
    int ack_fd; /* left open; -1: none */
};

/* Forks it; it waits at its gate for program_go(). */
int program_spawn(struct program *program, const struct program_spec *spec, struct error *err);

/* Lends it the terminal and lets it run. */
void program_go(struct program *program);

bool program_is_alive(const struct program *program);

/* No effect when it is not alive. */
void program_signal(const struct program *program, int number);

/* Whether it catches, ignores or waits for the signal, so that it would not be ended by it: a
 * program that was just started may not have come so far. True where that cannot be seen.
 */
bool program_is_ready_for(const struct program *program, int number);

/* Whether somebody has stopped it (SIGSTOP, Ctrl-Z), so that it takes no signal but SIGKILL, or has
 * let it go on since it was last looked. `stopped_by` says which.
 */
bool program_was_stopped_or_continued(struct program *program);

/* Its group goes on, in the foreground if ours has it. */
void program_continue(const struct program *program);

/* The kill signal now, to whom --kill-mode says; overdue at `until`. A later call may only shorten
 * the time.
 */
void program_stop(struct program *program, const struct settings *settings, instant_ns until);

/* SIGKILL now. */
void program_kill(struct program *program);

/* Takes note of its end if `pid` is the program's. */
bool program_reaped(struct program *program, pid_t pid);

/* Whether the time of its stop is over. */
bool program_is_overdue(const struct program *program, instant_ns now);

/* 0: nothing is due. */
instant_ns program_next_due(const struct program *program);

#endif
