/* http.h - requests to Consul's HTTP API that nobody waits for; and the one place where the network
 * process waits.
 *
 * One libcurl multi handle for the whole process, HTTP/1.1, a connection for each request that is
 * open at the same time, kept afterwards. No threads of ours; libcurl resolves names other than
 * localhost in a thread of its own, which is never waited for.
 */
#ifndef CONSUL_HTTP_H
#define CONSUL_HTTP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/options/settings.h"

/* No answer of Consul's that we ask for is longer. */
#define HTTP_BODY_LIMIT (1024 * 1024)

struct http;
struct http_request;

struct http_response {
    bool answered;    /* a whole HTTP answer came */
    bool never_sent;  /* not answered, and surely nothing of the request has left */
    long status;      /* when answered */
    const char *body; /* ends with a NUL that is not counted; never NULL */
    size_t length;
    uint64_t index;      /* X-Consul-Index; 0: none */
    char hash[64];       /* X-Consul-ContentHash; empty: none */
    const char *failure; /* in words, when not answered; one line */
    const char *address; /* Consul's, for messages */
};

typedef void (*http_callback)(void *context, const struct http_response *response);

struct http_order {
    const char *method;
    const char *path; /* `/v1/kv/a?consistent`: escaped, without namespace and partition */
    const char *body; /* NULL: none */
    uint64_t timeout_ns;
    bool once; /* never sent a second time when a kept connection turns out to be dead: what is
                  guarded by an index would be answered with the failure of its own success */
    http_callback callback;
    void *context;
};

/* libcurl, once a process and before anything of it is used: memory that it does not get ends the
 * process (memory.h).
 */
void http_begin_library(void);

/* Opens the client, once a process: every later call gives the same. -1 as NULL: the address or
 * the token file is wrong. settings: copied where needed.
 */
struct http *http_open(const struct settings *settings, struct error *err);

/* Sends at the next http_wait(). The callback comes once, from within http_wait(); not after
 * http_cancel(). The request is valid until either.
 */
struct http_request *http_request(struct http *http, const struct http_order *order);

/* NULL: nothing. What has been sent is not undone. */
void http_cancel(struct http_request *request);

/* Waits for any descriptor, any answer or the end of timeout_ms (-1: none), and calls back. Sets
 * revents of all descriptors. Returns early without reason now and then.
 */
void http_wait(struct http *http, struct pollfd *descriptors, nfds_t count, int timeout_ms);

/* Where Consul is, for messages. */
const char *http_address(const struct http *http);

#endif
