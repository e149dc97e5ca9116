/* network.h - the network process, but for its descriptors and its loop. Private to network/. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/messages/outbox.h"
#include "common/messages/shape.h"
#include "common/options/settings.h"
#include "consul/http.h"
#include "network/tags/tags.h"
#include "probes/kinds.h"
#include "probes/schedule.h"
#include "stores/store.h"

struct network {
    struct settings settings;
    int supervisor_fd; /* -1: dead */
    struct outbox to_supervisor;
    int keeper_fd;     /* -1: dead */
    struct http *http; /* NULL: nothing of ours is in Consul */
    const struct store_operations *operations;
    struct store *store;         /* NULL: it could not be opened */
    struct tags *tags;           /* NULL: none */
    struct transfers *transfers; /* of the probes; NULL: none */
    struct schedule *probes;     /* NULL: none that run here */
    struct probe_consul probe_consul;
    uint64_t probes_serial; /* of the order that they follow */
    bool taking_down;       /* the supervisor waits to hear that nothing is shown any more */
    bool will_begun;
    bool abandoned; /* both are dead, and neither has said that nothing is left */
    bool finished;

    /* Of what cannot be, when last; 0: never. */
    uint64_t complained[CONVERSATIONS];
};

/* Opens the store and the tags; settings and descriptors are there already. What cannot be opened
 * is said to the supervisor.
 */
void network_open(struct network *network);

/* Does what has come and what has become due. */
void network_turn(struct network *network);

/* Readable when there is something to do for the probes; -1: nothing ever. */
int network_probes_descriptor(const struct network *network);

/* When to turn again if nothing comes; 0: never. */
uint64_t network_next_due(const struct network *network);

#endif
