#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "consul/json.h"
#include "consul/path.h"
#include "probes/kinds.h"

/* The first check that does not pass, of GET /v1/agent/health/service/id/ID. */
static void describe(const struct http_response *response, struct error *reason)
{
    AUTO_JSON struct json_object *answer = json_read(response->body, response->length);
    struct json_object *checks = json_member(answer, "Checks", json_type_array);
    size_t count = checks ? json_object_array_length(checks) : 0;

    error_set(reason, "the service is %s", json_text(answer, "AggregatedStatus"));
    for (size_t i = 0; i < count; i++) {
        struct json_object *check = json_object_array_get_idx(checks, i);
        if (strcmp(json_text(check, "Status"), "critical") == 0) {
            error_set(reason, "the service is critical: %.80s: %.200s", json_text(check, "Name"),
                      json_text(check, "Output"));
            return;
        }
    }
}

/* Consul: agent/agent_endpoint.go, AgentHealthServiceByID: 200 passing, 429 warning, 503 critical,
 * 404 no such service.
 */
static void answered(void *context, const struct http_response *response)
{
    struct probe *probe = context;
    struct error reason = { .text = "" };
    bool good = response->answered && (response->status == 200 || response->status == 429);

    probe->run = NULL;
    if (!response->answered)
        error_set(&reason, "%s", response->failure);
    else if (response->status == 503)
        describe(response, &reason);
    else if (response->status == 404)
        error_set(&reason, "the agent does not know the service");
    else if (!good)
        error_set(&reason, "Consul answered %ld", response->status);
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
        .timeout_ns = probe->spec.timeout_ns,
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
