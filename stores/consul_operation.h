/* consul_operation.h - one request for the lock or its session, from its sending to its one answer.
 *
 * Each is carried out by itself, in any number at once; what it changes for the rest of the store
 * is its caller's to see to.
 */
#ifndef STORES_CONSUL_OPERATION_H
#define STORES_CONSUL_OPERATION_H

#include "election/lock.h"

struct store;

typedef void (*consul_operation_done)(struct store *store, const struct lock_answer *answer);

/* done: called once, later. */
void consul_operation_start(struct store *store, const struct lock_request *request,
                            consul_operation_done done);

#endif
