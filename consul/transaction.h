/* transaction.h - several changes of keys in one commit, all or none: PUT /v1/txn.
 *
 * Every change of the lock is one, guarded by the lock's index, so that nothing that was sent long
 * ago can overwrite what has happened since.
 */
#ifndef CONSUL_TRANSACTION_H
#define CONSUL_TRANSACTION_H

#include "consul/json.h"
#include "consul/refusal.h"
#include "election/lock.h"

/* An empty one; json_object_put() ends it, json_line() is its body. */
struct json_object *transaction_new(void);

/* The rest happens only if the key has this ModifyIndex; 0: only if there is no such key. */
void transaction_guard(struct json_object *transaction, const char *key, uint64_t index);

/* Locks the key for the session and writes the value. */
void transaction_lock(struct json_object *transaction, const char *key,
                      const struct session_id *session, const char *value);

/* Writes the value and frees the key, without a lock-delay. */
void transaction_unlock(struct json_object *transaction, const char *key,
                        const struct session_id *session, const char *value);

/* Writes the value; who holds the key does not change. */
void transaction_set(struct json_object *transaction, const char *key, const char *value);

void transaction_delete(struct json_object *transaction, const char *key);

/* What came of it. DONE: *index is the ModifyIndex that the key has now. REFUSED, DELAYED, GONE:
 * nothing was changed. FAILED, UNKNOWN: as refusal_read().
 */
enum answer_result transaction_read(const struct http_response *response, const char *key,
                                    const struct attempt *attempt, uint64_t *index,
                                    struct error *reason);

#endif
