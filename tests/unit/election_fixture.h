/* election_fixture.h - one election in a simulated time: what happens to it, and what it says.
 *
 * The lease is 20 s and needs 3.2 s for a demotion; a renewal is sent every 2 s, after a failure
 * every 0.5 s, and given up after 2 s. The tests begin at second 100.
 */
#ifndef TESTS_UNIT_ELECTION_FIXTURE_H
#define TESTS_UNIT_ELECTION_FIXTURE_H

#include <check.h>

#include "common/base/clock.h"
#include "election/election.h"

#define USABLE_LEASE MILLISECONDS(19980) /* less 1,000 ppm of drift */

extern const struct election_terms election_terms;
extern struct election election;
extern instant_ns now;

/* What the last event led to, as words: `lease promote write`, `demote:shutdown`. */
const char *said(void);
const char *said_in_words(const struct election_commands *commands);

/* The last request of the type that was ever commanded. */
struct lock_request asked(enum request_type type);

/* --- Time. --- */

/* The clock moves, and the election is called whenever it is due. */
void passes(duration_ns duration);

/* The clock moves and nobody runs: a pause. */
void freezes(duration_ns duration);

/* The election is called now. */
void wakes(void);

/* --- What happens. --- */

void stands(void);
void stops(void);
void withdraws(void);
void stands_again(void);
void steps_down(enum election_reason reason, duration_ns stand_off);
void answers(const struct lock_request *request, enum answer_result result, uint64_t index);
void promoted(bool succeeded);
void demoted(bool succeeded);
void store_reopened(void);
void sees(struct lock_view view);

/* The last request of the type is answered. */
void is_done(enum request_type type);
void is_done_at(enum request_type type, uint64_t index);
void fails(enum request_type type, enum answer_result result);

/* The last read-back shows this. */
void reads(struct lock_view view);

/* --- Looks at the lock; all of a quorum. --- */

struct lock_view absent_lock(void);
struct lock_view marked_lock(uint64_t index);   /* released */
struct lock_view unmarked_lock(uint64_t index); /* free all the same */
struct lock_view others_lock(uint64_t index);
struct lock_view own_lock(uint64_t index); /* as we wrote it, read while we hold it */
struct lock_view while_we_held(struct lock_view view);
struct lock_view with_token(struct lock_view view, uint64_t token);

/* --- Straight to a state, with whatever it takes. --- */

void to_state(enum election_state state);

/* The lock is granted at its index 11. */
void to_acquiring(void);
void to_leading(void);

#define ck_assert_said(words) ck_assert_str_eq(said(), words)
#define ck_assert_state(name) ck_assert_str_eq(election_state_name(election.state), name)

#endif
