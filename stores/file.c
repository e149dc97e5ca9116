/* file.c - the lock as a file of one machine: flock().
 *
 * The lock belongs to the open file, of which keeper and supervisor hold copies; nobody unlocks,
 * the last copy that is closed frees it. A waiting instance keeps its descriptor open between
 * tries: each close of it would wake all others.
 *
 * A session is that of one open file. When the path names another file, the session is over, so
 * that no acquire that was sent for the former file takes the new one; and the new one, be it a
 * copy, is not shown as released before somebody has led by it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "stores/file_value.h"
#include "stores/lock_file.h"
#include "stores/store.h"

#define SLOW_RETRY SECONDS(1)

#define NO_COUNTER UINT64_MAX

/* After a close: the event comes a moment before the lock is free. */
static const uint64_t quick_retries[] = { MILLISECONDS(1), MILLISECONDS(2), MILLISECONDS(5) };

#define QUICK_RETRIES (sizeof quick_retries / sizeof quick_retries[0])

struct store {
    const struct settings *settings;
    struct store_listener listener;
    struct lock_identity identity;
    struct lock_file file;
    bool file_lost;           /* the last one that was open was not the path's any more */
    uint64_t doubted_counter; /* of the file in its place, when it was opened; or NO_COUNTER */
    uint64_t term;
    struct session_id session; /* empty: no term */
    bool holding;
    uint64_t token;
    char since[LOCK_VALUE_TIME_SIZE];
    bool unusable_told;
    size_t retry; /* of quick_retries; QUICK_RETRIES: each second */
    uint64_t retry_due;
};

/* --- What is told. --- */

static void answer(struct store *store, const struct lock_request *request,
                   enum answer_result result, uint64_t index, const struct error *err)
{
    struct lock_answer told = lock_answer_to(request, result);
    bool acquired = request->type == REQUEST_ACQUIRE && result == ANSWER_DONE;

    told.index = index;
    if (request->type == REQUEST_SESSION)
        told.session = store->session;
    if (acquired)
        lock_identity_show(&store->identity, &told.view);
    if (err)
        snprintf(told.reason, sizeof told.reason, "--store: file:%.200s: %.250s",
                 store->settings->store_path, err->text);
    store->listener.answer(store->listener.context, &told, acquired ? store->file.fd : -1);
}

/* held: by somebody else. Nobody can hold it under a name of its own, so theirs is made up. */
static void fill_view(struct store *store, struct lock_view *view, bool held)
{
    struct error ignored;

    *view = (struct lock_view){ .exists = true, .consistent = true };
    if (store->file.fd >= 0 && file_value_read(store->file.fd, &view->index, view, &ignored) < 0)
        view->index = 0;
    view->token = view->index;
    view->released = !held && view->index != store->doubted_counter;
    if (held)
        snprintf(view->session.text, sizeof view->session.text, "%.60s",
                 view->holder_name[0] != '\0' ? view->holder_name : "another process");
    if (store->holding) {
        view->term = store->term;
        view->index = store->token;
        view->session = store->session;
        view->ours = true;
    }
}

static void tell_view(struct store *store, bool held)
{
    struct lock_view view;

    fill_view(store, &view, held);
    store->listener.lock_seen(store->listener.context, &view);
}

static void tell_loss(struct store *store)
{
    struct lock_view view = { .term = store->term, .consistent = true };

    log_error("the lock file was removed or replaced path=%s", store->settings->store_path);
    store->listener.lock_seen(store->listener.context, &view);
}

/* --- The file. --- */

static void close_file(struct store *store)
{
    if (store->file.fd >= 0 && !lock_file_is_in_place(&store->file))
        store->file_lost = true;
    lock_file_close(&store->file);
}

static int open_file(struct store *store, struct error *err)
{
    struct lock_view ignored;
    struct error unreadable;

    close_file(store);
    if (lock_file_open(&store->file, err) < 0)
        return -1;
    if (store->file_lost) {
        file_value_read(store->file.fd, &store->doubted_counter, &ignored, &unreadable);
        store->file_lost = false;
    }
    return 0;
}

static void end_term(struct store *store)
{
    close_file(store);
    store->holding = false;
    store->session.text[0] = '\0';
    store->retry_due = 0;
}

static void open_again(struct store *store)
{
    struct error err;

    if (open_file(store, &err) == 0)
        return;
    log_error("the lock file cannot be opened again path=%s reason=\"%s\"",
              store->settings->store_path, err.text);
    end_term(store);
}

/* The path names another file. Whoever leads by the former one does not lose its lease by that. */
static void lose_file(struct store *store)
{
    log_warn("the lock file was removed or replaced path=%s", store->settings->store_path);
    end_term(store);
    open_again(store);
    if (store->file.fd >= 0)
        tell_view(store, false);
}

/* --- Waiting. --- */

/* Says that the lock may be free: only a try can tell. */
static void offer_try(struct store *store)
{
    if (store->session.text[0] == '\0' || store->holding)
        return;
    if (!lock_file_is_in_place(&store->file)) {
        lose_file(store);
        return;
    }
    store->retry_due =
        clock_now_ns() + (store->retry < QUICK_RETRIES ? quick_retries[store->retry] : SLOW_RETRY);
    if (store->retry < QUICK_RETRIES)
        store->retry++;
    tell_view(store, false);
}

static void take_events(struct store *store)
{
    if (!lock_file_happened(&store->file))
        return;
    if (store->holding) {
        if (!lock_file_is_in_place(&store->file))
            tell_loss(store);
        return;
    }
    store->retry = 0;
    offer_try(store);
}

/* --- Requests. --- */

static bool is_permanent(int error_number)
{
    return error_number == ENOENT || error_number == EACCES || error_number == EISDIR ||
           error_number == ENOTDIR || error_number == EROFS || error_number == EPERM ||
           error_number == ELOOP;
}

static void begin_session(struct store *store, const struct lock_request *request)
{
    struct error err;

    errno = 0;
    if (open_file(store, &err) < 0) {
        bool lasts = errno == 0 || is_permanent(errno);
        answer(store, request, lasts ? ANSWER_INVALID : ANSWER_FAILED, 0, &err);
        return;
    }
    store->term = request->term;
    store->holding = false;
    snprintf(store->session.text, sizeof store->session.text, "%.40s/%llu/%llu",
             store->identity.node, (unsigned long long)store->identity.pid,
             (unsigned long long)request->term);
    answer(store, request, ANSWER_DONE, 0, NULL);
    store->retry = 0;
    offer_try(store);
}

/* With the flock had: the next token, durable before anybody is promoted with it. highest: a
 * counter that was seen before, perhaps in a file that has been replaced since.
 */
static int take_token(struct store *store, uint64_t highest, uint64_t *token, struct error *err)
{
    struct lock_view ignored;
    struct lock_claim claim = { .state = "held",
                                .since = store->since,
                                .lease_ns = store->settings->lease_ns };

    if (file_value_read(store->file.fd, token, &ignored, err) < 0)
        return -1;
    if (*token < highest)
        *token = highest;
    lock_value_time(store->since);
    claim.previous_token = *token;
    claim.token = ++*token;
    return file_value_write(store->file.fd, *token, &store->identity, &claim, true, err);
}

/* A lock that must not be used is let go by closing its file. */
static void let_go(struct store *store, const struct lock_request *request, struct error *err)
{
    if (!store->unusable_told)
        log_error("the lock file cannot be used path=%s reason=\"%s\"", store->settings->store_path,
                  err->text);
    store->unusable_told = true;
    open_again(store);
    answer(store, request, ANSWER_FAILED, 0, err);
}

static void acquire(struct store *store, const struct lock_request *request)
{
    struct error err;
    uint64_t token;

    if (flock(store->file.fd, LOCK_EX | LOCK_NB) < 0) {
        tell_view(store, true);
        answer(store, request, ANSWER_REFUSED, 0, NULL);
        return;
    }
    if (!lock_file_is_in_place(&store->file)) {
        lose_file(store);
        answer(store, request, ANSWER_GONE, 0, NULL);
        return;
    }
    if (take_token(store, request->token, &token, &err) < 0) {
        let_go(store, request, &err);
        return;
    }
    store->holding = true;
    store->unusable_told = false;
    store->token = token;
    store->retry_due = 0;
    answer(store, request, ANSWER_DONE, token, NULL);
    tell_view(store, false);
}

static void mark_released(struct store *store, bool unhealthy)
{
    struct lock_claim claim = { .state = "released",
                                .unhealthy = unhealthy,
                                .since = store->since,
                                .lease_ns = store->settings->lease_ns,
                                .previous_token = store->token,
                                .token = store->token };
    struct error err;

    if (lock_file_is_in_place(&store->file) &&
        file_value_write(store->file.fd, store->token, &store->identity, &claim, false, &err) < 0)
        log_warn("the release is not noted path=%s reason=\"%s\"", store->settings->store_path,
                 err.text);
}

static void file_request(struct store *store, const struct lock_request *request)
{
    bool ours = strcmp(request->session.text, store->session.text) == 0;
    struct lock_answer told = lock_answer_to(request, ANSWER_DONE);

    switch (request->type) {
    case REQUEST_SESSION:
        begin_session(store, request);
        break;
    case REQUEST_ACQUIRE:
        if (ours)
            acquire(store, request);
        else
            answer(store, request, ANSWER_GONE, 0, NULL);
        break;
    case REQUEST_RENEW:
        if (ours && store->holding && !lock_file_is_in_place(&store->file))
            tell_loss(store);
        answer(store, request, ours ? ANSWER_DONE : ANSWER_GONE, 0, NULL);
        break;
    case REQUEST_WRITE:
        answer(store, request, ANSWER_DONE, store->token, NULL);
        break;
    case REQUEST_RELEASE:
        if (ours && store->holding)
            mark_released(store, request->unhealthy);
        if (ours)
            end_term(store);
        answer(store, request, ANSWER_DONE, 0, NULL);
        break;
    case REQUEST_DESTROY:
        if (ours)
            end_term(store);
        answer(store, request, ANSWER_DONE, 0, NULL);
        break;
    case REQUEST_READ_BACK:
        fill_view(store, &told.view, false);
        store->listener.answer(store->listener.context, &told, -1);
        break;
    case REQUEST_CANDIDATES: /* a file does not tell who waits for it */
        answer(store, request, ANSWER_INVALID, 0, NULL);
        break;
    case REQUEST_TYPES:
        break;
    }
}

static void file_hold(struct store *store, uint64_t term, const struct session_id *session,
                      uint64_t index, uint64_t token, bool holding, int fd)
{
    (void)index;
    close_file(store);
    store->term = term;
    store->session = *session;
    store->holding = holding && fd >= 0;
    store->token = token;
    lock_value_time(store->since);
    if (store->holding) {
        lock_file_adopt(&store->file, fd);
        if (!lock_file_is_in_place(&store->file))
            tell_loss(store);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (holding)
        tell_loss(store); /* nobody holds it without its descriptor */
    open_again(store);
    store->retry = 0;
    offer_try(store);
}

static void file_execute_will(struct store *store)
{
    if (store->holding)
        mark_released(store, false);
    end_term(store);
    store->listener.will_done(store->listener.context);
}

/* --- The loop's side. --- */

static struct store *file_open(const struct settings *settings,
                               const struct store_listener *listener, struct error *err)
{
    struct store *store = memory_new(sizeof *store);

    store->settings = settings;
    store->listener = *listener;
    store->doubted_counter = NO_COUNTER;
    lock_identity_init(&store->identity, settings);
    if (lock_file_init(&store->file, settings->store_path, err) < 0) {
        free(store);
        return NULL;
    }
    return store;
}

static int file_descriptor(struct store *store)
{
    return store->file.notify_fd;
}

static uint64_t file_next_due(struct store *store)
{
    return store->holding ? 0 : store->retry_due;
}

static void file_due(struct store *store)
{
    take_events(store);
    if (!store->holding && store->retry_due != 0 && clock_now_ns() >= store->retry_due)
        offer_try(store);
}

const struct store_operations store_file = {
    .open = file_open,
    .request = file_request,
    .hold = file_hold,
    .execute_will = file_execute_will,
    .descriptor = file_descriptor,
    .next_due = file_next_due,
    .due = file_due,
};
