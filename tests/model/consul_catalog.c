#include <strings.h>

#include "tests/model/consul_state.h"

static const struct registration *registration_at(const struct consul_state *state, size_t at)
{
    return state->registrations.items[at];
}

static size_t place_of(const struct consul_state *state, const char *node, const char *check)
{
    for (size_t i = 0; i < state->registrations.count; i++)
        if (strcasecmp(registration_at(state, i)->node, node) == 0 &&
            strcasecmp(registration_at(state, i)->check, check) == 0)
            return i;
    return state->registrations.count;
}

const struct registration *catalog_find(const struct consul_state *state, const char *node,
                                        const char *check)
{
    size_t at = place_of(state, node, check);

    return at < state->registrations.count ? registration_at(state, at) : NULL;
}

static void put(struct consul_state *state, const char *node, const char *check, bool critical)
{
    size_t at = place_of(state, node, check);
    size_t node_size = strlen(node) + 1;
    struct registration *registration =
        shared_new(sizeof *registration + node_size + strlen(check) + 1);

    memcpy(registration->node, node, node_size);
    registration->check = strcpy(registration->node + node_size, check);
    registration->critical = critical;
    if (at < state->registrations.count)
        shared_list_replace(&state->registrations, at, registration);
    else
        shared_list_insert(&state->registrations, at, registration);
}

void catalog_register_node(struct consul_state *state, const char *node)
{
    if (!catalog_find(state, node, ""))
        put(state, node, "", false);
}

/* Also one that was critical before ends the sessions again (ensureCheckTxn). */
void catalog_register_check(struct consul_state *state, const char *node, const char *check,
                            bool critical, uint64_t now)
{
    catalog_register_node(state, node);
    put(state, node, check, critical);
    if (critical)
        sessions_end_bound(state, node, check, now);
}

void catalog_remove_check(struct consul_state *state, const char *node, const char *check,
                          uint64_t now)
{
    size_t at = place_of(state, node, check);

    if (at == state->registrations.count)
        return;
    shared_list_remove(&state->registrations, at, 1);
    sessions_end_bound(state, node, check, now);
}

void catalog_remove_node(struct consul_state *state, const char *node, uint64_t now)
{
    if (!catalog_find(state, node, ""))
        return;
    for (size_t i = state->registrations.count; i-- > 0;)
        if (strcasecmp(registration_at(state, i)->node, node) == 0)
            shared_list_remove(&state->registrations, i, 1);
    sessions_end_bound(state, node, NULL, now);
}
