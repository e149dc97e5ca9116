#include "tests/simulation/instance.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/options/manner.h"
#include "common/process/child.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/ours.h"
#include "tests/simulation/program.h"
#include "tests/simulation/story.h"
#include "tests/simulation/term.h"

#define OPERATOR_TIME SECONDS(30)

struct slot slots[SLOTS_MAX];
unsigned slot_count;

void instances_begin(void)
{
    memset(slots, 0, sizeof slots);
    slot_count = 0;
}

struct slot *slot_new(struct host *host, const struct settings *settings)
{
    struct slot *slot = &slots[slot_count];

    assert(slot_count < SLOTS_MAX);
    *slot = (struct slot){ .number = slot_count++, .host = host, .settings = settings };
    return slot;
}

/* --- Their life. --- */

/* Two sidecars beside one program would tell it different things: without a place nothing but the
 * scheduler keeps the next from starting before the last is gone.
 */
static bool predecessor_is_in_the_way(const struct slot *slot)
{
    const struct instance *last = slot->present;

    return last && slot->settings->mode == MODE_SIDECAR && !slot->named && last->keeper->alive;
}

static void start(void *subject, uint64_t detail)
{
    struct slot *slot = subject;
    bool present = slot->present && instance_lives(slot->present);

    (void)detail;
    if (!slot->wanted || present)
        return;
    if (slot->host->suspended || slot->host->off || slot->host->full ||
        predecessor_is_in_the_way(slot)) {
        slot_start(slot, SECONDS(1));
        return;
    }
    struct instance *instance = world_memory(sizeof *instance);
    *instance = (struct instance){
        .slot = slot,
        .number = slot->present ? slot->present->number + 1 : 1,
        .started = world.now,
        .has_no_page =
            manner_of(slot->settings)->demoted_by != DEMOTED_BY_DEADLINE && chance_of(30),
    };
    slot->present = instance;
    bool has_outside = slot->outside && slot->outside->alive;
    if (slot->settings->mode == MODE_SIDECAR && !has_outside)
        slot->outside = process_new(PROCESS_OUTSIDE, slot->host, NULL, NULL);
    story_tell("%s is started", story_instance(instance));
    ours_start(instance);
}

void slot_start(struct slot *slot, duration_ns after)
{
    slot->wanted = true;
    world_plan(world.now + after, start, slot, 0);
}

void instance_stop(struct instance *instance)
{
    if (!instance_lives(instance) || instance->stop_asked)
        return;
    story_tell("%s is asked to stop", story_instance(instance));
    instance->stop_asked = world.now;
    judge_stop_asked(instance);
    process_signal(instance->supervisor, SIGTERM);
}

void instance_hurry(struct instance *instance)
{
    story_tell("%s is asked to stop once more", story_instance(instance));
    process_signal(instance->supervisor, SIGTERM);
}

static void kill_member(struct process *process, void *context)
{
    if (process->instance == context && process->alive) {
        process->unkillable = 0;
        process_kill(process);
    }
}

void instance_kill(struct instance *instance)
{
    instance->disturbed = world.now;
    processes_each(kill_member, instance);
}

bool instance_lives(const struct instance *instance)
{
    return instance->supervisor->alive;
}

/* --- What the judge asks. --- */

/* Who ends what acts when it must. A hook has to end what acts outside, and only the keeper runs
 * one; what is its own the supervisor ends too when the keeper hangs.
 */
static const struct process *enforcer(const struct instance *instance)
{
    const struct process *keeper = instance->keeper, *supervisor = instance->supervisor;
    bool by_hook = instance->slot->settings->mode == MODE_SIDECAR;

    if (keeper->alive && (by_hook || process_can_run(keeper) || !process_can_run(supervisor)))
        return keeper;
    if (supervisor->alive)
        return supervisor;
    bool by_cgroup = instance->slot->has_cgroup && !by_hook;
    return by_cgroup && instance->network->alive ? instance->network : NULL;
}

bool instance_is_guarded(const struct instance *instance)
{
    return enforcer(instance) != NULL;
}

bool instance_can_enforce(const struct instance *instance)
{
    const struct process *process = enforcer(instance);

    return process && process_can_run(process);
}

true_ns instance_ran_again(const struct instance *instance)
{
    const struct process *process = enforcer(instance);
    true_ns since = instance->slot->host->ran_again;

    if (process && process->ran_again > since)
        since = process->ran_again;
    return process && process->born > since ? process->born : since;
}

static void is_stopped(struct process *process, void *context)
{
    const struct process **stopped = context;

    if (process_stands_still(process) && process->instance == (*stopped)->instance)
        *stopped = process;
}

bool instance_disturbed_since(const struct instance *instance, true_ns then)
{
    const struct host *host = instance->slot->host;
    const struct process *stopped = instance->supervisor;

    if ((instance->disturbed != 0 && instance->disturbed >= then) || host->suspended ||
        (host->ran_again != 0 && host->ran_again >= then))
        return true;
    processes_each(is_stopped, &stopped);
    return process_stands_still(stopped);
}

struct search {
    const struct instance *instance;
    struct process *found;
};

static void is_program(struct process *process, void *context)
{
    struct search *search = context;

    if (process->kind == PROCESS_PROGRAM && process->instance == search->instance &&
        process->alive && process->execed)
        search->found = process;
}

struct process *instance_program(const struct instance *instance)
{
    struct search search = { .instance = instance };

    processes_each(is_program, &search);
    return search.found;
}

/* --- The kernel. --- */

static void kill_orphan(struct process *process, void *context)
{
    if (process->instance == context && process->alive && !process->turn)
        process_kill(process);
}

/* Somebody sees what was left and ends it. */
static void operator_comes(void *subject, uint64_t detail)
{
    struct instance *instance = subject;
    struct process *outside = instance->slot->outside;

    (void)detail;
    if (!instance->keeper->alive && !instance_lives(instance))
        processes_each(kill_orphan, instance);
    if (outside && outside->acts && outside->acts_for == instance &&
        outside->acts_since < world.now - OPERATOR_TIME)
        program_ends(outside);
}

static void call_operator(struct instance *instance)
{
    world_plan(world.now + OPERATOR_TIME, operator_comes, instance, 0);
}

/* That of a restart is told no session: it is to end what its predecessor has left. */
static void hook_failed(struct instance *instance, const struct session_id *session,
                        bool is_promotion)
{
    const struct process *outside = instance->slot->outside;
    bool of_restart = session->text[0] == '\0' && outside;

    term_hook_failed(of_restart ? &outside->session : session, is_promotion);
    call_operator(instance);
}

void instance_cannot_fork(struct instance *instance, const struct child_spec *spec)
{
    struct session_id session = { "" };

    snprintf(session.text, sizeof session.text, "%.60s",
             program_variable(spec->environment, "CONSUL_LEADER_SESSION_ID"));
    const char *reason = program_variable(spec->environment, "CONSUL_LEADER_REASON");
    if (spec->is_hook && strcmp(reason, "leader-changed") != 0)
        hook_failed(instance, &session, false);
}

void instance_has_no_keeper(struct instance *instance)
{
    hook_failed(instance, ours_session(instance), false);
}

void instances_cut_records(const struct host *host)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (slots[i].host == host && chance_of(500))
            slots[i].record_kept = (unsigned)chance(RECORD_PARTS);
}

static void kill_with_container(struct process *process, void *context)
{
    if (process->instance == context && process->alive)
        process_kill(process);
}

void instance_process_ends(struct process *process)
{
    struct instance *instance = process->instance;

    program_ends(process);
    if (!instance)
        return;
    judge_process_lost(process);
    if (process->kind == PROCESS_HOOK && process->wait_status != 0 && !process->is_change)
        hook_failed(instance, &process->session, process->is_promotion);
    if (!process->turn)
        return;
    process->alive = false;
    if (process->kind != PROCESS_NETWORK)
        instance->taken_over = world.now;
    if (WIFSIGNALED(process->wait_status) && !instance_is_guarded(instance)) {
        instance->unguarded = true;
        call_operator(instance);
    }
    if (process->kind != PROCESS_SUPERVISOR)
        return;
    if (WIFSIGNALED(process->wait_status) && instance->slot->outside)
        call_operator(instance);
    if (instance->slot->pid_1)
        processes_each(kill_with_container, instance);
    if (instance->slot->wanted)
        slot_start(instance->slot, chance_between(MILLISECONDS(200), RESTART_MOST));
}
