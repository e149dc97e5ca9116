#include "network/tags/registration.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/complaints.h"
#include "consul/path.h"
#include "consul/refusal.h"
#include "consul/service.h"

/* So that a check that somebody removed is missed soon, too. */
#define FEED_INTERVAL SECONDS(2)
#define FEED_AGAIN    SECONDS(1)

struct registration {
    const struct settings *settings;
    struct http *http;
    void (*lost)(void *context);
    void *context;
    struct complaints complaints;
    struct health_order health;
    bool made;
    struct http_request *feed; /* the open one */
    uint64_t next_ns;          /* when to feed; 0: not while one is open, or there is no check */
};

static void fed(void *context, const struct http_response *response)
{
    struct registration *registration = context;
    struct attempt attempt = { .what = "cannot feed the service's check" };
    struct error reason;

    registration->feed = NULL;
    registration->next_ns = clock_now_ns() + FEED_INTERVAL;
    if (response->answered && response->status == 200)
        return;
    registration->next_ns = clock_now_ns() + FEED_AGAIN;
    if (refusal_is_outage(response)) /* the store tells of it */
        return;
    if (refusal_says(response, "associated TTL") || refusal_says(response, "nknown check")) {
        registration_unmade(registration);
        registration->lost(registration->context);
        return;
    }
    snprintf(attempt.rule, sizeof attempt.rule, "service:write on \"%s\"",
             registration->settings->service);
    refusal_read(response, &attempt, &reason);
    complaints_say(&registration->complaints, LOG_ERROR, reason.text);
}

static void feed(struct registration *registration)
{
    const struct health_order *health = &registration->health;
    AUTO_JSON struct json_object *body = json_new_object();
    char check[SERVICE_ID_SIZE];

    service_own_check(registration->settings, check);
    AUTO_FREE char *path = path_name("/v1/agent/check/update/", check, "");
    json_set_text(body, "Status", health->well ? "passing" : "critical");
    json_set_text(body, "Output", health->reason);
    struct http_order order = {
        .method = "PUT",
        .path = path,
        .body = json_line(body),
        .timeout_ns = settings_request_timeout(registration->settings),
        .callback = fed,
        .context = registration,
    };
    registration->next_ns = 0;
    registration->feed = http_request(registration->http, &order);
}

static void feed_anew(struct registration *registration)
{
    http_cancel(registration->feed);
    registration->feed = NULL;
    feed(registration);
}

struct registration *registration_open(const struct settings *settings, struct http *http,
                                       void (*lost)(void *context), void *context)
{
    struct registration *registration = memory_new(sizeof *registration);

    registration->settings = settings;
    registration->http = http;
    registration->lost = lost;
    registration->context = context;
    return registration;
}

void registration_health(struct registration *registration, const struct health_order *order)
{
    registration->health = *order;
    if (registration->made)
        feed_anew(registration);
}

bool registration_is_wanted(const struct registration *registration)
{
    return registration->health.serves;
}

bool registration_is_made(const struct registration *registration)
{
    return registration->made;
}

void registration_made(struct registration *registration)
{
    registration->made = true;
    feed_anew(registration);
}

void registration_unmade(struct registration *registration)
{
    http_cancel(registration->feed);
    registration->feed = NULL;
    registration->made = false;
    registration->next_ns = 0;
}

uint64_t registration_next_due(const struct registration *registration)
{
    return registration->next_ns;
}

void registration_due(struct registration *registration)
{
    if (registration->next_ns != 0 && clock_now_ns() >= registration->next_ns)
        feed(registration);
}
