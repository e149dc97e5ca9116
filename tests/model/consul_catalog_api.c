#include "consul/json.h"
#include "tests/model/consul_body.h"
#include "tests/model/consul_call.h"

enum { NODE_NODE, NODE_ADDRESS, NODE_SKIP_UPDATE, NODE_CHECK, NODE_FIELDS };

static const struct body_field node_fields[] = {
    [NODE_NODE] = { "Node", BODY_TEXT, "string" },
    [NODE_ADDRESS] = { "Address", BODY_TEXT, "string" },
    [NODE_SKIP_UPDATE] = { "SkipNodeUpdate", BODY_TRUTH, "bool" },
    [NODE_CHECK] = { "Check", BODY_OBJECT, "structs.HealthCheck" },
};

static const struct body_shape node_shape = { "structs.RegisterRequest", "RegisterRequest.", true,
                                              NODE_FIELDS, node_fields };

enum { CHECK_NODE, CHECK_ID, CHECK_NAME, CHECK_STATUS, CHECK_NOTES, CHECK_OUTPUT, CHECK_FIELDS };

static const struct body_field check_fields[] = {
    [CHECK_NODE] = { "Node", BODY_TEXT, "string" },
    [CHECK_ID] = { "CheckID", BODY_TEXT, "types.CheckID" },
    [CHECK_NAME] = { "Name", BODY_TEXT, "string" },
    [CHECK_STATUS] = { "Status", BODY_TEXT, "string" },
    [CHECK_NOTES] = { "Notes", BODY_TEXT, "string" },
    [CHECK_OUTPUT] = { "Output", BODY_TEXT, "string" },
};

static const struct body_shape check_shape = { "structs.HealthCheck", "HealthCheck.Check.", true,
                                               CHECK_FIELDS, check_fields };

enum { GONE_NODE, GONE_CHECK, GONE_SERVICE, GONE_FIELDS };

static const struct body_field gone_fields[] = {
    [GONE_NODE] = { "Node", BODY_TEXT, "string" },
    [GONE_CHECK] = { "CheckID", BODY_TEXT, "types.CheckID" },
    [GONE_SERVICE] = { "ServiceID", BODY_TEXT, "string" },
};

static const struct body_shape gone_shape = { "struct { Address string; *structs.Alias }", ".",
                                              true, GONE_FIELDS, gone_fields };

/* False: refused, and answered. */
static bool catalog_body(struct consul_model *model, const struct consul_call *call,
                         const struct body_shape *shape, struct json_object **body,
                         struct body_member *members, struct consul_reply *reply)
{
    struct text *complaint = &model->scratch;

    text_clear(complaint);
    if (body_parse(call->body, call->body_length, body, complaint) &&
        body_read(*body, shape, members, complaint))
        return true;
    reply->status = 400;
    text_add_format(&reply->body, "Request decode failed: %s", complaint->bytes);
    return false;
}

/* The node goes in only with its check (EnsureRegistration). */
static bool check_register(struct consul_model *model, const char *node,
                           const struct body_member *check, uint64_t now, struct text *complaint)
{
    const char *name = body_text(&check[CHECK_NAME], "");
    const char *id = body_text(&check[CHECK_ID], "");
    const char *status = body_text(&check[CHECK_STATUS], "");
    const char *of = body_text(&check[CHECK_NODE], "");
    bool critical = status[0] == '\0' || strcmp(status, "critical") == 0;

    if (id[0] == '\0')
        id = name;
    if (of[0] != '\0' && strcmp(of, node) != 0) {
        text_add(complaint, "check node ");
        text_add_quoted(complaint, of);
        text_add(complaint, " does not match node ");
        text_add_quoted(complaint, node);
        return false;
    }
    if (id[0] == '\0') {
        text_add(complaint, "failed inserting check: failed inserting check: object missing "
                            "primary index on node ");
        text_add_quoted(complaint, node);
        return false;
    }
    catalog_register_check(&model->state, node, id, critical, now);
    return true;
}

void consul_catalog_register(struct consul_model *model, const struct consul_call *call,
                             struct consul_reply *reply)
{
    AUTO_JSON struct json_object *body = NULL;
    struct body_member members[NODE_FIELDS], check[CHECK_FIELDS] = { 0 };
    struct text *complaint = &model->scratch;

    if (!catalog_body(model, call, &node_shape, &body, members, reply))
        return;
    if (!body_read(members[NODE_CHECK].value, &check_shape, check, complaint)) {
        reply->status = 400;
        text_add_format(&reply->body, "Request decode failed: %s", complaint->bytes);
        return;
    }
    const char *node = body_text(&members[NODE_NODE], "");
    bool skips =
        members[NODE_SKIP_UPDATE].value && json_object_get_boolean(members[NODE_SKIP_UPDATE].value);
    if (node[0] == '\0') {
        consul_reply_set(reply, 500, "Must provide node");
        return;
    }
    if (body_text(&members[NODE_ADDRESS], "")[0] == '\0' && !skips) {
        consul_reply_set(reply, 500, "Must provide address if SkipNodeUpdate is not set");
        return;
    }
    consul_state_entry(&model->state);
    if (members[NODE_CHECK].value && !check_register(model, node, check, call->now, &reply->body)) {
        reply->status = 500;
        return;
    }
    catalog_register_node(&model->state, node);
    text_add(&reply->body, "true");
}

/* Whether there was anything is not said. */
void consul_catalog_deregister(struct consul_model *model, const struct consul_call *call,
                               struct consul_reply *reply)
{
    AUTO_JSON struct json_object *body = NULL;
    struct body_member members[GONE_FIELDS];

    if (!catalog_body(model, call, &gone_shape, &body, members, reply))
        return;
    const char *node = body_text(&members[GONE_NODE], "");
    const char *check = body_text(&members[GONE_CHECK], "");
    if (node[0] == '\0') {
        consul_reply_set(reply, 500, "Must provide node");
        return;
    }
    consul_state_entry(&model->state);
    if (body_text(&members[GONE_SERVICE], "")[0] != '\0')
        ; /* there are no services */
    else if (check[0] != '\0')
        catalog_remove_check(&model->state, node, check, call->now);
    else
        catalog_remove_node(&model->state, node, call->now);
    text_add(&reply->body, "true");
}
