/* judge.h - what must never happen. It sees what programs do, what leaves our network processes and
 * what Consul knows, and asks the shipped code nothing. (Under which session a program acts that is
 * told by a signal, its keeper's orders tell.)
 */
#ifndef SIMULATION_JUDGE_H
#define SIMULATION_JUDGE_H

#include "tests/simulation/datacenter.h"
#include "tests/simulation/process.h"

struct instance;
struct situation;

enum rule {
    RULE_TWO_ACT,
    RULE_ACTS_UNPROTECTED,
    RULE_ACTS_PAST_LEASE,
    RULE_PAGE,
    RULE_TOKEN,
    RULE_GIVES_AWAY_EARLY,
    RULE_SESSION_AGAIN,
    RULE_OVERWRITES,
    RULE_STARTS_LATE,
    RULE_PROMOTES_LATE,
    RULE_LOSS_IGNORED,
    RULE_NEEDLESS,
    RULE_NOBODY_LEADS,
    RULE_LIVELOCK,
    RULE_ABORTS,
    RULE_WELL_KILLED,
    RULE_ORPHAN,
    RULE_STOP_LATE,
    RULE_LEFT_HELD,
    RULES
};

extern const char *const rule_texts[RULES];

void judge_begin(void);

/* The first rule that was broken; RULES: none. And how, in words. */
enum rule judge_verdict(void);
const char *judge_reason(void);

/* An instance whose program acts; NULL. */
struct instance *judge_leader(void);

/* What was left to the tokens: writes refused by the store. */
unsigned judge_refused_writes(void);
unsigned judge_promotions(void);

/* A program begins to act, acts no more, writes. */
void judge_begins(struct process *process);
void judge_rests(struct process *process);
void judge_write(const struct process *process);

/* A program or promote hook of a leader runs, or a program is told; let go at that time or later.
 */
void judge_starts(const struct process *process, true_ns let_go);

/* One of ours orders its keeper to promote. */
void judge_promotes(const struct process *supervisor, const struct situation *situation);

/* It orders its keeper to demote, or ends what a dead one has left; or a keeper says that nothing
 * is left.
 */
void judge_demotes(const struct process *process);

/* What goes over the wire: a release or a session's end is sent; a session that gave the lock away
 * asks for it; a write has changed the lock, which had an index that its sender did not know;
 * somebody is shown the lock.
 */
void judge_gives_away(const char *session, const char *how);
void judge_asks_again(const char *session);
void judge_overwrites(const struct call *call, uint64_t index);
void judge_shown_loss(const struct call *call, const char *body);

/* A network process says what is not so. From then on nothing is judged that rests on its word. */
void judge_lies(void);
bool judge_is_lied_to(void);

/* A supervisor kills one of the other two. */
void judge_kills(const struct process *victim);

/* One of ours has found what its own code should never do. */
void judge_aborts(const struct process *process, const char *claim);

/* Something has changed on which the judgement may depend. */
void judge_look(void);

/* One of ours has died: what it leaves must not live on. */
void judge_process_lost(const struct process *process);
void judge_stop_asked(struct instance *instance);

/* The faults are over long enough: somebody must lead; the same as then; another. */
void judge_expects_leader(void);
const char *judge_leading_session(void);
void judge_expects_same_leader(const char *session);
void judge_expects_another_leader(const char *session);

/* All were stopped, and nothing disturbed them. */
void judge_expects_nothing_left(void);
void judge_livelock(void);

#endif
