/* keeper.h - the process that owns every process: it starts the program and the hooks, reaps,
 * signals, and kills to the last descendant. docs/design.md, "The keeper".
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "common/options/settings.h"
#include "common/process/ack.h"
#include "common/process/signal_state.h"
#include "common/process/user.h"
#include "include/consul_leader/lease.h"

struct keeper_start {
    const struct settings *settings;
    char *const *command; /* NULL: a sidecar */
    const struct user *user;
    const struct signal_state *signals;
    struct ack ack;            /* --demote-ack */
    const char *directory;     /* where we were started, and the program works */
    const char *lease_path;    /* of the lease page's file; empty: there is none */
    bool lease_has_own_folder; /* made for this process alone */
    struct consul_leader_lease_page *lease_page;
    int supervisor_fd;
    int network_fd;       /* -1: a keeper that only finishes what a dead one left */
    pid_t supervisor;     /* its process */
    pid_t started_as;     /* the process that was started: the supervisor, or who stands for it */
    pid_t terminal_group; /* the group whose terminal the program gets */
    bool has_job_control; /* somebody lets a program go on that was stopped in its terminal */
};

/* Forks the keeper. Returns its pid, or -1. Descriptors in `close_fds` (ended by -1) are the
 * parent's alone and are closed in the keeper.
 */
pid_t keeper_fork(const struct keeper_start *start, const int *close_fds, struct error *err);

#endif
