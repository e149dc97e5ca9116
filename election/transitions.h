/* transitions.h - the election's state table. Private to election/ and its tests. */
#ifndef ELECTION_TRANSITIONS_H
#define ELECTION_TRANSITIONS_H

#include "election/election.h"

/* One step: looks up state and event, goes to the next state and does the cell's work. */
void transition(struct election *election, enum election_event event, instant_ns now,
                struct election_commands *commands);

/* Appends a command; the caller fills it in. */
struct election_command *command_add(struct election_commands *commands, enum command_type type);

/* Appends a request of the present term and returns it; its serial is set. */
struct lock_request *request_add(struct election *election, struct election_commands *commands,
                                 enum request_type type);

#endif
