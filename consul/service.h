/* service.h - services of the local agent: which one is ours, and its definition with other tags.
 *
 * Consul: agent/agent_endpoint.go. Registering replaces the whole definition, so it is sent back as
 * it was read; no checks are sent, which leaves them as they are.
 */
#ifndef CONSUL_SERVICE_H
#define CONSUL_SERVICE_H

#include "common/base/error.h"
#include "common/options/settings.h"
#include "consul/json.h"

#define SERVICE_ID_SIZE 512

enum service_choice {
    SERVICE_FOUND,
    SERVICE_ONLY, /* found, not by its name */
    SERVICE_ABSENT,
    SERVICE_AMBIGUOUS,
};

/* The service that --tag-service means, in the answer of /v1/agent/services. auto: in Nomad, of the
 * allocation's services the one named as --service, else the only one; elsewhere the only one of
 * that name. Else an ID, or the only one whose ID begins as said. Proxies are left out, but for one
 * that is named by its ID. reason: one line, when it is not found.
 */
enum service_choice service_choose(const struct json_object *list, const struct settings *settings,
                                   char id[SERVICE_ID_SIZE], struct error *reason);

/* Whether Nomad registered it, and brings it back to what it knows every half minute. */
bool service_is_nomads(const char *id);

/* Whether Nomad registered it for the task that we are, so that it shall end with us. Those of a
 * group, and of other tasks, go on. One that could be another task's is not ours.
 */
bool service_is_of_our_task(const struct json_object *definition, const struct settings *settings);

/* The ID of the proxy that a Connect sidecar of the service has. Returns false: too long. */
bool service_proxy_id(const char *id, char proxy_id[SERVICE_ID_SIZE]);

/* Whether it carries the mark of one that we have registered for this lock. */
bool service_is_ours(const struct json_object *definition, const struct settings *settings);

/* The name of that check, by which it is fed. */
void service_own_check(const struct settings *settings, char check[SERVICE_ID_SIZE]);

/* How long the check stays as it was fed. */
#define SERVICE_CHECK_TTL_NS ((uint64_t)15 * 1000000000u)

/* What a service shall show of us; an empty text is none. */
struct service_marks {
    const char *tag;             /* to be there, added at the end */
    const char *foreign_tags[2]; /* not to be there */
    const char *session;         /* to be Meta.session */
    const char *old_session;     /* not to be Meta.session */
};

/* The body that registers the service with the marks, or NULL when it has them already. The
 * caller's to end. Of what was read only indexes and hashes are left out.
 */
struct json_object *service_marked(const struct json_object *definition,
                                   const struct service_marks *marks);

/* The body that registers the service that --register asks for, with the marks and with its check,
 * as yet critical. The caller's to end.
 */
struct json_object *service_own(const struct settings *settings, const struct service_marks *marks);

/* The field that Consul refused in `json: unknown field "X"`, removed from the body; false: none.
 */
bool service_drop_unknown(struct json_object *body, const char *answer);

#endif
