/* consul_model.h - a model of Consul: what its replicated state is, and what its HTTP API answers.
 *
 * One struct consul_model is what one server knows: keys, sessions, nodes, checks, the timers of
 * sessions and the lock-delays. The simulator has one for Consul's present leader and clones of it
 * for servers that lag or were deposed; main.c holds it against a real Consul.
 *
 * Pure: no clock, no chance, no I/O; instants are nanoseconds of the server's clock. Bodies, status
 * codes and texts are Consul 1.8's (reference: consul.md); where versions differ the header of the
 * function says so.
 */
#ifndef MODEL_CONSUL_MODEL_H
#define MODEL_CONSUL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consul_model;

/* An answer as the HTTP client gets it. */
struct consul_answer {
    int status;
    uint64_t index;   /* X-Consul-Index; 0: the header is not there */
    const char *body; /* ends with a NUL; the model's, valid until its next call */
    size_t length;
};

/* An empty datacenter whose raft index is `index`. TTLs below session_ttl_min_ns are refused. */
struct consul_model *consul_model_new(uint64_t index, uint64_t session_ttl_min_ns);
void consul_model_free(struct consul_model *model);

/* What another server knows at this moment: an independent copy that does not lead, so that time
 * ends none of its sessions, until consul_model_lead(). Cheap; but a model and all of its clones
 * belong to one thread.
 */
struct consul_model *consul_model_clone(const struct consul_model *model);

/* Answers one request at once: a blocking query (`index`, `wait`) is answered as if its wait were
 * over, the caller waits until the answer's index is above the query's. Applies what has become due
 * first (consul_model_time_passed).
 *
 * Known: /v1/kv (GET with recurse; PUT plain, cas, acquire, release, flags; DELETE with cas and
 * recurse), /v1/txn, /v1/session/{create,renew,destroy,info}, /v1/catalog/{register,deregister};
 * anything else is 404.
 */
struct consul_answer consul_model_request(struct consul_model *model, const char *method,
                                          const char *path, const char *body, uint64_t now);

/* The ID of the session that is created next, instead of one by counting; for main.c. */
void consul_model_next_session(struct consul_model *model, const char *id);

/* Ends the sessions whose 2 x TTL is over, each at its own instant. */
void consul_model_time_passed(struct consul_model *model, uint64_t now);

/* The instant of the next session's end; 0: none. */
uint64_t consul_model_next_due(const struct consul_model *model);

/* The next instant above `after` at which time alone changes an answer: a session or a lock-delay
 * ends; 0: none.
 */
uint64_t consul_model_next_turn(const struct consul_model *model, uint64_t after);

/* This server has become Consul's leader: the timers of all sessions start again. */
void consul_model_lead(struct consul_model *model, uint64_t now);

/* It leads no more: time ends no session, until another leads. */
void consul_model_step_down(struct consul_model *model);

/* This server was rebuilt from a snapshot: no lock-delay is remembered. */
void consul_model_forget_delays(struct consul_model *model);

/* A node and its serfHealth check; `passing` false: serf has declared it dead, which ends the
 * sessions that are bound to the check. Registers the node when it is not there.
 */
void consul_model_node(struct consul_model *model, const char *node, bool passing, uint64_t now);

/* The node leaves: it, its checks and all of its sessions are gone. */
void consul_model_node_left(struct consul_model *model, const char *node, uint64_t now);

/* The node that sessions are created on when the body names none. */
void consul_model_agent(struct consul_model *model, const char *node);

/* `consul snapshot restore` of a state that was cloned before: keys, sessions and nodes are those;
 * the index goes on above both, or with `elsewhere` (another cluster) from the snapshot's own.
 */
void consul_model_restore(struct consul_model *model, const struct consul_model *snapshot,
                          bool elsewhere, uint64_t now);

/* Grows with every change of the replicated state: a parked query looks again when it has. */
uint64_t consul_model_index(const struct consul_model *model);

/* --- For the simulator's judge: the truth, without the API. --- */

/* The session that holds the key; "": nobody, or no such key. */
const char *consul_model_holder(const struct consul_model *model, const char *key);

/* The key's ModifyIndex; 0: no such key. */
uint64_t consul_model_key_index(const struct consul_model *model, const char *key);

/* Until when nobody gets the key, by the server's clock; 0: no lock-delay is remembered. */
uint64_t consul_model_delayed_until(const struct consul_model *model, const char *key);
bool consul_model_session_lives(const struct consul_model *model, const char *session);

#endif
