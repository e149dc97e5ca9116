#include "common/messages/outbox.h"

#include <string.h>

void outbox_flush(struct outbox *outbox, int fd)
{
    unsigned sent = 0;

    while (sent < outbox->count && channel_send(fd, &outbox->words[sent], -1) != CHANNEL_FULL)
        sent++;
    outbox->count -= sent;
    memmove(outbox->words, outbox->words + sent, outbox->count * sizeof outbox->words[0]);
}

bool outbox_say(struct outbox *outbox, int fd, const struct message *word)
{
    outbox_flush(outbox, fd);
    if (outbox->count == 0 && channel_send(fd, word, -1) != CHANNEL_FULL)
        return true;
    if (outbox->count == OUTBOX_MAX)
        return false;
    outbox->words[outbox->count++] = *word;
    return true;
}

bool outbox_say_state(struct outbox *outbox, int fd, const struct message *state)
{
    outbox_flush(outbox, fd);
    if (outbox->count > 0 && outbox->words[outbox->count - 1].type == state->type)
        outbox->count--;
    return outbox_say(outbox, fd, state);
}

const struct message *outbox_last(const struct outbox *outbox)
{
    return outbox->count > 0 ? &outbox->words[outbox->count - 1] : NULL;
}

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->count == 0;
}
