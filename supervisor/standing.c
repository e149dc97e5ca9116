#include "supervisor/standing.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "supervisor/supervisor.h"

/* Probes alone move the lead at most so often. */
#define CHANGE_INTERVAL SECONDS(60)

/* For others to go first; one of leader-only is a candidate again when its program is gone. */
#define STAND_OFF SECONDS(10)

/* --- Standing. --- */

/* A follower without its program, or that is not known to be well, had nothing to lead with; a
 * program of leader-only is asked when it runs.
 */
static bool is_fit(const struct supervisor *supervisor)
{
    enum health health = health_state(supervisor);
    const struct manner *manner = manner_of(supervisor->settings);

    if (supervisor->phase != PHASE_RUNS || (manner->needs_program && !supervisor->program_runs))
        return false;
    return health == HEALTH_WELL || (manner->stands_unprobed && health == HEALTH_UNKNOWN);
}

void standing_update(struct supervisor *supervisor, instant_ns now)
{
    struct election_commands commands = { 0 };

    if (supervisor->stop_deadline != 0)
        return;
    if (is_fit(supervisor))
        election_stand(&supervisor->election, now, &commands);
    else
        election_withdraw(&supervisor->election, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}

/* --- A leader that is not well. --- */

static bool should_step_down(const struct supervisor *supervisor)
{
    return supervisor->settings->unhealthy_leader == UNHEALTHY_STEP_DOWN &&
           election_leads(&supervisor->election) && health_state(supervisor) == HEALTH_ILL &&
           supervisor->stop_deadline == 0;
}

/* Nobody else is known to stand ready: so ill a leader may still do better than none. */
static void stay(struct supervisor *supervisor, const char *reason, instant_ns now)
{
    struct standing *standing = &supervisor->standing;

    if (!standing->stay_told)
        log_warn("unhealthy, but leading on: %s", reason);
    standing->stay_told = true;
    standing->due = now + supervisor->settings->renew_interval_ns;
}

static void step_down(struct supervisor *supervisor, instant_ns now)
{
    supervisor->standing.due = 0;
    lead_step_down(supervisor, REASON_UNHEALTHY, STAND_OFF, now);
}

static void ask_for_others(struct supervisor *supervisor)
{
    struct standing *standing = &supervisor->standing;
    struct lock_request request = {
        .type = REQUEST_CANDIDATES,
        .asker = ASKER_STANDING,
        .serial = ++standing->serial,
    };

    standing->due = 0;
    standing->open = request.serial;
    network_send_request(supervisor, &request);
}

/* A file does not tell who waits for it; whoever does is there within milliseconds. */
void standing_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                       instant_ns now)
{
    struct standing *standing = &supervisor->standing;

    if (standing->open == 0 || answer->serial != standing->open)
        return;
    standing->open = 0;
    if (!should_step_down(supervisor))
        return;
    if (answer->result == ANSWER_INVALID || (answer->result == ANSWER_DONE && answer->candidates))
        step_down(supervisor, now);
    else if (answer->result == ANSWER_DONE)
        stay(supervisor, "no other healthy candidate stands", now);
    else
        standing->due = now + STORE_RETRY;
}

void standing_network_lost(struct supervisor *supervisor, instant_ns now)
{
    if (supervisor->standing.open == 0)
        return;
    supervisor->standing.open = 0;
    supervisor->standing.due = now;
}

void standing_time_passed(struct supervisor *supervisor, instant_ns now)
{
    struct standing *standing = &supervisor->standing;

    if (standing->due == 0 || now < standing->due)
        return;
    standing->due = 0;
    if (should_step_down(supervisor) && standing->open == 0)
        ask_for_others(supervisor);
}

instant_ns standing_next_due(const struct supervisor *supervisor)
{
    return supervisor->standing.due;
}

static void begin_stepping_down(struct supervisor *supervisor, instant_ns now)
{
    struct standing *standing = &supervisor->standing;

    if (now < standing->settled_until) {
        stay(supervisor, "its lead came of another's probes less than a minute ago", now);
        standing->due = standing->settled_until;
        return;
    }
    standing->due = now;
    standing_time_passed(supervisor, now);
}

void standing_health_changed(struct supervisor *supervisor, instant_ns now)
{
    bool ill = health_state(supervisor) == HEALTH_ILL;

    if (!ill)
        supervisor->standing.stay_told = false;
    standing_update(supervisor, now);
    if (!ill || !election_leads(&supervisor->election) || supervisor->stop_deadline != 0)
        return;
    switch (supervisor->settings->unhealthy_leader) {
    case UNHEALTHY_STEP_DOWN:
        begin_stepping_down(supervisor, now);
        break;
    case UNHEALTHY_STAY:
        log_warn("unhealthy, and leading on (--unhealthy-leader stay)");
        break;
    case UNHEALTHY_STOP:
        log_error("unhealthy: this instance ends (--unhealthy-leader stop)");
        supervisor_stop(supervisor, EXIT_STATUS_LEAD_LOST, now);
        break;
    case UNHEALTHY_LEADERS:
        break;
    }
}

/* --- What moved the lead. --- */

void standing_lock_seen(struct supervisor *supervisor, const struct lock_view *view)
{
    if (view->session.text[0] == '\0')
        supervisor->standing.given_by_probes = view->unhealthy;
}

void standing_promoted(struct supervisor *supervisor, instant_ns now)
{
    struct standing *standing = &supervisor->standing;

    standing->settled_until = standing->given_by_probes ? now + CHANGE_INTERVAL : 0;
}
