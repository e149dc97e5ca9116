#include <inttypes.h>
#include <stdio.h>

#include "consul/json.h"
#include "tests/model/consul_body.h"
#include "tests/model/consul_call.h"
#include "tests/model/go_duration.h"

#define SECOND_NS             ((int64_t)1000000000)
#define TTL_MAX_NS            (24 * 3600 * SECOND_NS) /* structs.go: SessionTTLMax */
#define LOCK_DELAY_DEFAULT_NS (15 * SECOND_NS)
#define SERF_CHECK            "serfHealth"

enum {
    SESSION_NAME,
    SESSION_NODE,
    SESSION_TTL,
    SESSION_BEHAVIOR,
    SESSION_LOCK_DELAY,
    SESSION_CHECKS,
    SESSION_NODE_CHECKS,
    SESSION_FIELDS
};

static const struct body_field session_fields[] = {
    [SESSION_NAME] = { "Name", BODY_TEXT, "string" },
    [SESSION_NODE] = { "Node", BODY_TEXT, "string" },
    [SESSION_TTL] = { "TTL", BODY_TEXT, "string" },
    [SESSION_BEHAVIOR] = { "Behavior", BODY_TEXT, "structs.SessionBehavior" },
    [SESSION_LOCK_DELAY] = { "LockDelay", BODY_ANY, NULL },
    [SESSION_CHECKS] = { "Checks", BODY_TEXTS, "[]types.CheckID" },
    [SESSION_NODE_CHECKS] = { "NodeChecks", BODY_TEXTS, "[]string" },
};

static const struct body_shape session_shape = {
    "struct { LockDelay interface {}; *structs.Alias }", ".", false, SESSION_FIELDS, session_fields
};

/* --- What the body says. --- */

/* A small number is meant in seconds (Session.UnmarshalJSON). */
static int64_t lock_delay_scale(int64_t number)
{
    return number < 1000 ? (int64_t)((uint64_t)number * (uint64_t)SECOND_NS) : number;
}

static bool lock_delay_read(const struct body_member *member, int64_t *delay_ns,
                            struct text *complaint)
{
    *delay_ns = LOCK_DELAY_DEFAULT_NS;
    switch (json_object_get_type(member->value)) {
    case json_type_null:
        return true;
    case json_type_string:
        if (go_duration_parse(json_object_get_string(member->value), delay_ns, complaint) != 0)
            return false;
        break;
    case json_type_int:
    case json_type_double:
        *delay_ns = (int64_t)json_object_get_double(member->value);
        break;
    default:
        *delay_ns = 0;
    }
    *delay_ns = lock_delay_scale(*delay_ns);
    return true;
}

static size_t length_of(const struct body_member *list)
{
    return list->value ? json_object_array_length(list->value) : 0;
}

static void bind(const struct body_member *list, struct text *checks)
{
    for (size_t i = 0; i < length_of(list); i++) {
        const char *check = json_object_get_string(json_object_array_get_idx(list->value, i));
        text_add_bytes(checks, check ? check : "", (check ? strlen(check) : 0) + 1);
    }
}

static bool is_serf_alone(const struct body_member *checks)
{
    if (!checks->present)
        return true; /* the default */
    return length_of(checks) == 1 &&
           strcmp(json_object_get_string(json_object_array_get_idx(checks->value, 0)),
                  SERF_CHECK) == 0;
}

static void list_show(const struct body_member *list, struct text *json)
{
    text_add(json, "[");
    for (size_t i = 0; i < length_of(list); i++) {
        const char *check = json_object_get_string(json_object_array_get_idx(list->value, i));
        text_add(json, i ? "," : "");
        text_add_json(json, check ? check : "");
    }
    text_add(json, "]");
}

static void node_checks_show(const struct body_member *list, struct text *json)
{
    if (!list->present)
        text_add(json, "[\"" SERF_CHECK "\"]");
    else if (!list->value)
        text_add(json, "null");
    else
        list_show(list, json);
}

/* What the session is bound to, and what is shown of it. */
struct session_checks {
    struct text bound, shown, old_shown;
};

static void session_checks_end(struct session_checks *checks)
{
    text_end(&checks->bound);
    text_end(&checks->shown);
    text_end(&checks->old_shown);
}

/* The old field Checks and the new one NodeChecks, each with the default that the other one can
 * take away (agent/session_endpoint.go: fixupEmptySessionChecks).
 */
static void session_checks_read(const struct body_member *old, const struct body_member *new,
                                struct session_checks *checks)
{
    static const struct body_member none = { .present = true };
    bool emptied = old->present && length_of(old) == 0;
    bool new_alone = emptied || is_serf_alone(old) || (new->present &&length_of(new) == 0);

    text_add(&checks->old_shown, "");
    if (!new_alone) {
        bind(old, &checks->bound);
        list_show(old, &checks->old_shown);
    }
    if (emptied) {
        text_add(&checks->shown, "[]");
        new = &none;
    } else {
        node_checks_show(new, &checks->shown);
    }
    if (new->present)
        bind(new, &checks->bound);
    else
        text_add_bytes(&checks->bound, SERF_CHECK, sizeof SERF_CHECK);
    text_add_bytes(&checks->bound, "", 1);
}

/* --- Creation. --- */

static bool ttl_allowed(const struct consul_model *model, const struct session_order *order,
                        struct text *complaint)
{
    int64_t least_ns = (int64_t)model->session_ttl_min_ns;

    if (order->ttl_ns == 0 || (order->ttl_ns >= least_ns && order->ttl_ns <= TTL_MAX_NS))
        return true;
    text_add_format(complaint, "Invalid Session TTL '%" PRId64 "', must be between [",
                    order->ttl_ns);
    go_duration_add(complaint, model->session_ttl_min_ns);
    text_add(complaint, "=");
    go_duration_add(complaint, TTL_MAX_NS);
    text_add(complaint, "]");
    return false;
}

/* What is refused before an entry is made (agent/consul/session_endpoint.go). */
static bool order_allowed(const struct consul_model *model, struct session_order *order,
                          struct text *complaint)
{
    struct text reason = { 0 };

    if (order->node[0] == '\0') {
        text_add(complaint, "Must provide Node");
        return false;
    }
    if (order->behavior[0] == '\0')
        order->behavior = "release";
    if (strcmp(order->behavior, "release") != 0 && strcmp(order->behavior, "delete") != 0) {
        text_add_format(complaint, "Invalid Behavior setting '%s'", order->behavior);
        return false;
    }
    if (order->ttl[0] == '\0')
        return true;
    if (go_duration_parse(order->ttl, &order->ttl_ns, &reason) == 0)
        return ttl_allowed(model, order, complaint);
    text_add_format(complaint, "Session TTL '%s' invalid: %s", order->ttl, reason.bytes);
    text_end(&reason);
    return false;
}

static void id_make(struct consul_model *model, char id[SESSION_ID_LENGTH + 1])
{
    uint64_t number = ++model->sessions_made;
    uint64_t mixed = number * 0x9e3779b97f4a7c15u;

    if (model->next_session[0] != '\0')
        memcpy(id, model->next_session, SESSION_ID_LENGTH + 1);
    else
        snprintf(id, SESSION_ID_LENGTH + 1, "%08x-%04x-4%03x-8%03x-%012" PRIx64,
                 (unsigned)(mixed >> 32), (unsigned)(mixed >> 16 & 0xffff),
                 (unsigned)(mixed >> 8 & 0xfff), (unsigned)(mixed & 0xfff),
                 number & 0xffffffffffffu);
    model->next_session[0] = '\0';
}

static void create(struct consul_model *model, struct session_order *order, uint64_t now,
                   struct consul_reply *reply)
{
    char id[SESSION_ID_LENGTH + 1];

    reply->status = 500;
    if (!order_allowed(model, order, &reply->body))
        return;
    id_make(model, id);
    order->id = id;
    consul_state_entry(&model->state);
    if (sessions_create(&model->state, order, now, &reply->body) != 0)
        return;
    if (!model->leads)
        model->state.sessions[model->state.session_count - 1].due_ns = 0;
    reply->status = 200;
    text_add_format(&reply->body, "{\"ID\":\"%s\"}", id);
}

void consul_session_create(struct consul_model *model, const struct consul_call *call,
                           struct consul_reply *reply)
{
    AUTO_JSON struct json_object *body = NULL;
    struct body_member members[SESSION_FIELDS];
    struct session_checks checks = { 0 };
    struct text *complaint = &model->scratch;
    int64_t lock_delay_ns;

    text_clear(complaint);
    if ((call->body_length > 0 && !body_parse(call->body, call->body_length, &body, complaint)) ||
        !body_read(body, &session_shape, members, complaint) ||
        !lock_delay_read(&members[SESSION_LOCK_DELAY], &lock_delay_ns, complaint)) {
        reply->status = 400;
        text_add_format(&reply->body, "Request decode failed: %s", complaint->bytes);
        return;
    }
    session_checks_read(&members[SESSION_CHECKS], &members[SESSION_NODE_CHECKS], &checks);
    struct session_order order = {
        .name = body_text(&members[SESSION_NAME], ""),
        .node = body_text(&members[SESSION_NODE], model->agent),
        .behavior = body_text(&members[SESSION_BEHAVIOR], "release"),
        .ttl = body_text(&members[SESSION_TTL], ""),
        .lock_delay_ns = lock_delay_ns,
        .checks = checks.bound.bytes,
        .node_checks = checks.shown.bytes,
        .old_checks = checks.old_shown.bytes,
    };
    create(model, &order, call->now, reply);
    session_checks_end(&checks);
}

/* --- The others, which name a session. --- */

/* False: answered. */
static bool session_named(const struct consul_model *model, const struct consul_call *call,
                          size_t *at, struct consul_reply *reply)
{
    if (call->name[0] == '\0') {
        consul_reply_set(reply, 400, "Missing session");
        return false;
    }
    if (sessions_find(&model->state, call->name, at, &reply->body) == 0)
        return true;
    reply->status = 500;
    return false;
}

static void show_list(const struct session *session, struct text *text)
{
    text_add(text, "[");
    text_add(text, session->json);
    text_add(text, "]");
}

/* No entry is made: whoever believes to lead answers. */
void consul_session_renew(struct consul_model *model, const struct consul_call *call,
                          struct consul_reply *reply)
{
    size_t at;

    if (!consul_call_check(call, reply) || !session_named(model, call, &at, reply))
        return;
    if (at == model->state.session_count) {
        reply->status = 404;
        text_add(&reply->body, "Session id '");
        text_add(&reply->body, call->name);
        text_add(&reply->body, "' not found");
        return;
    }
    if (model->leads)
        sessions_renew(&model->state, at, call->now);
    show_list(model->state.sessions[at].session, &reply->body);
}

void consul_session_destroy(struct consul_model *model, const struct consul_call *call,
                            struct consul_reply *reply)
{
    size_t at;

    if (call->name[0] != '\0')
        consul_state_entry(&model->state);
    if (!session_named(model, call, &at, reply))
        return;
    if (at < model->state.session_count)
        sessions_end(&model->state, at, call->now);
    text_add(&reply->body, "true");
}

void consul_session_info(struct consul_model *model, const struct consul_call *call,
                         struct consul_reply *reply)
{
    uint64_t index = model->state.sessions_index;
    size_t at;

    if (!consul_call_check(call, reply))
        return;
    if (!session_named(model, call, &at, reply)) {
        reply->index = call->name[0] != '\0'; /* as little as a header can say */
        return;
    }
    reply->index = index ? index : 1;
    if (at < model->state.session_count)
        show_list(model->state.sessions[at].session, &reply->body);
    else
        text_add(&reply->body, "[]");
}
