#include "consul/service.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/duration.h"

#define NOMAD_PREFIX "_nomad-task-"
#define PROXY_SUFFIX "-sidecar-proxy"

/* --- Which one. --- */

bool service_is_nomads(const char *id)
{
    return strncmp(id, NOMAD_PREFIX, strlen(NOMAD_PREFIX)) == 0;
}

static bool is_auto(const struct settings *settings)
{
    return strcmp(settings->tag_service, "auto") == 0;
}

static bool is_prefix(const char *tag_service)
{
    return tag_service[0] != '\0' && tag_service[strlen(tag_service) - 1] == '*';
}

static bool is_proxy(const struct json_object *service)
{
    const char *id = json_text(service, "ID");
    size_t length = strlen(id);

    return json_text(service, "Kind")[0] != '\0' ||
           (length >= strlen(PROXY_SUFFIX) &&
            strcmp(id + length - strlen(PROXY_SUFFIX), PROXY_SUFFIX) == 0);
}

bool service_proxy_id(const char *id, char proxy_id[SERVICE_ID_SIZE])
{
    return snprintf(proxy_id, SERVICE_ID_SIZE, "%s" PROXY_SUFFIX, id) < SERVICE_ID_SIZE;
}

/* Nomad: client/serviceregistration/id.go. The service's name tells the task "web" from "web-2";
 * where it comes twice the task may be "web", or "web-NAME".
 */
bool service_is_of_our_task(const struct json_object *definition, const struct settings *settings)
{
    char task[2 * NAME_SIZE + 16], service[NAME_SIZE + 2];
    const char *id = json_text(definition, "ID");

    snprintf(task, sizeof task, NOMAD_PREFIX "%s-%s", settings->nomad_alloc_id,
             settings->nomad_task_name);
    snprintf(service, sizeof service, "-%s-", json_text(definition, "Service"));
    if (settings->nomad_task_name[0] == '\0' || strncmp(id, task, strlen(task)) != 0)
        return false;
    const char *rest = id + strlen(task);
    return strncmp(rest, service, strlen(service)) == 0 &&
           !strstr(rest + strlen(service) - 1, service);
}

/* One way to choose: how the ID begins, and which name it has; empty: any. */
struct choosing {
    char prefix[NAME_SIZE + 32];
    const char *name;
    bool whole; /* the prefix is the whole ID */
};

static bool is_meant(const struct choosing *choosing, const char *id,
                     const struct json_object *service)
{
    if (strlen(id) >= SERVICE_ID_SIZE)
        return false;
    if (choosing->whole)
        return strcmp(id, choosing->prefix) == 0;
    return strncmp(id, choosing->prefix, strlen(choosing->prefix)) == 0 && !is_proxy(service) &&
           (choosing->name[0] == '\0' ||
            strcmp(json_text(service, "Service"), choosing->name) == 0);
}

struct chosen {
    unsigned count;
    char id[SERVICE_ID_SIZE]; /* the first */
    char all[640];            /* for the message */
};

static void take(struct chosen *chosen, const char *id)
{
    size_t used = strlen(chosen->all);

    if (chosen->count == 0)
        snprintf(chosen->id, sizeof chosen->id, "%s", id);
    snprintf(chosen->all + used, sizeof chosen->all - used, "%s%s", chosen->count ? ", " : "", id);
    chosen->count++;
}

static struct chosen choose(const struct json_object *list, const struct choosing *choosing)
{
    struct chosen chosen = { 0 };

    json_object_object_foreach((struct json_object *)list, id, service)
    {
        if (is_meant(choosing, id, service))
            take(&chosen, id);
    }
    return chosen;
}

static enum service_choice settle(const struct chosen *chosen, const char *what, const char *where,
                                  char id[SERVICE_ID_SIZE], struct error *reason)
{
    if (chosen->count == 1) {
        _Static_assert(sizeof chosen->id == SERVICE_ID_SIZE, "it fits");
        strcpy(id, chosen->id);
        return SERVICE_FOUND;
    }
    if (chosen->count == 0) {
        error_set(reason, "this agent has no service %s%s to be tagged", what, where);
        return SERVICE_ABSENT;
    }
    error_set(reason,
              "this agent has %u services %s%s: which is to be tagged? (--tag-service ID): %s",
              chosen->count, what, where, chosen->all);
    return SERVICE_AMBIGUOUS;
}

static enum service_choice choose_in_nomad(const struct json_object *list,
                                           const struct settings *settings,
                                           char id[SERVICE_ID_SIZE], struct error *reason)
{
    struct choosing choosing = { .name = settings->service };
    char where[NAME_SIZE + 64];

    snprintf(choosing.prefix, sizeof choosing.prefix, NOMAD_PREFIX "%s-", settings->nomad_alloc_id);
    snprintf(where, sizeof where, "of allocation %s", settings->nomad_alloc_id);
    struct chosen chosen = choose(list, &choosing);
    if (chosen.count > 0)
        return settle(&chosen, "", where, id, reason);
    choosing.name = "";
    chosen = choose(list, &choosing);
    enum service_choice choice = settle(&chosen, "", where, id, reason);
    return choice == SERVICE_FOUND ? SERVICE_ONLY : choice;
}

/* Elsewhere: by name, by ID, or by how the ID begins. */
static struct choosing choosing_of(const struct settings *settings)
{
    const char *tag_service = settings->tag_service;
    struct choosing choosing = { .name = "" };

    if (is_auto(settings))
        choosing.name = settings->service;
    else
        snprintf(choosing.prefix, sizeof choosing.prefix, "%s", tag_service);
    if (is_prefix(tag_service))
        choosing.prefix[strlen(choosing.prefix) - 1] = '\0';
    else
        choosing.whole = !is_auto(settings);
    return choosing;
}

enum service_choice service_choose(const struct json_object *list, const struct settings *settings,
                                   char id[SERVICE_ID_SIZE], struct error *reason)
{
    char what[NAME_SIZE + 16];

    if (is_auto(settings) && settings->nomad_alloc_id[0] != '\0')
        return choose_in_nomad(list, settings, id, reason);
    snprintf(what, sizeof what, "\"%s\"",
             is_auto(settings) ? settings->service : settings->tag_service);
    struct choosing choosing = choosing_of(settings);
    struct chosen chosen = choose(list, &choosing);
    return settle(&chosen, what, "", id, reason);
}

/* --- Our own. --- */

#define OWN_MARK "leader-lock" /* Consul keeps names that begin with consul- */

/* One that nobody feeds any more is out of Consul's DNS after its TTL, and gone after this. */
#define OWN_REMOVED_AFTER "10m"

bool service_is_ours(const struct json_object *definition, const struct settings *settings)
{
    struct json_object *meta = json_member(definition, "Meta", json_type_object);

    return strcmp(json_text(meta, OWN_MARK), settings->key) == 0;
}

void service_own_check(const struct settings *settings, char check[SERVICE_ID_SIZE])
{
    snprintf(check, SERVICE_ID_SIZE, "service:%s", settings->tag_service);
}

static struct json_object *own_check(const struct settings *settings)
{
    struct json_object *check = json_new_object();
    char id[SERVICE_ID_SIZE], ttl[DURATION_TEXT_SIZE];

    service_own_check(settings, id);
    json_set_text(check, "CheckID", id);
    json_set_text(check, "Name", "consul-leader");
    json_set_text(check, "Notes", "fed by consul-leader while the program runs and is well");
    json_set_text(check, "TTL", duration_format(SERVICE_CHECK_TTL_NS, ttl));
    json_set_text(check, "Status", "critical");
    json_set_text(check, "DeregisterCriticalServiceAfter", OWN_REMOVED_AFTER);
    return check;
}

/* --- Its marks. --- */

static bool is_one_of(const char *tag, const char *const tags[2])
{
    return (tags[0][0] != '\0' && strcmp(tag, tags[0]) == 0) ||
           (tags[1][0] != '\0' && strcmp(tag, tags[1]) == 0);
}

/* The tags in their order, which counts for Consul's anti-entropy. NULL: nothing changes. */
static struct json_object *marked_tags(const struct json_object *definition,
                                       const struct service_marks *marks)
{
    struct json_object *present = json_member(definition, "Tags", json_type_array);
    struct json_object *tags = json_new_list();
    size_t count = present ? json_object_array_length(present) : 0;
    bool changed = false;
    bool there = marks->tag[0] == '\0';

    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(present, i);
        const char *tag = json_object_get_string(item);
        bool goes = tag && is_one_of(tag, marks->foreign_tags);
        there |= tag && strcmp(tag, marks->tag) == 0;
        changed |= goes;
        if (!goes)
            json_append(tags, json_object_get(item));
    }
    if (!there)
        json_append_text(tags, marks->tag, strlen(marks->tag));
    if (there && !changed) {
        json_object_put(tags);
        return NULL;
    }
    return tags;
}

/* Meta with our session, or without it. NULL: nothing changes. */
static struct json_object *marked_meta(const struct json_object *definition,
                                       const struct service_marks *marks)
{
    struct json_object *present = json_member(definition, "Meta", json_type_object);
    const char *session = json_text(present, "session");
    bool comes = marks->session[0] != '\0' && strcmp(session, marks->session) != 0;
    bool goes = marks->old_session[0] != '\0' && strcmp(session, marks->old_session) == 0;

    if (!comes && !goes)
        return NULL;
    struct json_object *meta = present ? json_copy(present) : json_new_object();
    if (comes)
        json_set_text(meta, "session", marks->session);
    else
        json_object_object_del(meta, "session");
    return meta;
}

/* What GET shows and PUT does not know, or has from elsewhere (the query's namespace). */
static const char *const shown_only[] = {
    "Service",    "ContentHash", "CreateIndex", "ModifyIndex",
    "Datacenter", "PeerName",    "Namespace",   "Partition",
};

/* Puts the marks into a definition. Returns whether that changed it. */
static bool mark(struct json_object *definition, const struct service_marks *marks)
{
    struct json_object *tags = marked_tags(definition, marks);
    struct json_object *meta = marked_meta(definition, marks);

    if (tags)
        json_set(definition, "Tags", tags);
    if (meta)
        json_set(definition, "Meta", meta);
    return tags || meta;
}

struct json_object *service_marked(const struct json_object *definition,
                                   const struct service_marks *marks)
{
    struct json_object *body = json_copy(definition);

    if (!mark(body, marks)) {
        json_object_put(body);
        return NULL;
    }
    json_set_text(body, "Name", json_text(definition, "Service"));
    for (size_t i = 0; i < sizeof shown_only / sizeof *shown_only; i++)
        json_object_object_del(body, shown_only[i]);
    return body;
}

struct json_object *service_own(const struct settings *settings, const struct service_marks *marks)
{
    struct json_object *body = json_new_object();
    struct json_object *meta = json_new_object();

    json_set_text(meta, OWN_MARK, settings->key);
    json_set_text(body, "ID", settings->tag_service);
    json_set_text(body, "Name", settings->service);
    if (settings->register_address[0] != '\0')
        json_set_text(body, "Address", settings->register_address);
    json_set_number(body, "Port", settings->register_port);
    json_set(body, "Meta", meta);
    json_set(body, "Check", own_check(settings));
    mark(body, marks);
    return body;
}

bool service_drop_unknown(struct json_object *body, const char *answer)
{
    char field[64];
    const char *at = strstr(answer, "unknown field \"");

    if (!at || sscanf(at, "unknown field \"%63[^\"]\"", field) != 1 ||
        !json_object_object_get_ex(body, field, NULL))
        return false;
    json_object_object_del(body, field);
    return true;
}
