/* leader_change.c - followers are told of another leader (--on-leader-change). */
#include "common/base/clock.h"
#include "common/options/budgets.h"
#include "keeper/conduct.h"

void keeper_end_leader_change(struct keeper *keeper, instant_ns now)
{
    keeper->change.wanted = false;
    if (keeper->change.hook.state == HOOK_RUNNING)
        hook_supersede(&keeper->change.hook, now, now + LATE_HOOK_GRACE);
}

void keeper_leader_changed(struct keeper *keeper, const struct situation *situation)
{
    keeper->change.wanted = true;
    keeper->change.situation = *situation;
}

/* The one that runs is waited for: it was right when it began, and the next is told the newest. */
void keeper_advance_leader_change(struct keeper *keeper, instant_ns now)
{
    const struct settings *settings = keeper_settings(keeper);
    struct leader_change *change = &keeper->change;
    bool is_busy = keeper->led || keeper->promotion.active || keeper->killing ||
                   keeper->demotion.stage != DEMOTION_NONE ||
                   keeper->program.state == PROGRAM_ENDED || keeper->gone_wanted;

    if (!change->wanted || is_busy || change->hook.state == HOOK_RUNNING)
        return;
    change->wanted = false;
    hook_reset(&change->hook);
    keeper_start_hook(keeper, &change->hook, "on-leader-change", settings->on_leader_change,
                      &change->situation, NULL, now + settings->promote_timeout_ns,
                      LATE_HOOK_GRACE);
}
