/* environment.h - what the program and the hooks find in their environment. */
#ifndef KEEPER_ENVIRONMENT_H
#define KEEPER_ENVIRONMENT_H

#include <sys/types.h>

#include "base/settings.h"
#include "keeper/child.h"
#include "keeper/orders.h"

#define ENVIRONMENT_MAX 4096

struct environment {
    char *variables[ENVIRONMENT_MAX]; /* ends with NULL */
    char text[8192];                  /* those that are ours */
    size_t used;
};

/* Fills it: what we inherited without the CONSUL_LEADER_* that were meant for us, and ours.
 * program: its pid, 0 when there is none. Variables past the maximum are left out.
 */
void environment_build(struct environment *environment, const struct settings *settings,
                       const struct user *user, const struct situation *situation, pid_t program);

#endif
