/* ack.h - the program's own word that it acts no more: `demoted` on a line of its own, through a
 * pipe that it inherits (--demote-ack).
 *
 * One pipe serves every run of the program. It is opened before all else, because a plain shell
 * can write to a descriptor of one digit only.
 */
#ifndef PROCESS_ACK_H
#define PROCESS_ACK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

struct ack {
    int reader; /* -1: none */
    int writer; /* close-on-exec: whoever starts the program leaves it open; -1: none */
    size_t
        matched; /* of the word, on the line that is being read; more than it has: another line */
};

#define ACK_NONE ((struct ack){ .reader = -1, .writer = -1 })

int ack_open(struct ack *ack, struct error *err);

/* What was said before it was asked counts nothing. */
void ack_discard(struct ack *ack);

/* Reads what is there. Whether the word has come. */
bool ack_has_come(struct ack *ack);

#endif
