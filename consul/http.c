#include "consul/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "consul/address.h"
#include "consul/http_failure.h"
#include "consul/tls.h"
#include "consul/token.h"

#if LIBCURL_VERSION_NUM < 0x075000
#error "libcurl 7.80 or later is needed: CURLOPT_PREREQFUNCTION, CURLOPT_MAXLIFETIME_CONN"
#endif

#define EXTRA_DESCRIPTORS_MAX 64
#define KEPT_CONNECTIONS      4L
#define LONGEST_WAIT_MS       60000
#define CONNECT_TIMEOUT_MIN   MILLISECONDS(200)

/* A peer that vanished without a word is noticed by then on a connection that only listens. */
#define SILENCE_LIMIT_MS 15000

struct http {
    CURLM *multi;
    struct address address;
    struct token token;
    char user[NAME_SIZE + 1];  /* user:password; secret */
    char scope[4 * NAME_SIZE]; /* `ns=a&partition=b`, escaped; empty: none */
    const struct tls *tls;
    struct curl_slist *route;     /* NULL: to the host of the URL */
    char url[2 * NAME_SIZE + 16]; /* what a path is appended to */
    uint64_t connect_timeout_ns;
    uint64_t broken_ns; /* a connection broke: kept ones that are older are not trusted */
};

struct http_request {
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    http_callback callback;
    void *context;
    struct http_response response;
    char *body;
    size_t capacity;
    uint64_t timeout_ns;
    bool once;
    bool sent;
    bool too_large;
    char curl_error[CURL_ERROR_SIZE];
};

/* --- What libcurl calls. --- */

static size_t body_received(char *data, size_t size, size_t count, void *context)
{
    struct http_request *request = context;
    size_t length = size * count;
    size_t needed = request->response.length + length + 1;

    if (needed > HTTP_BODY_LIMIT) {
        request->too_large = true;
        return 0;
    }
    if (needed > request->capacity) {
        request->capacity = needed < 2048 ? 4096 : 2 * needed;
        request->body = memory_resize(request->body, request->capacity);
    }
    memcpy(request->body + request->response.length, data, length);
    request->response.length += length;
    request->body[request->response.length] = '\0';
    return length;
}

/* The value of a header of that name, without the spaces around it; NULL: another header. */
static const char *header_value(const char *line, size_t length, const char *name, size_t *value)
{
    size_t start = strlen(name);

    if (length <= start || line[start] != ':' || strncasecmp(line, name, start) != 0)
        return NULL;
    for (start++; start < length && line[start] == ' '; start++)
        ;
    while (length > start && strchr(" \r\n", line[length - 1]))
        length--;
    *value = length - start;
    return line + start;
}

static size_t header_received(char *data, size_t size, size_t count, void *context)
{
    struct http_response *response = &((struct http_request *)context)->response;
    size_t length = size * count;
    size_t value_length;
    const char *value = header_value(data, length, "X-Consul-Index", &value_length);

    if (value) {
        char number[24];
        snprintf(number, sizeof number, "%.*s", (int)value_length, value);
        response->index = strtoull(number, NULL, 10);
    }
    value = header_value(data, length, "X-Consul-ContentHash", &value_length);
    if (value)
        snprintf(response->hash, sizeof response->hash, "%.*s", (int)value_length, value);
    return length;
}

/* Called when a connection is there, before the first byte of the request is written. */
static int about_to_send(void *context, char *peer, char *own, int peer_port, int own_port)
{
    struct http_request *request = context;
    bool again = request->sent;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    request->sent = true;
    return again && request->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int socket_made(void *context, curl_socket_t fd, curlsocktype purpose)
{
    unsigned limit_ms = SILENCE_LIMIT_MS;

    (void)context, (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms); /* fails for Unix */
    return CURL_SOCKOPT_OK;
}

/* --- Requests. --- */

static void set_destination(struct http_request *request, const struct http_order *order)
{
    struct http *http = request->http;
    char *url;

    if (http->scope[0] != '\0')
        url = memory_text("%s%s%c%s", http->url, order->path, strchr(order->path, '?') ? '&' : '?',
                          http->scope);
    else
        url = memory_text("%s%s", http->url, order->path);
    curl_easy_setopt(request->easy, CURLOPT_URL, url);
    free(url);

    curl_easy_setopt(request->easy, CURLOPT_PATH_AS_IS, 1L); /* a key may hold ".." */
    if (http->address.socket[0] != '\0')
        curl_easy_setopt(request->easy, CURLOPT_UNIX_SOCKET_PATH, http->address.socket);
    if (http->address.loopback)
        curl_easy_setopt(request->easy, CURLOPT_PROXY, "");
    tls_set(request->easy, http->tls);
    curl_easy_setopt(request->easy, CURLOPT_CONNECT_TO, http->route);
}

static void set_content(struct http_request *request, const struct http_order *order)
{
    const char *token = token_current(&request->http->token);

    curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, order->method);
    if (order->body || strcmp(order->method, "PUT") == 0) {
        const char *body = order->body ? order->body : "";
        curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(request->easy, CURLOPT_COPYPOSTFIELDS, body);
    }
    request->headers = curl_slist_append(request->headers, "Expect:");
    request->headers = curl_slist_append(request->headers, "Content-Type: application/json");
    if (token[0] != '\0') {
        char header[TOKEN_SIZE + 32];
        snprintf(header, sizeof header, "X-Consul-Token: %s", token);
        request->headers = curl_slist_append(request->headers, header);
    }
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
    if (request->http->user[0] != '\0') {
        curl_easy_setopt(request->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(request->easy, CURLOPT_USERPWD, request->http->user);
    }
}

/* After a connection broke those that are kept from before may be dead too, without a sign: for
 * two seconds none is used, then none that is older than the break (libcurl counts in seconds).
 */
static void set_trust(struct http_request *request)
{
    uint64_t broken_ns = request->http->broken_ns;
    long seconds = broken_ns ? (long)((clock_now_ns() - broken_ns) / SECONDS(1)) : 0;

    if (broken_ns && seconds < 2)
        curl_easy_setopt(request->easy, CURLOPT_FRESH_CONNECT, 1L);
    else if (broken_ns)
        curl_easy_setopt(request->easy, CURLOPT_MAXLIFETIME_CONN, seconds - 1);
}

static void set_connection(struct http_request *request)
{
    CURL *easy = request->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* leave a resolver that hangs behind */
#endif
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ns / MILLISECONDS(1)));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(request->http->connect_timeout_ns / MILLISECONDS(1)));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 5L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 3L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_made);
    set_trust(request);
}

static void set_callbacks(struct http_request *request)
{
    CURL *easy = request->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->curl_error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_received);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_received);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
}

struct http_request *http_request(struct http *http, const struct http_order *order)
{
    struct http_request *request = memory_new(sizeof *request);

    request->http = http;
    request->easy = memory_sure(curl_easy_init());
    request->callback = order->callback;
    request->context = order->context;
    request->timeout_ns = order->timeout_ns;
    request->once = order->once;

    set_destination(request, order);
    set_content(request, order);
    set_connection(request);
    set_callbacks(request);
    curl_multi_add_handle(http->multi, request->easy);
    return request;
}

void http_cancel(struct http_request *request)
{
    if (!request)
        return;
    curl_multi_remove_handle(request->http->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    free(request->body);
    free(request);
}

/* --- Answers. --- */

static void request_done(struct http_request *request, CURLcode code)
{
    struct http *http = request->http;
    struct http_response *response = &request->response;
    struct error failure;

    response->answered = code == CURLE_OK;
    response->never_sent = code != CURLE_OK && !request->sent;
    response->body = request->body ? request->body : "";
    response->address = http->address.text;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &response->status);

    if (!response->answered) {
        long os_error = 0;
        curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &os_error);
        http_failure_describe(
            &(struct http_failure){
                .code = code,
                .os_error = (int)os_error,
                .sent = request->sent,
                .too_large = request->too_large,
                .timeout_ns = request->sent ? request->timeout_ns : http->connect_timeout_ns,
                .address = &http->address,
                .curl_error = request->curl_error,
            },
            &failure);
        response->failure = failure.text;
        if (request->sent && !request->too_large)
            http->broken_ns = clock_now_ns();
    } else if (response->status == 403) {
        token_refused(&http->token);
    }
    request->callback(request->context, response);
    http_cancel(request);
}

/* Whether anybody was called. */
static bool dispatch(struct http *http)
{
    bool any = false;
    int left;
    CURLMsg *message;

    curl_multi_perform(http->multi, &left);
    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct http_request *request;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        request_done(request, message->data.result);
        any = true;
    }
    return any;
}

void http_wait(struct http *http, struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    struct curl_waitfd waits[EXTRA_DESCRIPTORS_MAX];

    assert(count <= EXTRA_DESCRIPTORS_MAX);
    for (nfds_t i = 0; i < count; i++)
        waits[i] = (struct curl_waitfd){
            .fd = descriptors[i].fd,
            .events = (short)((descriptors[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                              (descriptors[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0)),
        };
    if (timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS)
        timeout_ms = LONGEST_WAIT_MS;
    if (dispatch(http))
        timeout_ms = 0;

    curl_multi_poll(http->multi, waits, (unsigned)count, timeout_ms, NULL);
    poll(descriptors, count, 0); /* libcurl does not tell of POLLHUP */
    dispatch(http);
}

/* --- The client. --- */

static void set_scope(struct http *http, const struct settings *settings)
{
    char *ns = memory_sure(curl_easy_escape(NULL, settings->consul_namespace, 0));
    char *partition = memory_sure(curl_easy_escape(NULL, settings->partition, 0));

    snprintf(http->scope, sizeof http->scope, "%s%s%s%s%s", ns[0] ? "ns=" : "", ns,
             ns[0] && partition[0] ? "&" : "", partition[0] ? "partition=" : "", partition);
    curl_free(ns);
    curl_free(partition);
}

static void *library_realloc(void *memory, size_t size)
{
    return memory_resize(memory, size ? size : 1);
}

static void *library_malloc(size_t size)
{
    return library_realloc(NULL, size);
}

static void *library_calloc(size_t count, size_t size)
{
    return memory_sure(calloc(count ? count : 1, size ? size : 1));
}

static char *library_strdup(const char *text)
{
    return memory_sure(strdup(text));
}

void http_begin_library(void)
{
    static bool begun;

    if (!begun && curl_global_init_mem(CURL_GLOBAL_DEFAULT, library_malloc, free, library_realloc,
                                       library_strdup, library_calloc) != CURLE_OK)
        memory_is_out();
    begun = true;
}

static int client_init(struct http *http, const struct settings *settings, struct error *err)
{
    memset(http, 0, sizeof *http);
    http_begin_library();
    if (address_parse(settings->http_addr, settings->http_ssl, &http->address, err) != 0 ||
        token_open(&http->token, settings, err) != 0)
        return -1;
    snprintf(http->user, sizeof http->user, "%s%s", settings->http_auth,
             settings->http_auth[0] != '\0' && !strchr(settings->http_auth, ':') ? ":" : "");
    set_scope(http, settings);
    http->tls = &settings->tls;
    http->route = tls_route(&settings->tls, http->address.url, http->url, sizeof http->url);
    http->connect_timeout_ns = settings_request_timeout(settings) / 3;
    if (http->connect_timeout_ns < CONNECT_TIMEOUT_MIN)
        http->connect_timeout_ns = CONNECT_TIMEOUT_MIN;

    http->multi = memory_sure(curl_multi_init());
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
    return 0;
}

struct http *http_open(const struct settings *settings, struct error *err)
{
    static struct http client;

    if (!client.multi && client_init(&client, settings, err) != 0)
        return NULL;
    return &client;
}

const char *http_address(const struct http *http)
{
    return http->address.text;
}
