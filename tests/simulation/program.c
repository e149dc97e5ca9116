#include "tests/simulation/program.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/messages/situation.h"
#include "common/options/manner.h"
#include "common/process/child.h"
#include "include/consul_leader/lease.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/ours.h"
#include "tests/simulation/schedule.h"
#include "tests/simulation/story.h"

#define WRITE_INTERVAL MILLISECONDS(700)
#define LOOK_INTERVAL  MILLISECONDS(20)
#define IDLE_MOST      MILLISECONDS(500) /* without a look at the lease page */
#define ACTION_MOST    SECONDS(3)
#define LAST_MOMENT    MILLISECONDS(1) /* before the deadline that was read */

enum action {
    ACTION_EXEC,
    ACTION_ACT,      /* unless it was told to rest since */
    ACTION_REST,     /* acts no more, unless it was told to act since */
    ACTION_EXIT,     /* status 0 */
    ACTION_CONFIRM,  /* status 0, when its program acts no more */
    ACTION_FAIL,     /* status 1 */
    ACTION_TELL_ACT, /* a hook to its program */
    ACTION_TELL_REST,
    ACTION_READ, /* the lease page, by a program that is told nothing */
};

static void does(void *subject, uint64_t detail);

#define TOLD_SHIFT 8

static void plan(struct process *process, duration_ns after, enum action action)
{
    world_plan(world.now + after, does, process, (uint64_t)process->told << TOLD_SHIFT | action);
}

/* --- Acting. --- */

static void writes(void *subject, uint64_t since)
{
    struct process *process = subject;

    if (!process->alive || !process->acts || process->acts_since != since)
        return;
    if (process_can_run(process))
        judge_write(process);
    world_plan(world.now + chance_between(WRITE_INTERVAL / 2, WRITE_INTERVAL * 2), writes, process,
               since);
}

static void rest_one(struct process *process)
{
    if (!process->acts)
        return;
    process->acts = false;
    judge_rests(process);
}

static void act_one(struct process *process, const struct session_id *session, uint64_t token)
{
    if (process->acts && strcmp(process->session.text, session->text) == 0)
        return;
    rest_one(process);
    process->session = *session;
    process->token = token;
    process->acts = true;
    process->acts_since = world.now;
    world_plan(world.now, writes, process, world.now);
    judge_begins(process);
}

struct deed {
    struct process *program;
    const struct session_id *session; /* NULL: it rests */
    uint64_t token;
    local_ns until; /* process.h */
};

static void do_with_descendants(struct process *process, void *context)
{
    const struct deed *deed = context;

    if (process != deed->program &&
        !(process->kind == PROCESS_DESCENDANT && process->parent == deed->program))
        return;
    if (!process->alive)
        return;
    process->acts_until = deed->until;
    if (deed->session)
        act_one(process, deed->session, deed->token);
    else
        rest_one(process);
}

static void act(struct process *program, const struct session_id *session, uint64_t token)
{
    struct deed deed = { .program = program, .session = session, .token = token };

    processes_each(do_with_descendants, &deed);
}

static void rest(struct process *program)
{
    processes_each(do_with_descendants, &(struct deed){ .program = program });
}

void program_ends(struct process *process)
{
    rest_one(process);
}

/* --- Hooks. --- */

static struct process *program_of(const struct process *hook)
{
    struct slot *slot = hook->instance->slot;

    if (slot->settings->mode == MODE_SIDECAR)
        return slot->outside;
    return instance_program(hook->instance);
}

/* With signals the program knows already: the hooks have other work. */
static bool hooks_tell(const struct settings *settings)
{
    return settings->mode == MODE_SIDECAR ||
           (settings->mode == MODE_FOLLOW && settings->promote_signal == 0);
}

static void promote_hook_runs(struct process *hook)
{
    bool tells = hooks_tell(hook->instance->slot->settings);
    judge_starts(hook, hook->born);
    bool troubled = schedule_is_troubled();
    duration_ns work = chance_delay(MILLISECONDS(1), SECONDS(3));

    if (troubled && chance_of(30)) { /* hangs, perhaps after it has told */
        if (tells && chance_of(500))
            plan(hook, work, ACTION_TELL_ACT);
        return;
    }
    if (tells)
        plan(hook, work / 2, ACTION_TELL_ACT);
    plan(hook, work, troubled && chance_of(40) ? ACTION_FAIL : ACTION_EXIT);
}

/* Nothing depends on it, however it ends. */
static void change_hook_runs(struct process *hook)
{
    duration_ns work = chance_delay(MILLISECONDS(1), SECONDS(5));

    if (!chance_of(100))
        plan(hook, work, chance_of(200) ? ACTION_FAIL : ACTION_EXIT);
}

static void demote_hook_runs(struct process *hook)
{
    const struct slot *slot = hook->instance->slot;
    bool troubled = schedule_is_troubled();
    duration_ns work =
        chance_delay(MILLISECONDS(1), troubled ? slot->habits.slowest : MILLISECONDS(500));

    if (troubled && chance_of(slot->habits.deaf))
        return;
    if (troubled && chance_of(slot->habits.fails)) {
        plan(hook, work, ACTION_FAIL);
    } else if (hooks_tell(slot->settings)) {
        plan(hook, work, ACTION_TELL_REST);
        plan(hook, work, ACTION_EXIT);
    } else {
        plan(hook, work / 10, ACTION_CONFIRM);
    }
}

/* --- Programs. --- */

/* It stays when its parent ends, until somebody kills it. */
static void fork_child(struct process *parent)
{
    struct process *child = process_new(PROCESS_DESCENDANT, parent->host, parent->instance, parent);

    child->group = parent->group;
}

/* It ends an action, or goes on with it, before the deadline that it read: at any time, or at the
 * last moment. So it does not see at once that the page was cleared.
 */
static void reads(struct process *program)
{
    const struct instance *instance = program->instance;
    uint64_t token;
    local_ns now = host_clock(program->host);
    local_ns deadline = consul_leader_lease_deadline(
        &(struct consul_leader_lease){ .page = instance->page }, &token);

    if (now + LAST_MOMENT >= deadline) {
        rest(program);
        plan(program, chance_between(LOOK_INTERVAL, IDLE_MOST), ACTION_READ);
        return;
    }
    struct deed deed = {
        .program = program,
        .session = ours_session(instance),
        .token = token,
        .until = deadline,
    };
    processes_each(do_with_descendants, &deed);
    local_ns last = deadline - LAST_MOMENT;
    local_ns next = chance_of(300) ? last : now + chance_between(LOOK_INTERVAL, ACTION_MOST);
    world_plan(host_true(program->host, next < last ? next : last), does, program, ACTION_READ);
}

static void program_runs(struct process *program)
{
    const struct slot *slot = program->instance->slot;

    if (slot->habits.forks)
        fork_child(program);
    if (manner_of(slot->settings)->demoted_by == DEMOTED_BY_DEADLINE)
        reads(program);
    if (slot->settings->mode == MODE_LEADER_ONLY) {
        judge_starts(program, program->born);
        act(program, &program->session, program->token);
    }
}

static void promote_signal(struct process *program)
{
    const struct situation *situation = ours_situation(program->instance);

    if (situation) {
        program->session = situation->session;
        program->token = situation->token;
        judge_starts(program, world.now - 1); /* its keeper may have stood still until now */
        plan(program, chance_delay(MILLISECONDS(1), MILLISECONDS(20)), ACTION_ACT);
    }
}

static void program_told(struct process *program, int number)
{
    const struct slot *slot = program->instance->slot;
    const struct settings *settings = slot->settings;

    if (number == settings->promote_signal) {
        program->told++;
        promote_signal(program);
    } else if (number == settings->demote_signal) {
        program->told++;
        if (!settings->demote_ack || !schedule_is_troubled() || !chance_of(slot->habits.deaf))
            plan(program, chance_delay(MILLISECONDS(1), slot->habits.slowest), ACTION_REST);
    } else if (number == settings->kill_signal && !slot->habits.ignores_kill) {
        plan(program, chance_delay(MILLISECONDS(1), slot->habits.slowest), ACTION_EXIT);
    }
}

void program_stops(struct process *process, bool stopped)
{
    process->sigstopped = stopped;
    process->stop_unseen = true;
    if (process->parent)
        process_wake(process->parent);
}

void program_signalled(struct process *process, int number)
{
    if (number == SIGCONT && process->sigstopped) {
        program_stops(process, false);
        process_resume(process);
    }
    if (number == SIGCONT)
        return;
    if (process->kind == PROCESS_PROGRAM)
        program_told(process, number);
    else if (number == SIGTERM && (!schedule_is_troubled() || chance_of(700)))
        process_exit(process, 128 + SIGTERM);
}

void program_crashes(struct process *process)
{
    process->crashed = true;
    process_exit(process, 1);
}

/* --- Life. --- */

static void exec(struct process *process)
{
    if (process->host->no_exec) {
        process->exec_failed = true;
        process_exit(process, 127);
        return;
    }
    process->execed = true;
    process->execed_at = world.now;
    if (process->parent)
        process_wake(process->parent);
    if (process->kind == PROCESS_PROGRAM)
        program_runs(process);
    else if (process->is_change)
        change_hook_runs(process);
    else if (process->is_promotion)
        promote_hook_runs(process);
    else
        demote_hook_runs(process);
    if (process->kind == PROCESS_HOOK && process->instance->slot->habits.forks)
        fork_child(process);
}

static void does(void *subject, uint64_t detail)
{
    struct process *process = subject;
    enum action action = detail & ((1 << TOLD_SHIFT) - 1);
    bool told_otherwise = detail >> TOLD_SHIFT != process->told;

    if (!process->alive || (told_otherwise && (action == ACTION_ACT || action == ACTION_REST)))
        return;
    if (!process_can_run(process)) { /* later, when it goes on, in the order of now */
        world_plan((world.now / LOOK_INTERVAL + 1) * LOOK_INTERVAL, does, process, detail);
        return;
    }
    struct process *program = process->kind == PROCESS_HOOK ? program_of(process) : process;
    switch (action) {
    case ACTION_EXEC:
        exec(process);
        break;
    case ACTION_ACT:
        act(process, &process->session, process->token);
        break;
    case ACTION_TELL_ACT:
        if (program) {
            program->acts_for = process->instance;
            act(program, &process->session, process->token);
        }
        break;
    case ACTION_REST:
        rest(process);
        process->acknowledged = true;
        if (process->parent)
            process_wake(process->parent);
        break;
    case ACTION_TELL_REST:
        if (program)
            rest(program);
        break;
    case ACTION_CONFIRM:
        if (program && program->acts)
            world_plan(world.now + LOOK_INTERVAL, does, process, detail);
        else
            process_exit(process, 0);
        break;
    case ACTION_READ:
        reads(process);
        break;
    case ACTION_EXIT:
        process_exit(process, 0);
        break;
    case ACTION_FAIL:
        process_exit(process, 1);
        break;
    }
}

const char *program_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return "";
}

struct process *program_forked(const struct child_spec *spec)
{
    struct process *keeper = process_current;
    struct process *process = process_new(spec->is_hook ? PROCESS_HOOK : PROCESS_PROGRAM,
                                          keeper->host, keeper->instance, keeper);
    const char *session = program_variable(spec->environment, "CONSUL_LEADER_SESSION_ID");

    process->gated = true;
    strncpy(process->session.text, session, sizeof process->session.text - 1);
    process->token =
        strtoull(program_variable(spec->environment, "CONSUL_LEADER_FENCING_TOKEN"), NULL, 10);
    process->is_promotion =
        strcmp(program_variable(spec->environment, "CONSUL_LEADER_ROLE"), "leader") == 0;
    process->is_change =
        strcmp(program_variable(spec->environment, "CONSUL_LEADER_REASON"), "leader-changed") == 0;
    return process;
}

void program_goes(struct process *process)
{
    process->gated = false;
    plan(process, chance_delay(200000, MILLISECONDS(5)), ACTION_EXEC);
}
