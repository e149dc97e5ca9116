/* instance.h - places where an instance runs, and the instances that come after each other in them.
 *
 * A slot is one of those that compete: a machine, settings, a program with its habits. In it lives
 * one instance after another: three processes that run the shipped code. What starts them again is
 * a scheduler as Nomad or docker are.
 */
#ifndef SIMULATION_INSTANCE_H
#define SIMULATION_INSTANCE_H

#include "common/options/settings.h"
#include "common/place/record.h"
#include "tests/simulation/process.h"

#define SLOTS_MAX 4

/* How long a scheduler takes at most to start again what has ended. */
#define RESTART_MOST SECONDS(5)

/* How a program and its hooks take being told things. */
struct habits {
    bool forks;          /* the program has a child that acts with it, hooks leave one behind */
    bool changes_user;   /* the program: which clears its parent-death signal */
    bool ignores_kill;   /* the program ignores the kill signal */
    unsigned deaf;       /* in 1,000: a demote hook hangs */
    unsigned fails;      /* in 1,000: a demote hook fails */
    duration_ns slowest; /* to end acting when told; below the demote timeout */
};

struct slot {
    unsigned number;
    struct host *host;
    const struct settings *settings;
    struct habits habits;
    bool named; /* it is a place: lock and record */
    bool pid_1; /* in a container of its own */
    bool has_cgroup;
    bool relays;          /* supervisor and keeper cannot write into the log by themselves */
    bool wanted;          /* the scheduler keeps it running */
    bool unwell;          /* its program fails its probes, where it has any */
    true_ns unwell_until; /* it was, last; 0: never */

    struct record record; /* on disk */
    bool has_record;
    unsigned record_kept;   /* of RECORD_PARTS, in the order in which they were written */
    struct instance *shown; /* whose lease page is in the place's folder; NULL: nobody's */

    struct instance *present; /* the last that was started; NULL: none yet */
    struct process *outside;  /* the program of a sidecar */
};

struct instance {
    struct slot *slot;
    unsigned number; /* counts the slot's, from 1 */
    struct process *supervisor;
    struct process *keeper; /* the last */
    struct process *network;
    struct consul_leader_lease_page *page; /* the lease page */
    bool has_no_page;                      /* its file could not be made */
    struct process *reader;                /* who acts by it; NULL: nobody now */
    true_ns started;
    uint64_t known;     /* the highest index of the lock that it was shown */
    true_ns listed;     /* when it last asked for the list of candidates; 0: not yet */
    true_ns stop_asked; /* 0: not */
    true_ns held_until; /* until then one of its processes could not be killed; 0: never */
    true_ns taken_over; /* when another process of its had last to see to the end of what acts */
    true_ns disturbed;  /* when one of its processes was last killed, stopped or let go on */
    bool unguarded;     /* nobody is left to end what acts */
    bool has_no_record; /* its last could not be written */
    bool lies;          /* its network process says what is not so */
};

extern struct slot slots[SLOTS_MAX];
extern unsigned slot_count;

/* No slot. */
void instances_begin(void);

struct slot *slot_new(struct host *host, const struct settings *settings);

/* The scheduler starts it after that time, and again whenever it ends, until it is not wanted. */
void slot_start(struct slot *slot, duration_ns after);

/* As a scheduler stops a task: a signal; it starts it again unless it is not wanted any more. */
void instance_stop(struct instance *instance);

/* All of it at once, as a container's end does. */
void instance_kill(struct instance *instance);

/* The supervisor lives. */
bool instance_lives(const struct instance *instance);

/* Whether a process is there that would end what acts when it must; and that it can run now. */
bool instance_is_guarded(const struct instance *instance);
bool instance_can_enforce(const struct instance *instance);
true_ns instance_ran_again(const struct instance *instance);

/* Its scheduler is impatient: the signal once more. */
void instance_hurry(struct instance *instance);

/* A hook of its could not be started. */
struct child_spec;
void instance_cannot_fork(struct instance *instance, const struct child_spec *spec);

/* A keeper that is owed a demotion could not be forked. */
void instance_has_no_keeper(struct instance *instance);

/* The machine has lost power: what was last written of a record may be there in part. */
#define RECORD_PARTS 7
void instances_cut_records(const struct host *host);

/* Its program, while it lives; NULL. */
struct process *instance_program(const struct instance *instance);

/* Whether one of its processes, or its machine, was disturbed since, or is. */
bool instance_disturbed_since(const struct instance *instance, true_ns then);

/* The kernel: one of its processes has ended. */
void instance_process_ends(struct process *process);

#endif
