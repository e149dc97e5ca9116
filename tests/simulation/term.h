/* term.h - the judge's evidence: what is known of each session of ours, from what goes over the
 * wire and from what Consul's servers know. The shipped code is asked nothing.
 */
#ifndef SIMULATION_TERM_H
#define SIMULATION_TERM_H

#include "tests/simulation/datacenter.h"
#include "tests/simulation/instance.h"

/* The last renewals that are remembered. */
#define TERM_RENEWALS 16

struct term {
    char session[64];
    struct instance *instance;
    local_ns renewed; /* when its last successful renewal was sent */
    local_ns looked;  /* when it last asked for the lock and was shown to hold it; 0: never */
    local_ns base;    /* what the lease counts from: the earlier of both */
    struct {
        true_ns answered;
        local_ns base;
    } renewals[TERM_RENEWALS]; /* a ring */
    unsigned renewal_count;
    bool given_away;       /* a release or an end was sent */
    bool promotion_failed; /* its hook failed, hung or was killed */
    bool demotion_failed;
    true_ns told_lost;
    struct instance *shown_to[SLOTS_MAX]; /* who has read that it held the lock */
    true_ns shown_at[SLOTS_MAX];          /* and when first */
    true_ns free_at;                      /* from when on others may have it, as last looked at */
    true_ns lost;                         /* when Consul took the lock from it; 0: not */
    true_ns entered; /* when it last knew its entry in the list of candidates; 0: not yet */
    true_ns listed;  /* when its instance had last asked for that list as it asked for the lock */
};

/* Forgets all of the last run. */
void terms_begin(void);

/* NULL: it is none of ours. */
struct term *term_of(const char *session);

const struct settings *term_settings(const struct term *term);

/* What is left of its lease by its machine's clock. Negative: it is over. */
int64_t term_lease_left(const struct term *term);

/* The true time of the lease's end. */
true_ns term_lease_end(const struct term *term);

/* Whether its lease came near its end, or its lock was lost, while a demotion that is complete now
 * may have begun.
 */
bool term_was_threatened(const struct term *term);

/* The hook of a promotion or demotion under that session has failed. */
void term_hook_failed(const struct session_id *session, bool is_promotion);

/* The session of one of them that lives; NULL. */
const char *terms_living(void);

/* A request leaves one of ours; its answer is there. */
void terms_sent(const struct call *call);
void terms_answered(const struct call *call, int status, const char *body);

/* Consul's servers may have given the lock to somebody else. */
void terms_note_holder(void);

#endif
