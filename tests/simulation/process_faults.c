/* process_faults.c - what befalls an instance: its processes, its program, and what is asked of it.
 */
#include <signal.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/hands.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/program.h"
#include "tests/simulation/story.h"

/* --- Killed. --- */

static void kill_one(struct process *process)
{
    if (!process->alive)
        return;
    process->instance->disturbed = world.now;
    process_kill(process);
}

static void kill_supervisor(struct fault *fault)
{
    kill_one(fault->instance->supervisor);
}

static void kill_keeper(struct fault *fault)
{
    kill_one(fault->instance->keeper);
}

static void kill_network(struct fault *fault)
{
    kill_one(fault->instance->network);
}

static void kill_two(struct fault *fault)
{
    unsigned spared = (unsigned)chance(3);

    if (spared != 0)
        kill_supervisor(fault);
    if (spared != 1)
        kill_keeper(fault);
    if (spared != 2)
        kill_network(fault);
}

static void kill_container(struct fault *fault)
{
    instance_kill(fault->instance);
}

/* It dies between two system calls of a turn. */
static void kill_within_turn(struct fault *fault)
{
    struct process *ours[] = { fault->instance->supervisor, fault->instance->keeper,
                               fault->instance->network };

    ours[chance(3)]->calls_left = 1 + (unsigned)chance(20);
}

/* It is not given a processor between two of them. */
static void stand_still_within_turn(struct fault *fault)
{
    struct process *ours[] = { fault->instance->supervisor, fault->instance->keeper,
                               fault->instance->network };
    struct process *process = ours[chance(3)];

    process->pause_left = 1 + (unsigned)chance(20);
    process->pause = chance_of(700) ? chance_between(MILLISECONDS(1), SECONDS(3))
                                    : chance_between(SECONDS(3), SECONDS(40));
}

static void spare(struct fault *fault)
{
    fault->instance->supervisor->pause_left = 0;
    fault->instance->keeper->pause_left = 0;
    fault->instance->network->pause_left = 0;
    fault->instance->supervisor->calls_left = 0;
    fault->instance->keeper->calls_left = 0;
    fault->instance->network->calls_left = 0;
}

/* --- Stopped. --- */

static void stop_supervisor(struct fault *fault)
{
    fault_stops(fault, fault->instance->supervisor);
}

static void stop_keeper(struct fault *fault)
{
    fault_stops(fault, fault->instance->keeper);
}

static void stop_network(struct fault *fault)
{
    fault_stops(fault, fault->instance->network);
}

static void stop_supervisor_and_network(struct fault *fault)
{
    stop_supervisor(fault);
    stop_network(fault);
}

/* Its program goes on. */
static void stop_all_three(struct fault *fault)
{
    stop_supervisor(fault);
    stop_keeper(fault);
    stop_network(fault);
}

static void stop_member(struct process *process, void *context)
{
    struct fault *fault = context;

    if (process->instance == fault->instance)
        fault_stops(fault, process);
}

static void freeze(struct fault *fault)
{
    processes_each(stop_member, fault);
}

/* --- At the worst moment. --- */

static void hang(void *subject, uint64_t detail)
{
    struct fault *fault = subject;

    (void)detail;
    if (fault->over)
        return;
    story_tell("--- and its lease has just been renewed");
    stop_supervisor_and_network(fault);
    hands_destroy_session_at(world.now + chance(MILLISECONDS(2)));
}

/* The keeper has to be told first. */
static void hang_soon(struct fault *fault)
{
    world_plan(world.now + MILLISECONDS(3), hang, fault, 0);
}

/* The worst one for a supervisor to hang and for its session to be destroyed. */
static void await_renewal(struct fault *fault)
{
    fault_awaits(fault, MOMENT_RENEWED, hang_soon);
}

/* The keeper hangs before it has read the order to promote, mostly the others with it, or between
 * its look at the lease and what it starts; or it or the supervisor dies.
 */
static void interrupt_promotion(struct fault *fault)
{
    switch (chance(4)) {
    case 0:
        story_tell("--- the keeper is stopped as it is to promote");
        stop_keeper(fault);
        if (chance_of(700))
            stop_supervisor_and_network(fault);
        break;
    case 1:
        fault->instance->keeper->pause_left = 1 + (unsigned)chance(4);
        fault->instance->keeper->pause = about_a_lease(fault->instance);
        break;
    case 2:
        fault->instance->supervisor->calls_left = 1 + (unsigned)chance(4);
        break;
    default:
        fault->instance->keeper->calls_left = 1 + (unsigned)chance(4);
    }
}

static void await_promotion(struct fault *fault)
{
    fault_awaits(fault, MOMENT_PROMOTES, interrupt_promotion);
}

static void freeze_now(void *subject, uint64_t detail)
{
    struct fault *fault = subject;

    (void)detail;
    if (fault->over)
        return;
    story_tell("--- everything is frozen while it is demoted");
    freeze(fault);
}

static void freeze_soon(struct fault *fault)
{
    world_plan(world.now + chance(SECONDS(1)), freeze_now, fault, 0);
}

/* Everything stands still in the middle of a demotion, the program too. */
static void await_demotion(struct fault *fault)
{
    fault_awaits(fault, MOMENT_DEMOTES, freeze_soon);
}

/* --- The program. --- */

static void crash_program(struct fault *fault)
{
    struct process *program = instance_program(fault->instance);

    if (program)
        program_crashes(program);
}

/* By a signal: one sends the other, no matter who sent the first. */
static void stop_program(struct fault *fault)
{
    struct process *program = instance_program(fault->instance);

    if (!program || program->sigstopped)
        return;
    process_stop(program);
    program_stops(program, true);
}

/* Each is told apart by the keeper, and hundreds of them by a supervisor that stands still. */
#define STOPS_MANY    100
#define STOP_INTERVAL MILLISECONDS(5)

static void stop_or_continue(void *subject, uint64_t left)
{
    struct fault *fault = subject;
    struct process *program = instance_program(fault->instance);

    if (program && program->sigstopped)
        program_signalled(program, SIGCONT);
    else if (left > 0 && !fault->over)
        stop_program(fault);
    if (left > 0 && !fault->over)
        world_plan(world.now + STOP_INTERVAL, stop_or_continue, fault, left - 1);
    else if (program && chance_of(500))
        program_crashes(program);
}

static void stop_program_often(struct fault *fault)
{
    if (chance_of(800))
        fault_stops(fault, fault->instance->supervisor);
    stop_or_continue(fault, 2 * STOPS_MANY);
}

/* At any time, or while it is promoted or demoted. */
static void await_stops(struct fault *fault)
{
    static const enum moment moments[] = { MOMENT_NONE, MOMENT_PROMOTES, MOMENT_DEMOTES };
    enum moment moment = moments[chance(sizeof moments / sizeof moments[0])];

    if (moment == MOMENT_NONE)
        stop_program_often(fault);
    else
        fault_awaits(fault, moment, stop_program_often);
}

static void let_program_go_on(struct fault *fault)
{
    struct process *program = instance_program(fault->instance);

    if (program)
        program_signalled(program, SIGCONT);
}

struct hold {
    struct instance *instance;
    true_ns until;
};

static void hold_member(struct process *process, void *context)
{
    const struct hold *hold = context;

    if (process->instance == hold->instance && process->alive &&
        (process->kind == PROCESS_PROGRAM || process->kind == PROCESS_DESCENDANT))
        hold->instance->held_until = process->unkillable = hold->until;
}

static void hold_program(struct fault *fault)
{
    struct hold hold = {
        .instance = fault->instance,
        .until = world.now + chance_between(SECONDS(1), SECONDS(40)),
    };

    if (hold.until < fault->latest)
        processes_each(hold_member, &hold);
}

static void lie(struct fault *fault)
{
    fault->instance->lies = true;
}

static void be_honest(struct fault *fault)
{
    fault->instance->lies = false;
}

static void make_unwell(struct fault *fault)
{
    fault->instance->slot->unwell = true;
}

static void make_well(struct fault *fault)
{
    fault->instance->slot->unwell = false;
    fault->instance->slot->unwell_until = world.now;
}

/* --- What is asked of it. --- */

static void stop_instance(struct fault *fault)
{
    instance_stop(fault->instance);
}

static void hurry(void *subject, uint64_t detail)
{
    (void)detail;
    instance_hurry(subject);
}

static void stop_instance_twice(struct fault *fault)
{
    instance_stop(fault->instance);
    world_plan(world.now + chance_between(MILLISECONDS(50), SECONDS(3)), hurry, fault->instance, 0);
}

const struct fault_kind process_faults[] = {
    { "supervisor killed", 0, 0, kill_supervisor, NULL },
    { "keeper killed", 0, 0, kill_keeper, NULL },
    { "network process killed", 0, 0, kill_network, NULL },
    { "two processes killed", 0, 0, kill_two, NULL },
    { "container killed", 0, 0, kill_container, NULL },
    { "killed between two system calls", SECONDS(1), SECONDS(30), kill_within_turn, spare },
    { "stands still between two system calls", SECONDS(1), SECONDS(30), stand_still_within_turn,
      spare },
    { "supervisor stopped", SECONDS(1), SECONDS(45), stop_supervisor, NULL },
    { "keeper stopped", SECONDS(1), SECONDS(45), stop_keeper, NULL },
    { "network process stopped", SECONDS(1), SECONDS(45), stop_network, NULL },
    { "supervisor and network process stopped", SECONDS(1), SECONDS(45),
      stop_supervisor_and_network, NULL },
    { "supervisor hangs, session destroyed", SECONDS(15), SECONDS(60), await_renewal, NULL },
    { "promotion interrupted", SECONDS(15), SECONDS(60), await_promotion, spare },
    { "demotion interrupted", SECONDS(5), SECONDS(60), await_demotion, NULL },
    { "all three stopped, the program not", SECONDS(1), SECONDS(60), stop_all_three, NULL },
    { "everything frozen", SECONDS(1), SECONDS(60), freeze, NULL },
    { "program crashes", 0, 0, crash_program, NULL },
    { "program stopped", SECONDS(1), SECONDS(30), stop_program, let_program_go_on },
    { "program stopped 100 times, supervisor still", SECONDS(2), SECONDS(45), await_stops,
      let_program_go_on },
    { "program cannot be killed", 0, 0, hold_program, NULL },
    { "network process lies", SECONDS(1), SECONDS(20), lie, be_honest },
    { "program unwell", SECONDS(5), SECONDS(60), make_unwell, make_well },
    { "instance stopped by its scheduler", 0, 0, stop_instance, NULL },
    { "instance stopped twice", 0, 0, stop_instance_twice, NULL },
    { NULL, 0, 0, NULL, NULL },
};
