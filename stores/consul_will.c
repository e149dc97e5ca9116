#include "stores/consul_will.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "stores/consul_operation.h"
#include "stores/consul_store.h"

/* --- Keeping it up to date. --- */

static void nobody_waits(struct store *store, const struct lock_answer *answer)
{
    (void)store, (void)answer;
}

static void destroy(struct store *store, const struct session_id *session)
{
    struct lock_request request = { .type = REQUEST_DESTROY, .session = *session };

    if (session->text[0] != '\0')
        consul_operation_start(store, &request, nobody_waits);
}

static void begin(struct consul_will *will, uint64_t term, const struct session_id *session)
{
    bool open_end = will->hold != HOLD_NO && !session_is(&will->session, session);
    struct session_id former = open_end ? will->session : will->former;

    *will = (struct consul_will){ .term = term, .session = *session, .former = former };
}

void consul_will_session(struct store *store, uint64_t term, const struct session_id *session)
{
    if (consul_will_executing(store))
        destroy(store, session);
    else
        begin(&store->will, term, session);
}

void consul_will_adopt(struct store *store, uint64_t term, const struct session_id *session,
                       uint64_t index, uint64_t token, bool holding)
{
    begin(&store->will, term, session);
    store->will.hold = holding && index != 0 ? HOLD_YES : HOLD_PERHAPS;
    store->will.index = index;
    store->will.token = token;
}

void consul_will_acquire(struct store *store, const struct lock_request *request)
{
    begin(&store->will, request->term, &request->session);
    store->will.hold = HOLD_PERHAPS;
    store->will.acquire_open = true;
}

static void acquire_answered(struct consul_will *will, const struct lock_answer *answer)
{
    will->acquire_open = false;
    if (answer->result == ANSWER_DONE) {
        will->hold = HOLD_YES;
        will->index = will->token = answer->index;
    } else if (answer->result != ANSWER_UNKNOWN) {
        will->hold = HOLD_NO;
    }
}

static void lock_read(struct consul_will *will, const struct lock_view *view)
{
    if (session_is(&will->session, &view->session)) {
        if (will->token == 0) /* the acquire whose answer was lost */
            will->token = view->index;
        will->hold = HOLD_YES;
        will->index = view->index;
    } else if (!will->acquire_open) {
        will->hold = HOLD_NO;
    }
}

void consul_will_answered(struct store *store, const struct lock_answer *answer)
{
    struct consul_will *will = &store->will;

    if (answer->type == REQUEST_DESTROY && session_is(&will->former, &answer->session))
        memset(&will->former, 0, sizeof will->former);
    if (!session_is(&will->session, &answer->session))
        return;
    if (answer->type == REQUEST_ACQUIRE)
        acquire_answered(will, answer);
    else if (answer->result != ANSWER_DONE)
        return;
    else if (answer->type == REQUEST_WRITE)
        will->index = answer->index;
    else if (answer->type == REQUEST_RELEASE)
        will->hold = HOLD_NO;
    else if (answer->type == REQUEST_READ_BACK)
        lock_read(will, &answer->view);
    else if (answer->type == REQUEST_DESTROY && will->step == WILL_WAITS)
        memset(&will->session, 0, sizeof will->session);
}

/* --- Executing it. --- */

static void take_step(struct store *store);

static void go_to(struct store *store, enum consul_will_step step)
{
    store->will.step = step;
    store->will.next_ns = 0;
    take_step(store);
}

static void end(struct store *store)
{
    store->will.step = WILL_WAITS;
    store->will.next_ns = 0;
    store->will.give_up_ns = 0;
    store->listener.will_done(store->listener.context);
}

static void try_again(struct store *store)
{
    store->will.next_ns = clock_now_ns() + STORE_RETRY;
}

/* The step that what is known asks for. */
static enum consul_will_step next_step(const struct consul_will *will)
{
    if (will->acquire_open)
        return WILL_ACQUIRE;
    if (will->hold == HOLD_YES)
        return WILL_RELEASE;
    return will->hold == HOLD_PERHAPS ? WILL_READ : WILL_DESTROY;
}

static void read_answered(struct store *store, const struct lock_answer *answer)
{
    struct consul_will *will = &store->will;

    if (answer->result == ANSWER_DONE)
        go_to(store, next_step(will));
    else if (clock_now_ns() >= will->read_until_ns && will->token == 0)
        go_to(store, WILL_DESTROY); /* an acquire whose answer was lost: may cost the lock-delay */
    else
        try_again(store);
}

/* Refused: the index has moved, by a write of ours that was open or by somebody else. */
static void release_answered(struct store *store, const struct lock_answer *answer)
{
    switch (answer->result) {
    case ANSWER_DONE:
        log_info("the lock is released");
        go_to(store, WILL_DESTROY);
        break;
    case ANSWER_REFUSED:
        store->will.hold = HOLD_PERHAPS;
        go_to(store, WILL_READ);
        break;
    case ANSWER_GONE:
        go_to(store, WILL_DESTROY);
        break;
    default:
        try_again(store);
    }
}

static void destroy_answered(struct store *store, const struct lock_answer *answer)
{
    if (answer->result == ANSWER_DONE)
        end(store);
    else
        try_again(store);
}

static const struct {
    enum request_type request;
    void (*answered)(struct store *store, const struct lock_answer *answer);
} steps[WILL_STEPS] = {
    [WILL_READ] = { REQUEST_READ_BACK, read_answered },
    [WILL_RELEASE] = { REQUEST_RELEASE, release_answered },
    [WILL_DESTROY] = { REQUEST_DESTROY, destroy_answered },
};

static void step_answered(struct store *store, const struct lock_answer *answer)
{
    enum consul_will_step step = store->will.step;

    store->will.asked = false;
    consul_will_answered(store, answer);
    if (answer->result != ANSWER_DONE)
        log_debug("%s", answer->reason);
    if (step != WILL_WAITS) /* given up meanwhile */
        steps[step].answered(store, answer);
}

static void take_step(struct store *store)
{
    struct consul_will *will = &store->will;

    if (will->step == WILL_ACQUIRE || will->asked)
        return;
    struct lock_request request = {
        .type = steps[will->step].request,
        .term = will->term,
        .session = will->session,
        .index = will->index,
        .token = will->token,
    };
    will->next_ns = 0;
    will->asked = true;
    consul_operation_start(store, &request, step_answered);
}

bool consul_will_executing(const struct store *store)
{
    return store->will.give_up_ns != 0;
}

void consul_will_execute(struct store *store)
{
    struct consul_will *will = &store->will;
    uint64_t now = clock_now_ns();

    destroy(store, &will->former);
    if (will->session.text[0] == '\0') {
        end(store);
        return;
    }
    will->give_up_ns = now + 2 * store->settings->ttl_ns;
    will->read_until_ns = now + settings_request_timeout(store->settings);
    go_to(store, next_step(will));
}

uint64_t consul_will_next_due(const struct store *store)
{
    return clock_earlier(store->will.next_ns, store->will.give_up_ns);
}

void consul_will_due(struct store *store)
{
    struct consul_will *will = &store->will;
    uint64_t now = clock_now_ns();

    if (!consul_will_executing(store))
        return;
    if (now >= will->give_up_ns) {
        log_warn("the lock could not be given away; its session runs out");
        end(store);
    } else if (will->step == WILL_ACQUIRE && !will->acquire_open) {
        go_to(store, next_step(will));
    } else if (will->next_ns != 0 && now >= will->next_ns) {
        take_step(store);
    }
}
