#include "common/messages/channel.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* For 93 messages, with what the kernel counts for each. */
#define ROOM 106496

int channel_pair(int ends[2], struct error *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return error_errno(err, "cannot make a socket pair");
    for (int i = 0; i < 2; i++) /* the kernel doubles it; what a host has set may be too little */
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &(int){ ROOM }, sizeof(int));
    return 0;
}

enum channel_sent channel_send(int fd, const struct message *message, int passed_fd)
{
    struct iovec part = { .iov_base = (void *)message, .iov_len = sizeof *message };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };

    if (passed_fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &passed_fd, sizeof passed_fd);
    }

    ssize_t sent;
    do
        sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)sizeof *message)
        return CHANNEL_SENT;
    bool gone = errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == EBADF;
    return gone ? CHANNEL_GONE : CHANNEL_FULL;
}

bool channel_has_room(int fd)
{
    int unread = 0, room = 0;
    socklen_t size = sizeof room;

    return ioctl(fd, SIOCOUTQ, &unread) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size) == 0 && unread < room / 2;
}

bool channel_send_spare(int fd, const struct message *message)
{
    return channel_has_room(fd) && channel_send(fd, message, -1) == CHANNEL_SENT;
}

bool channel_send_line(int fd, const char *text, size_t length)
{
    struct message message = { .type = MESSAGE_LOG_LINE };
    struct log_line *line = MESSAGE_BODY(&message, struct log_line);

    line->length = length < sizeof line->text ? (uint32_t)length : (uint32_t)sizeof line->text;
    memcpy(line->text, text, line->length);
    return channel_send_spare(fd, &message);
}

static int take_descriptor(struct msghdr *header)
{
    int taken = -1;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
            memcpy(&taken, CMSG_DATA(part), sizeof taken);
    return taken;
}

enum channel_result channel_receive(int fd, struct message *message, int *passed_fd)
{
    for (;;) {
        struct iovec part = { .iov_base = message, .iov_len = sizeof *message };
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        struct msghdr header = {
            .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = control,
            .msg_controllen = CMSG_LEN(sizeof(int)), /* with the padding two would fit */
        };
        ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        /* A peer that died with messages of ours unread: told once, before what it had said. */
        if (size < 0 && (errno == EINTR || errno == ECONNRESET))
            continue;
        if (size < 0)
            return errno == EAGAIN ? CHANNEL_EMPTY : CHANNEL_CLOSED;
        if (size == 0)
            return CHANNEL_CLOSED;

        *passed_fd = take_descriptor(&header);
        if (size != (ssize_t)sizeof *message || header.msg_flags & MSG_TRUNC)
            *message = (struct message){ .type = MESSAGE_OF_ANOTHER_SIZE };
        return CHANNEL_MESSAGE;
    }
}
