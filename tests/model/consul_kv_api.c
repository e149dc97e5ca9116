#include <errno.h>
#include <stdlib.h>

#include "tests/model/consul_call.h"

void consul_kv_show(struct text *text, const struct kv_entry *entry, bool with_value)
{
    text_add(text, "{\"LockIndex\":");
    text_add_number(text, entry->lock_index);
    text_add(text, ",\"Key\":");
    text_add_json(text, entry->key);
    text_add(text, ",\"Flags\":");
    text_add_number(text, entry->flags);
    if (with_value && entry->value_length > 0) {
        text_add(text, ",\"Value\":\"");
        text_add_base64(text, entry->value, entry->value_length);
        text_add(text, "\"");
    } else {
        text_add(text, ",\"Value\":null");
    }
    if (entry->session[0] != '\0') {
        text_add(text, ",\"Session\":\"");
        text_add(text, entry->session);
        text_add(text, "\"");
    }
    text_add(text, ",\"CreateIndex\":");
    text_add_number(text, entry->create_index);
    text_add(text, ",\"ModifyIndex\":");
    text_add_number(text, entry->modify_index);
    text_add(text, "}");
}

/* --- GET --- */

static void show_list(const struct consul_state *state, size_t first, size_t count,
                      struct consul_reply *reply)
{
    if (count == 0) {
        reply->status = 404;
        return;
    }
    for (size_t i = first; i < first + count; i++) {
        text_add(&reply->body, i == first ? "[" : ",");
        consul_kv_show(&reply->body, state->keys.items[i], true);
    }
    text_add(&reply->body, "]");
}

static uint64_t at_least_one(uint64_t index)
{
    return index ? index : 1;
}

void consul_kv_get(struct consul_model *model, const struct consul_call *call,
                   struct consul_reply *reply)
{
    const struct consul_state *state = &model->state;

    if (!consul_call_check(call, reply))
        return;
    if (consul_call_parameter(call, "recurse")) {
        size_t count, first = keys_prefix(state, call->name, &count);
        reply->index = at_least_one(keys_prefix_index(state, call->name));
        show_list(state, first, count, reply);
        return;
    }
    if (call->name[0] == '\0') {
        consul_reply_set(reply, 400, "Missing key name");
        return;
    }
    const struct kv_entry *entry = keys_find(state, call->name);
    if (!entry) {
        reply->status = 404;
        reply->index = at_least_one(keys_table_index(state));
        return;
    }
    reply->index = entry->modify_index;
    text_add(&reply->body, "[");
    consul_kv_show(&reply->body, entry, true);
    text_add(&reply->body, "]");
}

/* --- What writes have in common. --- */

static int parameter_order(const void *one, const void *other)
{
    return strcmp(((const struct parameter *)one)->name, ((const struct parameter *)other)->name);
}

/* Names the whole query, sorted (url.Values.Encode). */
static void refuse_conflict(const struct consul_call *call, struct consul_reply *reply)
{
    struct parameter sorted[QUERY_MAX];

    memcpy(sorted, call->parameters, call->parameter_count * sizeof *sorted);
    qsort(sorted, call->parameter_count, sizeof *sorted, parameter_order);
    consul_reply_set(reply, 400, "Conflicting flags: ");
    for (size_t i = 0; i < call->parameter_count; i++)
        text_add_format(&reply->body, "%s%s=%s", i ? "&" : "", sorted[i].name, sorted[i].value);
}

static bool conflicts(const struct consul_call *call, const char *const *names, size_t count,
                      struct consul_reply *reply)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += consul_call_parameter(call, names[i]) != NULL;
    if (found > 1)
        refuse_conflict(call, reply);
    return found > 1;
}

/* False: refused. A parameter that is not there is 0. */
static bool number_parameter(const struct consul_call *call, const char *name, uint64_t *number,
                             struct consul_reply *reply)
{
    const char *text = consul_call_parameter(call, name);

    *number = 0;
    if (!text)
        return true;
    errno = 0;
    *number = strtoull(text, NULL, 10);
    bool digits = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
    if (digits && errno == 0)
        return true;
    consul_reply_set(reply, 500, "strconv.ParseUint: parsing ");
    text_add_quoted(&reply->body, text);
    text_add(&reply->body, digits ? ": value out of range" : ": invalid syntax");
    return false;
}

static void reply_result(struct consul_reply *reply, int result)
{
    if (result < 0)
        reply->status = 500; /* the body has the reason */
    else
        text_add(&reply->body, result ? "true" : "false");
}

/* --- PUT --- */

static void put(struct consul_model *model, const struct consul_call *call, struct kv_write *write,
                struct consul_reply *reply)
{
    struct consul_state *state = &model->state;
    const char *acquire = consul_call_parameter(call, "acquire");
    const char *release = consul_call_parameter(call, "release");

    /* Only the leader knows of the delay, and asks before the entry is made. */
    if (acquire && delays_until(state, write->key) > call->now) {
        reply_result(reply, 0);
        return;
    }
    consul_state_entry(state);
    write->session = acquire ? acquire : release;
    if (acquire)
        reply_result(reply, keys_lock(state, write, &reply->body));
    else if (release)
        reply_result(reply, keys_unlock(state, write, &reply->body));
    else if (consul_call_parameter(call, "cas"))
        reply_result(reply, keys_cas(state, write));
    else
        reply_result(reply, keys_set(state, write));
}

void consul_kv_put(struct consul_model *model, const struct consul_call *call,
                   struct consul_reply *reply)
{
    static const char *const kinds[] = { "cas", "acquire", "release" };
    struct kv_write write = {
        .key = call->name,
        .value = call->body,
        .value_length = call->body_length,
    };

    if (!consul_call_check(call, reply))
        return;
    if (call->name[0] == '\0') {
        consul_reply_set(reply, 400, "Missing key name");
        return;
    }
    if (conflicts(call, kinds, sizeof kinds / sizeof *kinds, reply))
        return;
    if (number_parameter(call, "flags", &write.flags, reply) &&
        number_parameter(call, "cas", &write.index, reply))
        put(model, call, &write, reply);
}

/* --- DELETE --- */

void consul_kv_delete(struct consul_model *model, const struct consul_call *call,
                      struct consul_reply *reply)
{
    static const char *const kinds[] = { "recurse", "cas" };
    struct consul_state *state = &model->state;
    bool recurse = consul_call_parameter(call, "recurse") != NULL;
    uint64_t index;

    if (!consul_call_check(call, reply) || conflicts(call, kinds, 2, reply))
        return;
    if (call->name[0] == '\0' && !recurse) {
        consul_reply_set(reply, 400, "Missing key name");
        return;
    }
    if (!number_parameter(call, "cas", &index, reply))
        return;
    consul_state_entry(state);
    if (recurse)
        reply_result(reply, keys_delete_prefix(state, call->name));
    else if (consul_call_parameter(call, "cas"))
        reply_result(reply, keys_delete_cas(state, call->name, index));
    else
        reply_result(reply, keys_delete(state, call->name));
}
