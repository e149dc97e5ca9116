/* transport.h - consul/http.h for the simulated network processes: each request goes from its
 * machine to the agent there, on to Consul's servers and back, or gets lost, late or refused on its
 * way.
 */
#ifndef SIMULATION_TRANSPORT_H
#define SIMULATION_TRANSPORT_H

#include "consul/http.h"
#include "tests/simulation/datacenter.h"
#include "tests/simulation/process.h"

/* One network process's client. */
struct transport {
    struct process *process;
    struct http_request *open; /* newest first */
};

/* Forgets all of the last run. */
void transport_begin(void);

/* As http_wait() does: calls back for all answers that have come and all requests whose time is
 * over.
 */
void transport_call_back(struct transport *transport);

/* The agent of that machine is gone: its connections break. */
void transport_break(struct host *host);

/* The client of the process whose turn it is, and of any network process (ours.c). */
struct http *transport_of_current(void);
struct transport *process_transport(const struct process *network);

#endif
