/* datacenter.h - Consul's servers: a leader that can be away, deposed or forgetful, and followers
 * that lag; and what of it the judge asks.
 */
#ifndef SIMULATION_DATACENTER_H
#define SIMULATION_DATACENTER_H

#include "tests/model/consul_model.h"
#include "tests/simulation/world.h"

#define LOCK_KEY       "service/lock"
#define CANDIDATES_KEY "service/lock.candidates/"

struct instance;

/* One request of one of ours on its way. */
struct call {
    const struct host *host;
    struct instance *instance;
    const char *method;
    const char *path;
    const char *query; /* of the path; "": none */
    const char *body;
    local_ns sent;
    true_ns sent_truly;
    uint64_t known; /* the highest index of the lock that its sender had been shown */
    void (*answered)(struct call *call, const struct consul_answer *answer);
};

void datacenter_begin(void);
void datacenter_end(void);

/* It has arrived; it is answered later, perhaps never. */
void datacenter_receive(struct call *call);

/* --- What befalls it (faults.h). --- */

/* The leader is lost, the next is there after that time. forgetful: it knows no lock-delay. */
void datacenter_lose_leader(duration_ns away, bool forgetful);

/* The leader is cut off with these machines (bits): the next one is there after `away`, the old one
 * answers the machines on its side for `answers`.
 */
void datacenter_depose_leader(duration_ns away, duration_ns answers, unsigned machines);
bool datacenter_is_away(void);

/* From now on stale reads of lagging machines show the present. */
void datacenter_lag_begins(void);
void datacenter_take_snapshot(void);
void datacenter_restore_snapshot(void);

/* A node is registered and alive, or dead; it is there no more. */
void datacenter_node(const char *node, bool alive);
void datacenter_node_left(const char *node);

/* A request of nobody's that comes by no network. */
struct consul_answer datacenter_by_hand(const char *method, const char *path, const char *body);

/* The lock was freed or deleted without asking who holds it, perhaps together with the list of the
 * candidates.
 */
void datacenter_freed_by_hand(bool with_candidates);

/* --- What the judge asks. --- */

/* Who holds the lock; "": nobody. */
const char *datacenter_holder(void);
bool datacenter_session_lives(const char *session);

/* From when on anybody could take the lock, as the lock is now. UINT64_MAX: it is held. */
true_ns datacenter_grantable(void);

/* Whether the session lost the lock because its time was over, and not by anybody's doing. */
bool datacenter_ran_out(const char *session);

/* When somebody last freed or deleted the lock by hand or restored a snapshot; when somebody last
 * deleted lock and candidates together or restored; when lock-delays were last forgotten. 0: never.
 */
true_ns datacenter_freed(void);
true_ns datacenter_history_lost(void);
true_ns datacenter_delay_forgotten(void);

#endif
