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

static void expect(struct tags *tags, const char *name)
{
    struct json_object *member;

    if (json_object_object_get_ex(tags->body, name, &member))
        json_object_object_add(tags->definition, name, json_object_get(member));
}

static void send_body(struct tags *tags)
{
    expect(tags, "Tags");
    expect(tags, "Meta");
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

    tags->request = NULL;
    if (response->answered && response->status == 400 &&
        service_drop_unknown(tags->body, response->body)) {
        send_body(tags);
        return;
    }
    if (response->answered && response->status == 200) {
        log_info("service tagged id=%s tags=%s", tags->id,
                 json_line(json_member(tags->body, "Tags", json_type_array)));
        read_service(tags);
    } else {
        failed(tags, response, "cannot tag the service", "write");
    }
    drop_body(tags);
}

static void watch(struct tags *tags);

/* Brings the definition to what the role asks for, or waits until somebody changes it. */
static void settle(struct tags *tags)
{
    struct service_marks marks = marks_of(tags);

    drop_body(tags);
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

    if (!tags->absent_told)
        log_line(in_nomad ? LOG_WARN : LOG_INFO, "%s", reason);
    tags->absent_told = true;
}

static void service_read(void *context, const struct http_response *response)
{
    struct tags *tags = context;
    bool watched = tags->watching;

    tags->request = NULL;
    tags->watching = false;
    if (response->answered && response->status == 404 &&
        refusal_says(response, "unknown service")) {
        forget_service(tags);
        tags->next_ns = clock_now_ns() + (watched ? 0 : LOOK_AGAIN);
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
    if (hasty) /* something between us and the agent does not wait */
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

struct tags *tags_open(const struct settings *settings, struct http *http,
                       const struct store_listener *listener)
{
    struct tags *tags = memory_new(sizeof *tags);

    tags->settings = settings;
    tags->http = http;
    tags->listener = *listener;
    tags->writes_left = WRITES_AT_ONCE;
    tags->writes_since_ns = clock_now_ns();
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

bool tags_settled(const struct tags *tags)
{
    return tags->watching || !tags->ordered || tags->id[0] == '\0';
}

uint64_t tags_next_due(const struct tags *tags)
{
    return tags->next_ns;
}

void tags_due(struct tags *tags)
{
    if (tags->next_ns == 0 || clock_now_ns() < tags->next_ns)
        return;
    if (tags->id[0] != '\0')
        read_service(tags);
    else
        look_up(tags);
}
