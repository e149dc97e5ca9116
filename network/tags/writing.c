#include "network/tags/writing.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/options/manner.h"
#include "consul/path.h"
#include "consul/refusal.h"
#include "network/tags/proxy.h"
#include "network/tags/query.h"
#include "network/tags/registration.h"

static struct service_marks marks_of(const struct tags *tags)
{
    const struct settings *settings = tags->settings;
    bool primary = tags->standing && tags->leader;
    bool replica = tags->standing && !tags->leader;
    bool session = manner_of(settings)->shows_session && !service_is_nomads(tags->id);

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

bool tags_registers(const struct tags *tags)
{
    return tags->registration && tags->standing && registration_is_wanted(tags->registration);
}

/* Whether the service is to be taken down: our own; and in Nomad what ends with us, which Nomad has
 * not taken down in time or a late write of ours has brought back: our task's, and the proxy of a
 * service that is gone, which Nomad would leave for ever.
 */
static bool withdraws(const struct tags *tags)
{
    if (tags->registration)
        return tags->ordered && !tags_registers(tags);
    return tags->stopped && tags->patience_ns == 0 &&
           (tags_is_orphan(tags) || service_is_of_our_task(tags->definition, tags->settings));
}

static void expect(struct tags *tags, const char *name)
{
    struct json_object *member;

    if (json_object_object_get_ex(tags->body, name, &member))
        json_set(tags->definition, name, json_object_get(member));
}

static void send_body(struct tags *tags)
{
    if (tags->definition) {
        expect(tags, "Tags");
        expect(tags, "Meta");
    }
    tags_send(tags, "PUT", "/v1/agent/service/register", json_line(tags->body), 0, service_written);
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
        tags_read(tags);
    } else {
        tags_failed(tags, response,
                    registered ? "cannot register the service" : "cannot tag the service", "write");
    }
    drop_body(tags);
}

/* Anew where an earlier run of ours has left it. */
void tags_put_up(struct tags *tags)
{
    struct service_marks marks = marks_of(tags);

    drop_body(tags);
    if (!write_allowed(tags)) {
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
        return;
    }
    _Static_assert(sizeof tags->id >= sizeof tags->settings->tag_service, "it fits");
    strcpy(tags->id, tags->settings->tag_service);
    tags->body = service_own(tags->settings, &marks);
    send_body(tags);
}

static void service_removed(void *context, const struct http_response *response)
{
    struct tags *tags = context;

    tags->request = NULL;
    bool gone = refusal_says(response, "nknown service"); /* by a request that was given up */
    if (!response->answered || (response->status != 200 && !gone)) {
        tags_failed(tags, response, "cannot deregister the service", "write");
        return;
    }
    log_info("service deregistered id=%s", tags->id);
    tags_read(tags); /* a write of ours that was given up may have come after it */
}

static void take_down(struct tags *tags)
{
    AUTO_FREE char *path = path_name("/v1/agent/service/deregister/", tags->id, "");

    if (tags->registration)
        registration_unmade(tags->registration);
    tags_send(tags, "PUT", path, NULL, 0, service_removed);
}

void tags_settle(struct tags *tags)
{
    struct service_marks marks = marks_of(tags);

    drop_body(tags);
    if (withdraws(tags)) {
        take_down(tags);
        return;
    }
    if (tags_registers(tags) && !registration_is_made(tags->registration)) {
        tags_put_up(tags);
        return;
    }
    if (tags->ordered && tags->patience_ns == 0 && !tags_is_orphan(tags))
        tags->body = service_marked(tags->definition, &marks);
    if (!tags->body) {
        tags_watch(tags);
    } else if (write_allowed(tags)) {
        send_body(tags);
    } else {
        complaints_say(&tags->complaints, LOG_WARN,
                       "somebody undoes the service's tags again and again");
        drop_body(tags);
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
    }
}
