/* outbox.h - words that must not be lost on their way through a channel that may be full.
 *
 * What finds no room is kept, in the order in which it was said, until the other side has read. The
 * sender calls outbox_flush() in each turn of its loop, and watches for POLLOUT while words wait.
 */
#ifndef MESSAGES_OUTBOX_H
#define MESSAGES_OUTBOX_H

#include <stdbool.h>

#include "common/messages/channel.h"

#define OUTBOX_MAX 16

struct outbox {
    struct message words[OUTBOX_MAX];
    unsigned count;
};

/* Sends the word, or keeps it behind those that wait. What is said to the dead is forgotten. False:
 * there is no room left to keep it, and the word is lost.
 */
bool outbox_say(struct outbox *outbox, int fd, const struct message *word)
    __attribute__((warn_unused_result));

/* Says how something is now: of states of one type that wait with nothing between them only the
 * newest is kept. False: as above.
 */
bool outbox_say_state(struct outbox *outbox, int fd, const struct message *state)
    __attribute__((warn_unused_result));

/* Sends what there is room for. */
void outbox_flush(struct outbox *outbox, int fd);

bool outbox_is_empty(const struct outbox *outbox);

/* The last of those that wait; NULL: none does. */
const struct message *outbox_last(const struct outbox *outbox);

#endif
