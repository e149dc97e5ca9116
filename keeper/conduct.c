#include "keeper/conduct.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/network.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "common/place/lease_page.h"
#include "common/place/role_files.h"
#include "common/process/inherited.h"
#include "common/process/sweep.h"

#define SWEEP_DELAY MILLISECONDS(1)

/* After so many somebody is left that does not die: state D. */
#define QUICK_SWEEPS        100
#define SLOW_SWEEP_INTERVAL MILLISECONDS(200)

/* --- What all parts use. --- */

const struct settings *keeper_settings(const struct keeper *keeper)
{
    return keeper->start->settings;
}

/* An outbox has room for all that can come of the orders that were sent before their sender stopped
 * to read.
 */
static void must_fit(bool said)
{
    if (said)
        return;
    log_error("there is no room left for what the keeper has to say: it ends");
    abort();
}

void keeper_report(struct keeper *keeper, enum keeper_message type, uint64_t term, const void *body,
                   size_t size)
{
    struct message message = { .type = type, .term = term };

    if (size > 0)
        memcpy(message.body, body, size);
    must_fit(outbox_say(&keeper->to_supervisor, keeper->supervisor_fd, &message));
}

void keeper_report_stopped(struct keeper *keeper, int number)
{
    struct message message = { .type = KEEPER_STOPPED };

    MESSAGE_BODY(&message, struct signal_order)->number = number;
    must_fit(outbox_say_state(&keeper->to_supervisor, keeper->supervisor_fd, &message));
}

void keeper_say_all_gone(struct keeper *keeper)
{
    const struct message message = { .type = NETWORK_ALL_GONE };

    must_fit(outbox_say(&keeper->to_network, keeper->network_fd, &message));
}

void keeper_report_failure(struct keeper *keeper, enum keeper_message type, uint64_t term,
                           int status, const char *reason)
{
    struct failure_report body = { .status = status };

    snprintf(body.reason, sizeof body.reason, "%s", reason);
    keeper_report(keeper, type, term, &body, sizeof body);
}

bool keeper_has_hook(const char *command)
{
    return command[0] != '\0';
}

struct command keeper_command(const struct keeper *keeper, const char *text,
                              const struct situation *situation)
{
    return (struct command){
        .text = text,
        .settings = keeper_settings(keeper),
        .user = keeper->start->user,
        .signals = keeper->start->signals,
        .directory = keeper->start->directory,
        .lease_path = keeper->start->lease_path,
        .situation = situation,
        .program = program_is_alive(&keeper->program) ? keeper->program.child.pid : 0,
        .private_fd = keeper->lock_fd,
    };
}

void keeper_start_hook(struct keeper *keeper, struct hook *hook, const char *name,
                       const char *command, const struct situation *situation,
                       const struct guard *guard, instant_ns timeout, duration_ns grace)
{
    struct hook_spec spec = {
        .name = name,
        .command = keeper_command(keeper, command, situation),
        .guard = guard,
        .timeout = timeout,
        .last = timeout + grace,
    };
    hook_start(hook, &spec, clock_now_ns());
}

/* --- The program. --- */

int keeper_spawn_program(struct keeper *keeper, const struct situation *situation,
                         struct error *err)
{
    struct program_spec spec = {
        .command = keeper->start->command,
        .started_as = keeper->start->started_as,
        .terminal_group = keeper->start->terminal_group,
        .settings = keeper_settings(keeper),
        .user = keeper->start->user,
        .signals = keeper->start->signals,
        .directory = keeper->start->directory,
        .lease_path = keeper->start->lease_path,
        .situation = situation,
        .private_fd = keeper->lock_fd,
        .ack_fd = keeper->ack.writer,
    };
    return program_spawn(&keeper->program, &spec, err);
}

void keeper_start_program(struct keeper *keeper, const struct situation *situation)
{
    struct error err;

    if (keeper_spawn_program(keeper, situation, &err) < 0)
        keeper_report_failure(keeper, KEEPER_START_FAILED, 0, EXIT_STATUS_CANNOT_START, err.text);
    else
        program_go(&keeper->program);
}

static void program_started(struct keeper *keeper)
{
    const struct settings *settings = keeper_settings(keeper);
    struct started_report body = { .pid = keeper->program.child.pid };

    keeper->program.state = PROGRAM_RUNNING;
    if (manner_of(settings)->starts_first && settings->restart == RESTART_NEVER)
        inherited_close(); /* it is the only one that needed them */
    log_info("program started pid=%d", (int)keeper->program.child.pid);
    keeper_report(keeper, KEEPER_STARTED, keeper->promotion.term, &body, sizeof body);
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
        keeper_report_failure(keeper, KEEPER_START_FAILED, 0, status, err.text);
        break;
    }
}

/* Who drains after the program's own end gets the time of a stop for it; a program that died by a
 * signal leaves nobody who would. A stop has told its own group, or nobody but the program, or is
 * over with it (docs/operating.md, "Kill modes").
 */
static void give_grace(struct keeper *keeper, int wait_status, instant_ns stop_until)
{
    const struct settings *settings = keeper_settings(keeper);
    bool ordered = keeper->program.ordered;

    keeper->grace = 0;
    if (ordered && settings->kill_mode != KILL_MIXED)
        keeper->grace = stop_until;
    else if (!ordered && WIFEXITED(wait_status))
        keeper->grace = clock_now_ns() + settings->stop_timeout_ns - STOP_RESERVE;
    if (keeper->demotion.stage != DEMOTION_NONE)
        keeper_shorten_grace(keeper, keeper->demotion.order.until);
    if (keeper->grace != 0 && !(ordered && settings->kill_mode == KILL_GROUP))
        sweep_signal(SIGTERM, keeper->hook.child.pid); /* a demotion's has its own time */
}

void keeper_shorten_grace(struct keeper *keeper, instant_ns until)
{
    if (keeper->grace > until)
        keeper->grace = until;
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
    keeper_report(keeper, KEEPER_EXITED, 0, &body, sizeof body);
}

void keeper_child_ended(struct keeper *keeper, pid_t pid, int wait_status)
{
    if (hook_reaped(&keeper->hook, pid, wait_status, clock_now_ns()) ||
        hook_reaped(&keeper->change.hook, pid, wait_status, clock_now_ns()) ||
        exec_reaped(keeper->probes, pid, wait_status))
        return;
    if (keeper->program.child.pid == pid)
        keeper_exec_decided(keeper);
    instant_ns stop_until = keeper->program.stop_until;
    if (program_reaped(&keeper->program, pid)) {
        give_grace(keeper, wait_status, stop_until);
        program_ended(keeper, wait_status);
    }
}

void keeper_kill_everything(struct keeper *keeper)
{
    if (program_is_alive(&keeper->program))
        program_kill(&keeper->program);
    hook_kill(&keeper->hook);
    keeper->change.wanted = false;
    hook_kill(&keeper->change.hook);
    lease_page_clear(keeper->start->lease_page);
    keeper->killing = true;
    if (keeper->sweep_due == 0) /* most often nothing else is left to be looked for */
        keeper->sweep_due = clock_now_ns() + SWEEP_DELAY;
}

/* --- The end. --- */

void keeper_stop(struct keeper *keeper, instant_ns until)
{
    instant_ns now = clock_now_ns();

    keeper->gone_wanted = true;
    keeper_end_leader_change(keeper, now);
    keeper_shorten_grace(keeper, until);
    program_stop(&keeper->program, keeper_settings(keeper), until);
    if (until <= now)
        keeper_kill_everything(keeper);
    else if (keeper->program.state == PROGRAM_ABSENT)
        keeper->program.state = PROGRAM_ENDED; /* what hooks left is swept */
}

void keeper_supervisor_died(struct keeper *keeper)
{
    if (keeper->led || program_is_alive(&keeper->program))
        log_warn("the supervisor is dead: everything is ended");
    keeper->supervisor_fd = -1;
    keeper->order_due = 0;
    keeper->promotion.active = false;
    keeper->demotion.stage = DEMOTION_NONE;
    keeper->demotion.word_is_awaited = false;
    keeper_kill_everything(keeper);
    if (keeper->led)
        role_files_show(keeper_settings(keeper), false); /* not before: a disk may hang */
}

bool keeper_has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* Kills what the program has left, until there is nothing more to reap. */
static void advance_sweep(struct keeper *keeper, instant_ns now)
{
    bool wanted = keeper->killing || keeper->program.state == PROGRAM_ENDED;
    bool hook_may_go_on = keeper->hook.state == HOOK_RUNNING && !keeper->killing &&
                          keeper->demotion.stage == DEMOTION_AWAITS_ANSWERS;

    if (!wanted || hook_may_go_on)
        return;
    if (keeper_has_children()) {
        if (!keeper->killing && now < keeper->grace)
            return;
        if (now >= keeper->sweep_due) {
            sweep(0);
            keeper->sweep_due =
                clock_now_ns() +
                (keeper->sweeps++ < QUICK_SWEEPS ? SWEEP_INTERVAL : SLOW_SWEEP_INTERVAL);
        }
        return;
    }
    sweep_done();
    keeper->killing = false;
    keeper->grace = 0;
    keeper->sweep_due = 0;
    keeper->sweeps = 0;
    keeper->program.state = PROGRAM_ABSENT;
    if (keeper->gone_wanted)
        keeper_report(keeper, KEEPER_GONE, 0, NULL, 0);
    keeper->gone_wanted = false;
}

/* Nobody else ends it, and while it lives nothing of its lead is given away. PID 1 of a container
 * cannot be killed from inside: it reads the deadline when it goes on.
 */
static void end_hanging_supervisor(struct keeper *keeper, instant_ns now)
{
    if (keeper->order_due == 0 || now < keeper->order_due || keeper->supervisor_fd < 0)
        return;
    keeper->order_due = 0;
    log_error("the supervisor hangs: it is killed");
    if (getppid() == keeper->start->supervisor)
        kill(keeper->start->supervisor, SIGKILL);
}

/* What a sidecar's hooks have done outside. The end of everything is another matter. */
static bool only_hooks_end_it(const struct keeper *keeper)
{
    return manner_of(keeper_settings(keeper))->at_deadline == DEADLINE_HOOKS &&
           keeper->supervisor_fd >= 0;
}

/* When the keeper itself ends what acts; 0: never, or it is about it. What only a hook can end is
 * begun with while the hook still has its time, a little later than the supervisor should have
 * ordered it.
 */
static instant_ns enforcement_due(const struct keeper *keeper)
{
    enum demotion_stage stage = keeper->demotion.stage;
    duration_ns of_hook = keeper_settings(keeper)->demote_timeout_ns + LATE_HOOK_GRACE;
    bool ends_anyway = keeper->supervisor_fd < 0 && keeper->killing;

    if (only_hooks_end_it(keeper))
        return stage == DEMOTION_NONE ? guard_deadline(&keeper->guard, of_hook) : 0;
    return ends_anyway || stage == DEMOTION_KILLS ? 0 : guard_deadline(&keeper->guard, 0);
}

static void enforce_deadline(struct keeper *keeper, instant_ns now)
{
    instant_ns due = enforcement_due(keeper);

    if (due == 0 || now < due)
        return;
    unsigned long long late_ms = (now - due) / MILLISECONDS(1);
    if (only_hooks_end_it(keeper)) {
        log_error("the lease ends and nobody orders the demotion: it is begun late=%llums",
                  late_ms);
        instant_ns hard = keeper->guard.lease.hard;
        keeper->order_due = (now < hard ? hard : now) + PEER_MARGIN;
        keeper_demote_outside(keeper, now);
        role_files_show(keeper_settings(keeper), false);
        return;
    }
    log_error("the lease is over and the demotion is not: everything is killed late=%llums",
              late_ms);
    if (keeper->demotion.stage == DEMOTION_NONE) {
        keeper->demotion.term = keeper->guard.lease.term;
        keeper->order_due = now + PEER_MARGIN;
    }
    keeper->program.overdue = program_is_alive(&keeper->program);
    keeper_kill_for_demotion(keeper);
    role_files_show(keeper_settings(keeper), false);
}

void keeper_advance(struct keeper *keeper)
{
    instant_ns now = clock_now_ns();

    enforce_deadline(keeper, now);
    end_hanging_supervisor(keeper, now);
    hook_time_passed(&keeper->hook, now);
    hook_time_passed(&keeper->change.hook, now);
    if (program_is_overdue(&keeper->program, now)) /* what it started does not wait for its end */
        keeper_kill_everything(keeper);
    advance_sweep(keeper, now);
    if (keeper->supervisor_fd < 0) {
        if (!keeper->killing)
            keeper_advance_alone(keeper, now);
        return;
    }
    enum demotion_stage before;
    do {
        before = keeper->demotion.stage;
        keeper_advance_demotion(keeper, now);
    } while (keeper->demotion.stage != before);
    if (keeper->promotion.active)
        keeper_advance_promotion(keeper, now);
    keeper_advance_leader_change(keeper, now);
    advance_sweep(keeper, now);
}

int keeper_ack_descriptor(const struct keeper *keeper)
{
    return keeper->demotion.word_is_awaited ? keeper->ack.reader : -1;
}

instant_ns keeper_next_due(const struct keeper *keeper)
{
    instant_ns due = enforcement_due(keeper);

    due = clock_earlier(due, keeper->order_due);
    due = clock_earlier(due, hook_next_due(&keeper->hook));
    due = clock_earlier(due, hook_next_due(&keeper->change.hook));
    due = clock_earlier(due, program_next_due(&keeper->program));
    due = clock_earlier(due, keeper_waiting_due(keeper));
    due = clock_earlier(due, keeper_probes_due(keeper));
    due = clock_earlier(due, keeper_promotion_due(keeper));
    due = clock_earlier(due, keeper->patience);
    if (keeper->program.state == PROGRAM_ENDED && !keeper->killing && keeper->sweep_due == 0)
        due = clock_earlier(due, keeper->grace);
    return clock_earlier(due, keeper->sweep_due);
}
