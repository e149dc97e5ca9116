/* message_fixture.h - messages as their tables say that they are. */
#ifndef TESTS_UNIT_MESSAGE_FIXTURE_H
#define TESTS_UNIT_MESSAGE_FIXTURE_H

#include "common/messages/check.h"

/* For passed_fd: no descriptor. */
#define NONE (-1)

/* The one that was last made. */
extern struct message message;

/* Puts a number where it stands in a body. */
void set_number(unsigned char *bytes, int64_t number);

/* Makes a sound message in which everything holds as much as it may. Returns its word; NULL: it is
 * none of that conversation's.
 */
const struct word *say(enum conversation conversation, uint32_t type);

#endif
