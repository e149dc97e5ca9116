/* lock_value.h - what stands in the lock: JSON of format 1, for people, tools and the next leader.
 *
 *   {"format":1, "state":"held|offered|released", "instance":"", "node":"", "address":"HOST:PORT",
 *    "service_id":"", "allocation":"", "pid":0, "version":"", "since":"RFC 3339",
 *    "lease_ms":20000, "previous_token":0, "token":0, "successor":""}
 *
 * A lock that was given away because its holder's probes failed also has `"unhealthy":true`.
 * The token of a term is the index of its acquiring write, which that write cannot know: it carries
 * `previous_token` and a second write adds `token`. Fields that we do not know are kept.
 */
#ifndef CONSUL_LOCK_VALUE_H
#define CONSUL_LOCK_VALUE_H

#include "common/options/settings.h"
#include "consul/json.h"
#include "election/lock.h"

#define LOCK_VALUE_FORMAT 1

/* No lease of ours is longer than a minute; a value that says otherwise must not stop candidates
 * for ever.
 */
#define LOCK_VALUE_LEASE_LIMIT_NS ((uint64_t)600 * 1000000000u)

/* Who holds the lock. */
struct lock_identity {
    char instance[NAME_SIZE];
    char node[NAME_SIZE];
    char address[NAME_SIZE];
    char service_id[NAME_SIZE];
    char allocation[NAME_SIZE];
    uint64_t pid;
};

/* This instance: the supervisor, our parent, and its process ID. */
void lock_identity_init(struct lock_identity *identity, const struct settings *settings);

/* Where others reach its service. host: empty for one at its node's address. port 0: none. Returns
 * whether that is new.
 */
bool lock_identity_describe(struct lock_identity *identity, const char *service_id,
                            const char *host, unsigned port);

/* As it stands in views; the text's size is that of lock_view.holder. */
void lock_identity_show(const struct lock_identity *identity, struct lock_view *view);

#define LOCK_VALUE_TIME_SIZE 32

/* The present time as RFC 3339. */
void lock_value_time(char text[LOCK_VALUE_TIME_SIZE]);

/* What one write says of the lock; the identity is given beside it. */
struct lock_claim {
    const char *state;
    bool unhealthy; /* given away because of its holder's probes */
    const char *since;
    uint64_t lease_ns;
    uint64_t previous_token;
    uint64_t token; /* 0: not known yet */
};

/* The value as JSON; NULL: it is not of our format (empty, or another program's). */
struct json_object *lock_value_read(const char *value, size_t length);

/* The value that claims the lock, in the place of `present`, whose further fields it keeps (NULL:
 * there was none of our format). The caller's to end.
 */
struct json_object *lock_value_claim(const struct json_object *present,
                                     const struct lock_identity *identity,
                                     const struct lock_claim *claim);

/* The value that gives the lock away for a holder that is gone: all that it wrote, with the mark.
 * index: the lock's, which is the holder's token where it was gone before it could write that. The
 * caller's to end.
 */
struct json_object *lock_value_released(const struct json_object *present, uint64_t index);

/* Fills what the value says into the view: token, lease, mark, holder. value NULL: foreign. */
void lock_value_show(const struct json_object *value, struct lock_view *view);

/* Whether the value names this holder: the same instance, allocation and process. */
bool lock_value_names(const struct json_object *value, const struct lock_identity *identity);

#endif
