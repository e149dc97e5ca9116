/* exec.h - exec:COMMAND: whether the command exits with 0. Linked into the keeper, which starts it
 * as it starts a hook. Nothing that is left of its group outlives it.
 */
#ifndef PROBES_EXEC_H
#define PROBES_EXEC_H

#include "common/process/child.h"
#include "probes/schedule.h"

/* The kind's context: how a command becomes a child that waits at its gate. output_fd: for what it
 * prints.
 */
struct exec_starter {
    int (*start)(void *context, const char *command, int output_fd, struct child *child,
                 struct error *err);
    void *context;
};

extern const struct probe_kind_operations probe_exec;

/* Takes the wait status if `pid` is a command's. schedule: NULL: there is none. */
bool exec_reaped(struct schedule *schedule, pid_t pid, int wait_status);

/* Takes what they print, and kills those that do not end. */
void exec_turn(struct schedule *schedule, instant_ns now);

/* When exec_turn() has to kill; 0: nothing. */
instant_ns exec_next_due(struct schedule *schedule);

/* Where they print; returns how many, at most PROBES_MAX. */
size_t exec_outputs(struct schedule *schedule, int fds[PROBES_MAX]);

#endif
