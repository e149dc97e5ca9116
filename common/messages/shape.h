/* shape.h - what each message is made of, as data: the tables that check.h goes by.
 *
 * A message that is added to common/messages/keeper.h or common/messages/network.h gets its row
 * here, and a field of a body its line; tests/unit/test_check.c finds a message without a row, and
 * a field that is in no table.
 */
#ifndef MESSAGES_SHAPE_H
#define MESSAGES_SHAPE_H

#include <stddef.h>
#include <stdint.h>

/* Who speaks, and who hears. */
enum conversation {
    SUPERVISOR_TO_KEEPER,
    KEEPER_TO_SUPERVISOR,
    SUPERVISOR_TO_NETWORK,
    NETWORK_TO_SUPERVISOR,
    KEEPER_TO_NETWORK,
    CONVERSATIONS
};

enum field_kind {
    FIELD_PLAIN,       /* whatever it holds is sound */
    FIELD_TEXT,        /* an array of char with a NUL in it */
    FIELD_FLAG,        /* a bool: its byte is 0 or 1 */
    FIELD_NUMBER,      /* 4 bytes, from `least` to `most`; enums too */
    FIELD_WAIT_STATUS, /* of waitpid(2), of a process that has ended */
    FIELD_STRUCT,      /* of `shape` */
    FIELD_KINDS
};

struct field {
    const char *name;
    size_t offset;
    size_t size;
    enum field_kind kind;
    int64_t least, most;
    const struct shape *shape;
};

/* A struct. What is in none of its fields is padding. */
struct shape {
    size_t size;
    const struct field *fields;
    size_t count;
};

enum descriptor {
    DESCRIPTOR_NONE,     /* none may come with the message */
    DESCRIPTOR_COMES,    /* one must */
    DESCRIPTOR_MAY_COME, /* what the body says decides it: the hearer's to see to */
};

/* One type of message. */
struct word {
    const char *name; /* as in its enum */
    enum conversation conversation;
    enum descriptor descriptor;
    const struct shape *body; /* NULL: none */
};

/* NULL: a message of that type is not said there. */
const struct word *shape_word(enum conversation conversation, uint32_t type);

#endif
