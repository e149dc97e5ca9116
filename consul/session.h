/* session.h - Consul's sessions: what is asked for, and what the answers say.
 *
 * Consul: agent/session_endpoint.go. A session lives on the agent's node; it frees its locks
 * (Behavior release) when it ends.
 */
#ifndef CONSUL_SESSION_H
#define CONSUL_SESSION_H

#include "common/options/settings.h"
#include "consul/json.h"
#include "consul/refusal.h"
#include "election/lock.h"

/* The body that creates one; json_object_put() ends it. */
struct json_object *session_body(const struct settings *settings);

/* DONE: *session is the new one. INVALID: Consul refuses the TTL or another setting. */
enum answer_result session_created(const struct http_response *response,
                                   const struct attempt *attempt, struct session_id *session,
                                   struct error *reason);

/* Whether the session is what was asked for: Consul ignores a body that it cannot read, and an
 * immortal session would be the result. node: takes the name of its node. INVALID: it is not.
 * FAILED: that could not be seen.
 */
enum answer_result session_verified(const struct http_response *response,
                                    const struct attempt *attempt, const struct session_id *session,
                                    const struct settings *settings, char node[NAME_SIZE],
                                    struct error *reason);

/* DONE, GONE or FAILED. */
enum answer_result session_renewed(const struct http_response *response,
                                   const struct attempt *attempt, const struct session_id *session,
                                   struct error *reason);
enum answer_result session_destroyed(const struct http_response *response,
                                     const struct attempt *attempt, struct error *reason);

#endif
