#include "network/tags/proxy.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/scope.h"
#include "consul/path.h"
#include "network/tags/query.h"

static struct tags *proxy_open(const struct tags *tags)
{
    struct tags *proxy = memory_new(sizeof *proxy);

    *proxy = (struct tags){
        .settings = tags->settings,
        .http = tags->http,
        .was_read = tags->was_read,
        .parent = tags,
        .ordered = tags->ordered,
        .leader = tags->leader,
        .standing = tags->standing,
        .stopped = tags->stopped,
        .session = tags->session,
        .patience_ns = tags->patience_ns,
        .writes_left = WRITES_AT_ONCE,
        .writes_since_ns = clock_now_ns(),
    };
    return proxy;
}

static void proxy_listed(void *context, const struct http_response *response)
{
    struct tags *proxy = context;

    proxy->request = NULL;
    AUTO_JSON struct json_object *list = response->answered && response->status == 200
                                             ? json_read(response->body, response->length)
                                             : NULL;
    if (service_proxy_id(proxy->parent->id, proxy->id) &&
        json_member(list, proxy->id, json_type_object))
        tags_read(proxy);
    else
        proxy->id[0] = '\0';
}

/* In a list: agents log an error for who asks for one that is not there, as with most services. */
void tags_look_for_proxy(struct tags *tags)
{
    char id[SERVICE_ID_SIZE];

    if (!service_is_nomads(tags->id) || tags->parent || !service_proxy_id(tags->id, id))
        return;
    if (!tags->proxy)
        tags->proxy = proxy_open(tags);
    if (tags->proxy->request || tags->proxy->id[0] != '\0')
        return;
    AUTO_FREE char *filter = memory_text("ID == \"%s\"", id);
    AUTO_FREE char *path = path_name("/v1/agent/services?filter=", filter, "");
    tags_send(tags->proxy, "GET", path, NULL, 0, proxy_listed);
}

bool tags_is_orphan(const struct tags *tags)
{
    char id[SERVICE_ID_SIZE];

    return tags->parent && (!service_proxy_id(tags->parent->id, id) || strcmp(id, tags->id) != 0);
}
