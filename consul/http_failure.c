#include "consul/http_failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "consul/http.h"

/* The inode of the first PID namespace: include/linux/proc_ns.h, PROC_PID_INIT_INO. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

static bool in_container(void)
{
    char namespace[64] = "";

    if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0)
        return true;
    return readlink("/proc/self/ns/pid", namespace, sizeof namespace - 1) > 0 &&
           strcmp(namespace, FIRST_PID_NAMESPACE) != 0;
}

static const char *hint(const struct http_failure *failure)
{
    if (failure->address->socket[0] != '\0')
        return " (is Consul's agent running, and may this user use its socket?)";
    if (failure->address->loopback && in_container())
        return " (in a container localhost is mostly the container itself: name the host's agent "
               "by "
               "CONSUL_HTTP_ADDR or --http-addr)";
    return " (is Consul's agent running there? CONSUL_HTTP_ADDR or --http-addr names another)";
}

static void describe_connect(const struct http_failure *failure, struct error *text)
{
    const char *where = failure->address->text;

    if (failure->os_error == ECONNREFUSED || failure->os_error == ENOENT ||
        failure->os_error == EACCES)
        error_set(text, "%s at %s%s", strerror(failure->os_error), where, hint(failure));
    else if (failure->os_error != 0)
        error_set(text, "%s at %s", strerror(failure->os_error), where);
    else
        error_set(text, "cannot connect to %s%s", where, hint(failure));
}

static void describe_timeout(const struct http_failure *failure, struct error *text)
{
    double seconds = (double)failure->timeout_ns / (double)SECONDS(1);

    error_set(text, "no %s from %s within %.3gs", failure->sent ? "answer" : "connection",
              failure->address->text, seconds);
}

/* A certificate that is missing is refused only when the handshake seems to be over. */
static bool is_of_tls(const struct http_failure *failure)
{
    return failure->code == CURLE_SSL_CONNECT_ERROR || strstr(failure->curl_error, "SSL") != NULL;
}

void http_failure_describe(const struct http_failure *failure, struct error *text)
{
    const char *where = failure->address->text;

    if (is_of_tls(failure)) {
        error_set(text, "cannot speak HTTPS with %s: %s", where, failure->curl_error);
        return;
    }
    switch (failure->code) {
    case CURLE_COULDNT_CONNECT:
        describe_connect(failure, text);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        error_set(text, "cannot resolve the host name of %s", where);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        describe_timeout(failure, text);
        break;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        error_set(text, "the connection to %s broke before the whole answer came", where);
        break;
    default:
        if (failure->too_large)
            error_set(text, "an answer too large from %s (more than %d bytes)", where,
                      HTTP_BODY_LIMIT);
        else
            error_set(text, "%s: %s", where,
                      failure->curl_error[0] ? failure->curl_error
                                             : curl_easy_strerror(failure->code));
    }
}
