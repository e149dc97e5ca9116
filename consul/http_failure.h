/* http_failure.h - why no answer came, in words that help. */
#ifndef CONSUL_HTTP_FAILURE_H
#define CONSUL_HTTP_FAILURE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "consul/address.h"

struct http_failure {
    CURLcode code;
    int os_error; /* errno of the connect; 0: none */
    bool sent;    /* at least begun to be sent */
    bool too_large;
    uint64_t timeout_ns; /* the one that would have ended it */
    const struct address *address;
    const char *curl_error;
};

/* `connection refused at http://127.0.0.1:8500 (...)` */
void http_failure_describe(const struct http_failure *failure, struct error *text);

#endif
