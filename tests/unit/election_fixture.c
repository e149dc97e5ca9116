#include "tests/unit/election_fixture.h"

#include <stdio.h>
#include <string.h>

const struct election_terms election_terms = {
    .lease = { .length = SECONDS(20), .demote_budget = MILLISECONDS(3200), .drift_ppm = 1000 },
    .renew_interval = SECONDS(2),
    .retry_interval = MILLISECONDS(500),
    .request_timeout = SECONDS(2),
    .promotion_backoff = SECONDS(10),
    .standstill = SECONDS(1),
};

struct election election;
instant_ns now;

static struct election_commands commands;
static struct lock_request last_asked[REQUEST_TYPES];
static unsigned sessions;

/* --- What was said. --- */

static const char *const request_words[REQUEST_TYPES] = {
    [REQUEST_SESSION] = "session",     [REQUEST_ACQUIRE] = "acquire", [REQUEST_RENEW] = "renew",
    [REQUEST_WRITE] = "write",         [REQUEST_RELEASE] = "release", [REQUEST_DESTROY] = "destroy",
    [REQUEST_READ_BACK] = "read-back",
};

static const char *const command_words[COMMAND_TYPES] = {
    [COMMAND_LEASE] = "lease",     [COMMAND_PROMOTE] = "promote", [COMMAND_TOKEN_LOW] = "low",
    [COMMAND_FOREIGN] = "foreign", [COMMAND_INVALID] = "invalid", [COMMAND_STOPPED] = "stopped",
};

const char *said_in_words(const struct election_commands *list)
{
    static char text[512];
    size_t length = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < list->count; i++) {
        const struct election_command *command = &list->list[i];
        const char *gap = i > 0 ? " " : "";
        char *end = text + length;
        size_t room = sizeof text - length;

        if (command->type == COMMAND_REQUEST)
            length +=
                (size_t)snprintf(end, room, "%s%s", gap, request_words[command->request.type]);
        else if (command->type == COMMAND_DEMOTE)
            length += (size_t)snprintf(end, room, "%sdemote:%s", gap,
                                       election_reason_name(command->reason));
        else
            length += (size_t)snprintf(end, room, "%s%s", gap, command_words[command->type]);
        ck_assert_uint_lt(length, sizeof text);
    }
    return text;
}

const char *said(void)
{
    return said_in_words(&commands);
}

struct lock_request asked(enum request_type type)
{
    ck_assert_uint_ne(last_asked[type].serial, 0);
    return last_asked[type];
}

static void note(void)
{
    for (unsigned i = 0; i < commands.count; i++)
        if (commands.list[i].type == COMMAND_REQUEST)
            last_asked[commands.list[i].request.type] = commands.list[i].request;
}

/* --- Time. --- */

void wakes(void)
{
    commands.count = 0;
    election_time_passed(&election, now, &commands);
    note();
}

void passes(duration_ns duration)
{
    instant_ns end = now + duration;
    instant_ns due;

    commands.count = 0;
    while ((due = election_next_due(&election)) != 0 && due <= end) {
        if (due > now)
            now = due;
        election_time_passed(&election, now, &commands);
        ck_assert_msg(election_next_due(&election) != due, "no progress in state %s",
                      election_state_name(election.state));
    }
    now = end;
    note();
}

void freezes(duration_ns duration)
{
    now += duration;
}

/* --- What happens. --- */

void stands(void)
{
    memset(last_asked, 0, sizeof last_asked);
    sessions = 0;
    now = SECONDS(100);
    election_init(&election, &election_terms);
    commands.count = 0;
    election_stand(&election, now, &commands);
    note();
}

void stops(void)
{
    commands.count = 0;
    election_stop(&election, REASON_SHUTDOWN, now, &commands);
    note();
}

void withdraws(void)
{
    commands.count = 0;
    election_withdraw(&election, now, &commands);
    note();
}

void stands_again(void)
{
    commands.count = 0;
    election_stand(&election, now, &commands);
    note();
}

void steps_down(enum election_reason reason, duration_ns stand_off)
{
    commands.count = 0;
    election_step_down(&election, reason, stand_off, now, &commands);
    note();
}

static void give(const struct lock_answer *answer)
{
    commands.count = 0;
    election_answered(&election, answer, now, &commands);
    note();
}

void answers(const struct lock_request *request, enum answer_result result, uint64_t index)
{
    struct lock_answer answer = {
        .type = request->type,
        .result = result,
        .serial = request->serial,
        .term = request->term,
        .session = request->session,
        .index = index,
    };

    if (request->type == REQUEST_SESSION && result == ANSWER_DONE)
        snprintf(answer.session.text, sizeof answer.session.text, "session-%u", ++sessions);
    give(&answer);
}

void is_done_at(enum request_type type, uint64_t index)
{
    struct lock_request request = asked(type);

    answers(&request, ANSWER_DONE, index);
}

void is_done(enum request_type type)
{
    is_done_at(type, 0);
}

void fails(enum request_type type, enum answer_result result)
{
    struct lock_request request = asked(type);

    answers(&request, result, 0);
}

void reads(struct lock_view view)
{
    struct lock_request request = asked(REQUEST_READ_BACK);
    struct lock_answer answer = {
        .type = REQUEST_READ_BACK,
        .serial = request.serial,
        .term = request.term,
        .session = request.session,
        .view = view,
    };

    answer.view.term = request.term;
    answer.view.asked_ns = now;
    give(&answer);
}

void promoted(bool succeeded)
{
    commands.count = 0;
    election_promoted(&election, election.term, succeeded, now, &commands);
    note();
}

void demoted(bool succeeded)
{
    commands.count = 0;
    election_demoted(&election, election.term, succeeded, now, &commands);
    note();
}

void store_reopened(void)
{
    commands.count = 0;
    election_store_reopened(&election, now, &commands);
    note();
}

void sees(struct lock_view view)
{
    commands.count = 0;
    view.asked_ns = now;
    election_lock_seen(&election, &view, now, &commands);
    note();
}

/* --- Looks at the lock. --- */

struct lock_view absent_lock(void)
{
    return (struct lock_view){ .consistent = true };
}

struct lock_view unmarked_lock(uint64_t index)
{
    return (struct lock_view){ .exists = true, .consistent = true, .index = index };
}

struct lock_view marked_lock(uint64_t index)
{
    struct lock_view view = unmarked_lock(index);

    view.released = true;
    view.token = index - 1; /* of the leader who released it */
    return view;
}

struct lock_view others_lock(uint64_t index)
{
    struct lock_view view = unmarked_lock(index);

    strcpy(view.session.text, "session-of-another");
    return view;
}

struct lock_view while_we_held(struct lock_view view)
{
    view.term = election.term;
    return view;
}

struct lock_view own_lock(uint64_t index)
{
    struct lock_view view = while_we_held(unmarked_lock(index));

    view.session = election.session;
    view.token = election.token;
    view.ours = true;
    return view;
}

struct lock_view with_token(struct lock_view view, uint64_t token)
{
    view.token = token;
    return view;
}

/* --- Straight to a state. --- */

void to_acquiring(void)
{
    stands();
    is_done(REQUEST_SESSION);
    sees(marked_lock(10));
    ck_assert_said("acquire");
}

void to_leading(void)
{
    to_acquiring();
    is_done_at(REQUEST_ACQUIRE, 11);
    ck_assert_said("lease promote write");
    is_done_at(REQUEST_WRITE, 12);
    promoted(true);
}

void to_state(enum election_state state)
{
    switch (state) {
    case STATE_IDLE:
        stands();
        break;
    case STATE_WAITING:
        stands();
        is_done(REQUEST_SESSION);
        break;
    case STATE_ACQUIRING:
        to_acquiring();
        break;
    case STATE_PROMOTING:
        to_acquiring();
        is_done_at(REQUEST_ACQUIRE, 11);
        break;
    case STATE_LEADING:
        to_leading();
        break;
    case STATE_DEMOTING:
        to_state(STATE_PROMOTING);
        promoted(false);
        break;
    case STATE_RELEASING:
        to_state(STATE_DEMOTING);
        demoted(true);
        break;
    case STATE_STOPPED:
        stands();
        stops();
        break;
    case ELECTION_STATES:
        break;
    }
    ck_assert_uint_eq(election.state, state);
}
