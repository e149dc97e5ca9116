#include "tests/simulation/process.h"

#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "common/base/signals.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/channel.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/program.h"
#include "tests/simulation/reader.h"
#include "tests/simulation/story.h"

#define PROCESSES_MAX 8192
#define FIRST_PID     1000
#define STACK_SIZE    (1 << 19)

struct process *process_current;

static struct process *all[PROCESSES_MAX];
static size_t count;

/* Those that are alive or zombies: few. */
static struct process *present[PROCESSES_MAX];
static size_t present_count;

/* A turn that may stand still has a stack of its own, on which it waits while others go on. */
struct standstill {
    ucontext_t within;
    ucontext_t outside;
    char stack[STACK_SIZE];
};

static struct standstill *standstill_current; /* of the turn that goes on; NULL: it has none */
static struct standstill *spare_standstill;   /* of a turn that has ended; NULL: make one */

void processes_begin(void)
{
    count = present_count = 0;
    process_current = NULL;
    spare_standstill = NULL;
    channels_begin();
}

struct process *process_new(enum process_kind kind, struct host *host, struct instance *instance,
                            struct process *parent)
{
    struct process *process = world_memory(sizeof *process);

    assert(count < PROCESSES_MAX);
    *process = (struct process){
        .pid = FIRST_PID + (pid_t)count,
        .kind = kind,
        .host = host,
        .instance = instance,
        .parent = parent,
        .alive = true,
        .born = world.now,
    };
    process->group = process->pid;
    all[count++] = process;
    present[present_count++] = process;
    return process;
}

struct process *process_find(pid_t pid)
{
    size_t place = (size_t)(pid - FIRST_PID);

    return pid >= FIRST_PID && place < count ? all[place] : NULL;
}

void processes_each(void (*call)(struct process *process, void *context), void *context)
{
    for (size_t i = present_count; i-- > 0;)
        if (i < present_count)
            call(present[i], context);
}

bool process_can_run(const struct process *process)
{
    return process->alive && process->host->suspended == 0 && !process_stands_still(process);
}

bool process_stands_still(const struct process *process)
{
    return process->stopped > 0 || process->standstill;
}

/* --- Turns. --- */

/* Until the scheduler has found a processor for it. */
static true_ns scheduling(const struct process *process)
{
    if (process->host->slow)
        return chance_delay(MILLISECONDS(1), MILLISECONDS(150));
    return chance_delay(20000, MILLISECONDS(1));
}

static jmp_buf escape; /* out of a turn that its process does not survive */

static void turn(void *subject, uint64_t ticket);

void process_wake(struct process *process)
{
    true_ns at = world.now + scheduling(process);

    if (!process->alive || !process->turn || (process->turn_at != 0 && process->turn_at <= at))
        return;
    process->turn_at = at;
    world_plan(at, turn, process, at);
}

static void timer_is_due(void *subject, uint64_t ticket)
{
    struct process *process = subject;

    if (process->timer_at != ticket)
        return;
    process->timer_at = 0;
    process_wake(process);
}

static void set_timer(struct process *process)
{
    local_ns due = process->next_due(process);
    bool never = due == 0 || due > host_clock(process->host) + SECONDS(86400);
    true_ns at = never ? 0 : host_true(process->host, due);

    if (at != 0 && at < world.now)
        at = world.now;
    if (at != 0 && at != process->timer_at)
        world_plan(at, timer_is_due, process, at);
    process->timer_at = at;
}

static void disturb(struct process *process)
{
    if (process->instance)
        process->instance->disturbed = world.now;
}

static void end_turn(struct process *process)
{
    reader_looks(process->instance);
    if (process->alive)
        set_timer(process);
}

static void run_turn(void)
{
    process_current->turn(process_current);
}

static struct standstill *begin_standstill(void)
{
    struct standstill *standstill =
        spare_standstill ? spare_standstill : world_memory(sizeof *standstill);

    spare_standstill = NULL;
    getcontext(&standstill->within);
    standstill->within.uc_stack.ss_sp = standstill->stack;
    standstill->within.uc_stack.ss_size = sizeof standstill->stack;
    standstill->within.uc_link = &standstill->outside;
    makecontext(&standstill->within, run_turn, 0);
    return standstill;
}

/* Until the turn ends or stands still. */
static void enter(struct process *process, struct standstill *standstill)
{
    process_current = process;
    standstill_current = standstill;
    swapcontext(&standstill->outside, &standstill->within);
    standstill_current = NULL;
    if (!process->standstill)
        spare_standstill = standstill;
}

static void go_on(void *subject, uint64_t detail)
{
    struct process *process = subject;
    struct standstill *standstill = process->standstill;

    (void)detail;
    process->standstill = NULL;
    if (!process->alive)
        return;
    if (!process_can_run(process)) {
        process->standstill = standstill;
        world_plan(world.now + MILLISECONDS(10), go_on, process, 0);
        return;
    }
    process->ran_again = world.now;
    disturb(process);
    enter(process, standstill);
    if (!process->standstill)
        end_turn(process);
    process_current = NULL;
    if (process->turn_missed && process_can_run(process)) {
        process->turn_missed = false;
        process_wake(process);
    }
    judge_look();
}

static void stand_still(struct process *process)
{
    disturb(process);
    story_tell("--- %s stands still for %.3fs", story_process(process),
               (double)process->pause / (double)SECONDS(1));
    process->standstill = standstill_current;
    world_plan(world.now + process->pause, go_on, process, 0);
    swapcontext(&process->standstill->within, &standstill_current->outside);
}

static void turn(void *subject, uint64_t ticket)
{
    struct process *process = subject;

    if (!process->alive || process->turn_at != ticket)
        return;
    process->turn_at = 0;
    if (!process_can_run(process)) {
        process->turn_missed = true;
        return;
    }
    process_current = process;
    if (process->pause_left > 0)
        enter(process, begin_standstill());
    else if (setjmp(escape) == 0)
        process->turn(process);
    if (!process->standstill)
        end_turn(process);
    process_current = NULL;
}

/* Of a process that its turn has killed. */
static void leave_turn(void)
{
    if (standstill_current)
        setcontext(&standstill_current->outside);
    longjmp(escape, 1);
}

void process_enters_kernel(void)
{
    struct process *process = process_current;

    if (process && process->pause_left > 0 && standstill_current && --process->pause_left == 0)
        stand_still(process);
    if (!process || process->calls_left == 0 || --process->calls_left > 0)
        return;
    disturb(process);
    process_kill(process);
    leave_turn();
}

void process_exit_within_turn(int status)
{
    process_exit(process_current, status);
    leave_turn();
    abort(); /* not reached */
}

/* --- Death. --- */

/* The nearest of ours that is a child subreaper. */
static struct process *subreaper_of(const struct process *process)
{
    struct process *ancestor = process->parent;

    while (ancestor && !(ancestor->alive && (ancestor->kind == PROCESS_KEEPER ||
                                             ancestor->kind == PROCESS_SUPERVISOR)))
        ancestor = ancestor->parent;
    return ancestor;
}

static void forget(struct process *process)
{
    process->zombie = false;
    for (size_t i = 0; i < present_count; i++)
        if (present[i] == process) {
            memmove(&present[i], &present[i + 1], (present_count - i - 1) * sizeof *present);
            present_count--;
            return;
        }
}

static void tell_parent(struct process *process)
{
    if (process->parent && process->parent->alive)
        process_wake(process->parent);
    else
        forget(process); /* init reaps */
}

/* What it leaves: what waits at a gate ends, what was let go gets the parent-death signal unless it
 * is only a descendant.
 */
static void leave_children(struct process *parent)
{
    for (size_t i = present_count; i-- > 0;) {
        struct process *child = i < present_count ? present[i] : NULL;
        if (!child || child->parent != parent)
            continue;
        child->parent = subreaper_of(parent);
        if (child->zombie)
            tell_parent(child);
        else if (child->kind == PROCESS_HOOK || child->gated ||
                 (child->kind == PROCESS_PROGRAM && !child->instance->slot->habits.changes_user))
            process_kill(child);
    }
}

static void end(struct process *process, int wait_status)
{
    if (!process->alive)
        return;
    if (process_stands_still(process))
        disturb(process); /* up to now */
    process->wait_status = wait_status;
    instance_process_ends(process);
    process->alive = false;
    process->zombie = true;
    channels_close_of(process);
    leave_children(process);
    tell_parent(process);
}

void process_exit(struct process *process, int status)
{
    end(process, status << 8);
}

static void die_at_last(void *subject, uint64_t detail)
{
    struct process *process = subject;

    (void)detail;
    if (process->alive && process->kill_pending && world.now >= process->unkillable)
        end(process, SIGKILL);
}

void process_kill(struct process *process)
{
    if (!process->alive)
        return;
    if (world.now < process->unkillable) {
        process->kill_pending = true;
        world_plan(process->unkillable, die_at_last, process, 0);
        return;
    }
    end(process, SIGKILL);
}

void process_stop(struct process *process)
{
    process->stopped++;
    disturb(process);
}

void process_resume(struct process *process)
{
    if (process->stopped == 0 || --process->stopped > 0)
        return;
    process->ran_again = world.now;
    disturb(process);
    if (process->alive && process->turn_missed) {
        process->turn_missed = false;
        process_wake(process);
    }
    judge_look();
}

void process_signal(struct process *process, int number)
{
    if (!process->alive)
        return;
    if (number == SIGKILL) {
        process_kill(process);
    } else if (process->kind == PROCESS_SUPERVISOR) {
        process->signals |= SIGNAL_BIT(number);
        process_wake(process);
    } else {
        program_signalled(process, number);
    }
}

/* --- Machines. --- */

void processes_suspend(struct host *host)
{
    host->suspended++;
}

void processes_resume(struct host *host)
{
    if (--host->suspended > 0)
        return;
    host->ran_again = world.now;
    for (size_t i = 0; i < present_count; i++) {
        struct process *process = present[i];
        if (process->host != host || !process->alive || !process->turn_missed)
            continue;
        process->turn_missed = false;
        process_wake(process);
    }
    judge_look();
}

void processes_crash(struct host *host)
{
    for (size_t i = present_count; i-- > 0;) {
        struct process *process = i < present_count ? present[i] : NULL;
        if (!process || process->host != host || !process->alive)
            continue;
        disturb(process);
        process->unkillable = 0;
        process->parent = NULL; /* nobody is left to be told */
        process_kill(process);
    }
    for (size_t i = present_count; i-- > 0;)
        if (i < present_count && present[i]->host == host && present[i]->zombie)
            forget(present[i]);
}

/* --- Children. --- */

struct process *process_dead_child(const struct process *parent)
{
    for (size_t i = 0; i < present_count; i++)
        if (present[i]->parent == parent && present[i]->zombie)
            return present[i];
    return NULL;
}

bool process_has_children(const struct process *parent)
{
    for (size_t i = 0; i < present_count; i++)
        if (present[i]->parent == parent)
            return true;
    return false;
}

void process_reap(struct process *process)
{
    assert(process->zombie);
    forget(process);
}

static bool descends_from(const struct process *process, const struct process *ancestor)
{
    for (const struct process *parent = process->parent; parent; parent = parent->parent)
        if (parent == ancestor)
            return true;
    return false;
}

static void kill_member(struct process *process, void *context)
{
    bool member = process->kind == PROCESS_PROGRAM || process->kind == PROCESS_HOOK ||
                  process->kind == PROCESS_DESCENDANT;

    if (member && process->instance == context)
        process_kill(process);
}

void process_kill_cgroup(const struct instance *instance)
{
    if (instance->slot->has_cgroup)
        processes_each(kill_member, (void *)instance);
}

unsigned process_sweep(const struct process *ancestor, pid_t spared)
{
    struct process *spared_process = process_find(spared);
    unsigned met = 0;

    for (size_t i = present_count; i-- > 0;) {
        struct process *process = i < present_count ? present[i] : NULL;
        if (!process || process == spared_process || !descends_from(process, ancestor) ||
            (spared_process && descends_from(process, spared_process)))
            continue;
        met++;
        process_kill(process);
    }
    return met;
}
