#include "tests/unit/message_fixture.h"

#include <string.h>

struct message message;

void set_number(unsigned char *bytes, int64_t number)
{
    int32_t stored = (int32_t)number;

    memcpy(bytes, &stored, sizeof stored);
}

/* Everything holds as much as it may. */
static void fill(const struct shape *shape, unsigned char *bytes)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        unsigned char *place = bytes + field->offset;
        memset(place, 0xff, field->size);
        switch (field->kind) {
        case FIELD_TEXT:
            place[field->size - 1] = '\0';
            break;
        case FIELD_FLAG:
            *place = 1;
            break;
        case FIELD_NUMBER:
            set_number(place, field->most);
            break;
        case FIELD_WAIT_STATUS:
            set_number(place, 255 << 8);
            break;
        case FIELD_STRUCT:
            fill(field->shape, place);
            break;
        case FIELD_PLAIN:
        case FIELD_KINDS:
            break;
        }
    }
}

const struct word *say(enum conversation conversation, uint32_t type)
{
    const struct word *word = shape_word(conversation, type);

    message = (struct message){ .type = type };
    if (word && word->body)
        fill(word->body, message.body);
    return word;
}
