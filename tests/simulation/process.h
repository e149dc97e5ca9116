/* process.h - the kernel of the simulated machines: processes and signals.
 *
 * A process of ours runs turns: one pass of its loop, in no time, begun by what has come (a
 * message, a death, a signal, an answer) or by its own timer, a little later, as a scheduler would.
 * Programs, hooks and what they start run no code: they behave as programs do (program.h).
 */
#ifndef SIMULATION_PROCESS_H
#define SIMULATION_PROCESS_H

#include <sys/types.h>

#include "election/lock.h"
#include "tests/simulation/world.h"

struct instance;

enum process_kind {
    PROCESS_SUPERVISOR,
    PROCESS_KEEPER,
    PROCESS_NETWORK,
    PROCESS_PROGRAM,
    PROCESS_HOOK,
    PROCESS_DESCENDANT, /* of the program's or of a hook's */
    PROCESS_OUTSIDE,    /* the program of a sidecar, which is nobody's child here */
    PROCESS_READER,     /* whoever acts because a lease page says so, and for as long (reader.h) */
    PROCESS_KINDS
};

struct process {
    pid_t pid;
    enum process_kind kind;
    struct host *host;
    struct instance *instance;
    struct process *parent; /* NULL: init */
    pid_t group;
    bool alive;
    bool zombie; /* dead, not reaped */
    int wait_status;
    unsigned stopped; /* how many have stopped it */
    bool sigstopped;  /* one of them by a signal */
    bool stop_unseen; /* its parent has not seen the last change of that */
    true_ns ran_again;
    true_ns born;

    /* Ours. */
    void (*turn)(struct process *process);
    local_ns (*next_due)(const struct process *process);
    void *state;      /* struct supervisor, keeper or network_state */
    true_ns turn_at;  /* 0: none is planned */
    true_ns timer_at; /* likewise */
    bool turn_missed;
    unsigned calls_left;           /* killed as it makes the last of so many system calls; 0: not */
    unsigned pause_left;           /* stands still in the last of so many; 0: not */
    duration_ns pause;             /* for so long */
    struct standstill *standstill; /* it does so now; NULL: not */
    uint64_t signals; /* pending, of a supervisor: one a number, as the kernel keeps them */

    /* Programs and hooks. */
    bool gated; /* forked, not let go */
    bool execed;
    bool exec_failed;
    true_ns execed_at;
    bool is_promotion;  /* hook */
    bool is_change;     /* hook: of another's lead, and of none of this instance's */
    unsigned told;      /* how often it was told to act or to rest */
    true_ns unkillable; /* until then */
    bool kill_pending;
    bool crashed;              /* it ended by itself */
    bool acknowledged;         /* its word is in the pipe */
    bool acts;                 /* as leader */
    struct session_id session; /* under which it acts */
    uint64_t token;
    true_ns acts_since;
    local_ns acts_until;       /* told nothing: the deadline that it read; 0: until it is told */
    struct instance *acts_for; /* outside programs: whose hook told it; readers: whose page */
};

/* Whose turn it is; NULL between turns. */
extern struct process *process_current;

/* Forgets all of the last run. */
void processes_begin(void);

struct process *process_new(enum process_kind kind, struct host *host, struct instance *instance,
                            struct process *parent);
struct process *process_find(pid_t pid);

/* Whether it is alive, not stopped, and its machine runs. */
bool process_can_run(const struct process *process);

/* Whether it was stopped, or waits within a turn. */
bool process_stands_still(const struct process *process);

/* A turn soon. */
void process_wake(struct process *process);

/* Called first by what stands for a system call. May not return. */
void process_enters_kernel(void);
void process_exit_within_turn(int status) __attribute__((noreturn));

/* As the kernel does it; process_kill() for SIGKILL, which an unkillable one survives for now. */
void process_exit(struct process *process, int status);
void process_kill(struct process *process);
void process_stop(struct process *process);
void process_resume(struct process *process);
void process_signal(struct process *process, int number);

/* Everything on a machine. */
void processes_suspend(struct host *host);
void processes_resume(struct host *host);
void processes_crash(struct host *host);

/* A dead child of the caller's that nobody has reaped; NULL. */
struct process *process_dead_child(const struct process *parent);
bool process_has_children(const struct process *parent);
void process_reap(struct process *process);

/* Kills all descendants but one; returns how many there are. */
unsigned process_sweep(const struct process *ancestor, pid_t spared);

/* Kills what an instance has started, where it has a cgroup for that. */
void process_kill_cgroup(const struct instance *instance);

/* Calls for every process that is alive or a zombie. */
void processes_each(void (*call)(struct process *process, void *context), void *context);

#endif
