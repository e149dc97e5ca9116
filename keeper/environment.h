/* environment.h - what the program and the hooks find in their environment. */
#ifndef KEEPER_ENVIRONMENT_H
#define KEEPER_ENVIRONMENT_H

#include <sys/types.h>

#include "common/messages/situation.h"
#include "common/options/settings.h"
#include "common/process/user.h"

#define ENVIRONMENT_MAX 4096

struct environment {
    char *variables[ENVIRONMENT_MAX]; /* ends with NULL */
    char text[4 * PATH_MAX];          /* those that are ours: two are paths */
    size_t used;
};

/* What not all are told. */
struct environment_extra {
    const char *lease_path; /* of the lease page; empty: there is none */
    pid_t program;          /* hooks: the program's process; 0: there is none */
    int ack_fd;             /* the program: where it says that it is demoted; -1: it need not */
};

/* Fills it: what we inherited without the CONSUL_LEADER_* that were meant for us, and ours.
 * Variables past the maximum are left out.
 */
void environment_build(struct environment *environment, const struct settings *settings,
                       const struct user *user, const struct situation *situation,
                       const struct environment_extra *extra);

#endif
