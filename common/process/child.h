/* child.h - starting one process so that nothing can go wrong unseen.
 *
 * The child joins a group of its own and waits at a gate; child_go() opens it, child_cancel()
 * never does. Between the two the keeper can look at the lease once more. An exec that fails is
 * told through a close-on-exec pipe.
 */
#ifndef PROCESS_CHILD_H
#define PROCESS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/process/signal_state.h"
#include "common/process/user.h"

struct child_spec {
    char *const *argv;
    char **environment;
    const struct user *user;
    const struct signal_state *signals;
    const char *directory; /* to work in; ours is another */
    bool may_set_uid;      /* --allow-setuid */
    pid_t started_as;      /* what LISTEN_PID may name, and means the child; 0: nobody */
    bool is_hook;          /* no input, no descriptors but the three */
    int output_fd;         /* of a hook: its output and errors; -1: our stderr */
    int private_fd;        /* closed in the child right after the fork; -1: none */
    int ack_fd;            /* left open across the exec; -1: none */
};

struct child {
    pid_t pid;  /* 0: none */
    int gate;   /* open while it waits; -1 */
    int report; /* readable when the exec is decided; -1 */
};

#define CHILD_NONE ((struct child){ .pid = 0, .gate = -1, .report = -1 })

/* Forks. On success the child waits at its gate, in a process group of its own. */
int child_spawn(struct child *child, const struct child_spec *spec, struct error *err);

void child_go(struct child *child);

/* Signals its group, and the child itself where it has left that. It must not be reaped yet. */
void child_signal(const struct child *child, int number);

/* The child ends without having run anything; it is still to be reaped. */
void child_cancel(struct child *child);

enum child_exec { EXEC_PENDING, EXEC_DONE, EXEC_FAILED };

/* Whether the exec has happened. Failed: err says why, *status is 126 or 127. */
enum child_exec child_exec_result(struct child *child, const char *name, int *status,
                                  struct error *err);

/* After it was reaped: forgets it and closes what is still open. */
void child_forget(struct child *child);

#endif
