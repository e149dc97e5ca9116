/* consul_value.h - the lock's value: as it was last seen, and as this process writes it. */
#ifndef STORES_CONSUL_VALUE_H
#define STORES_CONSUL_VALUE_H

#include "consul/entry.h"
#include "consul/lock_value.h"

struct consul_value {
    struct lock_identity identity;
    uint64_t lease_ns;
    struct json_object *present; /* as last seen or written; NULL: not of our format */
    char *written[2];            /* our last two writes, the newest first; one may not have come */
    char *seen;                  /* the text that `present` and `shown` are of; NULL: none */
    uint64_t seen_index;
    struct lock_view shown; /* what it says */
    char since[32];         /* of the term; empty: not known */
    uint64_t previous_token;
    bool adopting; /* after a restart of this process: what names us is ours */
};

void consul_value_init(struct consul_value *value, const struct settings *settings);

/* Where others reach this instance's service. What stands in the lock is ours no more if it says
 * otherwise, so that the next look has it written again.
 */
void consul_value_describe(struct consul_value *value, const char *service_id, const char *host,
                           unsigned port);

/* Takes over from a network process that died while this instance held the lock. */
void consul_value_adopt(struct consul_value *value);

/* What the acquiring write says. highest_token: known before. The text is valid until the next
 * write.
 */
const char *consul_value_acquire(struct consul_value *value, uint64_t highest_token);

/* What a later write of the term says that goes on. */
const char *consul_value_hold(struct consul_value *value, uint64_t token);

/* What gives the term's lock away. unhealthy: because of our probes. */
const char *consul_value_release(struct consul_value *value, uint64_t token, bool unhealthy);

/* What gives away the lock of a session that is not this instance's. NULL: the value of that index
 * is not the one that was seen last. The text is valid until the next write.
 */
const char *consul_value_give_back(struct consul_value *value, uint64_t index);

/* Takes in what was read, and shows it in the view. */
void consul_value_seen(struct consul_value *value, const struct entry *entry,
                       struct lock_view *view);

#endif
