#include "keeper/conduct.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/role_files.h"
#include "keeper/sweep.h"
#include "network/requests.h"

#define SWEEP_INTERVAL MILLISECONDS(5)
#define SWEEP_DELAY    MILLISECONDS(1)

/* From SIGTERM to SIGKILL for a hook whose time is over. A demotion's has to leave something of
 * KILL_BUDGET_NS for the program, which is killed next.
 */
#define PROMOTION_HOOK_GRACE MILLISECONDS(500)
#define DEMOTION_HOOK_GRACE  MILLISECONDS(100)

static const struct settings *settings_of(const struct keeper *keeper)
{
    return keeper->start->settings;
}

/* --- Reports. --- */

static void report(struct keeper *keeper, enum keeper_message type, uint64_t term, const void *body,
                   size_t size)
{
    struct message message = { .type = type, .term = term };

    if (size > 0)
        memcpy(message.body, body, size);
    channel_send(keeper->supervisor_fd, &message, -1);
}

static void report_failure(struct keeper *keeper, enum keeper_message type, uint64_t term,
                           int status, const char *reason)
{
    struct failure_report body = { .status = status };

    snprintf(body.reason, sizeof body.reason, "%s", reason);
    report(keeper, type, term, &body, sizeof body);
}

/* --- The program. --- */

static int spawn_program(struct keeper *keeper, const struct situation *situation,
                         struct error *err)
{
    struct program_spec spec = {
        .command = keeper->start->command,
        .settings = settings_of(keeper),
        .user = keeper->start->user,
        .signals = keeper->start->signals,
        .directory = keeper->start->directory,
        .situation = situation,
        .private_fd = keeper->lock_fd,
    };
    return program_spawn(&keeper->program, &spec, err);
}

void keeper_start_program(struct keeper *keeper, const struct situation *situation)
{
    struct error err;

    if (spawn_program(keeper, situation, &err) < 0)
        report_failure(keeper, KEEPER_START_FAILED, 0, EXIT_STATUS_CANNOT_START, err.text);
    else
        program_go(&keeper->program, keeper->start->terminal_group);
}

static void program_started(struct keeper *keeper)
{
    struct started_report body = { .pid = keeper->program.child.pid };

    keeper->program.state = PROGRAM_RUNNING;
    log_info("program started pid=%d", (int)keeper->program.child.pid);
    report(keeper, KEEPER_STARTED, keeper->promotion.term, &body, sizeof body);
}

void keeper_exec_decided(struct keeper *keeper)
{
    struct program *program = &keeper->program;
    struct error err;
    int status = 0;

    if (program->state != PROGRAM_STARTING || program->child.report < 0)
        return;
    switch (child_exec_result(&program->child, keeper->start->command[0], &status, &err)) {
    case EXEC_PENDING:
        break;
    case EXEC_DONE:
        if (program->child.gate < 0 && !program->ordered)
            program_started(keeper);
        break;
    case EXEC_FAILED:
        report_failure(keeper, KEEPER_START_FAILED, 0, status, err.text);
        break;
    }
}

static void program_ended(struct keeper *keeper, int wait_status)
{
    struct exit_report body = {
        .wait_status = wait_status,
        .ordered = keeper->program.ordered,
        .overdue = keeper->program.overdue,
    };

    if (WIFSIGNALED(wait_status))
        log_info("program ended signal=%d", WTERMSIG(wait_status));
    else
        log_info("program ended status=%d", WEXITSTATUS(wait_status));
    keeper->gone_wanted = true;
    report(keeper, KEEPER_EXITED, 0, &body, sizeof body);
}

void keeper_child_ended(struct keeper *keeper, pid_t pid, int wait_status)
{
    if (hook_reaped(&keeper->hook, pid, wait_status, clock_now_ns()))
        return;
    if (keeper->program.child.pid == pid)
        keeper_exec_decided(keeper);
    if (program_reaped(&keeper->program, pid))
        program_ended(keeper, wait_status);
}

/* Nothing may act any more: no grace, no hooks. */
static void kill_everything(struct keeper *keeper)
{
    if (program_is_alive(&keeper->program))
        program_kill(&keeper->program);
    hook_kill(&keeper->hook);
    keeper->killing = true;
    if (keeper->sweep_due == 0) /* most often nothing else is left to be looked for */
        keeper->sweep_due = clock_now_ns() + SWEEP_DELAY;
}

static void kill_for_demotion(struct keeper *keeper)
{
    keeper->promotion.active = false;
    keeper->demotion.stage = DEMOTION_KILLS;
    kill_everything(keeper);
}

/* --- Hooks. --- */

static bool has_hook(const char *command)
{
    return command[0] != '\0';
}

static void start_hook(struct keeper *keeper, const char *name, const char *command,
                       const struct situation *situation, const struct guard *guard,
                       instant_ns timeout, duration_ns grace)
{
    struct hook_spec spec = {
        .name = name,
        .command = command,
        .settings = settings_of(keeper),
        .user = keeper->start->user,
        .signals = keeper->start->signals,
        .directory = keeper->start->directory,
        .situation = situation,
        .program = program_is_alive(&keeper->program) ? keeper->program.child.pid : 0,
        .private_fd = keeper->lock_fd,
        .guard = guard,
        .timeout = timeout,
        .last = timeout + grace,
    };
    hook_start(&keeper->hook, &spec, clock_now_ns());
}

/* --- Promotion. --- */

/* A program that is told nothing finishes by the deadline that it read, and is not killed for it.
 */
static bool is_told_nothing(const struct settings *settings)
{
    return settings->mode == MODE_FOLLOW && settings->promote_signal == 0 &&
           settings->demote_signal == 0 && !has_hook(settings->on_promote) &&
           !has_hook(settings->on_demote);
}

static void promotion_failed(struct keeper *keeper, int status, const char *reason)
{
    keeper->promotion.active = false;
    report_failure(keeper, KEEPER_PROMOTION_FAILED, keeper->promotion.term, status, reason);
}

static void start_as_leader(struct keeper *keeper)
{
    struct error err;

    if (spawn_program(keeper, &keeper->promotion.situation, &err) < 0) {
        promotion_failed(keeper, EXIT_STATUS_CANNOT_START, err.text);
    } else if (!guard_may_start(&keeper->guard, clock_now_ns())) {
        program_kill(&keeper->program);
        promotion_failed(keeper, 0, "too little is left of the lease to start the program");
    } else {
        program_go(&keeper->program, keeper->start->terminal_group);
    }
}

void keeper_promote(struct keeper *keeper, uint64_t term, const struct situation *situation)
{
    const struct settings *settings = settings_of(keeper);
    instant_ns now = clock_now_ns();

    if (keeper->hook.state != HOOK_RUNNING)
        hook_reset(&keeper->hook);
    keeper->promotion = (struct promotion){
        .active = true,
        .term = term,
        .until = now + settings->promote_timeout_ns,
        .situation = *situation,
    };
    keeper->lead = *situation;
    keeper->led = true;
    if (!is_told_nothing(settings))
        guard_arm(&keeper->guard);

    if (settings->mode == MODE_LEADER_ONLY)
        start_as_leader(keeper);
    else if (settings->promote_signal != 0)
        program_signal(&keeper->program, settings->promote_signal);
}

static void advance_promotion(struct keeper *keeper)
{
    const struct settings *settings = settings_of(keeper);
    struct promotion *promotion = &keeper->promotion;
    struct hook *hook = &keeper->hook;

    if (settings->mode == MODE_LEADER_ONLY && keeper->program.state != PROGRAM_RUNNING)
        return;
    if (hook->state == HOOK_NONE && has_hook(settings->on_promote))
        start_hook(keeper, "on-promote", settings->on_promote, &promotion->situation,
                   &keeper->guard, promotion->until, PROMOTION_HOOK_GRACE);
    if (hook->state == HOOK_RUNNING)
        return;
    if (hook->state == HOOK_FAILED) {
        promotion_failed(keeper, 0, hook->reason);
        return;
    }
    promotion->active = false;
    report(keeper, KEEPER_PROMOTED, promotion->term, NULL, 0);
}

/* --- Demotion. --- */

void keeper_demote(struct keeper *keeper, uint64_t term, const struct demotion_order *order)
{
    if (keeper->demotion.stage != DEMOTION_NONE)
        return;
    keeper->demotion = (struct demotion){
        .stage = DEMOTION_ENDS_PROMOTION,
        .term = term,
        .order = *order,
    };
    keeper->promotion.active = false;
    hook_cancel(&keeper->hook, clock_now_ns(), order->until);
}

static void demotion_is_complete(struct keeper *keeper)
{
    if (keeper->lock_fd >= 0)
        close(keeper->lock_fd);
    keeper->lock_fd = -1;
    guard_disarm(&keeper->guard);
    keeper->led = false;
    hook_reset(&keeper->hook);
    report(keeper, KEEPER_DEMOTED, keeper->demotion.term, NULL, 0);
    keeper->demotion.stage = DEMOTION_NONE;
}

static void demotion_has_failed(struct keeper *keeper)
{
    keeper->failed = true;
    keeper->led = false;
    hook_reset(&keeper->hook);
    report(keeper, KEEPER_DEMOTION_FAILED, keeper->demotion.term, NULL, 0);
    keeper->demotion.stage = DEMOTION_NONE;
}

/* A hook that is still to come needs its share of the time. */
static instant_ns stop_deadline(const struct keeper *keeper, instant_ns now)
{
    instant_ns until = keeper->demotion.order.until;

    if (!has_hook(settings_of(keeper)->on_demote) || until <= now)
        return until;
    return now + (until - now) / 2;
}

static void begin_demotion_hook(struct keeper *keeper)
{
    const struct settings *settings = settings_of(keeper);

    keeper->demotion.stage = DEMOTION_RUNS_HOOK;
    if (has_hook(settings->on_demote))
        start_hook(keeper, "on-demote", settings->on_demote, &keeper->demotion.order.situation,
                   NULL, keeper->demotion.order.until, DEMOTION_HOOK_GRACE);
}

static void tell_program(struct keeper *keeper, instant_ns now)
{
    const struct settings *settings = settings_of(keeper);
    struct demotion *demotion = &keeper->demotion;

    hook_reset(&keeper->hook);
    if (!program_is_alive(&keeper->program) || demotion->order.restart) {
        begin_demotion_hook(keeper);
        return;
    }
    if (settings->demote_signal != 0)
        program_signal(&keeper->program, settings->demote_signal);
    if (settings->mode == MODE_LEADER_ONLY) {
        program_stop(&keeper->program, settings->kill_signal, stop_deadline(keeper, now), now);
        demotion->stage = DEMOTION_STOPS_PROGRAM;
    } else if (has_hook(settings->on_demote)) {
        begin_demotion_hook(keeper);
    } else if (demotion->order.planned) {
        program_stop(&keeper->program, settings->kill_signal, demotion->order.until, now);
        demotion->stage = DEMOTION_STOPS_PROGRAM;
    } else {
        if (is_told_nothing(settings))
            demotion->order.until = keeper->guard.lease.hard;
        demotion->stage = DEMOTION_WAITS;
    }
}

static void conclude_hook(struct keeper *keeper)
{
    if (keeper->hook.state == HOOK_RUNNING)
        return;
    if (keeper->hook.state != HOOK_FAILED || keeper->demotion.order.restart) {
        demotion_is_complete(keeper);
    } else if (settings_of(keeper)->mode == MODE_SIDECAR) {
        demotion_has_failed(keeper);
    } else {
        kill_for_demotion(keeper);
    }
}

static void advance_demotion(struct keeper *keeper, instant_ns now)
{
    bool gone = keeper->program.state == PROGRAM_ABSENT && !keeper->killing;

    switch (keeper->demotion.stage) {
    case DEMOTION_NONE:
        break;
    case DEMOTION_ENDS_PROMOTION:
        if (keeper->hook.state != HOOK_RUNNING)
            tell_program(keeper, now);
        break;
    case DEMOTION_STOPS_PROGRAM:
        if (gone)
            begin_demotion_hook(keeper);
        break;
    case DEMOTION_WAITS:
        if (gone || now >= keeper->demotion.order.until)
            demotion_is_complete(keeper);
        break;
    case DEMOTION_RUNS_HOOK:
        conclude_hook(keeper);
        break;
    case DEMOTION_KILLS:
        if (gone)
            demotion_is_complete(keeper);
        break;
    }
}

/* --- The end. --- */

void keeper_stop(struct keeper *keeper, instant_ns until)
{
    instant_ns now = clock_now_ns();

    keeper->gone_wanted = true;
    program_stop(&keeper->program, settings_of(keeper)->kill_signal, until, now);
    if (until <= now)
        kill_everything(keeper);
    else if (keeper->program.state == PROGRAM_ABSENT)
        keeper->program.state = PROGRAM_ENDED; /* what hooks left is swept */
}

void keeper_supervisor_died(struct keeper *keeper)
{
    if (keeper->led || program_is_alive(&keeper->program))
        log_warn("the supervisor is dead: everything is ended");
    role_files_show(settings_of(keeper), false);
    keeper->supervisor_fd = -1;
    keeper->promotion.active = false;
    keeper->demotion.stage = DEMOTION_NONE;
    kill_everything(keeper);
}

/* A demotion that the keeper has to order itself. */
static void describe_loss(const struct keeper *keeper, struct demotion_order *order,
                          const char *reason, instant_ns now)
{
    struct situation *situation = &order->situation;

    *order = (struct demotion_order){
        .situation = keeper->lead,
        .until = now + settings_of(keeper)->demote_timeout_ns,
    };
    snprintf(situation->role, sizeof situation->role, "follower");
    snprintf(situation->old_role, sizeof situation->old_role, "leader");
    snprintf(situation->reason, sizeof situation->reason, "%s", reason);
}

/* After the supervisor's death and the end of everything: the hook, the word, the end. */
static void advance_alone(struct keeper *keeper, instant_ns now)
{
    struct demotion *demotion = &keeper->demotion;

    if (keeper->led && demotion->stage == DEMOTION_NONE) {
        hook_reset(&keeper->hook);
        describe_loss(keeper, &demotion->order, "supervisor-died", now);
        if (keeper->guard.armed && keeper->guard.lease.hard < demotion->order.until)
            demotion->order.until = keeper->guard.lease.hard;
        begin_demotion_hook(keeper);
    }
    if (keeper->hook.state == HOOK_RUNNING)
        return;
    if (keeper->hook.state == HOOK_FAILED && settings_of(keeper)->mode == MODE_SIDECAR)
        keeper->failed = true;
    if (keeper->lock_fd >= 0)
        close(keeper->lock_fd);
    keeper->lock_fd = -1;
    if (!keeper->failed) {
        struct message message = { .type = NETWORK_ALL_GONE };
        channel_send(keeper->network_fd, &message, -1);
    }
    keeper->finished = true;
}

static bool has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* Kills what the program has left, until there is nothing more to reap. */
static void advance_sweep(struct keeper *keeper, instant_ns now)
{
    bool wanted = keeper->killing || keeper->program.state == PROGRAM_ENDED;
    bool hook_may_go_on = keeper->hook.state == HOOK_RUNNING && !keeper->killing &&
                          keeper->demotion.stage == DEMOTION_RUNS_HOOK;

    if (!wanted || hook_may_go_on)
        return;
    if (has_children()) {
        if (now >= keeper->sweep_due) {
            sweep(0);
            keeper->sweep_due = clock_now_ns() + SWEEP_INTERVAL;
        }
        return;
    }
    keeper->killing = false;
    keeper->sweep_due = 0;
    keeper->program.state = PROGRAM_ABSENT;
    if (keeper->gone_wanted)
        report(keeper, KEEPER_GONE, 0, NULL, 0);
    keeper->gone_wanted = false;
}

/* What a sidecar's hooks have done outside cannot be killed: late is better than never. */
static void demote_outside(struct keeper *keeper, instant_ns now)
{
    struct demotion_order order;

    describe_loss(keeper, &order, "lease-expired", now);
    guard_disarm(&keeper->guard);
    keeper_demote(keeper, keeper->guard.lease.term, &order);
}

static void enforce_deadline(struct keeper *keeper, instant_ns now)
{
    if (!guard_overdue(&keeper->guard, now) || keeper->demotion.stage == DEMOTION_KILLS)
        return;
    if (settings_of(keeper)->mode == MODE_SIDECAR) {
        log_error("the lease is over and the demotion is not late=%llums",
                  (unsigned long long)(now - guard_deadline(&keeper->guard)) / MILLISECONDS(1));
        demote_outside(keeper, now);
        return;
    }
    log_error("the lease is over and the demotion is not: everything is killed late=%llums",
              (unsigned long long)(now - guard_deadline(&keeper->guard)) / MILLISECONDS(1));
    if (keeper->demotion.stage == DEMOTION_NONE)
        keeper->demotion.term = keeper->guard.lease.term;
    keeper->program.overdue = program_is_alive(&keeper->program);
    kill_for_demotion(keeper);
}

void keeper_advance(struct keeper *keeper)
{
    instant_ns now = clock_now_ns();

    enforce_deadline(keeper, now);
    hook_time_passed(&keeper->hook, now);
    program_time_passed(&keeper->program, now);
    advance_sweep(keeper, now);
    if (keeper->supervisor_fd < 0) {
        if (!keeper->killing)
            advance_alone(keeper, now);
        return;
    }
    enum demotion_stage before;
    do {
        before = keeper->demotion.stage;
        advance_demotion(keeper, now);
    } while (keeper->demotion.stage != before);
    if (keeper->promotion.active)
        advance_promotion(keeper);
    advance_sweep(keeper, now);
}

instant_ns keeper_next_due(const struct keeper *keeper)
{
    instant_ns due = guard_deadline(&keeper->guard);

    if (keeper->demotion.stage == DEMOTION_KILLS)
        due = 0; /* it has passed */
    due = clock_earlier(due, hook_next_due(&keeper->hook));
    due = clock_earlier(due, program_next_due(&keeper->program));
    if (keeper->demotion.stage == DEMOTION_WAITS)
        due = clock_earlier(due, keeper->demotion.order.until);
    return clock_earlier(due, keeper->sweep_due);
}
