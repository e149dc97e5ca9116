/* promotion.c - the program and the hooks are told that this instance leads. */
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/signals.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "keeper/conduct.h"

#define SIGNAL_INTERVAL MILLISECONDS(10)

static void promotion_failed(struct keeper *keeper, int status, const char *reason)
{
    keeper->promotion.active = false;
    keeper_report_failure(keeper, KEEPER_PROMOTION_FAILED, keeper->promotion.term, status, reason);
}

static void start_as_leader(struct keeper *keeper)
{
    struct error err;

    if (keeper->program.state != PROGRAM_ABSENT) {
        promotion_failed(keeper, 0, "the program's last run is not quite gone");
    } else if (keeper_spawn_program(keeper, &keeper->promotion.situation, &err) < 0) {
        promotion_failed(keeper, EXIT_STATUS_CANNOT_START, err.text);
    } else if (!guard_may_start(&keeper->guard, clock_now_ns())) {
        program_kill(&keeper->program);
        promotion_failed(keeper, 0, "too little is left of the lease to start the program");
    } else {
        program_go(&keeper->program);
    }
}

static void promote(struct keeper *keeper, uint64_t term, const struct situation *situation,
                    bool starts_program)
{
    const struct settings *settings = keeper_settings(keeper);
    instant_ns now = clock_now_ns();

    keeper_end_leader_change(keeper, now);
    if (keeper->hook.state != HOOK_RUNNING)
        hook_reset(&keeper->hook);
    keeper->promotion = (struct promotion){
        .active = true,
        .starts_program = starts_program,
        .term = term,
        .until = now + settings->promote_timeout_ns,
        .situation = *situation,
    };
    keeper->lead = *situation;
    keeper->led = true;
    if (manner_of(settings)->at_deadline != DEADLINE_SPARES)
        guard_arm(&keeper->guard);

    if (settings->promote_signal != 0)
        keeper->promotion.signal_due = now;
    if (starts_program)
        start_as_leader(keeper);
}

void keeper_promote(struct keeper *keeper, uint64_t term, const struct situation *situation)
{
    promote(keeper, term, situation, manner_of(keeper_settings(keeper))->starts_with_lead);
}

void keeper_restart(struct keeper *keeper, uint64_t term, const struct situation *situation)
{
    if (keeper->led && keeper->demotion.stage == DEMOTION_NONE)
        promote(keeper, term, situation, true);
    else /* the keeper was first, at the deadline */
        keeper_report_failure(keeper, KEEPER_PROMOTION_FAILED, term, 0, "the lead is over");
}

/* A program that has just been started would be ended by a signal that it means to handle. Returns
 * whether the promotion goes on.
 */
static bool signal_when_ready(struct keeper *keeper, instant_ns now)
{
    struct promotion *promotion = &keeper->promotion;
    int number = keeper_settings(keeper)->promote_signal;
    char name[SIGNAL_NAME_SIZE], reason[128];

    if (promotion->signal_due == 0 || !program_is_alive(&keeper->program))
        return true;
    if (!guard_may_start(&keeper->guard, now)) {
        promotion_failed(keeper, 0, "too little is left of the lease to signal the program");
        return false;
    }
    if (program_is_ready_for(&keeper->program, number)) {
        promotion->signal_due = 0;
        program_signal(&keeper->program, number);
        return true;
    }
    promotion->signal_due = now + SIGNAL_INTERVAL;
    if (now >= promotion->until) {
        snprintf(reason, sizeof reason, "the program does not handle SIG%s (--promote-signal)",
                 signal_name(number, name));
        promotion_failed(keeper, 0, reason);
    }
    return false;
}

/* Its exec may hang, as on a file system whose server is gone. */
static bool is_starting(const struct keeper *keeper)
{
    return keeper->promotion.starts_program && keeper->program.state == PROGRAM_STARTING;
}

instant_ns keeper_promotion_due(const struct keeper *keeper)
{
    const struct promotion *promotion = &keeper->promotion;

    if (!promotion->active)
        return 0;
    return is_starting(keeper) ? promotion->until : promotion->signal_due;
}

void keeper_advance_promotion(struct keeper *keeper, instant_ns now)
{
    const struct settings *settings = keeper_settings(keeper);
    struct promotion *promotion = &keeper->promotion;
    struct hook *hook = &keeper->hook;

    if (promotion->starts_program && keeper->program.state != PROGRAM_RUNNING) {
        if (is_starting(keeper) && now >= promotion->until)
            promotion_failed(keeper, 0, "the program has not been started in time");
        return;
    }
    if (!signal_when_ready(keeper, now))
        return;
    if (hook->state == HOOK_NONE && keeper_has_hook(settings->on_promote))
        keeper_start_hook(keeper, hook, "on-promote", settings->on_promote, &promotion->situation,
                          &keeper->guard, promotion->until, HOOK_GRACE);
    if (hook->state == HOOK_RUNNING)
        return;
    if (hook->state == HOOK_FAILED && settings->on_hook_failure != HOOK_FAILURE_IGNORE) {
        bool ends_us = settings->on_hook_failure == HOOK_FAILURE_EXIT;
        promotion_failed(keeper, ends_us ? EXIT_STATUS_LEAD_LOST : 0, hook->reason);
        return;
    }
    promotion->active = false;
    keeper_report(keeper, KEEPER_PROMOTED, promotion->term, NULL, 0);
}
