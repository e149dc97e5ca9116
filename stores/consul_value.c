#include "stores/consul_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

void consul_value_init(struct consul_value *value, const struct settings *settings)
{
    memset(value, 0, sizeof *value);
    lock_identity_init(&value->identity, settings);
    value->lease_ns = settings->lease_ns;
}

void consul_value_adopt(struct consul_value *value)
{
    value->adopting = true;
}

static void remember_written(struct consul_value *value, const char *text)
{
    free(value->written[1]);
    value->written[1] = value->written[0];
    value->written[0] = memory_text("%s", text);
}

static void forget_written(struct consul_value *value)
{
    for (size_t i = 0; i < sizeof value->written / sizeof *value->written; i++) {
        free(value->written[i]);
        value->written[i] = NULL;
    }
}

void consul_value_describe(struct consul_value *value, const char *service_id, const char *host,
                           unsigned port)
{
    if (lock_identity_describe(&value->identity, service_id, host, port))
        forget_written(value);
}

static const char *remember_line(struct consul_value *value, struct json_object *text)
{
    remember_written(value, json_line(text));
    return value->written[0];
}

static const char *claim(struct consul_value *value, const char *state, uint64_t token,
                         bool unhealthy)
{
    if (value->since[0] == '\0')
        lock_value_time(value->since);
    value->adopting = false;
    struct lock_claim claim = {
        .state = state,
        .unhealthy = unhealthy,
        .since = value->since,
        .lease_ns = value->lease_ns,
        .previous_token = value->previous_token,
        .token = token,
    };
    AUTO_JSON struct json_object *text = lock_value_claim(value->present, &value->identity, &claim);

    return remember_line(value, text);
}

const char *consul_value_acquire(struct consul_value *value, uint64_t highest_token)
{
    lock_value_time(value->since);
    value->previous_token = highest_token;
    return claim(value, "held", 0, false);
}

const char *consul_value_hold(struct consul_value *value, uint64_t token)
{
    return claim(value, "held", token, false);
}

const char *consul_value_release(struct consul_value *value, uint64_t token, bool unhealthy)
{
    return claim(value, "released", token, unhealthy);
}

const char *consul_value_give_back(struct consul_value *value, uint64_t index)
{
    if (!value->seen || value->seen_index != index)
        return NULL;
    if (!value->present) /* overwritten by somebody else; no token is above the index */
        return consul_value_release(value, index, false);
    AUTO_JSON struct json_object *text = lock_value_released(value->present, index);
    return remember_line(value, text);
}

static bool is_written(const struct consul_value *value, const struct entry *entry)
{
    for (size_t i = 0; i < sizeof value->written / sizeof *value->written; i++)
        if (value->written[i] && strlen(value->written[i]) == entry->length &&
            memcmp(value->written[i], entry->value, entry->length) == 0)
            return true;
    return false;
}

static void adopt(struct consul_value *value, const char *text)
{
    value->adopting = false;
    value->previous_token = json_number(value->present, "previous_token");
    snprintf(value->since, sizeof value->since, "%s", json_text(value->present, "since"));
    remember_written(value, text);
}

/* Most looks show what the last one did. The index alone would not do: another cluster may be there
 * now.
 */
static bool is_unchanged(const struct consul_value *value, const struct entry *entry)
{
    return value->seen && !value->adopting && value->seen_index == entry->index &&
           strcmp(value->seen, entry->value) == 0;
}

static void take_in(struct consul_value *value, const struct entry *entry)
{
    json_object_put(value->present);
    value->present = lock_value_read(entry->value, entry->length);
    if (value->adopting && lock_value_names(value->present, &value->identity))
        adopt(value, entry->value);
    free(value->seen);
    value->seen = memory_text("%s", entry->value);
    value->seen_index = entry->index;
    value->shown = (struct lock_view){ .exists = true, .index = entry->index };
    lock_value_show(value->present, &value->shown);
}

void consul_value_seen(struct consul_value *value, const struct entry *entry,
                       struct lock_view *view)
{
    bool consistent = view->consistent;

    if (!is_unchanged(value, entry))
        take_in(value, entry);
    *view = value->shown;
    view->consistent = consistent;
    view->session = entry->session;
    view->ours = is_written(value, entry);
}
