/* channel.h - how our three processes talk: messages of one size over SOCK_SEQPACKET pairs.
 *
 * What a message means is declared beside this: in keeper.h for supervisor and keeper, in network.h
 * for the network process and the two.
 */
#ifndef MESSAGES_CHANNEL_H
#define MESSAGES_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define MESSAGE_BODY_SIZE 1600

struct message {
    uint32_t type;
    uint32_t reserved; /* 0: no padding leaves a process */
    uint64_t term;     /* the acquisition it belongs to; 0 when to none */
    uint64_t serial;   /* an answer carries its request's */
    _Alignas(8) unsigned char body[MESSAGE_BODY_SIZE];
};

/* The body seen as what the type says that it is. */
#define MESSAGE_BODY(message, type)                                                                \
    (__extension__({                                                                               \
        _Static_assert(sizeof(type) <= MESSAGE_BODY_SIZE, "a body fits its message");              \
        (type *)(void *)(message)->body;                                                           \
    }))

/* A line of the log for a process that can write it; no conversation's type is as high. */
#define MESSAGE_LOG_LINE 1000

struct log_line {
    uint32_t length;
    char text[MESSAGE_BODY_SIZE - 4];
};

/* What is heard of a message that does not have the size of one. */
#define MESSAGE_OF_ANOTHER_SIZE UINT32_MAX

enum channel_result {
    CHANNEL_MESSAGE,
    CHANNEL_EMPTY,  /* nothing there yet */
    CHANNEL_CLOSED, /* the other side is gone */
};

/* Makes a connected pair of non-blocking, close-on-exec ends. */
int channel_pair(int ends[2], struct error *err);

enum channel_sent {
    CHANNEL_SENT,
    CHANNEL_FULL, /* the other side has left too much unread, or the kernel has no memory for it
                     now; poll() tells with POLLOUT when a quarter or less is unread */
    CHANNEL_GONE, /* the other side is dead, and will never hear it */
};

/* Sends without waiting. passed_fd: a descriptor that goes with it, or -1; the sender keeps its
 * own. A message that was not sent has to have a consequence: it is kept (outbox.h), or the peer
 * is ended.
 */
enum channel_sent channel_send(int fd, const struct message *message, int passed_fd)
    __attribute__((warn_unused_result));

/* Whether more than half of the other side's room is free: who sends what may be lost, or may come
 * later, leaves the rest to what must fit.
 */
bool channel_has_room(int fd);

/* Sends what may be lost: a report. False: it is lost, since there is little room. */
bool channel_send_spare(int fd, const struct message *message);

/* Sends a line of the log. False: there is little room, or nobody to write it. */
bool channel_send_line(int fd, const char *text, size_t length);

/* Receives without waiting. *passed_fd: a descriptor that came along (close-on-exec, the
 * caller's to close) or -1; of several all but the first are lost. Of a message of another size
 * nothing is left but the type MESSAGE_OF_ANOTHER_SIZE, which nobody says.
 */
enum channel_result channel_receive(int fd, struct message *message, int *passed_fd);

#endif
