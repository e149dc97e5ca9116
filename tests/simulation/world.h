/* world.h - time, what is still to come, and the machines.
 *
 * True time is nanoseconds since the run's beginning; each machine has a clock of its own, which is
 * wrong by a constant and runs too fast or too slow by up to CLOCK_RATE_LIMIT. All memory of a run
 * is the world's, and gone with it.
 */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "election/lease.h"

typedef uint64_t true_ns;
typedef uint64_t local_ns;

/* Two clocks differ by no more than the drift that the lease allows for: 1 in 1,000. */
#define CLOCK_RATE_LIMIT_PPM 500

#define HOSTS_MAX 4

/* Faults that several may cause at once are counted: they end with the last. */
struct host {
    unsigned number;
    char node[16];
    int64_t rate_ppm;
    uint64_t clock_offset;

    unsigned off;       /* it has crashed, and is not up again */
    unsigned crashes;   /* so far */
    unsigned suspended; /* nothing runs; the clock goes on */
    true_ns ran_again;  /* when it was last resumed */
    unsigned slow;      /* processes wait long for a processor */
    true_ns slow_until; /* when it was last */

    unsigned full;      /* nothing can be forked */
    unsigned no_exec;   /* nothing can be executed */
    unsigned disk_full; /* nothing can be written */
    unsigned agent_down;
    unsigned agent_frozen;
    unsigned cut_out;     /* nothing reaches Consul's servers */
    unsigned cut_in;      /* nothing comes from them */
    unsigned cut_servers; /* on the side of a deposed leader of Consul's, or of none */
    unsigned link_slow;
    unsigned link_lossy;
    unsigned late;            /* requests are on their way for up to ten seconds */
    true_ns unreliable_until; /* when any of the last three last was */
    unsigned denied;          /* the token is refused */
    unsigned limited;         /* requests are refused for their number */
    unsigned reads_limited;   /* those that read alone */
    unsigned lagging;         /* stale reads come from a server that lags */
    true_ns unseen_since;     /* by the servers' gossip; 0: it is seen */
    bool declared_dead;
};

struct world {
    true_ns now;
    uint64_t events;
    uint64_t trace; /* of all events so far: two runs that differ have another */
    struct host hosts[HOSTS_MAX];
    unsigned host_count;
    int64_t servers_rate_ppm;
};

extern struct world world;

/* A new world at time 0. Frees the last one. */
void world_begin(void);

/* Zeroed; the run's. */
void *world_memory(size_t size);
char *world_text(const char *text, size_t length);

typedef void (*event_handler)(void *subject, uint64_t detail);

/* Calls the handler at that time; not before now. What is planned for the same instant happens in
 * the order in which it was planned.
 */
void world_plan(true_ns at, event_handler handler, void *subject, uint64_t detail);

/* The next event. False: none up to then, and the time is that. */
bool world_step(true_ns until);

/* --- Clocks. --- */

local_ns host_clock(const struct host *host);

/* The true time at which the machine's clock shows that. */
true_ns host_true(const struct host *host, local_ns local);

/* Consul's servers' clock. */
local_ns servers_clock(void);
true_ns servers_true(local_ns local);

#endif
