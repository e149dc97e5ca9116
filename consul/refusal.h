/* refusal.h - what it means when Consul does not answer what it was asked for: whether the request
 * can have been carried out, and what to tell the operator.
 *
 * Which status means what: Consul's agent/http.go, wrap().
 */
#ifndef CONSUL_REFUSAL_H
#define CONSUL_REFUSAL_H

#include "common/base/error.h"
#include "consul/http.h"
#include "election/lock.h"

/* What was tried, for messages. */
struct attempt {
    const char *what; /* `cannot create a session` */
    char rule[640];   /* the ACL rule that it needs: `session:write on the agent's node` */
};

/* ANSWER_FAILED: surely not carried out. ANSWER_UNKNOWN: perhaps. reason: one line. Also for an
 * answer with status 200 that is not what Consul would say.
 */
enum answer_result refusal_read(const struct http_response *response, const struct attempt *attempt,
                                struct error *reason);

/* Whether Consul answered at all and has servers to work with; reason: why not. */
bool refusal_is_outage(const struct http_response *response);

/* Whether the answer's body holds the text. */
bool refusal_says(const struct http_response *response, const char *text);

#endif
