/* exec.h - probes that run a command: well when it exits with 0. The keeper's.
 *
 * When its time is over its group gets SIGTERM, and half a second later SIGKILL; so does what it
 * leaves behind. The end of what it printed is part of the reason why it failed.
 */
#ifndef PROBES_EXEC_H
#define PROBES_EXEC_H

#include <poll.h>
#include <sys/types.h>

#include "keeper/child.h"
#include "probes/runner.h"

/* The context of all of them: how the keeper starts a process. */
struct exec_starter {
    void *context;
    /* In a group of its own, with its output into the descriptor. -1: err says why not. */
    int (*start)(void *context, char *const *argv, int output_fd, struct child *child,
                 struct error *err);
};

extern const struct probe_kind_operations exec_probe;

/* Takes the wait status if `pid` is a probe's; before it is reaped. */
bool exec_reaped(struct runner *runner, pid_t pid, int wait_status);

/* Reads what they print, and kills what is due, whether the runner is on or not. */
void exec_turn(struct runner *runner, instant_ns now);

/* 0: nothing is due. */
instant_ns exec_next_due(struct runner *runner);

/* Where they print. Returns how many there are. */
nfds_t exec_watch(struct runner *runner, struct pollfd watches[PROBES_MAX]);

#endif
