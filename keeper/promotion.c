/* promotion.c - the program and the hooks are told that this instance leads. */
#include "base/clock.h"
#include "keeper/conduct.h"

#define HOOK_GRACE MILLISECONDS(500)

/* A program that is told nothing finishes by the deadline that it read, and is not killed for it.
 */
bool keeper_tells_nothing(const struct settings *settings)
{
    return settings->mode == MODE_FOLLOW && settings->promote_signal == 0 &&
           settings->demote_signal == 0 && !keeper_has_hook(settings->on_promote) &&
           !keeper_has_hook(settings->on_demote);
}

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
        program_go(&keeper->program, keeper->start->terminal_group);
    }
}

void keeper_promote(struct keeper *keeper, uint64_t term, const struct situation *situation)
{
    const struct settings *settings = keeper_settings(keeper);
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
    if (!keeper_tells_nothing(settings))
        guard_arm(&keeper->guard);

    if (settings->mode == MODE_LEADER_ONLY)
        start_as_leader(keeper);
    else if (settings->promote_signal != 0)
        program_signal(&keeper->program, settings->promote_signal);
}

void keeper_advance_promotion(struct keeper *keeper)
{
    const struct settings *settings = keeper_settings(keeper);
    struct promotion *promotion = &keeper->promotion;
    struct hook *hook = &keeper->hook;

    if (settings->mode == MODE_LEADER_ONLY && keeper->program.state != PROGRAM_RUNNING)
        return;
    if (hook->state == HOOK_NONE && keeper_has_hook(settings->on_promote))
        keeper_start_hook(keeper, "on-promote", settings->on_promote, &promotion->situation,
                          &keeper->guard, promotion->until, HOOK_GRACE);
    if (hook->state == HOOK_RUNNING)
        return;
    if (hook->state == HOOK_FAILED) {
        promotion_failed(keeper, 0, hook->reason);
        return;
    }
    promotion->active = false;
    keeper_report(keeper, KEEPER_PROMOTED, promotion->term, NULL, 0);
}
