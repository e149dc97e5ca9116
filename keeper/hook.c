#include "keeper/hook.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/options/budgets.h"

static void fail(struct hook *hook, const char *reason)
{
    hook->state = HOOK_FAILED;
    output_close(&hook->output, true);
    snprintf(hook->reason, sizeof hook->reason, "%s", reason);
    log_warn("hook failed hook=%s reason=\"%s\"", hook->name, hook->reason);
}

static int spawn(struct hook *hook, const struct hook_spec *spec, struct error *err)
{
    AUTO_CLOSE int writer = -1;

    if (output_open(&hook->output, spec->name, false, &writer, err) < 0)
        return -1;
    return command_spawn(&spec->command, writer, &hook->child, err);
}

void hook_start(struct hook *hook, const struct hook_spec *spec, instant_ns now)
{
    struct error err;

    assert(hook->state == HOOK_NONE);
    hook->name = spec->name;
    hook->started = now;
    hook->timeout = spec->timeout;
    hook->last = spec->last;
    if (spawn(hook, spec, &err) < 0) {
        fail(hook, err.text);
        return;
    }

    hook->state = HOOK_RUNNING;
    if (spec->guard && !guard_may_start(spec->guard, clock_now_ns())) {
        hook->refused = true;
        child_cancel(&hook->child);
        return;
    }
    child_go(&hook->child);
    log_info("hook started hook=%s pid=%d reason=%s", hook->name, (int)hook->child.pid,
             spec->command.situation->reason);
}

void hook_cancel(struct hook *hook, instant_ns now, instant_ns last)
{
    if (hook->state != HOOK_RUNNING)
        return;
    if (hook->timeout != 0) {
        hook->timeout = 0;
        child_signal(&hook->child, SIGTERM);
        child_signal(&hook->child, SIGCONT);
        if (now + HOOK_GRACE < hook->last)
            hook->last = now + HOOK_GRACE;
    }
    if (last < hook->last)
        hook->last = last;
}

void hook_supersede(struct hook *hook, instant_ns now, instant_ns last)
{
    hook->superseded = true;
    hook_cancel(hook, now, last);
}

void hook_shorten(struct hook *hook, instant_ns timeout, instant_ns last)
{
    if (hook->timeout > timeout)
        hook->timeout = timeout;
    if (hook->last > last)
        hook->last = last;
}

void hook_kill(struct hook *hook)
{
    if (hook->state == HOOK_RUNNING)
        child_signal(&hook->child, SIGKILL);
}

static void conclude(struct hook *hook, int wait_status, instant_ns now)
{
    struct error err;
    int status;
    char text[128];
    unsigned long long milliseconds = (now - hook->started) / MILLISECONDS(1);

    if (hook->superseded) {
        hook->state = HOOK_SUCCEEDED;
        log_info("hook ended, as it is not wanted any more hook=%s", hook->name);
    } else if (hook->refused)
        fail(hook, "too little was left of the lease to start it");
    else if (child_exec_result(&hook->child, hook->name, &status, &err) == EXEC_FAILED)
        fail(hook, err.text);
    else if (hook->timeout == 0)
        fail(hook, "it was ended because its time was over");
    else if (WIFSIGNALED(wait_status)) {
        snprintf(text, sizeof text, "it was ended by signal %d", WTERMSIG(wait_status));
        fail(hook, text);
    } else if (WEXITSTATUS(wait_status) != 0) {
        snprintf(text, sizeof text, "it exited with status %d", WEXITSTATUS(wait_status));
        fail(hook, text);
    } else {
        hook->state = HOOK_SUCCEEDED;
        log_info("hook done hook=%s after=%llums", hook->name, milliseconds);
    }
}

bool hook_reaped(struct hook *hook, pid_t pid, int wait_status, instant_ns now)
{
    if (hook->state != HOOK_RUNNING || hook->child.pid != pid)
        return false;
    if (hook->timeout == 0)
        kill(-pid, SIGKILL); /* what its group still holds: the group's name is ours until now */
    output_close(&hook->output, true); /* its last words come before what came of it */
    conclude(hook, wait_status, now);
    child_forget(&hook->child);
    return true;
}

void hook_time_passed(struct hook *hook, instant_ns now)
{
    if (hook->state != HOOK_RUNNING)
        return;
    if (hook->timeout != 0 && now >= hook->timeout)
        hook_cancel(hook, now, hook->last);
    if (now >= hook->last) {
        hook->last = UINT64_MAX;
        hook_kill(hook);
    }
}

instant_ns hook_next_due(const struct hook *hook)
{
    if (hook->state != HOOK_RUNNING)
        return 0;
    return hook->timeout != 0 && hook->timeout < hook->last ? hook->timeout : hook->last;
}

void hook_take_output(struct hook *hook)
{
    output_take(&hook->output);
}

void hook_reset(struct hook *hook)
{
    assert(hook->state != HOOK_RUNNING);
    *hook = (struct hook){ .state = HOOK_NONE, .child = CHILD_NONE, .output = OUTPUT_NONE };
}
