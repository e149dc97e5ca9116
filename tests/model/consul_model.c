#include "tests/model/consul_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tests/model/consul_call.h"

#define SERF_CHECK "serfHealth"

struct consul_model *consul_model_new(uint64_t index, uint64_t session_ttl_min_ns)
{
    struct consul_model *model = memory_new(sizeof *model);

    model->state.index = index;
    model->session_ttl_min_ns = session_ttl_min_ns;
    model->leads = true;
    model->agent = shared_text("");
    return model;
}

void consul_model_free(struct consul_model *model)
{
    if (!model)
        return;
    consul_state_end(&model->state);
    shared_drop(model->agent);
    text_end(&model->words);
    text_end(&model->values);
    text_end(&model->scratch);
    text_end(&model->reply.body);
    free(model);
}

struct consul_model *consul_model_clone(const struct consul_model *model)
{
    struct consul_model *clone = memory_new(sizeof *clone);

    clone->state = consul_state_copy(&model->state);
    clone->session_ttl_min_ns = model->session_ttl_min_ns;
    clone->agent = shared_keep(model->agent);
    clone->sessions_made = model->sessions_made;
    consul_model_step_down(clone);
    return clone;
}

/* --- Requests. --- */

#define METHODS_MAX 3

static const struct route {
    const char *path;
    bool named; /* something follows */
    struct {
        const char *method;
        consul_endpoint *answer;
    } methods[METHODS_MAX];
} routes[] = {
    { "/v1/kv/",
      true,
      { { "GET", consul_kv_get }, { "PUT", consul_kv_put }, { "DELETE", consul_kv_delete } } },
    { "/v1/session/renew/", true, { { "PUT", consul_session_renew } } },
    { "/v1/txn", false, { { "PUT", consul_txn } } },
    { "/v1/session/create", false, { { "PUT", consul_session_create } } },
    { "/v1/session/destroy/", true, { { "PUT", consul_session_destroy } } },
    { "/v1/session/info/", true, { { "GET", consul_session_info } } },
    { "/v1/catalog/register", false, { { "PUT", consul_catalog_register } } },
    { "/v1/catalog/deregister", false, { { "PUT", consul_catalog_deregister } } },
};

static const struct route *route_find(const char *path, const char **rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t length = strlen(routes[i].path);
        *rest = path + length;
        if (strncmp(path, routes[i].path, length) == 0 &&
            (routes[i].named || **rest == '\0' || **rest == '?'))
            return &routes[i];
    }
    return NULL;
}

static consul_endpoint *endpoint_find(const struct route *route, const char *method)
{
    for (size_t i = 0; i < METHODS_MAX && route->methods[i].method; i++)
        if (strcmp(route->methods[i].method, method) == 0)
            return route->methods[i].answer;
    return NULL;
}

static void answer(struct consul_model *model, const char *path, struct consul_call *call,
                   struct consul_reply *reply)
{
    const char *rest;
    const struct route *route = route_find(path, &rest);
    consul_endpoint *endpoint = route ? endpoint_find(route, call->method) : NULL;

    if (!route) {
        reply->status = 404;
        return;
    }
    if (!endpoint) {
        reply->status = 405;
        text_add_format(&reply->body, "method %s not allowed", call->method);
        return;
    }
    consul_call_read(call, rest, &model->words);
    endpoint(model, call, reply);
}

struct consul_answer consul_model_request(struct consul_model *model, const char *method,
                                          const char *path, const char *body, uint64_t now)
{
    struct consul_call *call = &model->call;
    struct consul_reply *reply = &model->reply;

    consul_model_time_passed(model, now);
    call->method = method;
    call->body = body ? body : "";
    call->body_length = strlen(call->body);
    call->now = now;
    reply->status = 200;
    reply->index = 0;
    text_clear(&reply->body);
    answer(model, path, call, reply);
    return (struct consul_answer){
        .status = reply->status,
        .index = reply->index,
        .body = reply->body.bytes,
        .length = reply->body.length,
    };
}

void consul_model_next_session(struct consul_model *model, const char *id)
{
    snprintf(model->next_session, sizeof model->next_session, "%s", id);
}

/* --- Time. --- */

void consul_model_time_passed(struct consul_model *model, uint64_t now)
{
    for (;;) {
        size_t next = sessions_next_due(&model->state);
        if (next == model->state.session_count || model->state.sessions[next].due_ns > now)
            return;
        consul_state_entry(&model->state);
        sessions_end(&model->state, next, model->state.sessions[next].due_ns);
    }
}

uint64_t consul_model_next_due(const struct consul_model *model)
{
    size_t next = sessions_next_due(&model->state);

    return next < model->state.session_count ? model->state.sessions[next].due_ns : 0;
}

uint64_t consul_model_next_turn(const struct consul_model *model, uint64_t after)
{
    uint64_t next = consul_model_next_due(model);

    for (size_t i = 0; i < model->state.delay_count; i++) {
        uint64_t until_ns = model->state.delays[i].until_ns;
        if (until_ns > after && (next == 0 || until_ns < next))
            next = until_ns;
    }
    return next;
}

void consul_model_lead(struct consul_model *model, uint64_t now)
{
    model->leads = true;
    for (size_t i = 0; i < model->state.session_count; i++)
        sessions_renew(&model->state, i, now);
}

void consul_model_step_down(struct consul_model *model)
{
    model->leads = false;
    for (size_t i = 0; i < model->state.session_count; i++)
        model->state.sessions[i].due_ns = 0;
}

void consul_model_forget_delays(struct consul_model *model)
{
    delays_forget(&model->state);
}

/* --- Nodes. --- */

/* Serf's news that change nothing are not written. */
void consul_model_node(struct consul_model *model, const char *node, bool passing, uint64_t now)
{
    const struct registration *known = catalog_find(&model->state, node, SERF_CHECK);

    if (known && known->critical == !passing)
        return;
    consul_state_entry(&model->state);
    catalog_register_check(&model->state, node, SERF_CHECK, !passing, now);
}

void consul_model_node_left(struct consul_model *model, const char *node, uint64_t now)
{
    consul_state_entry(&model->state);
    catalog_remove_node(&model->state, node, now);
}

void consul_model_agent(struct consul_model *model, const char *node)
{
    shared_drop(model->agent);
    model->agent = shared_text(node);
}

/* --- Restoring a snapshot. --- */

void consul_model_restore(struct consul_model *model, const struct consul_model *snapshot,
                          bool elsewhere, uint64_t now)
{
    uint64_t index = model->state.index;

    if (elsewhere || index < snapshot->state.index)
        index = snapshot->state.index;
    if (model->sessions_made < snapshot->sessions_made)
        model->sessions_made = snapshot->sessions_made;
    consul_state_end(&model->state);
    model->state = consul_state_copy(&snapshot->state);
    model->state.index = index + 1;
    delays_forget(&model->state);
    consul_model_lead(model, now);
}

/* --- The truth. --- */

uint64_t consul_model_index(const struct consul_model *model)
{
    return model->state.index;
}

const char *consul_model_holder(const struct consul_model *model, const char *key)
{
    const struct kv_entry *entry = keys_find(&model->state, key);

    return entry ? entry->session : "";
}

uint64_t consul_model_key_index(const struct consul_model *model, const char *key)
{
    const struct kv_entry *entry = keys_find(&model->state, key);

    return entry ? entry->modify_index : 0;
}

uint64_t consul_model_delayed_until(const struct consul_model *model, const char *key)
{
    return delays_until(&model->state, key);
}

bool consul_model_session_lives(const struct consul_model *model, const char *session)
{
    for (size_t i = 0; i < model->state.session_count; i++)
        if (strcmp(model->state.sessions[i].session->id, session) == 0)
            return true;
    return false;
}
