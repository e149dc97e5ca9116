/* kinds.h - the kinds of probes, each in a file of its own, and the context that each wants. */
#ifndef PROBES_KINDS_H
#define PROBES_KINDS_H

#include "common/options/settings.h"
#include "consul/http.h"
#include "probes/probe.h"
#include "probes/transfer.h"

/* http://... and https://...: the status of a GET. context: struct transfers. */
extern const struct probe_kind_operations probe_http;

/* tcp://HOST:PORT: whether somebody accepts. context: struct transfers. */
extern const struct probe_kind_operations probe_tcp;

/* consul: what the agent says of our service's checks, which it may do from another agent of the
 * machine. context: struct probe_consul.
 */
extern const struct probe_kind_operations probe_consul;

struct probe_consul {
    const struct settings *settings;
    struct http *http;
    const char *(*service_id)(void *context); /* of our service; empty: not known yet */
    void *context;
};

#endif
