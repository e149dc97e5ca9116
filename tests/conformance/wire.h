/* wire.h - requests to a real Consul over kept connections to its Unix socket, many at
 * once. Whatever goes wrong with a connection ends the program with a line that says it.
 */
#ifndef CONFORMANCE_WIRE_H
#define CONFORMANCE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/model/text.h"

#define WIRES_MAX 64

struct wire_answer {
    int status;
    uint64_t index; /* X-Consul-Index; 0: the header is not there */
    struct text body;
};

struct wire {
    int fd; /* -1: not open */
    bool busy;
    void *context; /* the asker's */
    struct text out, in;
    size_t sent;
    struct wire_answer answer;
};

/* A free one, or NULL. path: the socket. */
struct wire *wire_free(struct wire *wires, size_t count, const char *path);

/* Sends; body "": none. */
void wire_send(struct wire *wire, const char *method, const char *path, const char *body,
               void *context);

/* Waits until any can go on, for no longer than timeout_ms. */
void wire_wait(struct wire *wires, size_t count, int timeout_ms);

/* One whose answer is complete, and which is free again, or NULL; its answer is valid until the
 * next wire_send().
 */
struct wire *wire_done(struct wire *wires, size_t count);

#endif
