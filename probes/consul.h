/* consul.h - probes that ask the local agent for the checks of our own service: well when they
 * pass or warn. The network process's.
 *
 * Consul: agent/agent_endpoint.go, AgentHealthServiceByID. The checks of the node count too, and
 * so does maintenance.
 */
#ifndef PROBES_CONSUL_H
#define PROBES_CONSUL_H

#include "base/settings.h"
#include "consul/http.h"
#include "probes/probe.h"

/* The context of all of them. */
struct consul_prober {
    const struct settings *settings;
    struct http *http;
    const char *(*service)(void *context); /* its ID; empty: not known */
    void *context;
};

extern const struct probe_kind_operations consul_probe;

#endif
