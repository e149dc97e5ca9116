#include "tests/simulation/faults.h"

#include "tests/simulation/chance.h"
#include "tests/simulation/coverage.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/story.h"

/* How long the effects of one fault may last into those of another. */
#define MEETING SECONDS(45)

static struct fault *latest_planned; /* of the run; NULL: none yet */

const struct fault_kind *fault_kind(unsigned number)
{
    static const struct fault_kind *const tables[] = { process_faults, machine_faults,
                                                       consul_faults };

    for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct fault_kind *kind = tables[i]; kind->name; kind++)
            if (number-- == 0)
                return kind;
    return NULL;
}

unsigned fault_kind_count(void)
{
    unsigned count = 0;

    while (fault_kind(count))
        count++;
    return count;
}

void faults_begin(void)
{
    latest_planned = NULL;
}

static void ends(void *subject, uint64_t detail)
{
    struct fault *fault = subject;
    const struct fault_kind *kind = fault_kind(fault->kind);

    (void)detail;
    fault->over = true;
    story_tell("--- %s: over", kind->name);
    if (kind->end)
        kind->end(fault);
    for (unsigned i = 0; i < fault->stopped_count; i++)
        process_resume(fault->stopped[i]);
    judge_look();
}

static bool choose_victim(struct fault *fault)
{
    struct instance *leader = judge_leader();

    fault->instance = leader && chance_of(600) ? leader : slots[chance(slot_count)].present;
    if (!fault->instance)
        return false;
    fault->host = fault->instance->slot->host;
    return true;
}

duration_ns about_a_lease(const struct instance *instance)
{
    const struct settings *settings = instance->slot->settings;

    return settings->lease_ns - settings_demote_budget(settings) + chance_between(0, SECONDS(4)) -
           SECONDS(1);
}

static void begins(void *subject, uint64_t detail)
{
    struct fault *fault = subject;
    const struct fault_kind *kind = fault_kind(fault->kind);

    (void)detail;
    if (!choose_victim(fault))
        return;
    story_tell("--- %s: %s on %s", kind->name, story_instance(fault->instance), fault->host->node);
    coverage_fault(fault->kind, world.now, MEETING);
    kind->begin(fault);
    judge_look();
    if (kind->longest == 0)
        return;
    true_ns until = world.now + (chance_of(250) ? about_a_lease(fault->instance)
                                                : chance_between(kind->shortest, kind->longest));
    world_plan(until < fault->latest ? until : fault->latest, ends, fault, 0);
}

void fault_plan(unsigned kind, true_ns at, true_ns latest)
{
    struct fault *fault = world_memory(sizeof *fault);

    *fault = (struct fault){ .kind = kind, .latest = latest, .earlier = latest_planned };
    latest_planned = fault;
    world_plan(at, begins, fault, 0);
}

void fault_awaits(struct fault *fault, enum moment moment, void (*strike)(struct fault *fault))
{
    fault->awaited = moment;
    fault->strike = strike;
}

void faults_moment(enum moment moment, const struct instance *instance)
{
    for (struct fault *fault = latest_planned; fault; fault = fault->earlier) {
        if (fault->awaited != moment || fault->instance != instance || fault->over)
            continue;
        fault->awaited = MOMENT_NONE;
        fault->strike(fault);
    }
}

void fault_stops(struct fault *fault, struct process *process)
{
    if (!process->alive || fault->stopped_count == sizeof fault->stopped / sizeof fault->stopped[0])
        return;
    process_stop(process);
    fault->stopped[fault->stopped_count++] = process;
}
