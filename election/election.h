/* election.h - whether this instance leads: the pure core.
 *
 * It takes events and the time and gives commands; it has no I/O, no clock and no memory of its
 * own but struct election. The supervisor runs it against the real world, the simulator against a
 * model. The rules: docs/design.md, "The election".
 *
 * The caller passes every event with the present instant, carries out all commands that come of
 * it, and calls election_time_passed() at the instant that election_next_due() names.
 */
#ifndef ELECTION_ELECTION_H
#define ELECTION_ELECTION_H

#include "election/candidacy.h"
#include "election/lease.h"
#include "election/lock.h"

enum election_state {
    STATE_IDLE,    /* not standing: no session */
    STATE_WAITING, /* the session is alive, somebody else leads or the lock may not be taken yet */
    STATE_ACQUIRING, /* the lock is asked for, or won with too little of the lease left */
    STATE_PROMOTING,
    STATE_LEADING,
    STATE_DEMOTING,
    STATE_RELEASING, /* the demotion is complete, the lock is being given away */
    STATE_STOPPED,
    ELECTION_STATES
};

enum election_event {
    EVENT_STOP,          /* this instance ends */
    EVENT_STEP_DOWN,     /* it shall not lead for now */
    EVENT_SESSION,       /* a session was created */
    EVENT_SESSION_LOST,  /* it does not exist any more */
    EVENT_OPEN,          /* the lock may be tried */
    EVENT_ACQUIRED,      /* it is ours, and enough of the lease is left to promote */
    EVENT_UNWANTED,      /* it is ours, and must not be used */
    EVENT_REFUSED,       /* it is certainly not ours */
    EVENT_ABANDONED,     /* it seems not ours, but the request may still arrive */
    EVENT_LOCK_LOST,     /* it was ours and is not any more */
    EVENT_SOFT_DEADLINE, /* too little of the lease is left to go on */
    EVENT_PROMOTED,      /* the program and the hooks know */
    EVENT_PROMOTION_FAILED,
    EVENT_DEMOTED,         /* nothing acts any more */
    EVENT_DEMOTION_FAILED, /* something outside may still act and cannot be killed */
    EVENT_RELEASED,        /* given away, or known to be not ours */
    ELECTION_EVENTS
};

enum election_reason {
    REASON_NONE,
    REASON_ACQUIRED,
    REASON_LEASE_EXPIRED,
    REASON_LOCK_LOST,
    REASON_PROMOTION_FAILED,
    REASON_UNHEALTHY,
    REASON_PROGRAM_ENDED,
    REASON_PROGRAM_RESTARTED,
    REASON_SHUTDOWN,
    REASON_RESTART,
    ELECTION_REASONS
};

/* What programs and logs are told: `lease-expired`. */
const char *election_reason_name(enum election_reason reason);
const char *election_state_name(enum election_state state);

struct election_terms {
    struct lease_terms lease;
    duration_ns renew_interval;
    duration_ns retry_interval;    /* between tries at a store that does not answer */
    duration_ns request_timeout;   /* after which the network process has given up a request */
    duration_ns promotion_backoff; /* after a promotion that failed */
    duration_ns standstill;        /* renew_interval and this without a turn: it stood still */
};

enum command_type {
    COMMAND_REQUEST,   /* send `request` to the store */
    COMMAND_LEASE,     /* the lease has grown: tell the keeper */
    COMMAND_PROMOTE,   /* `lease` has been told already */
    COMMAND_DEMOTE,    /* for `reason`; ends with election_demoted() */
    COMMAND_TOKEN_LOW, /* the store's token is below one that was given out: say so */
    COMMAND_FOREIGN,   /* somebody overwrote the value of our lock: say so */
    COMMAND_INVALID,   /* the store refuses our settings: end */
    COMMAND_STOPPED,   /* nothing of the lock is ours any more */
    COMMAND_TYPES
};

struct election_command {
    enum command_type type;
    enum election_reason reason;
    struct lock_request request;
};

#define ELECTION_COMMANDS_MAX 24

struct election_commands {
    unsigned count;
    struct election_command list[ELECTION_COMMANDS_MAX];
};

#define RENEWALS_OPEN_MAX 4

struct renewal {
    uint64_t serial; /* 0: not open */
    instant_ns sent;
};

/* A session whose acquire seems lost: it stands no more, and gives the lock back should the
 * request arrive after all.
 */
struct ghost {
    struct session_id session; /* empty: none */
    uint64_t guard;            /* the index that its acquire was guarded by */
    uint64_t release;          /* serial of its open release; 0: none */
    instant_ns until;
};

struct election {
    struct election_terms terms;
    enum election_state state;
    bool standing; /* may lead */
    bool stopping;
    enum election_reason reason; /* for the present demotion or the stop */

    uint64_t term;   /* counts sessions */
    uint64_t serial; /* counts requests */
    struct session_id session;
    instant_ns session_due;  /* when to ask for one again */
    uint64_t session_serial; /* open request; 0: none */
    instant_ns session_sent;

    struct lease lease;
    struct renewal renewals[RENEWALS_OPEN_MAX];
    instant_ns renewal_due;
    instant_ns renewal_sent; /* the last */
    bool renewals_fail;      /* the last that was answered */

    struct candidacy candidacy;
    instant_ns awake;         /* when the time was last told */
    uint64_t acquire_guard;   /* the index that was seen free */
    uint64_t acquire_highest; /* the highest token known then */
    instant_ns acquire_sent;
    uint64_t acquire_seen;     /* the highest index that was shown until then */
    bool overtaken;            /* somebody else was shown to hold it since: may still act */
    uint64_t open_serial;      /* the open acquire, release or read-back of the term; 0: none */
    instant_ns read_back_sent; /* the last */
    instant_ns retry_due;      /* when to read back again; 0: no need */
    bool won;                  /* the lock was granted to this term */
    bool lost;                 /* and is known to be gone */
    bool foreign_told;
    uint64_t token;
    uint64_t index;        /* the lock's, as of our last write or look */
    uint64_t write_serial; /* the open write of the value, or its read-back; 0: none */
    instant_ns write_due;  /* when to read back what became of it; 0: no need */
    struct ghost ghost;
    struct lease kept; /* as it was when the last event had been taken in */
};

/* Nothing survives a restart but what the store holds. */
void election_init(struct election *election, const struct election_terms *terms);

/* From now on this instance is a candidate. */
void election_stand(struct election *election, instant_ns now, struct election_commands *commands);

/* From now on it is none: its session is destroyed. One that leads goes on, and stands no more
 * afterwards.
 */
void election_withdraw(struct election *election, instant_ns now,
                       struct election_commands *commands);

/* Gives up the lead, and takes no part for as long as stand_off, so that others go first. No effect
 * on one that does not lead.
 */
void election_step_down(struct election *election, enum election_reason reason,
                        duration_ns stand_off, instant_ns now, struct election_commands *commands);

/* Ends: demotes if it has to, gives the lock away, and comes to COMMAND_STOPPED. */
void election_stop(struct election *election, enum election_reason reason, instant_ns now,
                   struct election_commands *commands);

/* The answer to a request. `unknown outcome` for all that were open when the network process died.
 */
void election_answered(struct election *election, const struct lock_answer *answer, instant_ns now,
                       struct election_commands *commands);

/* Another network process was started: the session is renewed at once, before that one dies too. */
void election_store_reopened(struct election *election, instant_ns now,
                             struct election_commands *commands);

void election_lock_seen(struct election *election, const struct lock_view *view, instant_ns now,
                        struct election_commands *commands);

/* A look has failed: what the lock does until the next one is not known. */
void election_sight_lost(struct election *election);

/* What became of COMMAND_PROMOTE and COMMAND_DEMOTE. term: as it was at the command; an answer of
 * an earlier term changes nothing.
 */
void election_promoted(struct election *election, uint64_t term, bool succeeded, instant_ns now,
                       struct election_commands *commands);
void election_demoted(struct election *election, uint64_t term, bool succeeded, instant_ns now,
                      struct election_commands *commands);

void election_time_passed(struct election *election, instant_ns now,
                          struct election_commands *commands);

/* 0: nothing is due. */
instant_ns election_next_due(const struct election *election);

/* Whether it leads, or is being promoted: the lease is the keeper's concern. */
bool election_leads(const struct election *election);

/* Whether the program may act as leader, or may still do so. */
bool election_may_act(const struct election *election);

#endif
