/* lock.h - what the election asks of a lock store, what it is answered, and what is seen of the
 * lock. Plain data: the supervisor hands it to the network process as it is, the simulator to
 * its model.
 */
#ifndef ELECTION_LOCK_H
#define ELECTION_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A store's name for a session; Consul's is a UUID. Empty: none. */
struct session_id {
    char text[64];
};

/* Whether both are the same session; none is never one. */
static inline bool session_is(const struct session_id *one, const struct session_id *other)
{
    return one->text[0] != '\0' && strcmp(one->text, other->text) == 0;
}

/* The lock as one read showed it. */
struct lock_view {
    uint64_t term;     /* the read began while this term held the lock; 0: while we waited */
    uint64_t index;    /* ModifyIndex; 0 when the lock is absent */
    uint64_t token;    /* the highest token in its value; 0: none */
    uint64_t lease_ns; /* the lease in its value; 0: none */
    struct session_id session; /* who holds it; empty: nobody */
    bool exists;
    bool released;         /* its value carries the release mark */
    bool unhealthy;        /* and says that its holder's probes were the reason */
    bool foreign;          /* its value is not of our format */
    bool ours;             /* its value is one that this instance wrote, as it stands */
    bool consistent;       /* read through a quorum, not from a follower that may lag */
    uint64_t others_index; /* absent: the last at which another candidate said that it saw the lock,
                              as it does with each acquisition; 0: none */
    bool after_gap;        /* what was before this look is not known; false beside a request */
    uint64_t asked_ns;     /* absent: the look was sent then (CLOCK_BOOTTIME) */
    char holder[512];      /* the holder's identity as JSON; empty: unknown */
    char holder_name[96];  /* its instance, or its node: for people */
    int64_t held_since;    /* in its value: seconds since 1970; 0: unknown */
};

enum request_type {
    REQUEST_SESSION,    /* a session for this term */
    REQUEST_ACQUIRE,    /* the lock, guarded by `index` (0: it must be absent) */
    REQUEST_RENEW,      /* the session */
    REQUEST_WRITE,      /* the value with `token`, guarded by `index` */
    REQUEST_RELEASE,    /* give the lock away with the mark, guarded by `index` */
    REQUEST_DESTROY,    /* the session */
    REQUEST_READ_BACK,  /* the lock, consistently */
    REQUEST_CANDIDATES, /* how many others stand and are healthy */
    REQUEST_TYPES
};

/* Whose request it is. Its answer goes there and nowhere else, and each counts its own serials. */
enum asker {
    ASKER_ELECTION,
    ASKER_STANDING,    /* an ill leader, which asks whether others could lead */
    ASKER_PREDECESSOR, /* what gives back the lock of a dead run of this place */
    ASKERS
};

struct lock_request {
    enum request_type type;
    enum asker asker;
    uint64_t serial;
    uint64_t term; /* the election's; of no account in a request of another asker */
    struct session_id session;
    uint64_t index;
    uint64_t token; /* ACQUIRE: the highest token known before; WRITE, RELEASE: this term's */
    uint64_t others_index; /* ACQUIRE of an absent lock: the highest of any look; see lock_view */
    bool unhealthy;        /* RELEASE: because of our probes */
    bool former; /* RELEASE: a dead run of this place held it: the value stays as it stands */
};

enum answer_result {
    ANSWER_DONE,
    ANSWER_REFUSED, /* certainly not done: held by another, or the index has moved on */
    ANSWER_DELAYED, /* certainly not done: the lock-delay runs */
    ANSWER_GONE,    /* the session does not exist any more */
    ANSWER_FAILED,  /* certainly not done: the store could not be asked; worth another try */
    ANSWER_UNKNOWN, /* it may have been done, or may be done later */
    ANSWER_INVALID, /* the store refuses the setting itself; no try will change that */
    ANSWER_RESULTS
};

struct lock_answer {
    enum request_type type;
    enum answer_result result;
    enum asker asker;
    uint64_t serial;
    uint64_t term;
    struct session_id session; /* SESSION: the new one; else the request's */
    uint64_t index;        /* ACQUIRE, WRITE: the lock's new index, for ACQUIRE also the token */
    struct lock_view view; /* READ_BACK; for an ACQUIRE that was done its holder is our identity */
    unsigned candidates;   /* CANDIDATES */
    char reason[512];      /* in words, when not done; one line */
};

/* An answer to that request, to its asker. What was found or done is still to be filled in. */
static inline struct lock_answer lock_answer_to(const struct lock_request *request,
                                                enum answer_result result)
{
    return (struct lock_answer){
        .type = request->type,
        .result = result,
        .asker = request->asker,
        .serial = request->serial,
        .term = request->term,
        .session = request->session,
    };
}

#endif
