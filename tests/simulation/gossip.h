/* gossip.h - who of the nodes is seen, and what Consul's servers hear of it. */
#ifndef SIMULATION_GOSSIP_H
#define SIMULATION_GOSSIP_H

#include "tests/simulation/world.h"

/* Registers all nodes. */
void gossip_begin(void);

/* The machine's agent takes leave. */
void gossip_leaves(struct host *host);

#endif
