#include "tests/simulation/excuse.h"

#include "common/messages/keeper.h"
#include "common/options/budgets.h"
#include "supervisor/supervisor.h"
#include "tests/simulation/instance.h"

#define SLACK SECONDS(1) /* for what does not come at once: a start, an answer, a hook */

static const struct instance *instance_of(const struct process *process)
{
    if (process->instance)
        return process->instance;
    const struct term *term = term_of(process->session.text);
    return term ? term->instance : NULL;
}

duration_ns excuse_lateness(const struct instance *instance)
{
    const struct host *host = instance->slot->host;
    bool slow = host->slow || (host->slow_until != 0 && world.now < host->slow_until + SLACK);

    return slow ? KILL_BUDGET : MILLISECONDS(5);
}

/* What a dead sidecar has left acting outside is its successor's to end, in the same place. */
static const struct instance *responsible_for(const struct process *process)
{
    const struct instance *instance = instance_of(process);
    const struct instance *successor = instance ? instance->slot->present : NULL;

    if (process->kind != PROCESS_OUTSIDE || !instance || !instance->slot->named ||
        instance->supervisor->alive || instance->keeper->alive || instance->network->alive ||
        successor == instance || !instance_lives(successor))
        return instance;
    return successor;
}

bool excuse_held(const struct instance *instance, duration_ns ago)
{
    return instance->held_until != 0 && world.now < instance->held_until + ago;
}

bool excuse_cannot_be_ended(const struct process *process)
{
    const struct instance *instance = responsible_for(process);

    /* Its page runs out, whatever becomes of its writers. */
    if (process->kind == PROCESS_READER || process->acts_until != 0)
        return false;
    if (!instance || process->kill_pending || !instance_can_enforce(instance))
        return true;
    duration_ns lateness = excuse_lateness(instance);
    if (instance->keeper->alive && !process_can_run(instance->keeper))
        lateness += PEER_MARGIN;
    true_ns since = instance_ran_again(instance);
    if (instance->disturbed > since)
        since = instance->disturbed;
    if (instance->taken_over > since)
        since = instance->taken_over;
    if (process->kind != PROCESS_OUTSIDE)
        return world.now < since + lateness;

    /* A hook has to end it. */
    const struct term *term = term_of(process->session.text);
    const struct instance *former = instance_of(process);
    if (instance != former && former->has_no_record)
        return true; /* nothing tells its successor that it led */
    if (instance != former && instance->started + SLACK > since)
        since = instance->started + SLACK;
    if (instance != former && former->disturbed + SLACK > since)
        since = former->disturbed + SLACK; /* it held the place until then */
    lateness += instance->slot->settings->demote_timeout_ns + KILL_BUDGET;
    /* A successor demotes when nothing of the run before it is left. */
    return world.now < since + lateness || (term && term->demotion_failed) ||
           excuse_held(instance, lateness + SLACK) || excuse_held(former, lateness + SLACK);
}

bool excuse_could_not_know(const struct process *one, const struct process *other)
{
    const struct process *newcomer = one->acts_since > other->acts_since ? one : other;
    const struct process *leader = newcomer == one ? other : one;
    const struct instance *instance = instance_of(newcomer);
    const struct term *term = term_of(leader->session.text);
    true_ns lost = datacenter_history_lost();

    if (lost == 0 || !instance || !term)
        return false;
    unsigned slot = instance->slot->number;
    bool knew = term->shown_to[slot] == instance && term->shown_at[slot] < newcomer->acts_since;
    return !knew && world.now < lost + instance->slot->settings->lease_ns + SLACK;
}

bool excuse_was_not_listed(const struct process *one, const struct process *other)
{
    const struct process *newcomer = one->token > other->token ? one : other;
    const struct process *leader = newcomer == one ? other : one;
    const struct term *asked = term_of(newcomer->session.text);
    const struct term *led = term_of(leader->session.text);

    if (!asked || !led || datacenter_freed() == 0 || led->lost > datacenter_freed())
        return false;
    bool listed = led->entered > datacenter_history_lost() && led->entered < asked->listed;
    duration_ns demotion = settings_demote_budget(term_settings(led)) + SECONDS(5);
    return !listed && world.now < datacenter_freed() + demotion;
}

bool excuse_plain_candidate(const struct term *term)
{
    duration_ns lease = term_settings(term)->lease_ns + SLACK;
    true_ns freed = datacenter_freed(), forgotten = datacenter_delay_forgotten();

    if (freed != 0 && world.now < freed + lease && (term->lost == 0 || term->lost <= freed))
        return true;
    if (forgotten == 0 || world.now > forgotten + lease || term->lost > forgotten)
        return false;
    /* Expiry alone leaves nothing for a kill that is late. */
    return !datacenter_ran_out(term->session) ||
           term_lease_left(term) > -(int64_t)excuse_lateness(term->instance);
}
