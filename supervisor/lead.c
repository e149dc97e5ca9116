/* lead.c - what the election commands, and what it is told. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/role_files.h"
#include "network/requests.h"
#include "supervisor/start_line.h"
#include "supervisor/supervisor.h"

/* What is left of the stop's time for SIGKILL, the reaping and the last answers. */
#define STOP_MARGIN MILLISECONDS(300)

static unsigned long long milliseconds_since(instant_ns then, instant_ns now)
{
    return (now - then) / MILLISECONDS(1);
}

/* --- To the network process. --- */

static void network_send(struct supervisor *supervisor, enum network_message type, const void *body,
                         size_t size, int passed_fd)
{
    struct message message = { .type = type, .term = supervisor->election.term };

    if (supervisor->network.fd < 0)
        return;
    memcpy(message.body, body, size);
    if (!channel_send(supervisor->network.fd, &message, passed_fd))
        network_kill(supervisor);
}

void lead_send_role(struct supervisor *supervisor, bool leader, bool standing)
{
    struct role_order order = {
        .leader = leader,
        .standing = standing,
        .session = supervisor->election.session,
    };

    if (!supervisor->has_place) { /* what is shown is another's */
        supervisor->taken_down = true;
        return;
    }
    role_files_show(supervisor->settings, leader);
    network_send(supervisor, NETWORK_ROLE, &order, sizeof order, -1);
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

static void send_request(struct supervisor *supervisor, const struct lock_request *request,
                         instant_ns now)
{
    struct open_request *open = open_request_find(supervisor, 0);

    if (request->type == REQUEST_ACQUIRE) {
        supervisor->record.session = request->session;
        supervisor_write_record(supervisor);
    }
    if (request->type == REQUEST_RELEASE)
        close_lock(supervisor);
    assert(open); /* the election has few open at once, and each is answered or read back */
    *open = (struct open_request){ .request = *request, .sent = now };
    network_send(supervisor, NETWORK_REQUEST, request, sizeof *request, -1);
}

/* What the dead network process still owed is answered for it: nobody knows what came of it. */
void lead_network_lost(struct supervisor *supervisor, instant_ns now)
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
        network_send(supervisor, NETWORK_HOLD, &hold, sizeof hold, supervisor->lock_fd);
    lead_send_role(supervisor, election->state == STATE_LEADING, supervisor->phase != PHASE_STOPS);

    struct open_request lost[OPEN_REQUESTS_MAX];
    memcpy(lost, supervisor->open, sizeof lost);
    memset(supervisor->open, 0, sizeof supervisor->open);
    for (size_t i = 0; i < OPEN_REQUESTS_MAX; i++) {
        const struct lock_request *request = &lost[i].request;
        if (request->serial == 0)
            continue;
        bool changes_lock = request->type == REQUEST_ACQUIRE || request->type == REQUEST_WRITE ||
                            request->type == REQUEST_RELEASE;
        struct lock_answer answer = {
            .type = request->type,
            .result = changes_lock ? ANSWER_UNKNOWN : ANSWER_FAILED,
            .serial = request->serial,
            .term = request->term,
            .session = request->session,
        };
        struct election_commands commands = { 0 };
        election_answered(election, &answer, now, &commands);
        lead_carry_out(supervisor, &commands, now);
    }
}

/* --- The election's commands. --- */

static void describe(const struct supervisor *supervisor, struct situation *situation, bool leader,
                     enum election_reason reason)
{
    memset(situation, 0, sizeof *situation);
    situation->token = supervisor->election.token;
    situation->session = supervisor->election.session;
    snprintf(situation->role, sizeof situation->role, leader ? "leader" : "follower");
    snprintf(situation->old_role, sizeof situation->old_role, leader ? "follower" : "leader");
    snprintf(situation->reason, sizeof situation->reason, "%s", election_reason_name(reason));
    snprintf(situation->holder, sizeof situation->holder, "%s", supervisor->holder);
}

static void promote(struct supervisor *supervisor, instant_ns now)
{
    struct situation situation;

    supervisor->changed = now;
    supervisor->record.promoted = true;
    supervisor_write_record(supervisor);
    describe(supervisor, &situation, true, REASON_ACQUIRED);
    if (supervisor->lock_fd >= 0)
        keeper_send(supervisor, KEEPER_LOCK, supervisor->election.term, NULL, 0,
                    supervisor->lock_fd);
    keeper_send(supervisor, KEEPER_PROMOTE, supervisor->election.term, &situation, sizeof situation,
                -1);
    start_line_tell_own(&supervisor->start_line, supervisor->settings);
    log_info("promoting key=%s token=%" PRIu64, supervisor->settings->key,
             supervisor->election.token);
}

/* Until when the demotion has to be complete. A stop gives what nothing but the program's end can
 * complete all of its time.
 */
static instant_ns demotion_end(const struct supervisor *supervisor, instant_ns now)
{
    const struct settings *settings = supervisor->settings;
    instant_ns end = now + settings->demote_timeout_ns;
    instant_ns last = supervisor->election.lease.hard - KILL_BUDGET_NS;

    if (supervisor->stop_deadline != 0) {
        instant_ns stop_end = supervisor->stop_deadline - STOP_MARGIN;
        bool has_hook = settings->on_demote[0] != '\0' && settings->mode != MODE_LEADER_ONLY;
        if (!has_hook || stop_end < end)
            end = stop_end;
    }
    return now < last && last < end ? last : end;
}

void lead_order_demotion(struct supervisor *supervisor, enum election_reason reason, instant_ns now)
{
    struct demotion_order order = {
        .until = demotion_end(supervisor, now),
        .planned = supervisor->stop_deadline != 0,
    };

    describe(supervisor, &order.situation, false, reason);
    keeper_send(supervisor, KEEPER_DEMOTE, supervisor->election.term, &order, sizeof order, -1);
}

static void demote(struct supervisor *supervisor, enum election_reason reason, instant_ns now)
{
    log_info("demoting key=%s token=%" PRIu64 " reason=%s", supervisor->settings->key,
             supervisor->election.token, election_reason_name(reason));
    supervisor->changed = now;
    if (supervisor->stop_deadline == 0)
        lead_send_role(supervisor, false, true);
    lead_order_demotion(supervisor, reason, now);
}

static void carry_out(struct supervisor *supervisor, const struct election_command *command,
                      instant_ns now)
{
    const struct settings *settings = supervisor->settings;

    switch (command->type) {
    case COMMAND_REQUEST:
        send_request(supervisor, &command->request, now);
        break;
    case COMMAND_LEASE:
        keeper_send(supervisor, KEEPER_LEASE, supervisor->election.term,
                    &supervisor->election.lease, sizeof supervisor->election.lease, -1);
        break;
    case COMMAND_PROMOTE:
        promote(supervisor, now);
        break;
    case COMMAND_DEMOTE:
        demote(supervisor, command->reason, now);
        break;
    case COMMAND_TOKEN_LOW:
        log_error("the lock's token %" PRIu64 " is not above %" PRIu64 ", which was given out "
                  "before: not promoted (if no store has seen the old tokens, delete the key %s)",
                  supervisor->election.token, supervisor->election.candidacy.highest_token,
                  settings->key);
        break;
    case COMMAND_FOREIGN:
        log_warn("the lock's value was overwritten by somebody else: ours is written again key=%s",
                 settings->key);
        break;
    case COMMAND_INVALID:
        supervisor_stop(supervisor, EXIT_STATUS_USAGE, now);
        break;
    case COMMAND_STOPPED:
        supervisor->election_over = true;
        supervisor_stop_program(supervisor, now);
        break;
    case COMMAND_TYPES:
        break;
    }
}

void lead_carry_out(struct supervisor *supervisor, const struct election_commands *commands,
                    instant_ns now)
{
    for (unsigned i = 0; i < commands->count; i++)
        carry_out(supervisor, &commands->list[i], now);
}

void lead_stand(struct supervisor *supervisor, instant_ns now)
{
    struct election_commands commands = { 0 };

    supervisor->phase = PHASE_RUNS;
    lead_send_role(supervisor, false, true);
    election_stand(&supervisor->election, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}

void lead_stop(struct supervisor *supervisor, instant_ns now)
{
    struct election_commands commands = { 0 };

    election_stop(&supervisor->election, REASON_SHUTDOWN, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}

/* --- What the keeper says. --- */

static void leading(struct supervisor *supervisor, instant_ns now)
{
    log_info("leading key=%s token=%" PRIu64 " after=%llums", supervisor->settings->key,
             supervisor->election.token, milliseconds_since(supervisor->changed, now));
    lead_send_role(supervisor, true, true);
}

static void promotion_said(struct supervisor *supervisor, uint64_t term, bool succeeded,
                           instant_ns now)
{
    struct election_commands commands = { 0 };
    bool was_leading = supervisor->election.state == STATE_LEADING;

    election_promoted(&supervisor->election, term, succeeded, now, &commands);
    if (!was_leading && supervisor->election.state == STATE_LEADING)
        leading(supervisor, now);
    lead_carry_out(supervisor, &commands, now);
}

static void demotion_said(struct supervisor *supervisor, uint64_t term, bool succeeded,
                          instant_ns now)
{
    struct election_commands commands = { 0 };

    if (supervisor->phase != PHASE_PREPARES &&
        (term != supervisor->election.term || !election_may_act(&supervisor->election)))
        return; /* said already */
    if (succeeded) {
        log_info("demoted key=%s after=%llums", supervisor->settings->key,
                 milliseconds_since(supervisor->changed, now));
        supervisor->record.promoted = false;
    }
    if (supervisor->phase == PHASE_PREPARES) { /* a predecessor's */
        supervisor_write_record(supervisor);
        supervisor_prepare(supervisor, now);
        return;
    }
    bool lead_ends_us = supervisor->settings->exit_on_demote &&
                        supervisor->election.reason != REASON_PROMOTION_FAILED;
    if (!succeeded || (lead_ends_us && supervisor->stop_deadline == 0))
        supervisor_stop(supervisor, EXIT_STATUS_LEAD_LOST, now);
    election_demoted(&supervisor->election, term, succeeded, now, &commands);
    lead_carry_out(supervisor, &commands, now);
    if (succeeded)
        supervisor_write_record(supervisor);
    supervisor_stop_program(supervisor, now);
}

static void program_started(struct supervisor *supervisor, pid_t pid, instant_ns now)
{
    supervisor->record.program = pid;
    supervisor->gone = false;
    supervisor_write_record(supervisor);
    if (supervisor->phase == PHASE_PREPARES)
        lead_stand(supervisor, now);
}

/* Losing the lead ends the program of a leader-only instance, and nothing else. */
static bool program_may_start_again(const struct supervisor *supervisor)
{
    return supervisor->settings->mode == MODE_LEADER_ONLY;
}

static void program_exited(struct supervisor *supervisor, const struct exit_report *report,
                           instant_ns now)
{
    int status = WIFSIGNALED(report->wait_status) ? 128 + WTERMSIG(report->wait_status)
                                                  : WEXITSTATUS(report->wait_status);

    supervisor->record.program = 0;
    if (report->overdue)
        status = EXIT_STATUS_LEAD_LOST;
    if (supervisor->stop_deadline != 0) {
        if (!supervisor->exit_is_final)
            supervisor->exit_status = status;
    } else if (report->overdue || !report->ordered || !program_may_start_again(supervisor)) {
        supervisor_stop(supervisor, status, now);
    }
}

void lead_keeper_said(struct supervisor *supervisor, const struct message *message, instant_ns now)
{
    const struct failure_report *failure = MESSAGE_BODY(message, const struct failure_report);

    switch ((enum keeper_message)message->type) {
    case KEEPER_STARTED:
        program_started(supervisor, MESSAGE_BODY(message, const struct started_report)->pid, now);
        break;
    case KEEPER_START_FAILED:
        log_error("%s", failure->reason);
        supervisor_stop(supervisor, failure->status, now);
        break;
    case KEEPER_EXITED:
        program_exited(supervisor, MESSAGE_BODY(message, const struct exit_report), now);
        break;
    case KEEPER_GONE:
        supervisor->gone = true;
        break;
    case KEEPER_PROMOTED:
        promotion_said(supervisor, message->term, true, now);
        break;
    case KEEPER_PROMOTION_FAILED:
        log_error("the promotion failed: %s", failure->reason);
        if (failure->status != 0)
            supervisor_stop(supervisor, failure->status, now);
        promotion_said(supervisor, message->term, false, now);
        break;
    case KEEPER_DEMOTED:
        demotion_said(supervisor, message->term, true, now);
        break;
    case KEEPER_DEMOTION_FAILED:
        log_error("the demotion failed: the lock is not given away but left to run out");
        demotion_said(supervisor, message->term, false, now);
        break;
    default:
        log_error("a message of unknown type %u from the keeper was skipped", message->type);
    }
}

/* --- What the network process says. --- */

/* A file's lock is where its descriptor is; without a free one of ours it is lost on its way. */
static bool lacks_lock(const struct supervisor *supervisor, const struct lock_answer *answer,
                       int passed_fd)
{
    return supervisor->settings->store == STORE_FILE && answer->type == REQUEST_ACQUIRE &&
           answer->result == ANSWER_DONE && passed_fd < 0;
}

static void answer_said(struct supervisor *supervisor, const struct lock_answer *answer,
                        int passed_fd, instant_ns now)
{
    struct election_commands commands = { 0 };
    struct open_request *open = open_request_find(supervisor, answer->serial);

    if (!open || answer->serial == 0) { /* answered already, for a network process that died */
        if (passed_fd >= 0)
            close(passed_fd);
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

static void lock_seen(struct supervisor *supervisor, const struct lock_view *view, instant_ns now)
{
    struct election_commands commands = { 0 };

    snprintf(supervisor->holder, sizeof supervisor->holder, "%s", view->holder);
    start_line_tell(&supervisor->start_line, supervisor->settings, view,
                    &supervisor->election.session);
    election_lock_seen(&supervisor->election, view, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}

void lead_network_said(struct supervisor *supervisor, const struct message *message, int passed_fd,
                       instant_ns now)
{
    const struct fatal_body *fatal = MESSAGE_BODY(message, const struct fatal_body);

    switch ((enum network_message)message->type) {
    case NETWORK_ANSWER:
        answer_said(supervisor, MESSAGE_BODY(message, const struct lock_answer), passed_fd, now);
        break;
    case NETWORK_LOCK_SEEN:
        lock_seen(supervisor, MESSAGE_BODY(message, const struct lock_view), now);
        break;
    case NETWORK_TAKEN_DOWN:
        supervisor->taken_down = true;
        break;
    case NETWORK_FATAL:
        log_error("%s", fatal->reason);
        supervisor_stop(supervisor, fatal->status, now);
        break;
    default:
        log_error("a message of unknown type %u from the network process was skipped",
                  message->type);
    }
}
