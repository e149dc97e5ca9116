#include "probes/transfer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/error.h"
#include "consul/memory.h"

#define EVENTS_AT_ONCE 64

/* Of the body of an answer whose status is known already. */
#define BODY_MOST (64 * 1024)

struct transfers {
    CURLM *multi;
    int epoll_fd;
    instant_ns due; /* as libcurl wants to be called; 0: not by time */
};

struct transfer {
    struct transfers *transfers;
    struct probe *probe;
    CURL *easy;
    transfer_done *done;
    struct curl_slist *route;
    size_t received;
    char curl_error[CURL_ERROR_SIZE];
};

/* --- What libcurl calls. --- */

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    const struct transfers *transfers = context;
    struct epoll_event event = {
        .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
        .data.fd = fd,
    };

    (void)easy, (void)of_socket;
    if (what == CURL_POLL_REMOVE)
        epoll_ctl(transfers->epoll_fd, EPOLL_CTL_DEL, fd, &event);
    else if (epoll_ctl(transfers->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
        epoll_ctl(transfers->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    return 0;
}

static int timer_changed(CURLM *multi, long timeout_ms, void *context)
{
    struct transfers *transfers = context;

    (void)multi;
    transfers->due = timeout_ms < 0 ? 0 : clock_now_ns() + MILLISECONDS(timeout_ms);
    return 0;
}

static size_t body_received(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;

    (void)data;
    transfer->received += size * count;
    return transfer->received > BODY_MOST ? 0 : size * count; /* 0: no more */
}

/* --- One. --- */

/* The timeout is the runner's; libcurl's own would only say less clearly that it is over. */
struct transfer *transfer_new(struct probe *probe, const char *url, transfer_done *done)
{
    struct transfer *transfer = memory_new(sizeof *transfer);
    CURL *easy = curl_easy_init();

    assert(easy);
    *transfer = (struct transfer){
        .transfers = probe->context,
        .probe = probe,
        .easy = easy,
        .done = done,
    };
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_received);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* leave a resolver that hangs behind */
#endif
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    probe->run = transfer;
    probe->awaited = "connection";
    return transfer;
}

CURL *transfer_handle(const struct transfer *transfer)
{
    return transfer->easy;
}

void transfer_start(struct transfer *transfer, struct curl_slist *route)
{
    transfer->route = route;
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, route);
    curl_multi_add_handle(transfer->transfers->multi, transfer->easy);
}

void transfer_cancel(struct transfer *transfer)
{
    transfer->probe->run = NULL;
    curl_multi_remove_handle(transfer->transfers->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->route);
    free(transfer);
}

/* In words that fit a reason, without the address, which stands beside it. */
static void describe(const struct transfer *transfer, CURLcode code, struct error *text)
{
    long os_error = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        error_set(text, "%s", os_error != 0 ? strerror((int)os_error) : "cannot connect");
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        error_set(text, "cannot resolve the host name");
        break;
    default:
        error_set(text, "%s",
                  transfer->curl_error[0] ? transfer->curl_error : curl_easy_strerror(code));
    }
}

static void end(struct transfer *transfer, CURLcode code)
{
    struct probe *probe = transfer->probe;
    transfer_done *done = transfer->done;
    struct error failure;
    bool succeeded = code == CURLE_OK || transfer->received > BODY_MOST;
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    describe(transfer, code, &failure);
    transfer_cancel(transfer);
    done(probe, status, succeeded ? NULL : failure.text);
}

/* --- All. --- */

struct transfers *transfers_open(void)
{
    struct transfers *transfers = memory_new(sizeof *transfers);

    transfers->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (transfers->epoll_fd < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(transfers->multi = curl_multi_init()))
        abort();
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    return transfers;
}

int transfers_descriptor(const struct transfers *transfers)
{
    return transfers->epoll_fd;
}

instant_ns transfers_next_due(const struct transfers *transfers)
{
    return transfers->due;
}

static void take_events(struct transfers *transfers)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int left, count = epoll_wait(transfers->epoll_fd, events, EVENTS_AT_ONCE, 0);

    for (int i = 0; i < count; i++) {
        uint32_t came = events[i].events;
        int what = (came & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (came & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (came & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(transfers->multi, events[i].data.fd, what, &left);
    }
}

void transfers_turn(struct transfers *transfers)
{
    CURLMsg *message;
    int left;

    take_events(transfers);
    if (transfers->due != 0 && clock_now_ns() >= transfers->due) {
        transfers->due = 0;
        curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &left);
    }
    while ((message = curl_multi_info_read(transfers->multi, &left))) {
        struct transfer *transfer;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end(transfer, code);
    }
}
