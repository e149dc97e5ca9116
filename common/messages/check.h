/* check.h - whether what was heard can be, before anything of it is used.
 *
 * A text ends within its array, the byte of a bool is 0 or 1, an enum is one of its values, a
 * number is within its range, a descriptor comes where it must and nowhere else, and the type is
 * one that this peer says. What each message is made of is in shape.h. Nothing is checked here that
 * depends on what was said before, as whether an answer's request is open: that is the hearer's.
 *
 * What the hearer does about a message that is not sound:
 * - Network process: it skips it. Who waits for an answer kills the network process as one that
 *   hangs; a word from the keeper that is missed leaves the lock to run out.
 * - Keeper: it skips it. The supervisor kills a keeper that has not demoted or stopped by its
 *   deadline; a keeper that has not heard of a longer lease kills at the end of the shorter one. A
 *   lock without its descriptor ends the keeper at once: no program may act whose lock is not kept.
 * - Supervisor: it skips what the keeper says. A network process that says such a thing is faulty:
 *   it is killed, and another one goes on.
 */
#ifndef MESSAGES_CHECK_H
#define MESSAGES_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/messages/channel.h"
#include "common/messages/shape.h"

/* Whether that can be said there. passed_fd: came with it; -1. false: *why names the message and
 * the field: `NETWORK_ANSWER: view.session.text has no end`.
 */
bool message_is_sound(enum conversation conversation, const struct message *message, int passed_fd,
                      struct error *why);

/* The same for the hearer: of a message that is not sound its descriptor is closed, and the log
 * says what was wrong, of one peer once a second at most. complained: the hearer's note of when
 * that was, for this peer; 0 at first.
 */
bool message_heard(enum conversation conversation, const struct message *message, int passed_fd,
                   uint64_t *complained);

#endif
