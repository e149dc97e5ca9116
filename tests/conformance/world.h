/* world.h - the model and what it has in common with the real Consul: the same bodies
 * but for the indexes of raft, which are not equal but stand in the same order.
 */
#ifndef CONFORMANCE_WORLD_H
#define CONFORMANCE_WORLD_H

#include "tests/conformance/wire.h"
#include "tests/model/consul_model.h"

/* One index, as both sides have it. */
struct index_pair {
    uint64_t real, model;
};

struct world {
    struct consul_model *model;
    bool alone; /* nobody else writes: the indexes of whole tables are the same as well */
    struct index_pair *pairs; /* all that were seen, in their order */
    size_t count, room;
};

void world_begin(struct world *world, bool alone, uint64_t session_ttl_min_ns);
void world_end(struct world *world);

/* Told of each key that an answer shows. */
typedef void (*world_shown)(void *context, const char *key, size_t length, struct index_pair index);

/* Whether both answers say the same; what is wrong goes into `difference`. of_table: the header may
 * be higher than the model's, for it is that of a table that others write to as well.
 */
bool world_compare(struct world *world, const struct wire_answer *real,
                   const struct consul_answer *model, bool of_table, world_shown shown,
                   void *context, struct text *difference);

/* Indexes that are the same on both sides: those that no raft log has. */
static inline bool index_is_constant(uint64_t index)
{
    return index < 2 || index >= 1000000000000;
}

#endif
