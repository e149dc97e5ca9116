/* store.c - what a leader writes to: it keeps the highest token and refuses lower ones.
 *
 *   chaos-store SOCKET LOG
 *
 * A write is a packet with a token, the answer a packet with one byte: 1 accepted, 0 refused. Each
 * becomes an entry of LOG, which evidence.py reads.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/chaos/record.h"

#define CLIENTS 256

struct entry {
    int64_t at; /* CLOCK_MONOTONIC */
    uint64_t token;
    uint64_t accepted;
};

static struct pollfd descriptors[1 + CLIENTS]; /* the first listens; negative: free */
static uint64_t highest;
static int log_fd;

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof address.sun_path)
        fail(path);
    strcpy(address.sun_path, path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, CLIENTS) < 0)
        fail(path);
    return fd;
}

static void greet(int client)
{
    int i = 1;

    while (i <= CLIENTS && descriptors[i].fd >= 0)
        i++;
    if (client < 0 || i > CLIENTS)
        fail("a client more");
    descriptors[i] = (struct pollfd){ .fd = client, .events = POLLIN };
}

static void serve(struct pollfd *client)
{
    struct entry entry;

    if (recv(client->fd, &entry.token, sizeof entry.token, 0) != sizeof entry.token) {
        close(client->fd);
        client->fd = -1;
        return;
    }
    entry.at = now_ns();
    entry.accepted = entry.token >= highest;
    if (entry.accepted)
        highest = entry.token;
    if (write(log_fd, &entry, sizeof entry) != sizeof entry)
        fail("log");
    unsigned char answer = (unsigned char)entry.accepted;
    send(client->fd, &answer, sizeof answer, MSG_NOSIGNAL); /* who was killed wants no answer */
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: chaos-store SOCKET LOG\n");
        return 98;
    }
    log_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0)
        fail(argv[2]);
    memset(descriptors, -1, sizeof descriptors);
    descriptors[0] = (struct pollfd){ .fd = listen_at(argv[1]), .events = POLLIN };
    for (;;) {
        if (poll(descriptors, 1 + CLIENTS, -1) < 0)
            fail("poll");
        if (descriptors[0].revents)
            greet(accept4(descriptors[0].fd, NULL, NULL, SOCK_CLOEXEC));
        for (int i = 1; i <= CLIENTS; i++)
            if (descriptors[i].fd >= 0 && descriptors[i].revents)
                serve(&descriptors[i]);
    }
}
