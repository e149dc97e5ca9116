#include "supervisor/supervisor.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/signals.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "common/place/role_files.h"

#define PLACE_INTERVAL MILLISECONDS(50)
#define HUNG_MARGIN    MILLISECONDS(500)

/* timeout(1) and the like send a stop signal to a process and to its group: that is one. */
#define REPEAT_TIME MILLISECONDS(100)

void supervisor_write_record(struct supervisor *supervisor)
{
    record_write(&supervisor->place, &supervisor->record);
}

/* --- The beginning. --- */

void supervisor_init(struct supervisor *supervisor)
{
    supervisor->ack = ACK_NONE;
    supervisor->lock_fd = -1;
    supervisor->keeper.fd = -1;
    supervisor->network.fd = -1;
    supervisor->gone = true;
    supervisor->job.stops_fd = -1;
    lead_init(supervisor);
    health_init(supervisor);
}

void supervisor_prepare(struct supervisor *supervisor, instant_ns now)
{
    const struct settings *settings = supervisor->settings;

    if (supervisor->record.promoted) {
        struct demotion_order order = {
            .until = now + settings->demote_timeout_ns,
            .restart = true,
            .situation = { .role = "follower", .old_role = "leader", .reason = "restart" },
        };
        log_info("this instance led when it was ended: it is demoted first");
        supervisor->changed = now;
        lead_send_demotion(supervisor, 0, &order, now);
    } else if (manner_of(settings)->starts_first) {
        struct situation situation = { .role = "follower" };
        keeper_send(supervisor, KEEPER_START, 0, &situation, sizeof situation, -1);
    } else {
        lead_stand(supervisor, now);
    }
}

static void take_place(struct supervisor *supervisor, instant_ns now)
{
    char holder[64];
    bool ours = place_lock(&supervisor->place);

    if (ours && predecessor_is_over(supervisor, now)) {
        supervisor->place_due = 0;
        supervisor->has_place = true;
        supervisor->phase = PHASE_PREPARES;
        role_files_show(supervisor->settings, false); /* a predecessor may have left another */
        lease_file_show(&supervisor->lease_file);
        predecessor_take_over(supervisor, now);
        supervisor_prepare(supervisor, now);
        return;
    }
    supervisor->place_due = now + (ours ? SWEEP_INTERVAL : PLACE_INTERVAL);
    if (!ours && supervisor->place_warning != 0 && now >= supervisor->place_warning) {
        supervisor->place_warning = 0;
        record_holder(&supervisor->place, holder, sizeof holder);
        log_warn("waiting: another consul-leader is this instance instance=%s held-by=\"%s\" "
                 "folder=%s",
                 supervisor->settings->instance, holder, supervisor->place.folder);
    }
}

/* --- The end. --- */

void supervisor_stop_program(struct supervisor *supervisor, instant_ns now)
{
    struct stop_order order = { .until = supervisor->stop_deadline - STOP_RESERVE };

    (void)now;
    if (supervisor->stop_deadline == 0 || supervisor->gone_asked || supervisor->keeper_lost ||
        election_may_act(&supervisor->election))
        return;
    supervisor->gone_asked = true;
    supervisor->gone = false;
    keeper_send(supervisor, KEEPER_STOP, 0, &order, sizeof order, -1);
}

void supervisor_stop(struct supervisor *supervisor, int status, instant_ns now)
{
    if (status >= 0 && !supervisor->exit_is_final) {
        supervisor->exit_status = status;
        supervisor->exit_is_final = true;
    }
    if (supervisor->stop_deadline != 0)
        return;
    supervisor->phase = PHASE_STOPS;
    supervisor->place_due = 0;
    supervisor->stop_began = now;
    supervisor->stop_deadline = now + supervisor->settings->stop_timeout_ns;
    supervisor->told_to_stop = status < 0;
    health_end(supervisor, now);
    bool demoting = supervisor->election.state == STATE_DEMOTING;
    network_send_role(supervisor, false, false); /* sent first, and waited for at the very end */
    lead_stop(supervisor, now);
    if (demoting) /* it has less time from now on, and the program may be stopped for it */
        lead_order_demotion(supervisor, supervisor->election.reason, now);
    supervisor_stop_program(supervisor, now);
}

void supervisor_leave_time(struct supervisor *supervisor, instant_ns now)
{
    if (supervisor->stop_deadline != 0 && supervisor->stop_deadline < now + STOP_RESERVE)
        supervisor->stop_deadline = now + STOP_RESERVE;
}

/* A second stop signal: no more waiting for anybody's good will. */
static void hurry(struct supervisor *supervisor, instant_ns now)
{
    struct stop_order order = { .until = now };

    log_info("a second stop signal: what still runs is killed");
    if (now + STOP_RESERVE < supervisor->stop_deadline)
        supervisor->stop_deadline = now + STOP_RESERVE;
    if (supervisor->election.state == STATE_DEMOTING) /* a hook that is still to come has no more */
        lead_order_demotion(supervisor, supervisor->election.reason, now);
    keeper_send(supervisor, KEEPER_STOP, 0, &order, sizeof order, -1);
}

static bool requests_are_open(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < OPEN_REQUESTS_MAX; i++)
        if (supervisor->open[i].request.serial != 0)
            return true;
    return false;
}

/* Nothing of it is left, and nothing can come of it any more. */
static bool program_is_over(const struct supervisor *supervisor)
{
    bool swept = supervisor->keeper_lost ? supervisor->sweep_due == 0 : supervisor->gone_asked;

    return supervisor->gone && swept && !supervisor->keeper_killed;
}

bool supervisor_has_ended(const struct supervisor *supervisor)
{
    instant_ns now = clock_now_ns();

    if (supervisor->stop_deadline == 0 || !program_is_over(supervisor))
        return false;
    return now >= supervisor->stop_deadline ||
           (supervisor->election_over && supervisor->taken_down && !requests_are_open(supervisor));
}

bool supervisor_leaves_nothing(const struct supervisor *supervisor)
{
    const struct record *record = &supervisor->record;

    return supervisor->has_place && !record->promoted && record->former[0].text[0] == '\0';
}

/* --- Signals and deaths. --- */

static void take_signal(struct supervisor *supervisor, const struct signalfd_siginfo *info,
                        instant_ns now)
{
    char name[SIGNAL_NAME_SIZE];

    if (info->ssi_signo == SIGCHLD || (pid_t)info->ssi_pid == getpid())
        return; /* reaped apart; a broken pipe of our own is no signal to anybody */
    if (info->ssi_signo == SIGCONT)
        supervisor->job.stopped = false;
    if (!(supervisor->settings->stop_signals & SIGNAL_BIT(info->ssi_signo))) {
        forwarding_take(supervisor, (int)info->ssi_signo, now);
    } else if (supervisor->stop_deadline == 0) {
        log_info("stopping signal=%s", signal_name((int)info->ssi_signo, name));
        supervisor_stop(supervisor, -1, now);
    } else if (now >= supervisor->stop_began + REPEAT_TIME) {
        hurry(supervisor, now);
    }
}

static void take_signals(struct supervisor *supervisor, instant_ns now)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        take_signal(supervisor, &info, now);
}

static void take_keeper_messages(struct supervisor *supervisor)
{
    struct message message;
    int passed_fd;

    while (supervisor->keeper.fd >= 0 &&
           channel_receive(supervisor->keeper.fd, &message, &passed_fd) == CHANNEL_MESSAGE)
        keeper_said(supervisor, &message, passed_fd, clock_now_ns());
}

static void take_network_messages(struct supervisor *supervisor)
{
    struct message message;
    int passed_fd;

    while (supervisor->network.fd >= 0 &&
           channel_receive(supervisor->network.fd, &message, &passed_fd) == CHANNEL_MESSAGE)
        network_said(supervisor, &message, passed_fd, clock_now_ns());
}

/* What a dead process had said before its death counts. */
static void reap(struct supervisor *supervisor)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        if (pid == supervisor->keeper.pid) {
            take_keeper_messages(supervisor);
            keeper_died(supervisor, clock_now_ns());
        } else if (pid == supervisor->network.pid) {
            take_network_messages(supervisor);
            network_died(supervisor, clock_now_ns());
        }
    }
}

/* --- Time. --- */

/* The network process gives up a renewal by itself; one that does not even do that hangs. */
static instant_ns network_hangs_at(const struct supervisor *supervisor)
{
    duration_ns timeout = settings_request_timeout(supervisor->settings);
    duration_ns margin = timeout / 2 > HUNG_MARGIN ? timeout / 2 : HUNG_MARGIN;
    instant_ns due = 0;

    bool alive = supervisor->network.pid != 0 && !supervisor->network_killed;

    for (size_t i = 0; alive && i < OPEN_REQUESTS_MAX; i++) {
        const struct open_request *open = &supervisor->open[i];
        if (open->request.serial != 0 && open->request.type == REQUEST_RENEW)
            due = clock_earlier(due, open->sent + timeout + margin);
    }
    return due;
}

static bool is_due(instant_ns due, instant_ns now)
{
    return due != 0 && now >= due;
}

/* Past its time a stop is enforced, on a keeper that hangs too. */
static instant_ns stop_enforcement_due(const struct supervisor *supervisor)
{
    bool enforced = supervisor->keeper.pid == 0 || supervisor->keeper_killed;

    if (enforced || supervisor->stop_deadline == 0 || program_is_over(supervisor))
        return 0;
    return supervisor->stop_deadline + PEER_MARGIN;
}

static void enforce_stop(struct supervisor *supervisor, instant_ns now)
{
    if (is_due(stop_enforcement_due(supervisor), now))
        keeper_kill(supervisor, "does not end the program in time");
}

/* So is a demotion. Where we stood still the keeper may have done so too. */
static void enforce_demotion(struct supervisor *supervisor, instant_ns now)
{
    if (!is_due(supervisor->answer_due, now))
        return;
    if (now > supervisor->answer_due + PEER_MARGIN)
        supervisor->answer_due = now + PEER_MARGIN;
    else
        keeper_kill(supervisor, "does not demote in time");
}

static void let_time_pass(struct supervisor *supervisor, instant_ns now)
{
    struct election_commands commands = { 0 };

    election_time_passed(&supervisor->election, now, &commands);
    lead_carry_out(supervisor, &commands, now);
    if (is_due(supervisor->place_due, now))
        take_place(supervisor, now);
    if (is_due(supervisor->network_due, now))
        network_restart(supervisor, now);
    if (is_due(supervisor->sweep_due, now))
        supervisor_sweep(supervisor, now);
    predecessor_time_passed(supervisor, now);
    restart_time_passed(supervisor, now);
    standing_time_passed(supervisor, now);
    if (is_due(network_hangs_at(supervisor), now)) {
        log_warn("the network process does not answer: it is killed");
        network_kill(supervisor);
    }
    enforce_demotion(supervisor, now);
    enforce_stop(supervisor, now);
}

instant_ns supervisor_next_due(const struct supervisor *supervisor)
{
    instant_ns due = election_next_due(&supervisor->election);

    due = clock_earlier(due, supervisor->place_due);
    due = clock_earlier(due, supervisor->network_due);
    due = clock_earlier(due, supervisor->sweep_due);
    due = clock_earlier(due, network_hangs_at(supervisor));
    due = clock_earlier(due, predecessor_next_due(supervisor));
    due = clock_earlier(due, restart_next_due(supervisor));
    due = clock_earlier(due, standing_next_due(supervisor));
    due = clock_earlier(due, supervisor->answer_due);
    if (supervisor->stop_deadline != 0 && program_is_over(supervisor))
        due = clock_earlier(due, supervisor->stop_deadline);
    return clock_earlier(due, stop_enforcement_due(supervisor));
}

/* --- The loop's turns. --- */

void supervisor_begin(struct supervisor *supervisor)
{
    instant_ns now = clock_now_ns();

    record_describe(&supervisor->record, supervisor->settings);
    supervisor->place_warning = now + WAIT_TOLD;
    take_place(supervisor, now);
}

void supervisor_turn(struct supervisor *supervisor)
{
    take_signals(supervisor, clock_now_ns());
    forwarding_catch_up(supervisor, clock_now_ns());
    take_keeper_messages(supervisor);
    take_network_messages(supervisor);
    reap(supervisor);
    let_time_pass(supervisor, clock_now_ns());
}
