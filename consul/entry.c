#include "consul/entry.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "consul/base64.h"

/* False: it is not a key as Consul shows it. A value of null is an empty one. */
static bool entry_fill(struct entry *entry, const struct json_object *shown)
{
    const char *session = json_text(shown, "Session");

    entry->index = json_number(shown, "ModifyIndex");
    entry->value = base64_decode(json_text(shown, "Value"), &entry->length);
    if (!entry->value || entry->index == 0 || json_text(shown, "Key")[0] == '\0' ||
        strlen(session) >= sizeof entry->session.text)
        return false;
    entry->key = memory_text("%s", json_text(shown, "Key"));
    strcpy(entry->session.text, session);
    return true;
}

static int fill(struct entries *entries, const struct json_object *list)
{
    size_t count = json_object_array_length(list);

    entries->list = memory_new((count + 1) * sizeof *entries->list);
    for (size_t i = 0; i < count; i++) {
        entries->count++;
        if (!entry_fill(&entries->list[i], json_object_array_get_idx(list, i)))
            return -1;
    }
    return 0;
}

int entries_read(const struct http_response *response, const struct attempt *attempt,
                 struct entries *entries, struct error *reason)
{
    memset(entries, 0, sizeof *entries);

    /* Another server's 404 has no index: it must not look like a lock that is absent. */
    if (response->answered && response->status == 404 && response->index != 0)
        return 0;

    if (response->answered && response->status == 200) {
        AUTO_JSON struct json_object *list = json_read(response->body, response->length);
        if (json_object_is_type(list, json_type_array) && fill(entries, list) == 0)
            return 0;
        entries_end(entries);
    }
    refusal_read(response, attempt, reason);
    return -1;
}

void entries_end(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->list[i].key);
        free(entries->list[i].value);
    }
    free(entries->list);
    memset(entries, 0, sizeof *entries);
}

const struct entry *entries_find(const struct entries *entries, const char *key)
{
    for (size_t i = 0; i < entries->count; i++)
        if (strcmp(entries->list[i].key, key) == 0)
            return &entries->list[i];
    return NULL;
}
