/* command.h - a command of the operator's, a hook's or a probe's, on its way to a child. */
#ifndef KEEPER_COMMAND_H
#define KEEPER_COMMAND_H

#include "common/messages/situation.h"
#include "common/options/settings.h"
#include "common/process/child.h"

struct command {
    const char *text; /* shell words */
    const struct settings *settings;
    const struct user *user;
    const struct signal_state *signals;
    const char *directory;
    const char *lease_path;
    const struct situation *situation; /* what it is told of the election */
    pid_t program;                     /* 0: there is none */
    int private_fd;                    /* closed in the child; -1: none */
};

/* Forks it, with no input and no descriptors but the three; it waits at its gate. output_fd: for
 * what it prints.
 */
int command_spawn(const struct command *command, int output_fd, struct child *child,
                  struct error *err);

#endif
