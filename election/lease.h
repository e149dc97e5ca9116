/* lease.h - until when this instance may act as leader.
 *
 * Instants are nanoseconds of CLOCK_BOOTTIME, durations nanoseconds.
 * Why the arithmetic is safe: docs/safety.md, "The lease".
 */
#ifndef ELECTION_LEASE_H
#define ELECTION_LEASE_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t instant_ns;
typedef uint64_t duration_ns;

/* What the operator agreed to; lease_terms_hold() is checked when options are read. */
struct lease_terms {
    duration_ns length;        /* how long leadership lasts without a renewal */
    duration_ns demote_budget; /* from the soft deadline to the hard one */
    uint32_t drift_ppm;        /* how much faster the store's clock may run than ours */
};

/* soft: begin to demote. hard: whatever still acts is killed. Both 0: no lease. */
struct lease {
    uint64_t term; /* the acquisition that it belongs to */
    instant_ns soft;
    instant_ns hard;
};

/* Whether the demotion fits the lease at all. */
bool lease_terms_hold(const struct lease_terms *terms);

/* The lease that a granted renewal gives.
 * sent: the instant before the request left; never when the answer came, because the store
 * may have begun to count at any moment in between.
 */
struct lease lease_granted(const struct lease_terms *terms, uint64_t term, instant_ns sent);

/* Keeps the better of two leases of one term: answers may arrive in any order, and an answer
 * that belongs to an earlier term must change nothing. Returns whether the lease has grown.
 */
bool lease_extend(struct lease *lease, struct lease granted);

#endif
