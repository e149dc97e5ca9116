#include "supervisor/restart.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/duration.h"
#include "common/base/log.h"
#include "common/options/manner.h"
#include "supervisor/supervisor.h"

#define FIRST_BACKOFF MILLISECONDS(200)
#define LAST_BACKOFF  SECONDS(10)

/* A leader whose program is away for longer had better be another. */
#define IN_PLACE_MOST SECONDS(1)

/* For the program to come up, before the lease may have to end. */
#define START_TIME SECONDS(1)

/* --- Whether, and when. --- */

static bool is_wanted(const struct supervisor *supervisor, int status, bool was_told)
{
    enum restart policy = supervisor->settings->restart;

    if (supervisor->stop_deadline != 0 || was_told)
        return false;
    return policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && status != 0);
}

static bool limit_is_reached(const struct supervisor *supervisor, instant_ns now)
{
    const struct restart_limit *limit = &supervisor->settings->restart_limit;
    const struct restarts *restarts = &supervisor->restarts;
    char window[DURATION_TEXT_SIZE];
    unsigned within = 0;

    for (unsigned i = 0; i < RESTARTS_MAX; i++)
        within += restarts->recent[i] != 0 && now < restarts->recent[i] + limit->window_ns;
    if (within < limit->count)
        return false;
    log_error(
        "the program is not started again: that was done %u times within %s (--restart-limit)",
        within, duration_format(limit->window_ns, window));
    return true;
}

/* A program that has run well for as long as restarts are counted begins anew. */
static void lengthen_backoff(struct supervisor *supervisor, instant_ns now)
{
    struct restarts *restarts = &supervisor->restarts;
    bool was_well = now >= restarts->started + supervisor->settings->restart_limit.window_ns;

    restarts->backoff = restarts->backoff == 0 || was_well ? FIRST_BACKOFF : 2 * restarts->backoff;
    if (restarts->backoff > LAST_BACKOFF)
        restarts->backoff = LAST_BACKOFF;
}

/* Three quarters to five quarters of it: what fell together shall not rise together. */
static duration_ns with_jitter(duration_ns backoff, instant_ns now)
{
    return backoff - backoff / 4 + now / 1000 % (backoff / 2);
}

/* A program that is told nothing cannot be promoted again. */
static bool fits_the_lead(const struct supervisor *supervisor, duration_ns delay, instant_ns now)
{
    const struct election *election = &supervisor->election;
    bool leads = election->state == STATE_LEADING && !supervisor->restarts.promoting;

    return leads && manner_of(supervisor->settings)->restarts_in_place && delay <= IN_PLACE_MOST &&
           now + delay + START_TIME < election->lease.soft;
}

void restart_program_started(struct supervisor *supervisor, instant_ns now)
{
    supervisor->restarts.started = now;
}

bool restart_program_ended(struct supervisor *supervisor, int status, bool was_told, instant_ns now)
{
    struct restarts *restarts = &supervisor->restarts;

    if (!is_wanted(supervisor, status, was_told) || limit_is_reached(supervisor, now))
        return false;
    lengthen_backoff(supervisor, now);
    restarts->recent[restarts->next++ % RESTARTS_MAX] = now;
    duration_ns delay = with_jitter(restarts->backoff, now);
    restarts->due = now + delay;
    restarts->in_place = fits_the_lead(supervisor, delay, now);
    log_warn("the program is started again status=%d in=%llums", status,
             (unsigned long long)(delay / MILLISECONDS(1)));
    if (!restarts->in_place) {
        lead_step_down(supervisor, REASON_PROGRAM_ENDED, delay, now);
        restart_lead_lost(supervisor); /* also where the demotion had begun before */
    }
    standing_update(supervisor, now);
    return true;
}

/* --- The start. --- */

void restart_lead_lost(struct supervisor *supervisor)
{
    supervisor->restarts.in_place = supervisor->restarts.promoting = false;
    if (manner_of(supervisor->settings)->starts_with_lead) /* the next promotion starts it */
        supervisor->restarts.due = 0;
}

static bool is_ready(const struct supervisor *supervisor)
{
    const struct restarts *restarts = &supervisor->restarts;

    return restarts->due != 0 && supervisor->gone && supervisor->stop_deadline == 0 &&
           (restarts->in_place || !election_may_act(&supervisor->election));
}

void restart_time_passed(struct supervisor *supervisor, instant_ns now)
{
    struct restarts *restarts = &supervisor->restarts;
    struct situation situation = { .role = "follower" };

    if (!is_ready(supervisor) || now < restarts->due)
        return;
    restarts->due = 0;
    restarts->promoting = restarts->in_place;
    if (restarts->in_place)
        lead_promote_again(supervisor, now);
    else
        keeper_send(supervisor, KEEPER_START, 0, &situation, sizeof situation, -1);
    restarts->in_place = false;
}

instant_ns restart_next_due(const struct supervisor *supervisor)
{
    return is_ready(supervisor) ? supervisor->restarts.due : 0;
}
