#include "tests/conformance/wire.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE 16384

static int wire_open(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        err(1, "cannot connect to Consul at %s", path);
    return fd;
}

struct wire *wire_free(struct wire *wires, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (wires[i].busy)
            continue;
        if (wires[i].fd < 0)
            wires[i].fd = wire_open(path);
        return &wires[i];
    }
    return NULL;
}

static void wire_write(struct wire *wire)
{
    ssize_t sent = send(wire->fd, wire->out.bytes + wire->sent, wire->out.length - wire->sent,
                        MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN)
        err(1, "cannot send to Consul");
    wire->sent += sent > 0 ? (size_t)sent : 0;
}

void wire_send(struct wire *wire, const char *method, const char *path, const char *body,
               void *context)
{
    wire->busy = true;
    wire->context = context;
    wire->sent = 0;
    text_clear(&wire->in);
    text_clear(&wire->out);
    text_add_format(&wire->out, "%s %s HTTP/1.1\r\nHost: consul\r\nContent-Length: %zu\r\n\r\n",
                    method, path, strlen(body));
    text_add(&wire->out, body);
    wire_write(wire);
}

void wire_wait(struct wire *wires, size_t count, int timeout_ms)
{
    struct pollfd polled[WIRES_MAX];

    for (size_t i = 0; i < count; i++) {
        polled[i].fd = wires[i].busy ? wires[i].fd : -1;
        polled[i].events = wires[i].sent < wires[i].out.length ? POLLIN | POLLOUT : POLLIN;
        polled[i].revents = 0;
    }
    if (poll(polled, count, timeout_ms) < 0 && errno != EINTR)
        err(1, "poll");
    for (size_t i = 0; i < count; i++) {
        if (polled[i].revents & POLLOUT)
            wire_write(&wires[i]);
        if ((polled[i].revents & ~POLLOUT) == 0)
            continue;
        char *end = text_reserve(&wires[i].in, READ_SIZE);
        ssize_t got = recv(wires[i].fd, end, READ_SIZE, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            errx(1, "Consul closed a connection; sent was:\n%s", wires[i].out.bytes);
        if (got > 0) {
            end[got] = '\0';
            wires[i].in.length += (size_t)got;
        }
    }
}

/* The value of a header; NULL: it is not there. */
static const char *header(const struct text *in, const char *end, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = in->bytes; line && line < end; line = strstr(line, "\r\n")) {
        line += line == in->bytes ? 0 : 2;
        if (strncasecmp(line, name, length) == 0)
            return line + length;
    }
    return NULL;
}

/* False: it is not complete. */
static bool chunks_read(const char *at, struct text *body)
{
    for (;;) {
        char *begin;
        size_t size = strtoul(at, &begin, 16);
        if (strncmp(begin, "\r\n", 2) != 0)
            return false;
        if (strlen(begin) < size + 4)
            return false;
        if (size == 0)
            return true;
        text_add_bytes(body, begin + 2, size);
        at = begin + 2 + size + 2;
    }
}

static bool answer_read(struct wire *wire)
{
    const struct text *in = &wire->in;
    const char *end = strstr(in->bytes, "\r\n\r\n");

    if (!end || sscanf(in->bytes, "HTTP/1.1 %d", &wire->answer.status) != 1)
        return false;
    const char *index = header(in, end, "X-Consul-Index: ");
    const char *length = header(in, end, "Content-Length: ");
    wire->answer.index = index ? strtoull(index, NULL, 10) : 0;
    text_clear(&wire->answer.body);
    end += 4;
    if (!length)
        return chunks_read(end, &wire->answer.body);
    size_t wanted = strtoul(length, NULL, 10);
    if (in->length - (size_t)(end - in->bytes) < wanted)
        return false;
    text_add_bytes(&wire->answer.body, end, wanted);
    return true;
}

struct wire *wire_done(struct wire *wires, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (wires[i].busy && wires[i].in.length > 0 && answer_read(&wires[i])) {
            wires[i].busy = false;
            return &wires[i];
        }
    return NULL;
}
