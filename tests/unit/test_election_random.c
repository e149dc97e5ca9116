/* Thousands of lives of one election, each from its seed: a store that fails, answers late or not
 * at all, people who unlock and overwrite, other instances, pauses, a network process that dies.
 * Whatever comes, certain things are never commanded, and a stop comes to its end.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

#define ROUNDS 16
#define LIVES  1000

#define EVENTS_MAX   64
#define SESSIONS_MAX 2048

enum event_type {
    WORLD_APPLIES, /* the store carries out a request */
    WORLD_ANSWERS,
    WORLD_PROMOTED,
    WORLD_DEMOTED, /* from here on nothing acts */
    WORLD_SAYS_DEMOTED,
    WORLD_SHOWS_LOCK,
};

struct event {
    instant_ns at; /* 0: free */
    enum event_type type;
    bool answered; /* APPLIES: its outcome will be known */
    bool succeeded;
    struct lock_request request;
    struct lock_answer answer;
};

struct session {
    instant_ns renewed; /* as the store knows it */
    bool alive;
    bool given_away; /* a release or destroy was sent for it */
};

/* One life's surroundings. */
static struct {
    uint64_t seed;
    uint64_t random;
    struct event events[EVENTS_MAX];
    struct session sessions[SESSIONS_MAX];
    unsigned session_count;
    struct lock_view lock;
    struct lock_view lock_before; /* what a follower that lags still shows */
    uint64_t raft_index;
    unsigned failures_in_100;

    uint64_t acting_term; /* 0: nothing acts */
    struct session_id acting_session;
    instant_ns hard; /* the keeper's deadline */
    bool demoting;   /* the keeper was told */
    uint64_t last_token;
    bool stopped;
    unsigned requests;
} world;

#define HOLDS(rule)                                                                                \
    do {                                                                                           \
        if (!(rule))                                                                               \
            ck_abort_msg("seed %u at %u ms %s: %s", (unsigned)world.seed,                          \
                         (unsigned)(now / MILLISECONDS(1)), election_state_name(election.state),   \
                         #rule);                                                                   \
    } while (0)

static struct {
    unsigned promotions, demotions, releases, ghosts, lows, foreigns;
} coverage;

/* --- Chance. --- */

static uint64_t chance(uint64_t below)
{
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return (world.random >> 11) % below;
}

static bool happens(unsigned in_100)
{
    return chance(100) < in_100;
}

/* Mostly short. */
static duration_ns some_time(duration_ns most)
{
    return 1 + chance(happens(80) ? most / 50 + 1 : most);
}

/* --- What is still to come. --- */

static struct event *plan(enum event_type type, instant_ns at)
{
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        struct event *event = &world.events[i];
        if (event->at != 0)
            continue;
        *event = (struct event){ .at = at, .type = type };
        return event;
    }
    ck_abort_msg("seed %u: more than %d events are open", (unsigned)world.seed, EVENTS_MAX);
}

static struct event *first_event(void)
{
    struct event *first = NULL;

    for (size_t i = 0; i < EVENTS_MAX; i++) {
        struct event *event = &world.events[i];
        if (event->at != 0 && (!first || event->at < first->at))
            first = event;
    }
    return first;
}

/* --- The store. --- */

static struct session *session_of(const struct session_id *id)
{
    unsigned number = 0;

    HOLDS(sscanf(id->text, "session-%u", &number) == 1);
    HOLDS(number < SESSIONS_MAX);
    return &world.sessions[number];
}

static bool holds(const struct session_id *id)
{
    return world.lock.exists && strcmp(world.lock.session.text, id->text) == 0;
}

static void lock_changes(void)
{
    world.lock_before = world.lock;
    world.lock.index = ++world.raft_index;
}

static void end_session(const struct session_id *id)
{
    session_of(id)->alive = false;
    if (holds(id)) {
        lock_changes();
        world.lock.session.text[0] = '\0';
    }
}

static enum answer_result acquire(const struct lock_request *request, uint64_t *index)
{
    if (!session_of(&request->session)->alive)
        return ANSWER_GONE;
    if (world.lock.index != request->index || world.lock.session.text[0] != '\0')
        return ANSWER_REFUSED;
    if (happens(10))
        return ANSWER_DELAYED;
    lock_changes();
    world.lock = (struct lock_view){
        .exists = true,
        .index = world.raft_index,
        .session = request->session,
        .token = request->token,
        .lease_ns = SECONDS(20),
        .ours = true,
    };
    *index = world.raft_index;
    return ANSWER_DONE;
}

static enum answer_result change(const struct lock_request *request, uint64_t *index)
{
    if (world.lock.index != request->index || !holds(&request->session))
        return ANSWER_REFUSED;
    lock_changes();
    world.lock.token = request->token;
    world.lock.ours = true;
    world.lock.foreign = false;
    if (request->type == REQUEST_RELEASE) {
        world.lock.session.text[0] = '\0';
        world.lock.released = true;
    }
    *index = world.raft_index;
    return ANSWER_DONE;
}

static void carry_out(const struct lock_request *request, struct lock_answer *answer)
{
    answer->result = ANSWER_DONE;
    switch (request->type) {
    case REQUEST_SESSION:
        HOLDS(++world.session_count < SESSIONS_MAX);
        snprintf(answer->session.text, sizeof answer->session.text, "session-%u",
                 world.session_count);
        *session_of(&answer->session) = (struct session){ .renewed = now, .alive = true };
        break;
    case REQUEST_RENEW:
        if (session_of(&request->session)->alive)
            session_of(&request->session)->renewed = now;
        else
            answer->result = ANSWER_GONE;
        break;
    case REQUEST_ACQUIRE:
        answer->result = acquire(request, &answer->index);
        break;
    case REQUEST_WRITE:
    case REQUEST_RELEASE:
        answer->result = change(request, &answer->index);
        break;
    case REQUEST_DESTROY:
        end_session(&request->session);
        break;
    case REQUEST_READ_BACK:
        answer->view = world.lock;
        answer->view.consistent = true;
        answer->view.term = request->term;
        break;
    case REQUEST_CANDIDATES:
    case REQUEST_TYPES:
        break;
    }
}

static bool changes_something(enum request_type type)
{
    return type == REQUEST_SESSION || type == REQUEST_ACQUIRE || type == REQUEST_WRITE ||
           type == REQUEST_RELEASE;
}

static struct lock_answer answer_to(const struct lock_request *request, enum answer_result result)
{
    return (struct lock_answer){
        .type = request->type,
        .result = result,
        .serial = request->serial,
        .term = request->term,
        .session = request->session,
    };
}

static void fail_request(const struct lock_request *request, instant_ns at)
{
    bool unknown = changes_something(request->type) && happens(60);
    enum answer_result result = unknown ? ANSWER_UNKNOWN : ANSWER_FAILED;

    plan(WORLD_ANSWERS, at)->answer = answer_to(request, result);
    if (unknown && happens(60)) /* before or after it is given up */
        plan(WORLD_APPLIES, now + some_time(SECONDS(6)))->request = *request;
}

static void take_request(const struct lock_request *request)
{
    world.requests++;
    if (happens(world.failures_in_100)) {
        fail_request(request, now + some_time(SECONDS(2)));
        return;
    }
    struct event *event = plan(WORLD_APPLIES, now + some_time(SECONDS(1)));
    event->request = *request;
    event->answered = true;
}

/* --- What may be commanded. --- */

static void check_request(const struct lock_request *request)
{
    bool gives_away = request->type == REQUEST_RELEASE || request->type == REQUEST_DESTROY;

    if (request->type == REQUEST_ACQUIRE) {
        HOLDS(!session_of(&request->session)->given_away);
        HOLDS(request->term == election.term);
        HOLDS(world.acting_term == 0);
        for (size_t i = 0; i < EVENTS_MAX; i++) /* of one term one at a time */
            HOLDS(world.events[i].at == 0 || world.events[i].type != WORLD_ANSWERS ||
                  world.events[i].answer.type != REQUEST_ACQUIRE ||
                  world.events[i].answer.term != request->term);
    }
    if (gives_away) {
        session_of(&request->session)->given_away = true;
        if (world.acting_term != 0)
            HOLDS(strcmp(request->session.text, world.acting_session.text) != 0);
    }
    if (request->type == REQUEST_WRITE)
        HOLDS(election.state == STATE_PROMOTING || election.state == STATE_LEADING);
    if (request->type == REQUEST_RELEASE && election.state != STATE_RELEASING)
        coverage.ghosts++;
    else if (request->type == REQUEST_RELEASE)
        coverage.releases++;
}

static void take_lease(void)
{
    HOLDS(election.state == STATE_PROMOTING || election.state == STATE_LEADING);
    HOLDS(election.lease.hard > now);
    HOLDS(election.lease.hard <= session_of(&election.session)->renewed + USABLE_LEASE);
    world.hard = election.lease.hard;
}

static void begin_promotion(void)
{
    coverage.promotions++;
    HOLDS(election.standing);
    HOLDS(now < election.lease.soft);
    HOLDS(world.acting_term == 0);
    HOLDS(election.token > world.last_token);
    HOLDS(!session_of(&election.session)->given_away);
    world.last_token = election.token;
    world.acting_term = election.term;
    world.acting_session = election.session;
    world.demoting = false;
    struct event *event = plan(WORLD_PROMOTED, now + some_time(SECONDS(10)));
    event->request.term = election.term;
    event->succeeded = happens(90);
}

static void begin_demotion(void)
{
    coverage.demotions++;
    HOLDS(!world.demoting);
    world.demoting = true;
    plan(WORLD_DEMOTED, now + some_time(SECONDS(3)))->request.term = election.term;
}

static void carry_out_commands(const struct election_commands *commands)
{
    for (unsigned i = 0; i < commands->count; i++) {
        const struct election_command *command = &commands->list[i];
        HOLDS(!world.stopped || command->request.type == REQUEST_DESTROY);
        switch (command->type) {
        case COMMAND_REQUEST:
            check_request(&command->request);
            take_request(&command->request);
            break;
        case COMMAND_LEASE:
            take_lease();
            break;
        case COMMAND_PROMOTE:
            begin_promotion();
            break;
        case COMMAND_DEMOTE:
            begin_demotion();
            break;
        case COMMAND_TOKEN_LOW:
            coverage.lows++;
            break;
        case COMMAND_FOREIGN:
            coverage.foreigns++;
            break;
        case COMMAND_STOPPED:
            world.stopped = true;
            break;
        case COMMAND_INVALID:
        case COMMAND_TYPES:
            HOLDS(!"a setting was refused");
        }
    }
    instant_ns due = election_next_due(&election);
    bool leads = election.state == STATE_PROMOTING || election.state == STATE_LEADING;
    HOLDS(due == 0 || due > now); /* else the loop would not sleep */
    HOLDS(!leads || (due != 0 && due <= election.lease.soft));
}

/* --- What happens. --- */

static void time_passes(void)
{
    struct election_commands commands = { 0 };

    election_time_passed(&election, now, &commands);
    carry_out_commands(&commands);
}

static void give_answer(const struct lock_answer *answer)
{
    struct election_commands commands = { 0 };

    election_answered(&election, answer, now, &commands);
    carry_out_commands(&commands);
}

static void show_lock(const struct lock_view *view)
{
    struct election_commands commands = { 0 };

    election_lock_seen(&election, view, now, &commands);
    carry_out_commands(&commands);
}

static void say_promoted(uint64_t term, bool succeeded)
{
    struct election_commands commands = { 0 };

    election_promoted(&election, term, succeeded, now, &commands);
    carry_out_commands(&commands);
}

static void say_demoted(uint64_t term)
{
    struct election_commands commands = { 0 };

    election_demoted(&election, term, true, now, &commands);
    carry_out_commands(&commands);
}

static void stop(void)
{
    struct election_commands commands = { 0 };

    election_stop(&election, REASON_SHUTDOWN, now, &commands);
    carry_out_commands(&commands);
}

static void fitness_changes(void)
{
    struct election_commands commands = { 0 };

    switch (chance(4)) {
    case 0:
        election_withdraw(&election, now, &commands);
        break;
    case 1:
        election_step_down(&election, REASON_UNHEALTHY, some_time(SECONDS(10)), now, &commands);
        break;
    default: /* mostly it stands */
        election_stand(&election, now, &commands);
    }
    carry_out_commands(&commands);
}

static void take_event(struct event *taken)
{
    struct event event = *taken;

    taken->at = 0;
    switch (event.type) {
    case WORLD_APPLIES:
        event.answer = answer_to(&event.request, ANSWER_DONE);
        carry_out(&event.request, &event.answer);
        if (event.answered)
            plan(WORLD_ANSWERS, now + some_time(SECONDS(1)))->answer = event.answer;
        break;
    case WORLD_ANSWERS:
        give_answer(&event.answer);
        break;
    case WORLD_PROMOTED:
        say_promoted(event.request.term, event.succeeded);
        break;
    case WORLD_DEMOTED:
        if (world.acting_term == event.request.term)
            world.acting_term = 0;
        plan(WORLD_SAYS_DEMOTED, now + 1)->request.term = event.request.term;
        break;
    case WORLD_SAYS_DEMOTED:
        say_demoted(event.request.term);
        break;
    case WORLD_SHOWS_LOCK:
        show_lock(&event.answer.view);
        break;
    }
}

/* A look begins now and is told later. */
static void look(bool lagging)
{
    bool holding = election.won && election.state != STATE_RELEASING;
    struct event *event = plan(WORLD_SHOWS_LOCK, now + some_time(SECONDS(1)));

    event->answer.view = lagging && !holding ? world.lock_before : world.lock;
    event->answer.view.consistent = !lagging || holding;
    event->answer.view.term = holding ? election.term : 0;
    event->answer.view.asked_ns = now;
}

static void somebody_else_acts(void)
{
    bool held = world.lock.session.text[0] != '\0';

    lock_changes();
    switch (chance(6)) {
    case 0: /* unlocks by hand */
        world.lock.session.text[0] = '\0';
        break;
    case 1: /* deletes */
        world.lock = (struct lock_view){ 0 };
        break;
    case 2: /* overwrites */
        world.lock.exists = true;
        world.lock.ours = world.lock.released = false;
        world.lock.foreign = true;
        world.lock.token = world.lock.lease_ns = 0;
        break;
    case 3: /* leads */
        if (!held)
            world.lock = (struct lock_view){ .exists = true,
                                             .index = world.raft_index,
                                             .session = { "another" },
                                             .token = world.raft_index };
        break;
    case 4: /* stops to lead */
        if (strcmp(world.lock.session.text, "another") == 0) {
            world.lock.session.text[0] = '\0';
            world.lock.released = true;
        }
        break;
    case 5: /* restores an old snapshot */
        world.raft_index = world.lock.index = 5 + chance(world.raft_index);
        world.lock.session.text[0] = '\0';
        world.lock.token = 0;
        break;
    }
}

/* What was open has an unknown outcome. */
static void network_process_dies(void)
{
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        struct event *event = &world.events[i];
        if (event->at == 0 || (event->type != WORLD_ANSWERS && !event->answered))
            continue;
        struct lock_request request = event->request;
        if (event->type == WORLD_ANSWERS)
            request = (struct lock_request){ .type = event->answer.type,
                                             .serial = event->answer.serial,
                                             .term = event->answer.term,
                                             .session = event->answer.session };
        event->at = 0;
        bool unknown = changes_something(request.type) && request.type != REQUEST_SESSION;
        plan(WORLD_ANSWERS, now)->answer =
            answer_to(&request, unknown ? ANSWER_UNKNOWN : ANSWER_FAILED);
    }
}

/* The keeper kills whether we run or not. */
static void enforce_deadline(void)
{
    if (world.acting_term == 0 || now < world.hard)
        return;
    plan(WORLD_SAYS_DEMOTED, now + 1)->request.term = world.acting_term;
    world.acting_term = 0;
    world.demoting = false;
}

static void something_happens(void)
{
    unsigned what = (unsigned)chance(44);

    if (what < 26)
        look(what < 5);
    else if (what < 30)
        somebody_else_acts();
    else if (what < 32)
        world.failures_in_100 = (unsigned)chance(4) * 33;
    else if (what < 34)
        network_process_dies();
    else if (what < 36)
        freezes(some_time(SECONDS(30)));
    else if (what >= 40)
        fitness_changes();
    else if (what == 36 && election.session.text[0] != '\0')
        end_session(&election.session);
    else
        world.failures_in_100 = 0;
}

/* To the next thing that happens; at most until then. */
static void go_on(instant_ns until)
{
    struct event *event = first_event();
    instant_ns due = election_next_due(&election);
    bool events_first = event && (due == 0 || event->at < due || happens(50));
    instant_ns next = events_first ? event->at : due;

    if (next == 0 || next > until)
        next = until;
    if (next > now)
        now = next;
    enforce_deadline();
    if (event && events_first && event->at <= now)
        take_event(event);
    else
        time_passes();
}

static void live(uint64_t seed)
{
    struct election_commands commands = { 0 };

    memset(&world, 0, sizeof world);
    world.seed = seed;
    world.random = seed * 0x9e3779b97f4a7c15u + 1;
    world.raft_index = 5;
    now = SECONDS(100);
    election_init(&election, &election_terms);
    election_stand(&election, now, &commands);
    carry_out_commands(&commands);

    instant_ns begin = now;
    instant_ns end = now + chance(SECONDS(400));
    while (now < end) {
        instant_ns next = now + some_time(SECONDS(10));
        while (now < next)
            go_on(next);
        something_happens();
    }
    duration_ns lived = now - begin;
    HOLDS(world.requests < 40 + 12 * (lived / SECONDS(1)));

    world.failures_in_100 = 0; /* from here on the store works */
    stop();
    for (end = now + SECONDS(60); now < end && !world.stopped;) {
        look(false);
        for (instant_ns next = now + SECONDS(1); now < next;)
            go_on(next);
    }
    HOLDS(world.stopped);
    HOLDS(world.acting_term == 0);
    HOLDS(election_next_due(&election) == 0);
}

START_TEST(whatever_comes_the_rules_hold)
{
    for (uint64_t i = 0; i < LIVES; i++) {
        mark_point();
        live((uint64_t)_i * LIVES + i);
    }
    HOLDS(coverage.promotions > LIVES);
    HOLDS(coverage.demotions > LIVES);
    HOLDS(coverage.releases > LIVES / 4);
    HOLDS(coverage.ghosts > 0);
    HOLDS(coverage.foreigns > 0);
}
END_TEST

Suite *election_random_suite(void)
{
    Suite *suite = suite_create("election at random");
    TCase *lives = tcase_create("lives");

    tcase_set_timeout(lives, 120);
    tcase_add_loop_test(lives, whatever_comes_the_rules_hold, 0, ROUNDS);
    suite_add_tcase(suite, lives);
    return suite;
}
