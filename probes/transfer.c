#include "probes/transfer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "consul/http.h"

struct transfers {
    CURLM *multi;
    int watched;     /* epoll: what libcurl waits for */
    uint64_t due_ns; /* 0: nothing by time */
};

struct transfer {
    struct transfers *transfers;
    struct probe *probe;
    CURL *easy;
    bool (*judge)(const struct probe *probe, CURL *easy, CURLcode code, struct error *reason);
    char curl_error[CURL_ERROR_SIZE];
};

/* --- What libcurl waits for. --- */

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    const struct transfers *transfers = context;
    struct epoll_event event = { .data.fd = fd };

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(transfers->watched, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    epoll_ctl(transfers->watched, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    curl_multi_assign(transfers->multi, fd, context);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct transfers *transfers = context;

    (void)multi;
    transfers->due_ns = timeout_ms < 0 ? 0 : clock_now_ns() + MILLISECONDS(timeout_ms);
    return 0;
}

struct transfers *transfers_open(void)
{
    struct transfers *transfers = memory_new(sizeof *transfers);

    http_begin_library();
    transfers->multi = memory_sure(curl_multi_init());
    transfers->watched = epoll_create1(EPOLL_CLOEXEC);
    assert(transfers->watched >= 0);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    return transfers;
}

int transfers_descriptor(const struct transfers *transfers)
{
    return transfers->watched;
}

uint64_t transfers_next_due(const struct transfers *transfers)
{
    return transfers->due_ns;
}

/* --- One. --- */

CURL *transfer_new(void)
{
    CURL *easy = memory_sure(curl_easy_init());

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* leave a resolver that hangs behind */
#endif
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    return easy;
}

struct transfer *transfer_begin(struct transfers *transfers, struct probe *probe, CURL *easy,
                                bool (*judge)(const struct probe *probe, CURL *easy, CURLcode code,
                                              struct error *reason))
{
    struct transfer *transfer = memory_new(sizeof *transfer);

    *transfer =
        (struct transfer){ .transfers = transfers, .probe = probe, .easy = easy, .judge = judge };
    probe->awaited = "connection";
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_multi_add_handle(transfers->multi, easy);
    return transfer;
}

void transfer_cancel(struct transfer *transfer)
{
    curl_multi_remove_handle(transfer->transfers->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    free(transfer);
}

/* Without the address, which stands beside it. */
static void describe(const struct transfer *transfer, CURLcode code, struct error *reason)
{
    long os_error = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT && os_error != 0)
        error_set(reason, "%s", strerror((int)os_error));
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        error_set(reason, "cannot resolve the host name");
    else
        error_set(reason, "%s",
                  transfer->curl_error[0] ? transfer->curl_error : curl_easy_strerror(code));
}

static void conclude(struct transfer *transfer, CURLcode code)
{
    struct probe *probe = transfer->probe;
    struct error reason;

    describe(transfer, code, &reason);
    bool good = transfer->judge(probe, transfer->easy, code, &reason);

    transfer_cancel(transfer);
    probe_ended(probe, good, reason.text);
}

void transfers_turn(struct transfers *transfers)
{
    struct epoll_event events[32];
    struct transfer *transfer;
    CURLMsg *message;
    int left;

    int count = epoll_wait(transfers->watched, events, 32, 0);
    for (int i = 0; i < count; i++)
        curl_multi_socket_action(
            transfers->multi, events[i].data.fd,
            (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
            &left);
    if (transfers->due_ns != 0 && clock_now_ns() >= transfers->due_ns) {
        transfers->due_ns = 0;
        curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &left);
    }
    while ((message = curl_multi_info_read(transfers->multi, &left))) {
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        conclude(transfer, message->data.result);
    }
}
