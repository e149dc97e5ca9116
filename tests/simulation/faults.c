#include "tests/simulation/faults.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/coverage.h"
#include "tests/simulation/hands.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/program.h"
#include "tests/simulation/story.h"
#include "tests/simulation/transport.h"

/* How long the effects of one fault may last into those of another. */
#define MEETING SECONDS(45)

struct fault {
    unsigned kind;
    true_ns latest;
    struct host *host;
    struct instance *instance;
    bool over;
    struct process *processes[8]; /* that were stopped */
    unsigned process_count;
};

/* The one that begins or ends. */
static struct fault *fault;

/* --- Whom it befalls. --- */

static void stop_one(struct process *process)
{
    if (!process->alive || fault->process_count == 8)
        return;
    process_stop(process);
    fault->processes[fault->process_count++] = process;
}

static void let_go_on(void)
{
    for (unsigned i = 0; i < fault->process_count; i++)
        process_resume(fault->processes[i]);
}

static void kill_one(struct process *process)
{
    if (!process->alive)
        return;
    fault->instance->disturbed = world.now;
    process_kill(process);
}

/* --- Processes. --- */

static void kill_supervisor(void)
{
    kill_one(fault->instance->supervisor);
}

static void kill_keeper(void)
{
    kill_one(fault->instance->keeper);
}

static void kill_network(void)
{
    kill_one(fault->instance->network);
}

static void kill_two(void)
{
    unsigned spared = (unsigned)chance(3);

    if (spared != 0)
        kill_supervisor();
    if (spared != 1)
        kill_keeper();
    if (spared != 2)
        kill_network();
}

static void kill_member(struct process *process, void *context)
{
    (void)context;
    if (process->instance == fault->instance && process->alive) {
        process->unkillable = 0;
        process_kill(process);
    }
}

/* As a container does: all at once. */
static void kill_container(void)
{
    fault->instance->disturbed = world.now;
    processes_each(kill_member, NULL);
}

static void stop_supervisor(void)
{
    stop_one(fault->instance->supervisor);
}

static void stop_keeper(void)
{
    stop_one(fault->instance->keeper);
}

static void stop_network(void)
{
    stop_one(fault->instance->network);
}

static void stop_supervisor_and_network(void)
{
    stop_supervisor();
    stop_network();
}

/* Its program goes on. */
static void stop_all_three(void)
{
    stop_supervisor();
    stop_keeper();
    stop_network();
}

static void stop_member(struct process *process, void *context)
{
    (void)context;
    if (process->instance == fault->instance)
        stop_one(process);
}

static void freeze(void)
{
    processes_each(stop_member, NULL);
}

static void crash_program(void)
{
    struct process *program = instance_program(fault->instance);

    if (program)
        program_crashes(program);
}

static void stop_program(void)
{
    struct process *program = instance_program(fault->instance);

    if (!program || program->sigstopped)
        return;
    stop_one(program);
    program->sigstopped = true;
}

static void let_program_go_on(void)
{
    if (fault->process_count > 0)
        program_signalled(fault->processes[0], SIGCONT);
}

static void make_unkillable(struct process *process, void *context)
{
    if (process->instance == fault->instance && process->alive &&
        (process->kind == PROCESS_PROGRAM || process->kind == PROCESS_DESCENDANT))
        fault->instance->held_until = process->unkillable = world.now + *(duration_ns *)context;
}

static void hold_program(void)
{
    duration_ns time = chance_between(SECONDS(1), SECONDS(40));

    if (world.now + time < fault->latest)
        processes_each(make_unkillable, &time);
}

static void stop_instance(void)
{
    instance_stop(fault->instance);
}

/* The worst moment for a supervisor to hang and for its session to be destroyed: when its lease has
 * just been renewed.
 */
static struct fault *waits_for_renewal; /* NULL: none */

static void hang_after_renewal(void)
{
    waits_for_renewal = fault;
}

static void destroy_session(void *subject, uint64_t detail)
{
    (void)subject, (void)detail;
    hands_destroy_session();
}

static void hang_now(void *subject, uint64_t detail)
{
    (void)detail;
    fault = subject;
    if (fault->over)
        return;
    story_tell("--- and its lease has just been renewed");
    stop_supervisor_and_network();
    world_plan(world.now + chance(MILLISECONDS(2)), destroy_session, NULL, 0);
}

/* The keeper has to be told first. */
void faults_renewed(const struct instance *instance)
{
    if (!waits_for_renewal || waits_for_renewal->instance != instance)
        return;
    world_plan(world.now + MILLISECONDS(3), hang_now, waits_for_renewal, 0);
    waits_for_renewal = NULL;
}

static void hang_after_renewal_ends(void)
{
    waits_for_renewal = NULL;
    let_go_on();
}

/* The keeper hangs before it has read the order to promote, mostly the others with it; or it or the
 * supervisor dies.
 */
static struct fault *waits_for_promotion; /* NULL: none */

static void befall_promotion(void)
{
    waits_for_promotion = fault;
}

void faults_promoting(const struct instance *instance)
{
    if (!waits_for_promotion || waits_for_promotion->instance != instance)
        return;
    fault = waits_for_promotion;
    waits_for_promotion = NULL;
    switch (chance(3)) {
    case 0:
        story_tell("--- the keeper is stopped as it is to promote");
        stop_one(instance->keeper);
        if (chance_of(700)) {
            stop_one(instance->supervisor);
            stop_one(instance->network);
        }
        break;
    case 1:
        instance->supervisor->calls_left = 1 + (unsigned)chance(4);
        break;
    default:
        instance->keeper->calls_left = 1 + (unsigned)chance(4);
    }
}

/* Everything stands still in the middle of a demotion, the program too. */
static struct fault *waits_for_demotion; /* NULL: none */

void faults_begin(void)
{
    waits_for_renewal = waits_for_promotion = waits_for_demotion = NULL;
}

/* It dies between two system calls of a turn. */
static void kill_within_turn(void)
{
    struct process *ours[] = { fault->instance->supervisor, fault->instance->keeper,
                               fault->instance->network };

    ours[chance(3)]->calls_left = 1 + (unsigned)chance(20);
}

static void spare(void)
{
    fault->instance->supervisor->calls_left = 0;
    fault->instance->keeper->calls_left = 0;
    fault->instance->network->calls_left = 0;
}

static void befall_demotion(void)
{
    waits_for_demotion = fault;
}

static void freeze_now(void *subject, uint64_t detail)
{
    (void)detail;
    fault = subject;
    if (fault->over)
        return;
    story_tell("--- everything is frozen while it is demoted");
    freeze();
}

void faults_demoting(const struct instance *instance)
{
    if (!waits_for_demotion || waits_for_demotion->instance != instance)
        return;
    world_plan(world.now + chance(SECONDS(1)), freeze_now, waits_for_demotion, 0);
    waits_for_demotion = NULL;
}

static void befall_demotion_ends(void)
{
    waits_for_demotion = NULL;
    let_go_on();
}

static void befall_promotion_ends(void)
{
    waits_for_promotion = NULL;
    spare();
    let_go_on();
}

static void hurry(void *subject, uint64_t detail)
{
    (void)detail;
    instance_hurry(subject);
}

static void stop_instance_twice(void)
{
    instance_stop(fault->instance);
    world_plan(world.now + chance_between(MILLISECONDS(50), SECONDS(3)), hurry, fault->instance, 0);
}

/* --- Machines. --- */

static void crash_machine(void)
{
    fault->host->off++;
    fault->host->agent_down++;
    processes_crash(fault->host);
}

static void boot_machine(void)
{
    fault->host->off--;
    fault->host->agent_down--;
}

static void suspend_machine(void)
{
    processes_suspend(fault->host);
}

static void resume_machine(void)
{
    processes_resume(fault->host);
}

/* --- Counted states of a machine. --- */

#define HOST_STATE(name)                                                                           \
    static void name##_begins(void)                                                                \
    {                                                                                              \
        fault->host->name++;                                                                       \
    }                                                                                              \
    static void name##_ends(void)                                                                  \
    {                                                                                              \
        fault->host->name--;                                                                       \
    }

HOST_STATE(slow)
HOST_STATE(full)
HOST_STATE(agent_frozen)
HOST_STATE(cut_out)
HOST_STATE(cut_in)
HOST_STATE(link_slow)
HOST_STATE(link_lossy)
HOST_STATE(late)
HOST_STATE(denied)
HOST_STATE(limited)
HOST_STATE(reads_limited)

#define UNRELIABLE(name)                                                                           \
    static void un##name##_begins(void)                                                            \
    {                                                                                              \
        name##_begins();                                                                           \
        fault->host->unreliable++;                                                                 \
    }                                                                                              \
    static void un##name##_ends(void)                                                              \
    {                                                                                              \
        name##_ends();                                                                             \
        fault->host->unreliable--;                                                                 \
        fault->host->unreliable_until = world.now;                                                 \
    }

UNRELIABLE(link_slow)
UNRELIABLE(link_lossy)
UNRELIABLE(late)

static void quick_again(void)
{
    slow_ends();
    fault->host->slow_until = world.now;
}

static void cut_both_begins(void)
{
    cut_out_begins();
    cut_in_begins();
}

static void cut_both_ends(void)
{
    cut_out_ends();
    cut_in_ends();
}

static void kill_agent(void)
{
    fault->host->agent_down++;
    transport_break(fault->host);
}

static void end_agent(void)
{
    kill_agent();
    datacenter_agent_leaves(fault->host);
}

static void start_agent(void)
{
    fault->host->agent_down--;
}

static void lagging_begins(void)
{
    fault->host->lagging++;
    datacenter_lag_begins();
}

static void lagging_ends(void)
{
    fault->host->lagging--;
}

/* --- Consul's servers. --- */

static void lose_leader(void)
{
    datacenter_lose_leader(chance_between(SECONDS(1), SECONDS(18)), false);
}

/* A cut with Consul's leader on this machine's side. It answers there until it notices, at
 * raft_multiplier 5 for up to 2.5 s; the others may have a leader sooner, and hands at it.
 */
static void cut_with_leader(void)
{
    duration_ns answers = chance_between(MILLISECONDS(100), MILLISECONDS(2500));
    duration_ns away = chance_of(700) ? MILLISECONDS(1) : chance_between(1, SECONDS(8));

    fault->host->cut_servers++;
    datacenter_depose_leader(away, answers, 1u << fault->host->number);
    if (chance_of(500))
        world_plan(world.now + away + chance(answers), destroy_session, NULL, 0);
}

static void cut_with_leader_ends(void)
{
    fault->host->cut_servers--;
}

static void lose_delays(void)
{
    datacenter_lose_leader(chance_between(MILLISECONDS(1), SECONDS(8)), true);
}

static void snapshot(void)
{
    datacenter_take_snapshot();
}

static void restore(void)
{
    datacenter_restore_snapshot();
}

/* --- Hands. --- */

static void delete_key(void)
{
    hands_delete(false);
}

/* Somebody who is sure that the lock is stale. */
static void delete_again(void *subject, uint64_t detail)
{
    const struct fault *deletes = subject;

    if (deletes->over)
        return;
    if (datacenter_holder()[0] != '\0' && chance_of(250))
        hands_delete(false);
    world_plan(world.now + SECONDS(1), delete_again, subject, detail);
}

static void delete_repeatedly(void)
{
    hands_delete(false);
    world_plan(world.now + SECONDS(1), delete_again, fault, 0);
}

static void stop_deleting(void)
{
}

static void delete_all(void)
{
    hands_delete(true);
}

static void foreign_candidate(void)
{
    hands_foreign_candidate(chance_between(SECONDS(2), SECONDS(15)), chance_of(300),
                            world.now + SECONDS(40));
}

/* --- The table. --- */

const struct fault_kind fault_kinds[] = {
    { "supervisor killed", 0, 0, kill_supervisor, NULL },
    { "keeper killed", 0, 0, kill_keeper, NULL },
    { "network process killed", 0, 0, kill_network, NULL },
    { "two processes killed", 0, 0, kill_two, NULL },
    { "container killed", 0, 0, kill_container, NULL },
    { "killed between two system calls", SECONDS(1), SECONDS(30), kill_within_turn, spare },
    { "supervisor stopped", SECONDS(1), SECONDS(45), stop_supervisor, let_go_on },
    { "keeper stopped", SECONDS(1), SECONDS(45), stop_keeper, let_go_on },
    { "network process stopped", SECONDS(1), SECONDS(45), stop_network, let_go_on },
    { "supervisor and network process stopped", SECONDS(1), SECONDS(45),
      stop_supervisor_and_network, let_go_on },
    { "supervisor hangs, session destroyed", SECONDS(15), SECONDS(60), hang_after_renewal,
      hang_after_renewal_ends },
    { "promotion interrupted", SECONDS(15), SECONDS(60), befall_promotion, befall_promotion_ends },
    { "demotion interrupted", SECONDS(5), SECONDS(60), befall_demotion, befall_demotion_ends },
    { "all three stopped, the program not", SECONDS(1), SECONDS(60), stop_all_three, let_go_on },
    { "everything frozen", SECONDS(1), SECONDS(60), freeze, let_go_on },
    { "program crashes", 0, 0, crash_program, NULL },
    { "program stopped", SECONDS(1), SECONDS(30), stop_program, let_program_go_on },
    { "program cannot be killed", 0, 0, hold_program, NULL },
    { "instance stopped by its scheduler", 0, 0, stop_instance, NULL },
    { "instance stopped twice", 0, 0, stop_instance_twice, NULL },
    { "nothing can be forked", SECONDS(1), SECONDS(30), full_begins, full_ends },
    { "machine crashes", SECONDS(2), SECONDS(40), crash_machine, boot_machine },
    { "machine suspended", SECONDS(1), SECONDS(60), suspend_machine, resume_machine },
    { "machine slow", SECONDS(5), SECONDS(60), slow_begins, quick_again },
    { "machine cut off", SECONDS(1), SECONDS(60), cut_both_begins, cut_both_ends },
    { "requests lost", SECONDS(1), SECONDS(40), cut_out_begins, cut_out_ends },
    { "answers lost", SECONDS(1), SECONDS(40), cut_in_begins, cut_in_ends },
    { "network slow", SECONDS(5), SECONDS(60), unlink_slow_begins, unlink_slow_ends },
    { "network lossy", SECONDS(5), SECONDS(60), unlink_lossy_begins, unlink_lossy_ends },
    { "requests late by up to 10 s", SECONDS(5), SECONDS(40), unlate_begins, unlate_ends },
    { "agent killed", SECONDS(1), SECONDS(30), kill_agent, start_agent },
    { "agent leaves", SECONDS(1), SECONDS(20), end_agent, start_agent },
    { "agent hangs", SECONDS(1), SECONDS(30), agent_frozen_begins, agent_frozen_ends },
    { "token revoked", SECONDS(1), SECONDS(40), denied_begins, denied_ends },
    { "requests limited", SECONDS(1), SECONDS(30), limited_begins, limited_ends },
    { "reads limited", SECONDS(1), SECONDS(40), reads_limited_begins, reads_limited_ends },
    { "stale reads lag", SECONDS(2), SECONDS(40), lagging_begins, lagging_ends },
    { "Consul's leader lost", 0, 0, lose_leader, NULL },
    { "machine cut off with Consul's leader", SECONDS(3), SECONDS(60), cut_with_leader,
      cut_with_leader_ends },
    { "lock-delay forgotten", 0, 0, lose_delays, NULL },
    { "snapshot restored", SECONDS(5), SECONDS(60), snapshot, restore },
    { "lock freed by hand", 0, 0, hands_unlock, NULL },
    { "lock deleted", 0, 0, delete_key, NULL },
    { "lock deleted again and again", SECONDS(20), SECONDS(60), delete_repeatedly, stop_deleting },
    { "lock and candidates deleted", 0, 0, delete_all, NULL },
    { "lock's value overwritten", 0, 0, hands_overwrite, NULL },
    { "session destroyed by hand", 0, 0, hands_destroy_session, NULL },
    { "plain candidate", 0, 0, foreign_candidate, NULL },
};

_Static_assert(sizeof fault_kinds / sizeof fault_kinds[0] <= FAULTS_MAX, "each is counted");

const unsigned fault_kind_count = sizeof fault_kinds / sizeof fault_kinds[0];

/* --- Their time. --- */

static void ends(void *subject, uint64_t detail)
{
    (void)detail;
    fault = subject;
    fault->over = true;
    story_tell("--- %s: over", fault_kinds[fault->kind].name);
    fault_kinds[fault->kind].end();
    judge_look();
}

static bool choose(void)
{
    struct instance *leader = judge_leader();

    fault->instance = leader && chance_of(600) ? leader : slots[chance(slot_count)].present;
    if (!fault->instance)
        return false;
    fault->host = fault->instance->slot->host;
    return true;
}

/* What ends just before or after a deadline is worth more than what ends at any time. */
static duration_ns about_a_lease(void)
{
    const struct settings *settings = fault->instance->slot->settings;

    return settings->lease_ns - settings_demote_budget(settings) + chance_between(0, SECONDS(4)) -
           SECONDS(1);
}

static void begins(void *subject, uint64_t detail)
{
    fault = subject;
    const struct fault_kind *kind = &fault_kinds[fault->kind];

    (void)detail;
    if (!choose())
        return;
    story_tell("--- %s: %s on %s", kind->name, story_instance(fault->instance), fault->host->node);
    coverage_fault(fault->kind, world.now, MEETING);
    kind->begin();
    judge_look();
    if (!kind->end)
        return;
    true_ns until = world.now + (chance_of(250) ? about_a_lease()
                                                : chance_between(kind->shortest, kind->longest));
    world_plan(until < fault->latest ? until : fault->latest, ends, subject, 0);
}

void fault_plan(unsigned kind, true_ns at, true_ns latest)
{
    struct fault *planned = world_memory(sizeof *planned);

    planned->kind = kind;
    planned->latest = latest;
    world_plan(at, begins, planned, 0);
}
