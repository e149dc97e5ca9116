#include "tests/simulation/instance.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "keeper/conduct.h"
#include "network/network.h"
#include "supervisor/supervisor.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/channel.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/program.h"
#include "tests/simulation/story.h"
#include "tests/simulation/term.h"
#include "tests/simulation/transport.h"

/* As supervisor/peers.c waits for its keeper. */
#define END_TIME MILLISECONDS(500)

#define OPERATOR_TIME SECONDS(30)

struct slot slots[SLOTS_MAX];
unsigned slot_count;

struct supervisor_state {
    struct supervisor supervisor;
    bool begun;
    bool ending;
    local_ns keeper_until;
};

struct network_state {
    struct network network;
    struct transport transport;
    bool begun;
};

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

/* --- The supervisor. --- */

static void begin_end(struct supervisor_state *state)
{
    struct supervisor *supervisor = &state->supervisor;

    state->ending = true;
    state->keeper_until = clock_now_ns() + END_TIME;
    network_kill(supervisor);
    channel_close(supervisor->keeper.fd);
}

/* As peers_end() does it. */
static void end_soon(struct process *process, struct supervisor_state *state)
{
    struct process *keeper = process->instance->keeper;
    struct process *dead;

    while ((dead = process_dead_child(process)))
        process_reap(dead);
    if (keeper->alive && clock_now_ns() >= state->keeper_until) {
        process_kill(keeper);
        process_sweep(process, 0);
    }
    if (keeper->alive)
        return;
    if (!state->supervisor.record.promoted)
        process->instance->slot->has_record = false;
    story_tell("%s ends with status %d", story_instance(process->instance),
               state->supervisor.exit_status);
    process_exit(process, state->supervisor.exit_status);
}

static void supervisor_turns(struct process *process)
{
    struct supervisor_state *state = process->state;

    if (!state->begun)
        supervisor_begin(&state->supervisor);
    else if (!state->ending)
        supervisor_turn(&state->supervisor);
    state->begun = true;
    if (!state->ending && supervisor_has_ended(&state->supervisor))
        begin_end(state);
    if (state->ending)
        end_soon(process, state);
}

static local_ns supervisor_due(const struct process *process)
{
    const struct supervisor_state *state = process->state;

    return state->ending ? state->keeper_until : supervisor_next_due(&state->supervisor);
}

/* --- The keeper. --- */

static void keeper_turns(struct process *process)
{
    struct keeper *keeper = process->state;

    keeper_turn(keeper);
    if (keeper->finished)
        process_exit(process, 0);
}

static local_ns keeper_due(const struct process *process)
{
    return keeper_next_due(process->state);
}

int keeper_start_process(struct supervisor *supervisor, struct error *err)
{
    struct process *parent = process_current;
    struct instance *instance = parent->instance;
    struct process *process = process_new(PROCESS_KEEPER, parent->host, instance, parent);
    struct keeper_start *start = world_memory(sizeof *start);
    int ends[2];

    (void)err;
    channel_new(ends, parent, process);
    *start = (struct keeper_start){
        .settings = supervisor->settings,
        .command = supervisor->command,
        .user = supervisor->user,
        .signals = supervisor->signals,
        .directory = supervisor->directory,
        .supervisor_fd = ends[1],
        .network_fd = -1,
    };
    process->state = world_memory(sizeof(struct keeper));
    keeper_init(process->state, start);
    process->turn = keeper_turns;
    process->next_due = keeper_due;
    instance->keeper = process;
    supervisor->keeper = (struct peer){ .pid = process->pid, .fd = ends[0] };
    supervisor->record.keeper = process->pid;
    process_wake(process);
    return 0;
}

/* --- The network process. --- */

static void network_turns(struct process *process)
{
    struct network_state *state = process->state;

    if (!state->begun)
        network_open(&state->network);
    state->begun = true;
    transport_call_back(&state->transport);
    network_turn(&state->network);
    if (state->network.finished)
        process_exit(process, 0);
}

static local_ns network_due(const struct process *process)
{
    const struct network_state *state = process->state;

    return network_next_due(&state->network);
}

int network_start_process(struct supervisor *supervisor, struct error *err)
{
    struct process *parent = process_current;
    struct process *process = process_new(PROCESS_NETWORK, parent->host, parent->instance, parent);
    struct network_state *state = world_memory(sizeof *state);
    int with_supervisor[2], with_keeper[2];

    (void)err;
    channel_new(with_supervisor, parent, process);
    channel_new(with_keeper, parent, process);
    state->network = (struct network){
        .settings = *supervisor->settings,
        .supervisor_fd = with_supervisor[1],
        .keeper_fd = with_keeper[1],
    };
    state->transport.process = process;
    process->state = state;
    process->turn = network_turns;
    process->next_due = network_due;
    parent->instance->network = process;
    supervisor->network = (struct peer){ .pid = process->pid, .fd = with_supervisor[0] };
    supervisor->record.network = process->pid;
    if (supervisor->keeper.fd >= 0)
        keeper_send(supervisor, KEEPER_NETWORK, 0, NULL, 0, with_keeper[0]);
    else
        channel_close(with_keeper[0]);
    process_wake(process);
    return 0;
}

struct transport *process_transport(const struct process *network)
{
    struct network_state *state = network->state;

    return &state->transport;
}

struct http *transport_of_current(void)
{
    return (struct http *)process_transport(process_current);
}

/* --- Their life. --- */

static void start(void *subject, uint64_t detail)
{
    static const struct user nobody;
    static const struct signal_state no_signals;
    static char *command[] = { (char *)"program", NULL };
    struct slot *slot = subject;
    bool present = slot->present && instance_lives(slot->present);

    (void)detail;
    if (!slot->wanted || present)
        return;
    if (slot->host->suspended || slot->host->off) {
        slot_start(slot, SECONDS(1));
        return;
    }
    struct instance *instance = world_memory(sizeof *instance);
    *instance = (struct instance){
        .slot = slot,
        .number = slot->present ? slot->present->number + 1 : 1,
        .started = world.now,
    };
    slot->present = instance;
    bool has_outside = slot->outside && slot->outside->alive;
    if (slot->settings->mode == MODE_SIDECAR && !has_outside)
        slot->outside = process_new(PROCESS_OUTSIDE, slot->host, NULL, NULL);
    struct process *process = process_new(PROCESS_SUPERVISOR, slot->host, instance, NULL);
    struct supervisor_state *state = world_memory(sizeof *state);
    struct supervisor *supervisor = &state->supervisor;
    struct error err;
    instance->supervisor = process;
    process->state = state;
    process->turn = supervisor_turns;
    process->next_due = supervisor_due;
    supervisor->settings = slot->settings;
    supervisor->command = slot->settings->mode == MODE_SIDECAR ? NULL : command;
    supervisor->user = &nobody;
    supervisor->signals = &no_signals;
    supervisor->lock_fd = -1;
    supervisor->keeper.fd = -1;
    supervisor->network.fd = -1;
    supervisor->gone = true;
    supervisor->place.lock_fd = slot->named ? (int)slot->number : -1;
    lead_init(supervisor);
    story_tell("%s is started", story_instance(instance));
    process_current = process;
    keeper_start_process(supervisor, &err);
    network_start_process(supervisor, &err);
    process_current = NULL;
    process_wake(process);
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

bool instance_lives(const struct instance *instance)
{
    return instance->supervisor->alive;
}

/* --- What the judge asks. --- */

static const struct process *enforcer(const struct instance *instance)
{
    if (instance->keeper->alive)
        return instance->keeper;
    return instance->supervisor->alive ? instance->supervisor : NULL;
}

bool instance_can_enforce(const struct instance *instance)
{
    const struct process *process = enforcer(instance);

    return process && process_can_run(process);
}

true_ns instance_ran_again(const struct instance *instance)
{
    const struct process *process = enforcer(instance);
    true_ns host = instance->slot->host->ran_again;

    return process && process->ran_again > host ? process->ran_again : host;
}

static void is_stopped(struct process *process, void *context)
{
    const struct process **stopped = context;

    if (process->stopped > 0 && process->instance == (*stopped)->instance)
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
    return stopped->stopped > 0;
}

const struct situation *instance_situation(const struct instance *instance)
{
    const struct keeper *keeper = instance->keeper->state;

    return instance->keeper->alive ? &keeper->lead : NULL;
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
    if (spec->is_hook)
        hook_failed(instance, &session, false);
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
    if (process->kind == PROCESS_HOOK && process->wait_status != 0)
        hook_failed(instance, &process->session, process->is_promotion);
    bool other_gone =
        process->kind == PROCESS_KEEPER ? !instance->supervisor->alive : !instance->keeper->alive;
    if (WIFSIGNALED(process->wait_status) && other_gone &&
        (process->kind == PROCESS_KEEPER || process->kind == PROCESS_SUPERVISOR)) {
        instance->both_killed = true;
        call_operator(instance);
    }
    if (process->kind != PROCESS_SUPERVISOR)
        return;
    if (WIFSIGNALED(process->wait_status) && instance->slot->outside)
        call_operator(instance);
    process->alive = false;
    if (instance->slot->pid_1)
        processes_each(kill_with_container, instance);
    if (instance->slot->wanted)
        slot_start(instance->slot, chance_between(MILLISECONDS(200), SECONDS(5)));
}
