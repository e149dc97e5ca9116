#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/scope.h"
#include "consul/json.h"
#include "consul/path.h"
#include "consul/refusal.h"
#include "probes/kinds.h"

/* After the schedule's own, which says so better and breaks no trust in kept connections. */
#define TIMEOUT_MARGIN SECONDS(1)

static void describe(const struct json_object *answer, const char *status, struct error *reason)
{
    struct json_object *checks = json_member(answer, "Checks", json_type_array);
    size_t count = checks ? json_object_array_length(checks) : 0;

    error_set(reason, "the service is %.40s", status);
    for (size_t i = 0; i < count; i++) {
        struct json_object *check = json_object_array_get_idx(checks, i);
        if (strcmp(json_text(check, "Status"), "critical") == 0) {
            error_set(reason, "the service is %.40s: %.80s: %.200s", status,
                      json_text(check, "Name"), json_text(check, "Output"));
            return;
        }
    }
}

/* Consul: agent/agent_endpoint.go, AgentHealthServiceByID. Its statuses are no proof: an agent that
 * is asked too often answers 429 as well.
 */
static bool judge(const struct probe_consul *consul, const struct http_response *response,
                  struct error *reason)
{
    struct attempt attempt = { .what = "cannot read the service's checks" };
    AUTO_JSON struct json_object *answer =
        response->answered ? json_read(response->body, response->length) : NULL;
    const char *status = json_text(answer, "AggregatedStatus");

    if (strcmp(status, "passing") == 0 || strcmp(status, "warning") == 0)
        return true;
    if (response->answered && response->status == 404) {
        error_set(reason, "the agent does not know the service");
    } else if (status[0] != '\0') {
        describe(answer, status, reason);
    } else {
        snprintf(attempt.rule, sizeof attempt.rule, "service:read on \"%s\"",
                 consul->settings->service);
        refusal_read(response, &attempt, reason);
    }
    return false;
}

static void answered(void *context, const struct http_response *response)
{
    struct probe *probe = context;
    struct error reason = { .text = "" };
    bool good = judge(probe->context, response, &reason);

    probe->run = NULL;
    probe_ended(probe, good, reason.text);
}

static void begin(struct probe *probe)
{
    const struct probe_consul *consul = probe->context;
    const char *id = consul->service_id(consul->context);

    probe->awaited = "answer";
    if (id[0] == '\0') {
        probe_ended(probe, false, "the agent has no service to be asked for (--tag-service)");
        return;
    }
    AUTO_FREE char *path = path_name("/v1/agent/health/service/id/", id, "");
    struct http_order order = {
        .method = "GET",
        .path = path,
        .timeout_ns = probe->spec.timeout_ns + TIMEOUT_MARGIN,
        .callback = answered,
        .context = probe,
    };
    probe->run = http_request(consul->http, &order);
}

static void cancel(struct probe *probe)
{
    http_cancel(probe->run);
    probe_ended(probe, false, "");
}

const struct probe_kind_operations probe_consul = { begin, cancel };
