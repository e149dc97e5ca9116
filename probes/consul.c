#include "probes/consul.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/scope.h"
#include "consul/json.h"
#include "consul/path.h"
#include "consul/refusal.h"

/* After the runner's, which says so better. */
#define TIMEOUT_MARGIN SECONDS(1)

/* The first of the service's checks that is in that state. */
static const char *find_check(const struct json_object *answer, const char *status)
{
    struct json_object *checks = json_member(answer, "Checks", json_type_array);
    size_t count = checks ? json_object_array_length(checks) : 0;

    for (size_t i = 0; i < count; i++) {
        const struct json_object *check = json_object_array_get_idx(checks, i);
        if (strcmp(json_text(check, "Status"), status) == 0)
            return json_text(check, "Name");
    }
    return "";
}

/* A full agent answers 429 as well: what counts is the body. */
static bool is_well(const struct json_object *answer, struct error *reason)
{
    const char *status = json_text(answer, "AggregatedStatus");
    const char *check = find_check(answer, "critical");

    if (strcmp(status, "passing") == 0 || strcmp(status, "warning") == 0)
        return true;
    error_set(reason, "the service is %.40s%s%.100s", status, check[0] ? ": " : "", check);
    return false;
}

static void answered(void *context, const struct http_response *response)
{
    struct probe *probe = context;
    const struct consul_prober *prober = probe->context;
    struct attempt attempt = { .what = "cannot read the service's checks" };
    struct error reason = { "" };
    bool passed = false;

    probe->run = NULL;
    AUTO_JSON struct json_object *answer =
        response->answered ? json_read(response->body, response->length) : NULL;
    if (response->answered && response->status == 404) {
        error_set(&reason, "the agent does not have the service any more");
    } else if (json_text(answer, "AggregatedStatus")[0] != '\0') {
        passed = is_well(answer, &reason);
    } else {
        snprintf(attempt.rule, sizeof attempt.rule, "service:read on \"%s\"",
                 prober->settings->service);
        refusal_read(response, &attempt, &reason);
    }
    probe_ended(probe, passed, reason.text);
}

static void begin(struct probe *probe)
{
    const struct consul_prober *prober = probe->context;
    const char *service = prober->service(prober->context);

    if (service[0] == '\0') {
        probe_ended(probe, false, "the agent has no such service to be asked for");
        return;
    }
    AUTO_FREE char *path = path_name("/v1/agent/health/service/id/", service, "");
    struct http_order order = {
        .method = "GET",
        .path = path,
        .timeout_ns = probe->spec.timeout_ns + TIMEOUT_MARGIN,
        .callback = answered,
        .context = probe,
    };
    probe->awaited = "answer";
    probe->run = http_request(prober->http, &order);
}

static void cancel(struct probe *probe)
{
    http_cancel(probe->run);
    probe->run = NULL;
    probe_ended(probe, false, "");
}

const struct probe_kind_operations consul_probe = { .begin = begin, .cancel = cancel };
