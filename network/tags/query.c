#include "network/tags/query.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/path.h"
#include "consul/refusal.h"

#define WATCH_WAIT SECONDS(60)

void tags_send(struct tags *tags, const char *method, const char *path, const char *body,
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

void tags_forget(struct tags *tags)
{
    json_object_put(tags->definition);
    tags->definition = NULL;
    tags->current = false;
    tags->id[0] = '\0';
}

/* An agent that is away is the store's to tell of. */
void tags_failed(struct tags *tags, const struct http_response *response, const char *what,
                 const char *access)
{
    struct attempt attempt = { .what = what };
    struct error reason;

    const char *name =
        tags->definition ? json_text(tags->definition, "Service") : tags->settings->service;
    snprintf(attempt.rule, sizeof attempt.rule, "service:%s on \"%s\"", access, name);
    refusal_read(response, &attempt, &reason);
    if (refusal_is_outage(response))
        log_debug("%s", reason.text);
    else
        complaints_say(&tags->complaints, LOG_ERROR, reason.text);
    tags->current = false;
    if (tags->parent && response->answered && response->status == 403)
        tags_forget(tags); /* its service's end must not wait for it */
    else
        tags->next_ns = clock_now_ns() + LOOK_AGAIN;
}

void tags_read(struct tags *tags)
{
    AUTO_FREE char *path = path_name("/v1/agent/service/", tags->id, "");

    tags_send(tags, "GET", path, NULL, 0, tags->was_read);
}

void tags_watch(struct tags *tags)
{
    AUTO_FREE char *query =
        memory_text("hash=%s&wait=%us", tags->hash, (unsigned)(WATCH_WAIT / SECONDS(1)));
    AUTO_FREE char *path = path_name("/v1/agent/service/", tags->id, query);

    tags_send(tags, "GET", path, NULL, WATCH_WAIT, tags->was_read);
    tags->watching = true;
}
