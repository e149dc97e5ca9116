/* store.h - the interface of a lock store, and what it may use of its surroundings.
 *
 * All of it runs in the network process's one loop; nothing here blocks. Every request is answered
 * exactly once, by its asker and serial; an answer to a request may come before request() returns.
 *
 * What every store promises:
 * - `acquire` succeeds only when nobody holds the lock and the guard `index` still is the lock's
 *   index (in the file store: the path still names the file that the session was begun with); its
 *   answer's index is the fencing token, above every earlier one.
 * - `release` and `write` do nothing when the lock's index is not the guard.
 * - while a session lives the lock is watched and each change is said by lock_seen(), as is the
 *   state of the lock when a session begins to wait. Views of the holder carry its term.
 * - the last will: given with `acquire` before anything is sent, its index moved by each later
 *   write of ours. `execute_will` releases with the mark, destroys the session, then calls
 *   will_done().
 */
#ifndef STORES_STORE_H
#define STORES_STORE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/options/settings.h"
#include "election/lock.h"

/* What the store tells. `context` is given to store_open. */
struct store_listener {
    void *context;
    /* fd: the file store's lock when an acquire is done (the listener duplicates what it keeps),
     * else -1. */
    void (*answer)(void *context, const struct lock_answer *answer, int fd);
    void (*lock_seen)(void *context, const struct lock_view *view);
    void (*sight_lost)(void *context); /* a look has failed: the lock may change unseen */
    void (*fatal)(void *context, int status, const char *reason);
    void (*will_done)(void *context);
};

struct store; /* private to each store */

struct store_operations {
    struct store *(*open)(const struct settings *settings, const struct store_listener *listener,
                          struct error *err);
    void (*request)(struct store *store, const struct lock_request *request);

    /* Goes on with a term after this process was started again. fd: the file store's lock, the
     * store's to close; else -1. */
    void (*hold)(struct store *store, uint64_t term, const struct session_id *session,
                 uint64_t index, uint64_t token, bool holding, int fd);
    void (*execute_will)(struct store *store);

    /* Where others reach this instance's service, for the holder's identity. host: empty for one at
     * its node's address. port 0: none. NULL for a store without services. */
    void (*describe)(struct store *store, const char *service_id, const char *host, unsigned port);

    /* Descriptor to poll for reading, or -1; next instant that due() wants to be called at, 0 for
     * none; due() is called after each wake-up. */
    int (*descriptor)(struct store *store);
    uint64_t (*next_due)(struct store *store);
    void (*due)(struct store *store);
};

extern const struct store_operations store_consul;
extern const struct store_operations store_file;

#endif
