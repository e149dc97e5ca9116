#include "tests/model/consul_state.h"

#include <stdlib.h>

#include "common/base/memory.h"

static void *array_copy(const void *array, size_t count, size_t item_size)
{
    return count ? memcpy(memory_resize(NULL, count * item_size), array, count * item_size) : NULL;
}

struct consul_state consul_state_copy(const struct consul_state *state)
{
    struct consul_state copy = *state;

    copy.keys = shared_list_copy(&state->keys);
    copy.tombstones = shared_list_copy(&state->tombstones);
    copy.registrations = shared_list_copy(&state->registrations);

    copy.session_room = state->session_count;
    copy.sessions = array_copy(state->sessions, state->session_count, sizeof *state->sessions);
    for (size_t i = 0; i < copy.session_count; i++)
        shared_keep(copy.sessions[i].session);

    copy.delay_room = state->delay_count;
    copy.delays = array_copy(state->delays, state->delay_count, sizeof *state->delays);
    for (size_t i = 0; i < copy.delay_count; i++)
        shared_keep(copy.delays[i].key);
    return copy;
}

void consul_state_end(struct consul_state *state)
{
    shared_list_end(&state->keys);
    shared_list_end(&state->tombstones);
    shared_list_end(&state->registrations);
    for (size_t i = 0; i < state->session_count; i++)
        shared_drop(state->sessions[i].session);
    free(state->sessions);
    delays_forget(state);
    free(state->delays);
    memset(state, 0, sizeof *state);
}

void consul_state_entry(struct consul_state *state)
{
    state->index++;
}
