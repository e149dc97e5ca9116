#include "common/process/signal_state.h"

#include <stddef.h>

/* Set by the compiler's build of the sanitizers, which report faults from their own handlers. */
#ifdef SANITIZER
#define FAULTS_STAY_UNBLOCKED true
#else
#define FAULTS_STAY_UNBLOCKED false
#endif

void signal_state_take(struct signal_state *state)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
    struct sigaction action;
    sigset_t all;

    sigfillset(&all);
    for (size_t i = 0; FAULTS_STAY_UNBLOCKED && i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    sigprocmask(SIG_SETMASK, &all, &state->mask);

    sigaction(SIGCHLD, NULL, &action);
    state->child_ignored = action.sa_handler == SIG_IGN;
    signal(SIGCHLD, SIG_DFL);
}

void signal_state_give_back(const struct signal_state *state)
{
    if (state->child_ignored)
        signal(SIGCHLD, SIG_IGN);
    sigprocmask(SIG_SETMASK, &state->mask, NULL);
}
