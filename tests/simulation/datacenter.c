#include "tests/simulation/datacenter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/story.h"

#define HOLD_TIME       SECONDS(7)
#define PARKED_MAX      256
#define SESSION_TTL_MIN SECONDS(1)

struct parked {
    struct call *call;
    uint64_t above; /* answered when the index is */
    uint64_t ticket;
};

static struct {
    struct consul_model *model;
    struct consul_model *deposed; /* NULL: none answers */
    unsigned deposed_hosts;       /* bits */
    struct consul_model *lagging;
    struct consul_model *snapshot;
    bool away;
    bool forgetful;
    uint64_t election;
    local_ns planned_end; /* of a session, to be looked for; 0: none */
    uint64_t known_index; /* parked queries have seen */
    struct parked parked[PARKED_MAX];
    unsigned parked_count;
    uint64_t tickets;
    char holder[64];  /* as the story last told */
    char expired[64]; /* the last session of the lock's that ran out */
    true_ns freed;
    true_ns history_lost;
    true_ns delay_forgotten;
} datacenter;

static void changed(void);

static void free_model(struct consul_model **model)
{
    if (*model)
        consul_model_free(*model);
    *model = NULL;
}

void datacenter_end(void)
{
    free_model(&datacenter.model);
    free_model(&datacenter.deposed);
    free_model(&datacenter.lagging);
    free_model(&datacenter.snapshot);
}

/* --- Answers. --- */

static bool says(const struct call *call, const char *text)
{
    return strstr(call->query, text);
}

static uint64_t number_of(const struct call *call, const char *name)
{
    const char *found = strstr(call->query, name);

    return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

static bool is_renewal(const struct call *call)
{
    return strncmp(call->path, "/v1/session/renew/", 18) == 0;
}

static bool is_read(const struct call *call)
{
    return strcmp(call->method, "GET") == 0;
}

static void answer(struct call *call, int status, const char *body)
{
    struct consul_answer text = { .status = status, .body = body, .length = strlen(body) };

    call->answered(call, &text);
}

/* Whose session runs out is known apart from whose session is ended. */
static void run_out(void)
{
    char before[64];

    snprintf(before, sizeof before, "%s", datacenter_holder());
    consul_model_time_passed(datacenter.model, servers_clock());
    if (strcmp(before, datacenter_holder()) != 0)
        strcpy(datacenter.expired, before);
}

static bool lags(const struct call *call)
{
    return says(call, "stale") && call->host->lagging && datacenter.lagging;
}

static struct consul_answer ask(struct consul_model *model, const struct call *call)
{
    if (model == datacenter.model)
        run_out();
    uint64_t before = consul_model_key_index(model, LOCK_KEY);
    consul_model_agent(model, call->host->node);
    struct consul_answer text =
        consul_model_request(model, call->method, call->path, call->body, servers_clock());
    bool ends_session = strncmp(call->path, "/v1/session/", 12) == 0;
    if (consul_model_key_index(model, LOCK_KEY) != before && before > call->known && !ends_session)
        judge_overwrites(call, before);
    return text;
}

/* --- Blocking queries. --- */

static void unpark(unsigned place)
{
    datacenter.parked[place] = datacenter.parked[--datacenter.parked_count];
}

static void wait_is_over(void *subject, uint64_t ticket)
{
    (void)subject;
    for (unsigned i = 0; i < datacenter.parked_count; i++) {
        if (datacenter.parked[i].ticket != ticket)
            continue;
        struct call *call = datacenter.parked[i].call;
        unpark(i);
        struct consul_answer text = ask(lags(call) ? datacenter.lagging : datacenter.model, call);
        call->answered(call, &text);
        return;
    }
}

static bool waits(const struct call *call, const struct consul_answer *text)
{
    uint64_t above = number_of(call, "index=");

    return above != 0 && text->index <= above;
}

static void park(struct call *call)
{
    duration_ns wait = MILLISECONDS(number_of(call, "wait="));

    assert(datacenter.parked_count < PARKED_MAX);
    datacenter.parked[datacenter.parked_count++] = (struct parked){
        .call = call,
        .above = number_of(call, "index="),
        .ticket = ++datacenter.tickets,
    };
    world_plan(world.now + wait + chance(wait / 16 + 1), wait_is_over, NULL, datacenter.tickets);
}

static void wake_parked(void)
{
    uint64_t index = consul_model_index(datacenter.model);

    if (index == datacenter.known_index)
        return;
    datacenter.known_index = index;
    for (unsigned i = datacenter.parked_count; i-- > 0;) {
        struct parked parked = datacenter.parked[i];
        if (lags(parked.call))
            continue;
        struct consul_answer text = ask(datacenter.model, parked.call);
        if (text.index <= parked.above)
            continue;
        unpark(i);
        parked.call->answered(parked.call, &text);
    }
}

/* The leader that they waited at is gone; some hear of it at once, some never. */
static void drop_parked(void)
{
    for (unsigned i = datacenter.parked_count; i-- > 0;) {
        struct parked parked = datacenter.parked[i];
        if (says(parked.call, "stale"))
            continue;
        unpark(i);
        if (chance_of(700))
            answer(parked.call, 500, "rpc error making call: rpc error making call: EOF");
    }
}

/* --- Requests. --- */

static void serve(struct call *call)
{
    bool lagged = lags(call);
    struct consul_answer text = ask(lagged ? datacenter.lagging : datacenter.model, call);

    if (waits(call, &text)) {
        park(call);
    } else {
        call->answered(call, &text);
        if (!lagged && !is_read(call))
            changed();
    }
}

/* Written into the log before the leader was lost: committed by the next one. */
static void commit_late(void *subject, uint64_t detail)
{
    (void)detail;
    if (datacenter.away) {
        world_plan(world.now + MILLISECONDS(20), commit_late, subject, 0);
        return;
    }
    ask(datacenter.model, subject);
    changed();
}

static void apply(void *subject, uint64_t election)
{
    struct call *call = subject;

    if (datacenter.away) { /* lost on the way into the log, or not */
        answer(call, 500, "rpc error making call: EOF");
        if (chance_of(500))
            commit_late(call, 0);
    } else if (election != datacenter.election && chance_of(500)) {
        answer(call, 500, "rpc error making call: leadership lost while committing log");
    } else {
        serve(call);
    }
}

static void receive_again(void *subject, uint64_t detail)
{
    (void)detail;
    datacenter_receive(subject);
}

static void no_leader(void *subject, uint64_t detail)
{
    (void)detail;
    answer(subject, 500, "No cluster leader");
}

static void receive_without_leader(struct call *call)
{
    if (says(call, "stale") && !call->host->cut_servers)
        serve(call);
    else if (chance_of(300))
        answer(call, 500,
               "rpc error making call: rpc error getting client: failed to get conn: "
               "dial tcp: connection refused");
    else if (chance_of(500))
        world_plan(world.now + chance_between(MILLISECONDS(100), SECONDS(3)), receive_again, call,
                   0);
    else
        world_plan(world.now + HOLD_TIME, no_leader, call, 0);
}

/* It knows nothing of its successor: what asks no quorum is answered as ever. */
static void receive_at_deposed(struct call *call)
{
    if (is_renewal(call) || (is_read(call) && !says(call, "consistent"))) {
        struct consul_answer text = ask(datacenter.deposed, call);
        if (!waits(call, &text))
            call->answered(call, &text);
        return;
    }
    answer(call, 500, "rpc error making call: leadership lost while committing log");
    if (!is_read(call) && chance_of(300))
        commit_late(call, 0);
}

void datacenter_receive(struct call *call)
{
    const struct host *host = call->host;

    if (host->denied)
        answer(call, 403, "Permission denied");
    else if (host->limited || (host->reads_limited && is_read(call)))
        answer(call, 429, "rate limit exceeded, try again later or against a different server");
    else if (datacenter.deposed && datacenter.deposed_hosts & (1u << host->number))
        receive_at_deposed(call);
    else if (datacenter.away || host->cut_servers)
        receive_without_leader(call);
    else if (is_read(call) || is_renewal(call))
        serve(call);
    else
        world_plan(world.now + chance_delay(MILLISECONDS(1), MILLISECONDS(6)), apply, call,
                   datacenter.election);
}

/* --- Time. --- */

static void sessions_end(void *subject, uint64_t election)
{
    (void)subject;
    if (datacenter.away || election != datacenter.election)
        return;
    datacenter.planned_end = 0;
    run_out();
    changed();
}

/* The model has changed: who waits is told, and the next end of a session is looked for. */
static void changed(void)
{
    uint64_t due = consul_model_next_due(datacenter.model);
    const char *holder = datacenter_holder();

    if (strcmp(holder, datacenter.holder) != 0) {
        snprintf(datacenter.holder, sizeof datacenter.holder, "%s", holder);
        if (holder[0] == '\0')
            story_tell("Consul: the lock is free");
        else
            story_tell("Consul: the lock belongs to session %s", holder);
    }
    wake_parked();
    if (due != 0 && !datacenter.away &&
        (datacenter.planned_end == 0 || due < datacenter.planned_end)) {
        datacenter.planned_end = due;
        world_plan(servers_true(due) + 1, sessions_end, NULL, datacenter.election);
    }
    judge_look();
}

void datacenter_begin(void)
{
    datacenter_end();
    memset(&datacenter, 0, sizeof datacenter);
    datacenter.model = consul_model_new(chance_between(10, 1000), SESSION_TTL_MIN);
}

/* --- What befalls it. --- */

bool datacenter_is_away(void)
{
    return datacenter.away;
}

static void next_leader(void *subject, uint64_t election)
{
    (void)subject;
    if (election != datacenter.election)
        return;
    datacenter.away = false;
    datacenter.planned_end = 0;
    consul_model_lead(datacenter.model, servers_clock());
    if (datacenter.forgetful) {
        consul_model_forget_delays(datacenter.model);
        datacenter.delay_forgotten = world.now;
    }
    datacenter.forgetful = false;
    story_tell("Consul's servers have a leader again");
    changed();
}

static void deposed_notices(void *subject, uint64_t election)
{
    (void)subject;
    if (election == datacenter.election)
        free_model(&datacenter.deposed);
}

void datacenter_lose_leader(duration_ns away, bool forgetful)
{
    datacenter.election++;
    datacenter.forgetful |= forgetful;
    free_model(&datacenter.deposed);
    datacenter.away = true;
    consul_model_step_down(datacenter.model);
    drop_parked();
    world_plan(world.now + away, next_leader, NULL, datacenter.election);
}

void datacenter_depose_leader(duration_ns away, duration_ns answers, unsigned machines)
{
    datacenter_lose_leader(away, false);
    datacenter.deposed = consul_model_clone(datacenter.model);
    datacenter.deposed_hosts = machines;
    world_plan(world.now + answers, deposed_notices, NULL, datacenter.election);
}

void datacenter_lag_begins(void)
{
    free_model(&datacenter.lagging);
    datacenter.lagging = consul_model_clone(datacenter.model);
}

void datacenter_take_snapshot(void)
{
    free_model(&datacenter.snapshot);
    datacenter.snapshot = consul_model_clone(datacenter.model);
}

void datacenter_restore_snapshot(void)
{
    if (!datacenter.snapshot || datacenter.away)
        return;
    consul_model_restore(datacenter.model, datacenter.snapshot, false, servers_clock());
    datacenter_freed_by_hand(true);
    changed();
}

void datacenter_node(const char *node, bool alive)
{
    consul_model_node(datacenter.model, node, alive, servers_clock());
    changed();
}

void datacenter_node_left(const char *node)
{
    consul_model_node_left(datacenter.model, node, servers_clock());
    changed();
}

/* --- Other hands. --- */

struct consul_answer datacenter_by_hand(const char *method, const char *path, const char *body)
{
    run_out();
    struct consul_answer text =
        consul_model_request(datacenter.model, method, path, body, servers_clock());
    text.body = world_text(text.body, text.length);
    changed();
    return text;
}

void datacenter_freed_by_hand(bool with_candidates)
{
    datacenter.freed = world.now;
    if (with_candidates)
        datacenter.history_lost = world.now;
}

/* --- What the judge asks. --- */

const char *datacenter_holder(void)
{
    return consul_model_holder(datacenter.model, LOCK_KEY);
}

bool datacenter_session_lives(const char *session)
{
    return consul_model_session_lives(datacenter.model, session);
}

true_ns datacenter_grantable(void)
{
    uint64_t delayed = consul_model_delayed_until(datacenter.model, LOCK_KEY);

    if (datacenter_holder()[0] != '\0')
        return UINT64_MAX;
    return delayed == 0 ? world.now : servers_true(delayed);
}

bool datacenter_ran_out(const char *session)
{
    return strcmp(datacenter.expired, session) == 0;
}

true_ns datacenter_freed(void)
{
    return datacenter.freed;
}

true_ns datacenter_history_lost(void)
{
    return datacenter.history_lost;
}

true_ns datacenter_delay_forgotten(void)
{
    return datacenter.delay_forgotten;
}
