/* losses.c - a process beside the supervisor is lost: it died, or hangs and is killed. */
#include <signal.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "common/place/lease_page.h"
#include "common/process/sweep.h"
#include "common/process/terminal.h"
#include "supervisor/supervisor.h"

static void close_channel(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    *peer = (struct peer){ .fd = -1 };
}

/* --- The keeper. --- */

void keeper_kill(struct supervisor *supervisor, const char *what_is_late)
{
    supervisor->answer_due = 0;
    supervisor->keeper_killed = true;
    log_error("the keeper %s: it is killed", what_is_late);
    kill(supervisor->keeper.pid, SIGKILL);
}

void keeper_died(struct supervisor *supervisor, instant_ns now)
{
    lease_page_clear(supervisor->lease_file.page);
    log_error("the keeper died: everything that it kept is ended");
    close_channel(&supervisor->keeper);
    health_end(supervisor, now);
    supervisor->answer_due = 0;
    supervisor->keeper_killed = false;
    supervisor->keeper_lost = true;
    bool had_ended = supervisor->gone_asked && supervisor->gone;
    if (!supervisor->exit_is_final && !had_ended) {
        supervisor->exit_status = EXIT_STATUS_LEAD_LOST;
        supervisor->exit_is_final = true;
    }
    if (!election_may_act(&supervisor->election))
        lead_stop(supervisor, now); /* nobody is left who could be promoted */
    supervisor_sweep(supervisor, now);
}

void supervisor_sweep(struct supervisor *supervisor, instant_ns now)
{
    struct error err;

    if (sweep(supervisor->network.pid) > 0) {
        supervisor->sweep_due = now + SWEEP_INTERVAL;
        return;
    }
    supervisor->sweep_due = 0;
    supervisor->gone = true;
    terminal_pass(supervisor->record.program.pid, supervisor->job.group); /* as it would have */
    supervisor_leave_time(supervisor, now);
    if (election_may_act(&supervisor->election) && keeper_start_process(supervisor, &err) < 0)
        log_error("the demotion cannot be run: %s", err.text);
    if (supervisor->election.state == STATE_DEMOTING)
        lead_order_demotion(supervisor, supervisor->election.reason, now);
    supervisor_stop(supervisor, supervisor->exit_status, now);
}

/* --- The network process. --- */

void network_kill(struct supervisor *supervisor)
{
    supervisor->network_killed = true;
    if (supervisor->network.pid != 0)
        kill(supervisor->network.pid, SIGKILL);
}

void network_died(struct supervisor *supervisor, instant_ns now)
{
    log_warn("the network process died: another is started");
    close_channel(&supervisor->network);
    supervisor->network_killed = false;
    supervisor->network_due = now;
    if (now < supervisor->network_started + PEER_RESTART)
        supervisor->network_due = supervisor->network_started + PEER_RESTART;
}

/* The new one is told of the term that goes on before it is asked anything. */
void network_restart(struct supervisor *supervisor, instant_ns now)
{
    struct error err;

    supervisor->network_started = now;
    supervisor->network_due = 0;
    if (network_start_process(supervisor, &err) < 0) {
        log_error("%s", err.text);
        supervisor->network_due = now + PEER_RESTART;
        return;
    }
    network_lost(supervisor, now);
}
