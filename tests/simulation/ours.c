#include "tests/simulation/ours.h"

#include "common/options/budgets.h"
#include "keeper/conduct.h"
#include "network/network.h"
#include "supervisor/supervisor.h"
#include "tests/simulation/channel.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/story.h"
#include "tests/simulation/transport.h"

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

/* --- The supervisor. --- */

static void begin_end(const struct process *process, struct supervisor_state *state)
{
    struct supervisor *supervisor = &state->supervisor;

    state->ending = true;
    state->keeper_until = clock_now_ns() + PEER_END;
    process_kill(process->instance->network);
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
    if (supervisor_leaves_nothing(&state->supervisor))
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
        begin_end(process, state);
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
    if (keeper_has_ended(keeper))
        process_exit(process, 0);
}

static local_ns keeper_due(const struct process *process)
{
    return keeper_next_due(process->state);
}

static bool cannot_fork(struct error *err)
{
    if (process_current->host->full)
        error_set(err, "cannot fork: no memory");
    return process_current->host->full;
}

int keeper_start_process(struct supervisor *supervisor, struct error *err)
{
    struct process *parent = process_current;
    struct instance *instance = parent->instance;

    if (cannot_fork(err)) {
        instance_has_no_keeper(instance);
        return -1;
    }
    struct process *process = process_new(PROCESS_KEEPER, parent->host, instance, parent);
    struct keeper_start *start = world_memory(sizeof *start);
    int ends[2];

    channel_new(ends, parent, process);
    keeper_fill_start(supervisor, ends[1], start);
    process->state = world_memory(sizeof(struct keeper));
    keeper_init(process->state, start);
    process->turn = keeper_turns;
    process->next_due = keeper_due;
    instance->keeper = process;
    supervisor->keeper = (struct peer){ .pid = process->pid, .fd = ends[0] };
    supervisor->record.keeper = record_process(process->pid);
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
    if (state->network.abandoned)
        process_kill_cgroup(process->instance);
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
    int with_supervisor[2], with_keeper[2];

    if (cannot_fork(err))
        return -1;
    struct process *process = process_new(PROCESS_NETWORK, parent->host, parent->instance, parent);
    struct network_state *state = world_memory(sizeof *state);
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
    supervisor->record.network = record_process(process->pid);
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

/* --- All. --- */

void ours_start(struct instance *instance)
{
    static const struct user nobody;
    static const struct signal_state no_signals;
    static char *command[] = { (char *)"program", NULL };
    const struct slot *slot = instance->slot;
    struct process *process = process_new(PROCESS_SUPERVISOR, slot->host, instance, NULL);
    struct supervisor_state *state = world_memory(sizeof *state);
    struct supervisor *supervisor = &state->supervisor;
    struct error err;

    instance->supervisor = process;
    process->state = state;
    process->turn = supervisor_turns;
    process->next_due = supervisor_due;
    *supervisor = (struct supervisor){
        .settings = slot->settings,
        .command = slot->settings->mode == MODE_SIDECAR ? NULL : command,
        .user = &nobody,
        .signals = &no_signals,
    };
    supervisor_init(supervisor);
    instance->page = world_memory(sizeof *instance->page);
    if (!instance->has_no_page)
        supervisor->lease_file.page = instance->page;
    supervisor->place.lock_fd = slot->named ? (int)slot->number : -1;
    process_current = process;
    keeper_start_process(supervisor, &err);
    network_start_process(supervisor, &err);
    process_current = NULL;
    process_wake(process);
}

bool ours_relay_line(const char *line, size_t length)
{
    const struct process *process = process_current;
    const struct supervisor_state *state = process->state;
    const struct keeper *keeper = process->state;

    if (process->kind == PROCESS_NETWORK)
        return true;
    return channel_send_line(process->kind == PROCESS_KEEPER ? keeper->network_fd
                                                             : state->supervisor.network.fd,
                             line, length);
}

const struct session_id *ours_session(const struct instance *instance)
{
    const struct supervisor_state *state = instance->supervisor->state;

    return &state->supervisor.election.session;
}

const struct situation *ours_situation(const struct instance *instance)
{
    const struct keeper *keeper = instance->keeper->state;

    return instance->keeper->alive ? &keeper->lead : NULL;
}

bool ours_knows_its_lead(const struct instance *instance)
{
    const struct supervisor_state *state = instance->supervisor->state;

    return state->supervisor.election.state == STATE_LEADING;
}
