/* keeper_link.c - what the keeper is ordered, and what it says. */
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/check.h"
#include "common/options/manner.h"
#include "common/place/role_files.h"
#include "supervisor/supervisor.h"

void keeper_fill_start(const struct supervisor *supervisor, int supervisor_fd,
                       struct keeper_start *start)
{
    *start = (struct keeper_start){
        .settings = supervisor->settings,
        .command = supervisor->command,
        .user = supervisor->user,
        .signals = supervisor->signals,
        .ack = supervisor->ack,
        .directory = supervisor->directory,
        .lease_page = supervisor->lease_file.page,
        .lease_path = supervisor->lease_file.path,
        .lease_has_own_folder = supervisor->lease_file.has_own_folder,
        .supervisor = getpid(),
        .supervisor_fd = supervisor_fd,
        .network_fd = -1,
        .started_as = supervisor->job.pid,
        .terminal_group = supervisor->job.group,
        .has_job_control = supervisor->job.stops_fd >= 0,
    };
}

void keeper_send(struct supervisor *supervisor, enum keeper_message type, uint64_t term,
                 const void *body, size_t size, int passed_fd)
{
    struct message message = { .type = type, .term = term };

    if (supervisor->keeper.fd < 0 || supervisor->keeper_killed)
        return;
    if (size > 0)
        memcpy(message.body, body, size);
    if (channel_send(supervisor->keeper.fd, &message, passed_fd) == CHANNEL_FULL)
        keeper_kill(supervisor, "cannot be told its orders");
}

static unsigned long long milliseconds_since(instant_ns then, instant_ns now)
{
    return (now - then) / MILLISECONDS(1);
}

static void leading(struct supervisor *supervisor, instant_ns now)
{
    log_info("leading key=%s token=%" PRIu64 " after=%llums", supervisor->settings->key,
             supervisor->election.token, milliseconds_since(supervisor->changed, now));
    network_send_role(supervisor, true, true);
    role_files_show(supervisor->settings, true);
}

static void promotion_said(struct supervisor *supervisor, uint64_t term, bool succeeded,
                           instant_ns now)
{
    struct election_commands commands = { 0 };
    bool was_leading = supervisor->election.state == STATE_LEADING;

    election_promoted(&supervisor->election, term, succeeded, now, &commands);
    if (!was_leading && supervisor->election.state == STATE_LEADING)
        leading(supervisor, now);
    else if (supervisor->restarts.promoting && succeeded)
        log_info("leading again after=%llums", milliseconds_since(supervisor->changed, now));
    supervisor->restarts.promoting = false;
    lead_carry_out(supervisor, &commands, now);
}

static void demotion_said(struct supervisor *supervisor, uint64_t term, bool succeeded,
                          instant_ns now)
{
    struct election_commands commands = { 0 };

    supervisor->answer_due = 0;
    if (supervisor->phase != PHASE_PREPARES &&
        (term != supervisor->election.term || !election_may_act(&supervisor->election)))
        return; /* said already */
    if (supervisor->phase == PHASE_PREPARES) {
        predecessor_demoted(supervisor, succeeded, now);
        supervisor_prepare(supervisor, now);
        return;
    }
    if (succeeded)
        supervisor->record.promoted = false;
    else
        log_error("the demotion failed: the lock is not given away but left to run out");
    bool lead_ends_us = supervisor->settings->exit_on_demote &&
                        supervisor->election.reason != REASON_PROMOTION_FAILED;
    if (succeeded && lead_ends_us && supervisor->stop_deadline == 0)
        supervisor_stop(supervisor, EXIT_STATUS_LEAD_LOST, now);
    election_demoted(&supervisor->election, term, succeeded, now, &commands);
    lead_carry_out(supervisor, &commands, now);
    if (!succeeded) { /* not before: a stop hastens a demotion that is under way */
        supervisor_stop(supervisor, EXIT_STATUS_LEAD_LOST, now);
        return;
    }
    supervisor_leave_time(supervisor, now);
    supervisor_stop_program(supervisor, now);
    log_info("demoted key=%s after=%llums", supervisor->settings->key,
             milliseconds_since(supervisor->changed, now));
    supervisor_write_record(supervisor);
    lead_tell_change(supervisor);
}

static void program_started(struct supervisor *supervisor, pid_t pid, instant_ns now)
{
    supervisor->record.program = record_process(pid);
    supervisor->gone = false;
    supervisor->program_runs = true;
    supervisor_write_record(supervisor);
    restart_program_started(supervisor, now);
    network_send_health(supervisor);
    health_begin(supervisor, now);
    if (supervisor->phase == PHASE_PREPARES)
        lead_stand(supervisor, now);
    else
        standing_update(supervisor, now);
}

/* Losing the lead ends the program of a leader-only instance, and nothing else. One that was kept
 * from its start, since too little was left of the lease, has not run.
 */
static bool may_go_on_without(struct supervisor *supervisor, const struct exit_report *report,
                              int status, bool had_started, instant_ns now)
{
    if (report->overdue)
        return false;
    if (report->ordered && manner_of(supervisor->settings)->outlives_program)
        return true;
    return !(report->ordered && had_started) &&
           restart_program_ended(supervisor, status,
                                 forwarding_ended_program(supervisor, report->wait_status, now),
                                 now);
}

static void program_exited(struct supervisor *supervisor, const struct exit_report *report,
                           instant_ns now)
{
    bool had_started = supervisor->program_runs;
    int status = WIFSIGNALED(report->wait_status) ? 128 + WTERMSIG(report->wait_status)
                                                  : WEXITSTATUS(report->wait_status);

    supervisor->record.program = (struct recorded_process){ .pid = 0 };
    supervisor->program_runs = false;
    network_send_health(supervisor);
    health_end(supervisor, now);
    if (report->overdue)
        status = EXIT_STATUS_LEAD_LOST;
    if (supervisor->stop_deadline != 0) {
        if (!supervisor->exit_is_final)
            supervisor->exit_status = status;
    } else if (!may_go_on_without(supervisor, report, status, had_started, now)) {
        supervisor_stop(supervisor, status, now);
    }
}

static void program_stopped(struct supervisor *supervisor, int number)
{
    if (number != 0)
        job_stop(&supervisor->job, number);
    else
        job_continue(&supervisor->job);
}

void keeper_said(struct supervisor *supervisor, const struct message *message, int passed_fd,
                 instant_ns now)
{
    const struct failure_report *failure = MESSAGE_BODY(message, const struct failure_report);

    if (!message_heard(KEEPER_TO_SUPERVISOR, message, passed_fd, &supervisor->keeper.complained))
        return;
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
    case KEEPER_STOPPED:
        program_stopped(supervisor, MESSAGE_BODY(message, const struct signal_order)->number);
        break;
    case KEEPER_GONE:
        supervisor->gone = true;
        restart_time_passed(supervisor, now);
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
    case KEEPER_DEMOTING:
        supervisor->answer_due = supervisor->demotion_due;
        break;
    case KEEPER_DEMOTED:
        demotion_said(supervisor, message->term, true, now);
        break;
    case KEEPER_DEMOTION_FAILED:
        demotion_said(supervisor, message->term, false, now);
        break;
    case KEEPER_PROBED:
        health_probed(supervisor, MESSAGE_BODY(message, const struct probe_report), now);
        break;
    default: /* the check lets nothing else in */
        break;
    }
}
