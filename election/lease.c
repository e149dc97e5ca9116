#include "election/lease.h"

#include <assert.h>

/* A store whose clock is fast ends the session early by our clock: shorten by the drift. */
static duration_ns usable_length(const struct lease_terms *terms)
{
    return terms->length - terms->length / 1000000 * terms->drift_ppm;
}

bool lease_terms_hold(const struct lease_terms *terms)
{
    return terms->demote_budget < usable_length(terms);
}

struct lease lease_granted(const struct lease_terms *terms, uint64_t term, instant_ns sent)
{
    assert(lease_terms_hold(terms));

    instant_ns hard = sent + usable_length(terms);
    return (struct lease){ .term = term, .soft = hard - terms->demote_budget, .hard = hard };
}

bool lease_extend(struct lease *lease, struct lease granted)
{
    if (granted.term != lease->term || granted.hard <= lease->hard)
        return false;
    *lease = granted;
    return true;
}
