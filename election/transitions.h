/* transitions.h - the election's state table, and what its parts share: transitions.c, answers.c
 * and election.c. Private to election/ and its tests.
 */
#ifndef ELECTION_TRANSITIONS_H
#define ELECTION_TRANSITIONS_H

#include "common/base/machine.h"
#include "election/election.h"

extern const struct machine election_machine;

const char *election_event_name(enum election_event event);

/* Asserts what holds between two events. from: the state before the last move; ELECTION_STATES:
 * none was made.
 */
void election_assert_sound(struct election *election, enum election_state from);

/* One step: looks up state and event, goes to the next state and does the cell's work. */
void transition(struct election *election, enum election_event event, instant_ns now,
                struct election_commands *commands);

/* Appends a command; the caller fills it in. */
struct election_command *command_add(struct election_commands *commands, enum command_type type);

/* Appends a request of the present term and returns it; its serial is set. */
struct lock_request *request_add(struct election *election, struct election_commands *commands,
                                 enum request_type type);

/* Asks for the end of the term's hold on the lock. */
void ask_for_release(struct election *election, struct election_commands *commands);

/* Comes before all that is read: who wakes late finds answers that would have been good in time,
 * and has seen nothing meanwhile.
 */
void catch_up(struct election *election, instant_ns now, struct election_commands *commands);

/* Asks for the lock as a quorum knows it. */
void read_back(struct election *election, instant_ns now, struct election_commands *commands);

/* The open renewal of that serial, or with 0 a free place for one; NULL. */
struct renewal *renewal_find(struct election *election, uint64_t serial);

/* Sets when the next is due, after one was sent or answered. */
void schedule_renewal(struct election *election);

/* The session that was kept for a late acquire is destroyed. */
void ghost_end(struct election *election, struct election_commands *commands);

#endif
