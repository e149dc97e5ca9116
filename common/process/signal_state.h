/* signal_state.h - the signal state that we were started with and that our children get back. */
#ifndef PROCESS_SIGNAL_STATE_H
#define PROCESS_SIGNAL_STATE_H

#include <signal.h>
#include <stdbool.h>

struct signal_state {
    sigset_t mask;
    bool child_ignored; /* SIGCHLD */
};

/* Saves it, blocks every signal that can be blocked and sets SIGCHLD to its default: with an
 * ignored one, which a parent may leave us, no child could ever be waited for.
 */
void signal_state_take(struct signal_state *state);

/* In the child, before it runs something else: makes the calling process's state what it was. */
void signal_state_give_back(const struct signal_state *state);

#endif
