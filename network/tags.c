#include "network/tags.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "consul/complaints.h"
#include "consul/memory.h"
#include "consul/path.h"
#include "consul/refusal.h"
#include "consul/service.h"
#include "network/registration.h"

#define LOOK_AGAIN       SECONDS(1)
#define WATCH_WAIT       SECONDS(60)
#define NEVER_SEEN_LIMIT SECONDS(10) /* three look-ups 5 s apart */

/* Somebody who undoes each of our writes is given way to: so many at once, then one a second. */
#define WRITES_AT_ONCE 10

struct tags {
    const struct settings *settings;
    struct http *http;
    struct store_listener listener;
    struct complaints complaints;
    struct registration *registration; /* NULL: the service is somebody else's */

    bool ordered; /* the role is known */
    bool leader;
    bool standing;
    struct session_id session; /* the last that was named */

    char id[SERVICE_ID_SIZE]; /* the service; empty: to be looked for */
    bool seen;                /* it was there once */
    bool absent_told;
    bool override_warned;
    uint64_t first_look_ns; /* when Consul first listed its services */

    struct http_request *request; /* the open one: look-up, read, watch or write */
    bool watching;                /* it is the watch */
    uint64_t asked_ns;
    uint64_t next_ns; /* when to go on; 0: a request is open */
    char hash[64];
    struct json_object *definition; /* as the agent has it, or will when it has our open write */
    bool current;                   /* no request has failed since */
    struct json_object *body;       /* of the open write */

    unsigned writes_left;
    uint64_t writes_since_ns;
};

static void read_service(struct tags *tags);

static void send(struct tags *tags, const char *method, const char *path, const char *body,
                 uint64_t wait_ns, http_callback callback)
{
    struct http_order order = {
        .method = method,
        .path = path,
        .body = body,
        .timeout_ns = wait_ns + wait_ns / 16 + settings_request_timeout(tags->settings),
        .callback = callback,
        .context = tags,
    };

    tags->next_ns = 0;
    tags->asked_ns = clock_now_ns();
    tags->request = http_request(tags->http, &order);
}

/* An agent that is away is the store's to tell of. */
static void failed(struct tags *tags, const struct http_response *response, const char *what,
                   const char *access)
{
    struct attempt attempt = { .what = what };
    struct error reason;

    snprintf(attempt.rule, sizeof attempt.rule, "service:%s on \"%s\"", access,
             tags->settings->service);
    refusal_read(response, &attempt, &reason);
    if (refusal_is_outage(response))
        log_debug("%s", reason.text);
    else
        complaints_say(&tags->complaints, LOG_ERROR, reason.text);
    tags->current = false;
    tags->next_ns = clock_now_ns() + LOOK_AGAIN;
}

/* --- Writing. --- */

static struct service_marks marks_of(const struct tags *tags)
{
    const struct settings *settings = tags->settings;
    bool primary = tags->standing && tags->leader;
    bool replica = tags->standing && !tags->leader;
    bool session = settings->mode == MODE_SIDECAR && !service_is_nomads(tags->id);

    return (struct service_marks){
        .tag = primary   ? settings->primary_tag
               : replica ? settings->replica_tag
                         : "",
        .foreign_tags = { primary ? "" : settings->primary_tag,
                          replica ? "" : settings->replica_tag },
        .session = session && tags->standing ? tags->session.text : "",
        .old_session = session && !tags->standing ? tags->session.text : "",
    };
}

/* Whether a write may be sent now: tags that others undo at once are a fight. */
static bool write_allowed(struct tags *tags)
{
    uint64_t seconds = (clock_now_ns() - tags->writes_since_ns) / SECONDS(1);

    if (seconds > 0) {
        tags->writes_since_ns += SECONDS(seconds);
        tags->writes_left += seconds < WRITES_AT_ONCE ? (unsigned)seconds : WRITES_AT_ONCE;
        if (tags->writes_left > WRITES_AT_ONCE)
            tags->writes_left = WRITES_AT_ONCE;
    }
    if (tags->writes_left == 0)
        return false;
    tags->writes_left--;
    return true;
}

static void service_written(void *context, const struct http_response *response);

/* Whether a service of our own is to be put up, or to be taken down. */
static bool registers(const struct tags *tags)
{
    return tags->registration && tags->standing && registration_is_wanted(tags->registration);
}

static bool withdraws(const struct tags *tags)
{
    return tags->registration && tags->ordered && !registers(tags);
}

static void expect(struct tags *tags, const char *name)
{
    struct json_object *member;

    if (json_object_object_get_ex(tags->body, name, &member))
        json_object_object_add(tags->definition, name, json_object_get(member));
}

static void send_body(struct tags *tags)
{
    if (tags->definition) {
        expect(tags, "Tags");
        expect(tags, "Meta");
    }
    send(tags, "PUT", "/v1/agent/service/register", json_line(tags->body), 0, service_written);
}

static void drop_body(struct tags *tags)
{
    json_object_put(tags->body);
    tags->body = NULL;
}

/* What the agent has now is read again, since others write too. */
static void service_written(void *context, const struct http_response *response)
{
    struct tags *tags = context;
    bool registered = json_object_object_get_ex(tags->body, "Check", NULL);

    tags->request = NULL;
    if (response->answered && response->status == 400 &&
        service_drop_unknown(tags->body, response->body)) {
        send_body(tags);
        return;
    }
    if (response->answered && response->status == 200) {
        log_info("service %s id=%s tags=%s", registered ? "registered" : "tagged", tags->id,
                 json_line(json_member(tags->body, "Tags", json_type_array)));
        if (registered)
            registration_made(tags->registration);
        read_service(tags);
    } else {
        failed(tags, response,
               registered ? "cannot register the service" : "cannot tag the service", "write");
    }
    drop_body(tags);
}

/* With its tags at once, and anew where an earlier run of ours has left it. */
static void put_up(struct tags *tags)
{
    struct service_marks marks = marks_of(tags);

    drop_body(tags);
    if (!write_allowed(tags)) {
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
        return;
    }
    strcpy(tags->id, tags->settings->tag_service);
    tags->body = service_own(tags->settings, &marks);
    send_body(tags);
}

static void service_removed(void *context, const struct http_response *response)
{
    struct tags *tags = context;

    tags->request = NULL;
    if (!response->answered || response->status != 200) {
        failed(tags, response, "cannot deregister the service", "write");
        return;
    }
    log_info("service deregistered id=%s", tags->id);
    read_service(tags); /* a write of ours that was given up may have come after it */
}

static void take_down(struct tags *tags)
{
    AUTO_FREE char *path = path_name("/v1/agent/service/deregister/", tags->id, "");

    registration_unmade(tags->registration);
    send(tags, "PUT", path, NULL, 0, service_removed);
}

static void watch(struct tags *tags);

/* Brings the definition to what the role asks for, or waits until somebody changes it. */
static void settle(struct tags *tags)
{
    struct service_marks marks = marks_of(tags);

    drop_body(tags);
    if (withdraws(tags)) {
        take_down(tags);
        return;
    }
    if (registers(tags) && !registration_is_made(tags->registration)) {
        put_up(tags);
        return;
    }
    if (tags->ordered)
        tags->body = service_marked(tags->definition, &marks);
    if (!tags->body) {
        watch(tags);
    } else if (write_allowed(tags)) {
        send_body(tags);
    } else {
        complaints_say(&tags->complaints, LOG_WARN,
                       "somebody undoes the service's tags again and again");
        drop_body(tags);
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
    }
}

/* --- Reading. --- */

static void forget_service(struct tags *tags)
{
    json_object_put(tags->definition);
    tags->definition = NULL;
    tags->current = false;
    tags->id[0] = '\0';
}

static void warn_of_override(struct tags *tags)
{
    struct json_object *override =
        json_member(tags->definition, "EnableTagOverride", json_type_boolean);

    if (tags->override_warned || !service_is_nomads(tags->id) ||
        (override && json_object_get_boolean(override)))
        return;
    tags->override_warned = true;
    log_warn("Nomad will undo the tags of %s every half minute, until its job sets "
             "enable_tag_override = true for the service",
             tags->id);
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

static void service_is_absent(struct tags *tags, bool was_there)
{
    forget_service(tags);
    if (tags->registration)
        registration_unmade(tags->registration);
    if (registers(tags))
        put_up(tags);
    else
        tags->next_ns = clock_now_ns() + (was_there ? 0 : LOOK_AGAIN);
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
    forget_service(tags);
    registration_unmade(tags->registration);
    tags->next_ns = clock_now_ns() + LOOK_AGAIN;
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
        failed(tags, response, "cannot read the service", "read");
        return;
    }
    bool hasty = watched && strcmp(tags->hash, response->hash) == 0 &&
                 clock_now_ns() < tags->asked_ns + LOOK_AGAIN;

    json_object_put(tags->definition);
    tags->definition = definition;
    tags->current = true;
    tags->seen = true;
    tags->absent_told = false;
    strcpy(tags->hash, response->hash);
    warn_of_override(tags);
    if (tags->registration && !service_is_ours(definition, tags->settings))
        leave_foreign(tags);
    else if (hasty) /* something between us and the agent does not wait */
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
    else
        settle(tags);
}

static void read_service(struct tags *tags)
{
    AUTO_FREE char *path = path_name("/v1/agent/service/", tags->id, "");

    send(tags, "GET", path, NULL, 0, service_read);
}

static void watch(struct tags *tags)
{
    AUTO_FREE char *query =
        memory_text("hash=%s&wait=%us", tags->hash, (unsigned)(WATCH_WAIT / SECONDS(1)));
    AUTO_FREE char *path = path_name("/v1/agent/service/", tags->id, query);

    send(tags, "GET", path, NULL, WATCH_WAIT, service_read);
    tags->watching = true;
}

/* --- Looking for it. --- */

/* A sidecar without its service is of no use, and Nomad shows one that ends. */
static void give_up_unseen(struct tags *tags, const char *reason)
{
    const struct settings *settings = tags->settings;
    uint64_t now = clock_now_ns();

    if (tags->first_look_ns == 0)
        tags->first_look_ns = now;
    if (settings->mode != MODE_SIDECAR || settings->nomad_alloc_id[0] == '\0' || tags->seen ||
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
        failed(tags, response, "cannot list the agent's services", "read");
        return;
    }

    tags->next_ns = clock_now_ns() + LOOK_AGAIN;
    switch (service_choose(list, tags->settings, tags->id, &reason)) {
    case SERVICE_FOUND:
        read_service(tags);
        break;
    case SERVICE_ABSENT:
        if (registers(tags)) {
            put_up(tags);
            break;
        }
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
    send(tags, "GET", "/v1/agent/services", NULL, 0, services_listed);
}

/* --- The interface. --- */

/* What is shown is not right any more: it is changed without delay where the definition is known.
 */
static void act(struct tags *tags)
{
    if (tags->writes_left == 0)
        tags->writes_left = 1;
    if (tags->current) { /* an open write is not waited for: its answer may come too late */
        http_cancel(tags->request);
        tags->request = NULL;
        tags->watching = false;
        settle(tags);
    } else if (tags->next_ns != 0 && !tags->absent_told) {
        tags->next_ns = clock_now_ns(); /* else the answer that comes finds the new role */
    }
}

/* The service's check is not there any more. */
static void check_lost(void *context)
{
    act(context);
}

struct tags *tags_open(const struct settings *settings, struct http *http,
                       const struct store_listener *listener)
{
    struct tags *tags = memory_new(sizeof *tags);

    tags->settings = settings;
    tags->http = http;
    tags->listener = *listener;
    tags->writes_left = WRITES_AT_ONCE;
    tags->writes_since_ns = clock_now_ns();
    if (settings->register_port != 0)
        tags->registration = registration_open(settings, http, check_lost, tags);
    look_up(tags);
    return tags;
}

void tags_role(struct tags *tags, bool leader, bool standing, const struct session_id *session)
{
    tags->ordered = true;
    tags->leader = leader;
    tags->standing = standing;
    if (session && session->text[0] != '\0')
        tags->session = *session;
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
    return tags->watching || !tags->ordered || tags->id[0] == '\0';
}

uint64_t tags_next_due(const struct tags *tags)
{
    uint64_t due = tags->next_ns;

    return tags->registration ? clock_earlier(due, registration_next_due(tags->registration)) : due;
}

void tags_due(struct tags *tags)
{
    if (tags->registration)
        registration_due(tags->registration);
    if (tags->next_ns == 0 || clock_now_ns() < tags->next_ns)
        return;
    if (tags->id[0] != '\0')
        read_service(tags);
    else
        look_up(tags);
}
