/* proxy.h - the proxy of a service's Connect sidecar shows the role as its service does.
 *
 * Consul's mesh finds the leader by the tags of its proxy, which has those that its service had
 * when the two were registered. In Nomad alone: Nomad takes both down together, whoever wrote last;
 * for others a proxy that was written by itself would stay. Private to this folder.
 */
#ifndef TAGS_PROXY_H
#define TAGS_PROXY_H

#include <stdbool.h>

struct tags;

/* Looks for the proxy of a service that was read. Without an ID none is known; it is asked for
 * again when its service is read again, and so has no time of its own then (next_ns).
 */
void tags_look_for_proxy(struct tags *tags);

/* Whether these are of a proxy whose service is not there any more. */
bool tags_is_orphan(const struct tags *tags);

#endif
