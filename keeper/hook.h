/* hook.h - one command that the operator wants run at a change of role.
 *
 * At most one runs at a time. When its time is over its group gets SIGTERM, at the last instant
 * SIGKILL.
 */
#ifndef KEEPER_HOOK_H
#define KEEPER_HOOK_H

#include "common/messages/situation.h"
#include "common/options/settings.h"
#include "common/process/child.h"
#include "common/process/output.h"
#include "election/guard.h"
#include "keeper/command.h"

enum hook_state { HOOK_NONE, HOOK_RUNNING, HOOK_SUCCEEDED, HOOK_FAILED };

struct hook {
    enum hook_state state;
    const char *name; /* on-promote, on-demote */
    struct child child;
    struct output output;
    bool refused;    /* the guard did not let it go */
    bool superseded; /* it was ended because it is not wanted any more, which is no failure */
    instant_ns started;
    instant_ns timeout; /* SIGTERM then; 0: sent already */
    instant_ns last;    /* SIGKILL then */
    char reason[1024];  /* why it failed */
};

struct hook_spec {
    const char *name;
    struct command command;
    const struct guard *guard; /* must allow it once more after the fork; NULL: none */
    instant_ns timeout;
    instant_ns last;
};

/* Starts it; a hook that cannot be started has failed. */
void hook_start(struct hook *hook, const struct hook_spec *spec, instant_ns now);

/* Ends it early, by SIGTERM now and SIGKILL after HOOK_GRACE but not after `last`. */
void hook_cancel(struct hook *hook, instant_ns now, instant_ns last);

/* Ends it in the same way, as one that is not wanted any more. */
void hook_supersede(struct hook *hook, instant_ns now, instant_ns last);

/* Leaves a running hook no more time than that. */
void hook_shorten(struct hook *hook, instant_ns timeout, instant_ns last);

void hook_kill(struct hook *hook);

/* Takes the wait status if `pid` is the hook's. */
bool hook_reaped(struct hook *hook, pid_t pid, int wait_status, instant_ns now);

/* Sends what is due. */
void hook_time_passed(struct hook *hook, instant_ns now);

/* 0: nothing is due. */
instant_ns hook_next_due(const struct hook *hook);

/* Writes what it has printed. */
void hook_take_output(struct hook *hook);

/* Ready for the next. Must not be running. */
void hook_reset(struct hook *hook);

#endif
