/* network_link.c - what the network process is asked, and what it says. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/check.h"
#include "common/messages/network.h"
#include "common/options/manner.h"
#include "supervisor/supervisor.h"

/* --- What it is asked. --- */

static void send(struct supervisor *supervisor, enum network_message type, const void *body,
                 size_t size, int passed_fd)
{
    struct message message = { .type = type, .term = supervisor->election.term };

    if (supervisor->network.fd < 0)
        return;
    memcpy(message.body, body, size);
    if (channel_send(supervisor->network.fd, &message, passed_fd) != CHANNEL_FULL)
        return;
    if (!supervisor->network_killed)
        log_warn("the network process cannot be told what it is asked: it is killed");
    network_kill(supervisor);
}

void network_send_role(struct supervisor *supervisor, bool leader, bool standing)
{
    struct role_order order = {
        .leader = leader,
        .standing = standing,
        .stopped = supervisor->told_to_stop,
        .session = supervisor->election.session,
    };

    if (!supervisor->has_place) { /* what is shown is another's */
        supervisor->taken_down = true;
        return;
    }
    send(supervisor, NETWORK_ROLE, &order, sizeof order, -1);
}

void network_send_health(struct supervisor *supervisor)
{
    bool as_a_whole = manner_of(supervisor->settings)->serves_as_a_whole;
    struct health_order order = {
        .serves = as_a_whole ? supervisor->phase == PHASE_RUNS : supervisor->program_runs,
        .well = health_state(supervisor) == HEALTH_WELL,
    };

    snprintf(order.reason, sizeof order.reason, "%s",
             order.well ? "it runs" : supervisor->checkup.reason);
    if (supervisor->settings->register_port != 0)
        send(supervisor, NETWORK_HEALTH, &order, sizeof order, -1);
}

void network_send_probe(struct supervisor *supervisor, const struct probe_order *order)
{
    send(supervisor, NETWORK_PROBE, order, sizeof *order, -1);
}

static struct open_request *open_request_find(struct supervisor *supervisor, uint64_t serial)
{
    for (size_t i = 0; i < OPEN_REQUESTS_MAX; i++)
        if (supervisor->open[i].request.serial == serial)
            return &supervisor->open[i];
    return NULL;
}

static void close_lock(struct supervisor *supervisor)
{
    if (supervisor->lock_fd >= 0)
        close(supervisor->lock_fd);
    supervisor->lock_fd = -1;
}

void network_send_request(struct supervisor *supervisor, const struct lock_request *request)
{
    send(supervisor, NETWORK_REQUEST, request, sizeof *request, -1);
}

void network_ask(struct supervisor *supervisor, const struct lock_request *request, instant_ns now)
{
    struct open_request *open = open_request_find(supervisor, 0);

    if (request->type == REQUEST_ACQUIRE) {
        supervisor->record.session = request->session;
        supervisor_write_record(supervisor);
    }
    if (request->type == REQUEST_RELEASE &&
        strcmp(request->session.text, supervisor->election.session.text) == 0)
        close_lock(supervisor); /* of this term; an abandoned session has none */
    assert(open); /* the election has few open at once, and each is answered or read back */
    *open = (struct open_request){ .request = *request, .sent = now };
    network_send_request(supervisor, request);
}

void network_lost(struct supervisor *supervisor, instant_ns now)
{
    struct election *election = &supervisor->election;
    struct lock_hold hold = {
        .term = election->term,
        .session = election->session,
        .index = election->index,
        .token = election->token,
        .holding = election->won && !election->lost,
    };

    if (election->session.text[0] != '\0')
        send(supervisor, NETWORK_HOLD, &hold, sizeof hold, supervisor->lock_fd);
    network_send_role(supervisor, election->state == STATE_LEADING,
                      supervisor->phase != PHASE_STOPS);
    network_send_health(supervisor);
    health_network_lost(supervisor);

    struct open_request lost[OPEN_REQUESTS_MAX];
    _Static_assert(sizeof lost == sizeof supervisor->open, "all of them");
    memcpy(lost, supervisor->open, sizeof lost);
    memset(supervisor->open, 0, sizeof supervisor->open);
    for (size_t i = 0; i < OPEN_REQUESTS_MAX; i++) {
        const struct lock_request *request = &lost[i].request;
        if (request->serial == 0)
            continue;
        bool changes_lock = request->type == REQUEST_ACQUIRE || request->type == REQUEST_WRITE ||
                            request->type == REQUEST_RELEASE;
        struct lock_answer answer =
            lock_answer_to(request, changes_lock ? ANSWER_UNKNOWN : ANSWER_FAILED);
        struct election_commands commands = { 0 };
        election_answered(election, &answer, now, &commands);
        lead_carry_out(supervisor, &commands, now);
    }
    struct election_commands commands = { 0 };
    election_store_reopened(election, now, &commands);
    lead_carry_out(supervisor, &commands, now);
    predecessor_network_lost(supervisor, now);
    standing_network_lost(supervisor, now);
}

/* --- What it says. --- */

/* A file's lock is where its descriptor is; without a free one of ours it is lost on its way. */
static bool lacks_lock(const struct supervisor *supervisor, const struct lock_answer *answer,
                       int passed_fd)
{
    return supervisor->settings->store == STORE_FILE && answer->type == REQUEST_ACQUIRE &&
           answer->result == ANSWER_DONE && passed_fd < 0;
}

/* Another can take its place at any moment. */
static void end_faulty_network(struct supervisor *supervisor)
{
    if (!supervisor->network_killed)
        log_error("the network process says what cannot be: it is killed");
    network_kill(supervisor);
}

/* Whether it answers what was asked. A session is a new one, with a name. */
static bool fits(const struct lock_request *request, const struct lock_answer *answer,
                 const struct election *election)
{
    if (answer->type != request->type || answer->term != request->term)
        return false;
    if (request->type != REQUEST_SESSION)
        return strcmp(request->session.text, answer->session.text) == 0;
    return answer->result != ANSWER_DONE ||
           (answer->session.text[0] != '\0' && !session_is(&answer->session, &election->session) &&
            !session_is(&answer->session, &election->ghost.session));
}

static void election_answer_said(struct supervisor *supervisor, const struct lock_answer *answer,
                                 int passed_fd, instant_ns now)
{
    struct election_commands commands = { 0 };
    struct open_request *open = open_request_find(supervisor, answer->serial);

    if (!open || answer->serial == 0) { /* answered already, for a network process that died */
        if (passed_fd >= 0)
            close(passed_fd);
        return;
    }
    if (!fits(&open->request, answer, &supervisor->election)) {
        if (passed_fd >= 0)
            close(passed_fd);
        end_faulty_network(supervisor);
        return;
    }
    open->request.serial = 0;
    if (answer->type == REQUEST_ACQUIRE && answer->result == ANSWER_DONE)
        snprintf(supervisor->holder, sizeof supervisor->holder, "%s", answer->view.holder);
    if (passed_fd >= 0) {
        close_lock(supervisor);
        supervisor->lock_fd = passed_fd;
    }

    struct lock_answer believed = *answer;
    if (lacks_lock(supervisor, answer, passed_fd)) {
        log_error("the lock's descriptor did not come: the network process is killed");
        network_kill(supervisor);
        believed.result = ANSWER_UNKNOWN;
    }
    if (answer->result == ANSWER_INVALID)
        log_error("%s", answer->reason);
    else if (answer->result != ANSWER_DONE)
        log_debug("request %d was not done result=%d reason=\"%s\"", answer->type, answer->result,
                  answer->reason);
    election_answered(&supervisor->election, &believed, now, &commands);
    lead_carry_out(supervisor, &commands, now);
    if (!supervisor->election.won)
        close_lock(supervisor); /* an acquire that the election had given up */
}

/* Nothing but an acquire brings a lock. */
static bool brings_lock(const struct lock_answer *answer)
{
    return answer->asker == ASKER_ELECTION && answer->type == REQUEST_ACQUIRE &&
           answer->result == ANSWER_DONE;
}

static void answer_said(struct supervisor *supervisor, const struct lock_answer *answer,
                        int passed_fd, instant_ns now)
{
    if (passed_fd >= 0 && !brings_lock(answer)) {
        close(passed_fd);
        passed_fd = -1;
    }
    switch (answer->asker) {
    case ASKER_ELECTION:
        election_answer_said(supervisor, answer, passed_fd, now);
        break;
    case ASKER_STANDING:
        standing_answered(supervisor, answer, now);
        break;
    case ASKER_PREDECESSOR:
        predecessor_answered(supervisor, answer, now);
        break;
    case ASKERS:
        break;
    }
}

static void lock_seen(struct supervisor *supervisor, const struct lock_view *view, instant_ns now)
{
    struct election_commands commands = { 0 };

    _Static_assert(sizeof supervisor->holder == sizeof view->holder, "it fits");
    snprintf(supervisor->holder, sizeof supervisor->holder, "%s", view->holder);
    standing_lock_seen(supervisor, view);
    start_line_tell(&supervisor->start_line, supervisor->settings, view,
                    &supervisor->election.session);
    election_lock_seen(&supervisor->election, view, now, &commands);
    lead_carry_out(supervisor, &commands, now);
    supervisor->leader = view->session;
    lead_tell_change(supervisor);
}

void network_said(struct supervisor *supervisor, const struct message *message, int passed_fd,
                  instant_ns now)
{
    const struct fatal_body *fatal = MESSAGE_BODY(message, const struct fatal_body);
    const struct lock_answer *answer = MESSAGE_BODY(message, const struct lock_answer);

    if (!message_heard(NETWORK_TO_SUPERVISOR, message, passed_fd,
                       &supervisor->network.complained)) {
        end_faulty_network(supervisor);
        return;
    }
    switch ((enum network_message)message->type) {
    case NETWORK_ANSWER:
        answer_said(supervisor, answer, passed_fd, now);
        break;
    case NETWORK_LOCK_SEEN:
        lock_seen(supervisor, MESSAGE_BODY(message, const struct lock_view), now);
        break;
    case NETWORK_SIGHT_LOST:
        election_sight_lost(&supervisor->election);
        break;
    case NETWORK_TAKEN_DOWN:
        supervisor->taken_down = true;
        break;
    case NETWORK_FATAL:
        log_error("%s", fatal->reason);
        supervisor_stop(supervisor, fatal->status, now);
        break;
    case NETWORK_PROBED:
        health_probed(supervisor, MESSAGE_BODY(message, const struct probe_report), now);
        break;
    default: /* the check lets nothing else in */
        break;
    }
}
