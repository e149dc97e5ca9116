/* tags.h - the service's tags follow the role: the primary tag on the leader alone, the replica
 * tag, if there is one, on the others.
 *
 * Through the local agent, with the definition that was read, tags alone changed; a service that is
 * not there is waited for and never created, but for the one of --register, which is put up and
 * taken down here as well: one request after the other, so that none overtakes another. The agent
 * is asked in blocking queries on the definition's hash, so that what somebody else undoes is
 * redone in milliseconds. A tag is a hint for finding the leader, never a proof (docs/operating.md,
 * "Tags"). In Nomad the proxy of the service's Connect sidecar has the same tag.
 */
#ifndef TAGS_TAGS_H
#define TAGS_TAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/messages/network.h"
#include "common/options/settings.h"
#include "consul/http.h"
#include "network/tags/listener.h"

struct tags;

/* Begins to look for the service. Nothing is changed before the first tags_role(). */
struct tags *tags_open(const struct settings *settings, struct http *http,
                       const struct tags_listener *listener);

/* The role that the service shall show from now on; sent without delay where the definition is
 * known. But Nomad, when it stops us, deregisters the service at the same time, and a write that
 * came after that would bring it back: it is given a moment for that first. What is there after
 * that, or again, is deregistered if it ends with us: our task's service, and a proxy without one.
 */
void tags_role(struct tags *tags, const struct role_order *role);

/* What the service of --register shall show; no effect without one. */
void tags_health(struct tags *tags, const struct health_order *order);

/* The service's ID; empty: not found yet. */
const char *tags_service_id(const struct tags *tags);

/* Whether the service shows the role, or is not there: nothing of ours is on its way. */
bool tags_settled(const struct tags *tags);

/* When tags_due() wants to be called; 0: not by time. */
uint64_t tags_next_due(const struct tags *tags);
void tags_due(struct tags *tags);

#endif
