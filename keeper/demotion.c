/* demotion.c - the end of a lead, until nothing acts as leader any more. */
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "common/place/lease_page.h"
#include "keeper/conduct.h"

/* This instance ends while it is being demoted: there is less time now, and where nothing but time
 * was waited for, the program's end completes the demotion sooner.
 */
static void hasten(struct keeper *keeper, const struct demotion_order *order)
{
    struct demotion *demotion = &keeper->demotion;

    if (!order->planned)
        return;
    demotion->order.planned = true;
    if (order->until < demotion->order.until)
        demotion->order.until = order->until;
    hook_shorten(&keeper->hook, demotion->order.until, demotion->order.until + LATE_HOOK_GRACE);
    keeper_shorten_grace(keeper, demotion->order.until);
    if (demotion->stage == DEMOTION_WAITS)
        demotion->stage = DEMOTION_STOPS_PROGRAM;
    if (demotion->stage == DEMOTION_STOPS_PROGRAM)
        program_stop(&keeper->program, keeper_settings(keeper), demotion->order.until);
}

void keeper_demote(struct keeper *keeper, uint64_t term, const struct demotion_order *order)
{
    if (term != 0 && term == keeper->demoted_term) { /* the keeper was first */
        keeper_report(keeper, KEEPER_DEMOTED, term, NULL, 0);
        return;
    }
    if (keeper->demotion.stage != DEMOTION_NONE) {
        hasten(keeper, order);
        return;
    }
    keeper->demotion = (struct demotion){
        .stage = DEMOTION_ENDS_PROMOTION,
        .term = term,
        .order = *order,
    };
    keeper->promotion.active = false;
    keeper_end_leader_change(keeper, clock_now_ns());
    hook_cancel(&keeper->hook, clock_now_ns(), order->until);
}

static void demotion_is_complete(struct keeper *keeper)
{
    if (keeper->lock_fd >= 0)
        close(keeper->lock_fd);
    keeper->lock_fd = -1;
    guard_disarm(&keeper->guard);
    keeper->led = false;
    keeper->demoted_term = keeper->demotion.term;
    hook_reset(&keeper->hook);
    keeper_report(keeper, KEEPER_DEMOTED, keeper->demotion.term, NULL, 0);
    keeper->demotion.stage = DEMOTION_NONE;
}

static void demotion_has_failed(struct keeper *keeper)
{
    guard_disarm(&keeper->guard); /* it is not tried again */
    keeper->failed = true;
    keeper->led = false;
    hook_reset(&keeper->hook);
    keeper_report(keeper, KEEPER_DEMOTION_FAILED, keeper->demotion.term, NULL, 0);
    keeper->demotion.stage = DEMOTION_NONE;
}

/* What acted for a run before this one is not ours to kill. */
static void restart_has_failed(struct keeper *keeper)
{
    hook_reset(&keeper->hook);
    keeper_report(keeper, KEEPER_DEMOTION_FAILED, keeper->demotion.term, NULL, 0);
    keeper->demotion.stage = DEMOTION_NONE;
}

/* A hook that is still to come needs its share of the time. */
static instant_ns stop_deadline(const struct keeper *keeper, instant_ns now)
{
    instant_ns until = keeper->demotion.order.until;

    if (!keeper_has_hook(keeper_settings(keeper)->on_demote) || until <= now)
        return until;
    return now + (until - now) / 2;
}

static void await_answers(struct keeper *keeper)
{
    const struct settings *settings = keeper_settings(keeper);

    keeper->demotion.stage = DEMOTION_AWAITS_ANSWERS;
    if (keeper_has_hook(settings->on_demote))
        keeper_start_hook(keeper, &keeper->hook, "on-demote", settings->on_demote,
                          &keeper->demotion.order.situation, NULL, keeper->demotion.order.until,
                          LATE_HOOK_GRACE);
}

static void tell_program(struct keeper *keeper, instant_ns now)
{
    const struct settings *settings = keeper_settings(keeper);
    enum demotion_way demoted_by = manner_of(settings)->demoted_by;
    struct demotion *demotion = &keeper->demotion;

    hook_reset(&keeper->hook);
    if (keeper->program.state == PROGRAM_ENDED) { /* what it left may still act */
        keeper_shorten_grace(keeper, stop_deadline(keeper, now));
        demotion->stage = DEMOTION_STOPS_PROGRAM;
        return;
    }
    if (!program_is_alive(&keeper->program) || demotion->order.restart) {
        await_answers(keeper);
        return;
    }
    bool understands = settings->demote_signal == 0 ||
                       program_is_ready_for(&keeper->program, settings->demote_signal);
    demotion->answered_by = now + settings->demote_timeout_ns;
    demotion->program_was_stopped = keeper->program.stopped_by != 0;
    ack_discard(&keeper->ack);
    if (settings->demote_signal != 0 && understands)
        program_signal(&keeper->program, settings->demote_signal);
    if (!understands) {
        log_warn("the program does not handle the demote signal: it is stopped instead");
        program_stop(&keeper->program, settings, demotion->order.until);
        demotion->stage = DEMOTION_STOPS_PROGRAM;
    } else if (demoted_by == DEMOTED_BY_STOP) {
        program_stop(&keeper->program, settings, stop_deadline(keeper, now));
        demotion->stage = DEMOTION_STOPS_PROGRAM;
    } else if (demoted_by == DEMOTED_BY_ANSWERS) {
        demotion->word_is_awaited = settings->demote_ack;
        await_answers(keeper);
    } else if (demotion->order.planned) {
        program_stop(&keeper->program, settings, demotion->order.until);
        demotion->stage = DEMOTION_STOPS_PROGRAM;
    } else {
        if (demoted_by == DEMOTED_BY_DEADLINE)
            demotion->answered_by = keeper->guard.lease.hard;
        demotion->stage = DEMOTION_WAITS;
    }
}

static void conclude_answers(struct keeper *keeper, bool gone, instant_ns now)
{
    struct demotion *demotion = &keeper->demotion;

    if (gone || (demotion->word_is_awaited && ack_has_come(&keeper->ack)))
        demotion->word_is_awaited = false;
    if (demotion->word_is_awaited && now >= demotion->order.until) {
        log_warn("the program has not said in time that it is demoted: it is killed");
        keeper_kill_for_demotion(keeper);
        return;
    }
    if (keeper->hook.state == HOOK_RUNNING || demotion->word_is_awaited)
        return;
    if (keeper->hook.state != HOOK_FAILED) {
        if (keeper->program.state != PROGRAM_ENDED) /* what it left was told nothing */
            demotion_is_complete(keeper);
    } else if (keeper->demotion.order.restart) {
        restart_has_failed(keeper);
    } else if (manner_of(keeper_settings(keeper))->late == LATE_KEEPS_LOCK) {
        demotion_has_failed(keeper);
    } else {
        keeper_kill_for_demotion(keeper);
    }
}

/* Whether a program that answers nothing can have had all of the demote timeout: where we stood
 * still it may have done so too, and somebody may have stopped it. What one has left that ended
 * meanwhile answers even less.
 */
static bool program_had_its_time(const struct keeper *keeper, instant_ns now)
{
    return now <= keeper->demotion.answered_by + KILL_BUDGET &&
           !keeper->demotion.program_was_stopped && keeper->program.state != PROGRAM_ENDED;
}

/* It had its time, or is killed: what is left of the lease may be less. Told nothing, it has the
 * lease that it read, and is spared.
 */
static void conclude_waiting(struct keeper *keeper, bool gone, instant_ns now)
{
    bool is_over = now >= keeper->demotion.answered_by;
    bool is_spared = manner_of(keeper_settings(keeper))->late == LATE_IS_SPARED;

    if (gone || (is_over && (is_spared || program_had_its_time(keeper, now)))) {
        demotion_is_complete(keeper);
    } else if (is_over || now >= keeper_waiting_due(keeper)) {
        keeper->program.overdue = program_is_alive(&keeper->program);
        keeper_kill_for_demotion(keeper);
    }
}

instant_ns keeper_waiting_due(const struct keeper *keeper)
{
    const struct demotion *demotion = &keeper->demotion;

    if (demotion->word_is_awaited)
        return demotion->order.until;
    if (demotion->stage != DEMOTION_WAITS)
        return 0;
    return demotion->answered_by > keeper->guard.lease.hard ? demotion->order.until
                                                            : demotion->answered_by;
}

void keeper_advance_demotion(struct keeper *keeper, instant_ns now)
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
            await_answers(keeper);
        break;
    case DEMOTION_WAITS:
        conclude_waiting(keeper, gone, now);
        break;
    case DEMOTION_AWAITS_ANSWERS:
        conclude_answers(keeper, gone, now);
        break;
    case DEMOTION_KILLS:
        if (gone)
            demotion_is_complete(keeper);
        break;
    }
}

void keeper_kill_for_demotion(struct keeper *keeper)
{
    keeper->promotion.active = false;
    keeper->demotion.word_is_awaited = false;
    keeper->demotion.stage = DEMOTION_KILLS;
    keeper_kill_everything(keeper);
}

/* A demotion that the keeper has to order itself. */
static void describe_loss(const struct keeper *keeper, struct demotion_order *order,
                          const char *reason, instant_ns now)
{
    struct situation *situation = &order->situation;

    *order = (struct demotion_order){
        .situation = keeper->lead,
        .until = now + keeper_settings(keeper)->demote_timeout_ns,
    };
    snprintf(situation->role, sizeof situation->role, "follower");
    snprintf(situation->old_role, sizeof situation->old_role, "leader");
    snprintf(situation->reason, sizeof situation->reason, "%s", reason);
}

void keeper_advance_alone(struct keeper *keeper, instant_ns now)
{
    struct demotion *demotion = &keeper->demotion;

    if (keeper->finished)
        return;
    if (keeper->led && demotion->stage == DEMOTION_NONE) {
        hook_reset(&keeper->hook);
        describe_loss(keeper, &demotion->order, "supervisor-died", now);
        instant_ns hard = guard_deadline(&keeper->guard, 0);
        if (now < hard && hard < demotion->order.until)
            demotion->order.until = hard;
        guard_disarm(&keeper->guard); /* what could be killed is gone */
        await_answers(keeper);
    }
    if (keeper->hook.state == HOOK_RUNNING)
        return;
    if (keeper->hook.state == HOOK_FAILED &&
        manner_of(keeper_settings(keeper))->late == LATE_KEEPS_LOCK)
        keeper->failed = true;
    keeper->led = false;
    hook_reset(&keeper->hook);
    if (keeper_has_children()) { /* left by the hook */
        keeper_kill_everything(keeper);
        return;
    }
    if (keeper->lock_fd >= 0)
        close(keeper->lock_fd);
    keeper->lock_fd = -1;
    if (!keeper->failed)
        keeper_say_all_gone(keeper);
    keeper->finished = true;
    keeper->patience = now + 2 * keeper_settings(keeper)->ttl_ns; /* the lock has run out then */
}

void keeper_demote_outside(struct keeper *keeper, instant_ns now)
{
    struct demotion_order order;

    lease_page_clear(keeper->start->lease_page);
    describe_loss(keeper, &order, "lease-expired", now);
    keeper_demote(keeper, keeper->guard.lease.term, &order);
}
