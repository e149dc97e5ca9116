/* consul_read.h - one look at the lock: GET of its key; and where it is absent, once more through a
 * quorum, and of the candidates, who may have seen it.
 */
#ifndef STORES_CONSUL_READ_H
#define STORES_CONSUL_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "election/lock.h"

struct store;
struct consul_read;

struct consul_look {
    bool known;            /* view and index are what Consul answered */
    struct lock_view view; /* without a term */
    uint64_t index;        /* for the next blocking query */
    bool outage;           /* else: Consul could not be asked */
    struct error reason;   /* in words, when not known */
};

typedef void (*consul_read_done)(void *context, const struct consul_look *look);

struct consul_read_order {
    const char *query; /* `stale`, `consistent&index=7&wait=5s` */
    uint64_t timeout_ns;
    bool candidates; /* make sure of absence, and ask them */
    consul_read_done done;
    void *context;
};

/* Calls back once, later; valid until then or consul_read_cancel(). */
struct consul_read *consul_read_start(struct store *store, const struct consul_read_order *order);

/* NULL: nothing. */
void consul_read_cancel(struct consul_read *read);

#endif
