/* entry.h - keys and their values, as GET /v1/kv answers them. */
#ifndef CONSUL_ENTRY_H
#define CONSUL_ENTRY_H

#include "consul/json.h"
#include "consul/refusal.h"
#include "election/lock.h"

/* One key. */
struct entry {
    char *key;
    char *value; /* with a NUL behind that is not counted; never NULL */
    size_t length;
    uint64_t index; /* ModifyIndex */
    struct session_id session;
};

struct entries {
    size_t count;
    struct entry *list;
};

/* The keys that were read, none when the answer is Consul's 404; entries_end() ends them. -1: no
 * answer of Consul's, with the reason.
 */
int entries_read(const struct http_response *response, const struct attempt *attempt,
                 struct entries *entries, struct error *reason);

void entries_end(struct entries *entries);

/* The one of that key, or NULL. */
const struct entry *entries_find(const struct entries *entries, const char *key);

#define AUTO_ENTRIES __attribute__((cleanup(entries_end)))

#endif
