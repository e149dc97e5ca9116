/* consul_verbs.h - what the operations of a transaction do to keys (agent/consul/state/txn.go). */
#ifndef MODEL_CONSUL_VERBS_H
#define MODEL_CONSUL_VERBS_H

#include "tests/model/consul_state.h"

struct verb;

struct operation {
    const struct verb *verb; /* NULL: there is none of this name */
    const char *verb_name;
    struct kv_write write; /* its key, value, session and index, whatever the verb */
};

struct verb {
    const char *name;
    bool writes;    /* a transaction with such an operation is an entry of raft's */
    bool locks;     /* so that the lock-delay stops it */
    bool needs_key; /* "" would be all of them */

    /* Adds what it shows of the key to the results, as JSON. -1: not done, with the complaint. */
    int (*run)(struct consul_state *state, const struct operation *operation, struct text *results,
               struct text *complaint);
};

/* NULL: none. */
const struct verb *verb_find(const char *name);

/* Writes `BEFORE "KEY"BEHIND` and returns -1. */
int verb_complain(struct text *complaint, const char *before, const char *key, const char *behind);

#endif
