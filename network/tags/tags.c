#include "network/tags/tags.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/scope.h"
#include "common/options/manner.h"
#include "consul/path.h"
#include "consul/refusal.h"
#include "network/tags/proxy.h"
#include "network/tags/query.h"
#include "network/tags/registration.h"
#include "network/tags/writing.h"

#define QUICK_LOOK       MILLISECONDS(10) /* then twice that, and so on */
#define QUICK_LOOKS      6
#define NEVER_SEEN_LIMIT SECONDS(10)

/* What is shown is not right any more: it is changed without delay where the definition is known.
 */
static void act(struct tags *tags)
{
    if (tags->writes_left == 0)
        tags->writes_left = 1;
    if (tags->current) { /* an open write is not waited for: its answer may come too late */
        bool writes = tags->body != NULL;
        http_cancel(tags->request);
        tags->request = NULL;
        tags->watching = false;
        if (!writes && !tags->standing && !tags->registration)
            tags_read(tags); /* whoever ends us may just have removed it: no write brings it back */
        else
            tags_settle(tags);
    } else if (tags->next_ns != 0 && !tags->absent_told) {
        tags->next_ns = clock_now_ns(); /* else the answer that comes finds the new role */
    }
}

/* --- Reading. --- */

static void warn_of_override(struct tags *tags)
{
    struct json_object *override =
        json_member(tags->definition, "EnableTagOverride", json_type_boolean);

    if (tags->override_warned || tags->parent || !service_is_nomads(tags->id) ||
        (override && json_object_get_boolean(override)))
        return;
    tags->override_warned = true;
    log_warn("Nomad will undo the tags of %s every half minute, until its job sets "
             "enable_tag_override = true for the service",
             tags->id);
}

/* Nomad registers a task's service a moment after the start of the task. */
static uint64_t until_next_look(struct tags *tags)
{
    return tags->looks < QUICK_LOOKS ? QUICK_LOOK << tags->looks++ : LOOK_AGAIN;
}

static void say_absent(struct tags *tags, const char *reason)
{
    bool in_nomad = tags->settings->nomad_alloc_id[0] != '\0';

    if (tags->registration) /* that it is not there is ours to know */
        return;
    if (!tags->absent_told)
        log_line(in_nomad ? LOG_WARN : LOG_INFO, "%s", reason);
    tags->absent_told = true;
}

/* What is not there now, or comes while Nomad stops us, is not ours any more. */
static bool is_over(const struct tags *tags)
{
    return tags->stopped && !tags->registration;
}

static void service_is_absent(struct tags *tags, bool was_there)
{
    tags_forget(tags);
    if (tags->proxy && !tags->proxy->body)
        act(tags->proxy); /* which may have to go too; else once its write is answered */
    if (tags->registration)
        registration_unmade(tags->registration);
    if (tags_registers(tags))
        tags_put_up(tags);
    else if (!tags->parent && !is_over(tags)) /* a proxy is found by way of its service */
        tags->next_ns = clock_now_ns() + (was_there ? 0 : until_next_look(tags));
}

/* Somebody else has taken the ID that would be ours. */
static void leave_foreign(struct tags *tags)
{
    struct error reason;

    error_set(
        &reason,
        "the service %s is not ours (no Meta of this lock): it is left alone, and ours is not "
        "registered",
        tags->id);
    complaints_say(&tags->complaints, LOG_WARN, reason.text);
    tags_forget(tags);
    registration_unmade(tags->registration);
    tags->next_ns = clock_now_ns() + LOOK_AGAIN;
}

static void tell_described(const struct tags *tags)
{
    if (!tags->parent)
        tags->listener.described(tags->listener.context, tags->id,
                                 json_text(tags->definition, "Address"),
                                 (unsigned)json_number(tags->definition, "Port"));
}

static void service_read(void *context, const struct http_response *response)
{
    struct tags *tags = context;
    bool watched = tags->watching;

    tags->request = NULL;
    tags->watching = false;
    if (response->answered && response->status == 404 &&
        refusal_says(response, "unknown service")) {
        service_is_absent(tags, watched);
        return;
    }
    struct json_object *definition = response->answered && response->status == 200
                                         ? json_read(response->body, response->length)
                                         : NULL;
    if (strcmp(json_text(definition, "ID"), tags->id) != 0) {
        json_object_put(definition);
        tags_failed(tags, response, "cannot read the service", "read");
        return;
    }
    bool hasty = watched && strcmp(tags->hash, response->hash) == 0 &&
                 clock_now_ns() < tags->asked_ns + LOOK_AGAIN;

    json_object_put(tags->definition);
    tags->definition = definition;
    tags->current = true;
    tags->seen = true;
    tags->looks = 0;
    tags->absent_told = false;
    _Static_assert(sizeof tags->hash == sizeof response->hash, "it fits");
    strcpy(tags->hash, response->hash);
    warn_of_override(tags);
    if (tags->registration && !service_is_ours(definition, tags->settings)) {
        leave_foreign(tags);
        return;
    }
    tell_described(tags);
    tags_look_for_proxy(tags);
    if (hasty) /* something between us and the agent does not wait */
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
    else
        tags_settle(tags);
}

/* --- Looking for it. --- */

/* A sidecar without its service is of no use, and Nomad shows one that ends. */
static void give_up_unseen(struct tags *tags, const char *reason)
{
    const struct settings *settings = tags->settings;
    uint64_t now = clock_now_ns();

    if (tags->first_look_ns == 0)
        tags->first_look_ns = now;
    if (!manner_of(settings)->needs_service || settings->nomad_alloc_id[0] == '\0' || tags->seen ||
        now < tags->first_look_ns + NEVER_SEEN_LIMIT)
        return;
    tags->seen = true; /* said once */
    tags->listener.fatal(tags->listener.context, EXIT_STATUS_UNAVAILABLE, reason);
}

static void services_listed(void *context, const struct http_response *response)
{
    struct tags *tags = context;
    struct error reason;

    tags->request = NULL;
    AUTO_JSON struct json_object *list = response->answered && response->status == 200
                                             ? json_read(response->body, response->length)
                                             : NULL;
    if (!json_object_is_type(list, json_type_object)) {
        tags_failed(tags, response, "cannot list the agent's services", "read");
        return;
    }

    if (is_over(tags))
        return;
    enum service_choice choice = service_choose(list, tags->settings, tags->id, &reason);
    if (choice == SERVICE_ABSENT && tags_registers(tags)) {
        tags_put_up(tags);
        return;
    }
    if (choice != SERVICE_FOUND && tags->looks < QUICK_LOOKS) { /* it may just be about to come */
        tags->id[0] = '\0';
        tags->next_ns = clock_now_ns() + until_next_look(tags);
        return;
    }
    tags->next_ns = clock_now_ns() + LOOK_AGAIN;
    switch (choice) {
    case SERVICE_FOUND:
    case SERVICE_ONLY:
        tags_read(tags);
        break;
    case SERVICE_ABSENT:
        say_absent(tags, reason.text);
        give_up_unseen(tags, reason.text);
        break;
    case SERVICE_AMBIGUOUS:
        complaints_say(&tags->complaints, LOG_ERROR, reason.text);
        break;
    }
}

static void look_up(struct tags *tags)
{
    tags_send(tags, "GET", "/v1/agent/services", NULL, 0, services_listed);
}

/* --- The interface. --- */

/* So long Nomad may take to deregister a service whose task it has told to stop. */
#define PATIENCE MILLISECONDS(300)

/* The service's check is not there any more. */
static void check_lost(void *context)
{
    act(context);
}

struct tags *tags_open(const struct settings *settings, struct http *http,
                       const struct tags_listener *listener)
{
    struct tags *tags = memory_new(sizeof *tags);

    tags->settings = settings;
    tags->http = http;
    tags->was_read = service_read;
    tags->listener = *listener;
    tags->writes_left = WRITES_AT_ONCE;
    tags->writes_since_ns = clock_now_ns();
    if (settings->register_port != 0)
        tags->registration = registration_open(settings, http, check_lost, tags);
    look_up(tags);
    return tags;
}

void tags_role(struct tags *tags, const struct role_order *role)
{
    if (tags->proxy)
        tags_role(tags->proxy, role);
    tags->ordered = true;
    tags->leader = role->leader;
    tags->standing = role->standing;
    tags->stopped |= role->stopped && !role->standing;
    if (role->session.text[0] != '\0')
        tags->session = role->session;
    if (!role->standing && role->stopped && tags->patience_ns == 0 &&
        (tags->parent || service_is_nomads(tags->id)))
        tags->patience_ns = clock_now_ns() + PATIENCE;
    else
        act(tags);
}

void tags_health(struct tags *tags, const struct health_order *order)
{
    if (!tags->registration)
        return;
    bool was_wanted = registration_is_wanted(tags->registration);
    registration_health(tags->registration, order);
    if (registration_is_wanted(tags->registration) != was_wanted)
        act(tags);
}

const char *tags_service_id(const struct tags *tags)
{
    return tags->id;
}

bool tags_settled(const struct tags *tags)
{
    bool settled =
        (tags->watching && tags->patience_ns == 0) || !tags->ordered || tags->id[0] == '\0';

    return settled && (!tags->proxy || tags_settled(tags->proxy));
}

uint64_t tags_next_due(const struct tags *tags)
{
    uint64_t due = clock_earlier(tags->next_ns, tags->patience_ns);

    if (tags->proxy)
        due = clock_earlier(due, tags_next_due(tags->proxy));
    return tags->registration ? clock_earlier(due, registration_next_due(tags->registration)) : due;
}

void tags_due(struct tags *tags)
{
    if (tags->proxy)
        tags_due(tags->proxy);
    if (tags->registration)
        registration_due(tags->registration);
    if (tags->patience_ns != 0 && clock_now_ns() >= tags->patience_ns) {
        tags->patience_ns = 0;
        act(tags);
    }
    if (tags->next_ns == 0 || clock_now_ns() < tags->next_ns)
        return;
    if (tags->id[0] != '\0')
        tags_read(tags);
    else if (is_over(tags))
        tags->next_ns = 0;
    else
        look_up(tags);
}
