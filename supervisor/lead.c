/* lead.c - what the election commands. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "common/place/lease_page.h"
#include "common/place/role_files.h"
#include "supervisor/supervisor.h"

#define PROMOTION_BACKOFF SECONDS(10)

void lead_init(struct supervisor *supervisor)
{
    const struct settings *settings = supervisor->settings;
    const struct election_terms terms = {
        .lease = { .length = settings->lease_ns,
                   .demote_budget = settings_demote_budget(settings),
                   .drift_ppm = DRIFT_PPM },
        .renew_interval = settings->renew_interval_ns,
        .retry_interval = STORE_RETRY,
        .request_timeout = settings_request_timeout(settings),
        .promotion_backoff = PROMOTION_BACKOFF,
        .standstill = STANDSTILL,
    };

    election_init(&supervisor->election, &terms);
}

static void describe(const struct supervisor *supervisor, struct situation *situation, bool leader,
                     enum election_reason reason)
{
    memset(situation, 0, sizeof *situation);
    situation->token = supervisor->election.token;
    situation->session = supervisor->election.session;
    snprintf(situation->role, sizeof situation->role, leader ? "leader" : "follower");
    snprintf(situation->old_role, sizeof situation->old_role, leader ? "follower" : "leader");
    snprintf(situation->reason, sizeof situation->reason, "%s", election_reason_name(reason));
    _Static_assert(sizeof situation->holder == sizeof supervisor->holder, "it fits");
    snprintf(situation->holder, sizeof situation->holder, "%s", supervisor->holder);
}

static void promote(struct supervisor *supervisor, instant_ns now)
{
    struct situation situation;

    supervisor->changed = now;
    standing_promoted(supervisor, now);
    supervisor->record.promoted = true;
    supervisor_write_record(supervisor);
    describe(supervisor, &situation, true, REASON_ACQUIRED);
    if (supervisor->lock_fd >= 0)
        keeper_send(supervisor, KEEPER_LOCK, supervisor->election.term, NULL, 0,
                    supervisor->lock_fd);
    lease_page_publish(supervisor->lease_file.page, supervisor->election.lease.hard,
                       supervisor->election.token);
    keeper_send(supervisor, KEEPER_PROMOTE, supervisor->election.term, &situation, sizeof situation,
                -1);
    start_line_tell_own(&supervisor->start_line, supervisor->settings);
    log_info("promoting key=%s token=%" PRIu64, supervisor->settings->key,
             supervisor->election.token);
}

/* Whether something says that a demotion is complete; a sidecar may be without a hook. */
static bool has_answer(const struct settings *settings)
{
    return manner_of(settings)->demoted_by == DEMOTED_BY_ANSWERS &&
           (settings->demote_ack || settings->on_demote[0] != '\0');
}

/* Until when the demotion has to be complete. A stop gives the program its whole time where only
 * its end can complete the demotion.
 */
static instant_ns demotion_end(const struct supervisor *supervisor, instant_ns now)
{
    const struct settings *settings = supervisor->settings;
    instant_ns end = now + settings->demote_timeout_ns;
    instant_ns last = supervisor->election.lease.hard - KILL_BUDGET;

    if (supervisor->stop_deadline != 0) {
        instant_ns stop_end = supervisor->stop_deadline - STOP_RESERVE;
        if (!has_answer(settings) || stop_end < end)
            end = stop_end;
    }
    return now < last && last < end ? last : end;
}

/* What is left of the lease is all that a program may have; a sidecar's hook may be late. Where the
 * lease has more, a planned stop's keeper may use what was kept back of the stop's time.
 */
static instant_ns demotion_due(const struct supervisor *supervisor,
                               const struct demotion_order *order, instant_ns now)
{
    enum at_deadline at_deadline = manner_of(supervisor->settings)->at_deadline;
    instant_ns hard = supervisor->election.lease.hard;
    instant_ns due = order->until + PEER_MARGIN + (order->planned ? STOP_RESERVE : 0);

    if (at_deadline == DEADLINE_SPARES && !order->planned)
        due = hard + PEER_MARGIN;
    else if (at_deadline != DEADLINE_HOOKS && !order->restart && hard < due)
        due = hard;
    return due > now + PEER_MARGIN ? due : now + PEER_MARGIN;
}

void lead_send_demotion(struct supervisor *supervisor, uint64_t term,
                        const struct demotion_order *order, instant_ns now)
{
    duration_ns first_word = manner_of(supervisor->settings)->first_word_ns;
    bool is_soon = first_word != 0 && !order->restart;

    if (supervisor->keeper.pid == 0 || supervisor->keeper_killed)
        return;
    supervisor->demotion_due = demotion_due(supervisor, order, now);
    supervisor->answer_due = is_soon ? now + first_word : supervisor->demotion_due;
    keeper_send(supervisor, KEEPER_DEMOTE, term, order, sizeof *order, -1);
}

void lead_order_demotion(struct supervisor *supervisor, enum election_reason reason, instant_ns now)
{
    struct demotion_order order = {
        .until = demotion_end(supervisor, now),
        .planned = supervisor->stop_deadline != 0,
    };

    lease_page_clear(supervisor->lease_file.page);
    describe(supervisor, &order.situation, false, reason);
    lead_send_demotion(supervisor, supervisor->election.term, &order, now);
}

/* A program is killed at that instant; what nobody can kill is demoted late, and ends us as well.
 */
static bool awoke_too_late(const struct supervisor *supervisor, enum election_reason reason,
                           instant_ns now)
{
    return reason == REASON_LEASE_EXPIRED && now >= supervisor->election.lease.hard &&
           manner_of(supervisor->settings)->at_deadline != DEADLINE_SPARES;
}

static void demote(struct supervisor *supervisor, enum election_reason reason, instant_ns now)
{
    supervisor->changed = now;
    restart_lead_lost(supervisor);
    if (manner_of(supervisor->settings)->demoted_by == DEMOTED_BY_STOP)
        health_end(supervisor, now);
    if (supervisor->stop_deadline == 0)
        network_send_role(supervisor, false, true);
    lead_order_demotion(supervisor, reason, now);
    role_files_show(supervisor->settings, false); /* not before: a disk may hang */
    log_info("demoting key=%s token=%" PRIu64 " reason=%s", supervisor->settings->key,
             supervisor->election.token, election_reason_name(reason));
    if (awoke_too_late(supervisor, reason, now))
        supervisor_stop(supervisor, EXIT_STATUS_LEAD_LOST, now);
}

/* The keeper first: a program that is told nothing has the time that it reads, and the keeper has
 * to wait for the end of that.
 */
static void extend_lease(struct supervisor *supervisor)
{
    const struct lease *lease = &supervisor->election.lease;

    keeper_send(supervisor, KEEPER_LEASE, supervisor->election.term, lease, sizeof *lease, -1);
    lease_page_extend(supervisor->lease_file.page, lease->hard);
}

static void carry_out(struct supervisor *supervisor, const struct election_command *command,
                      instant_ns now)
{
    const struct settings *settings = supervisor->settings;

    switch (command->type) {
    case COMMAND_REQUEST:
        network_ask(supervisor, &command->request, now);
        break;
    case COMMAND_LEASE:
        extend_lease(supervisor);
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
    supervisor->phase = PHASE_RUNS;
    if (manner_of(supervisor->settings)->serves_as_a_whole)
        health_begin(supervisor, now);
    network_send_role(supervisor, false, true);
    network_send_health(supervisor);
    standing_update(supervisor, now);
}

void lead_tell_change(struct supervisor *supervisor)
{
    struct situation *told = &supervisor->told;

    if (supervisor->settings->on_leader_change[0] == '\0' || supervisor->phase != PHASE_RUNS ||
        election_may_act(&supervisor->election) || supervisor->leader.text[0] == '\0' ||
        session_is(&supervisor->leader, &supervisor->election.session) ||
        (session_is(&supervisor->leader, &told->session) &&
         strcmp(supervisor->holder, told->holder) == 0))
        return;
    *told = (struct situation){
        .session = supervisor->leader,
        .role = "follower",
        .reason = "leader-changed",
    };
    _Static_assert(sizeof told->holder == sizeof supervisor->holder, "it fits");
    strcpy(told->holder, supervisor->holder);
    keeper_send(supervisor, KEEPER_LEADER_CHANGED, 0, told, sizeof *told, -1);
}

void lead_step_down(struct supervisor *supervisor, enum election_reason reason,
                    duration_ns stand_off, instant_ns now)
{
    struct election_commands commands = { 0 };

    election_step_down(&supervisor->election, reason, stand_off, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}

void lead_promote_again(struct supervisor *supervisor, instant_ns now)
{
    struct situation situation;

    supervisor->changed = now;
    describe(supervisor, &situation, true, REASON_PROGRAM_RESTARTED);
    keeper_send(supervisor, KEEPER_RESTART, supervisor->election.term, &situation, sizeof situation,
                -1);
    log_info("promoting again key=%s token=%" PRIu64, supervisor->settings->key,
             supervisor->election.token);
}

void lead_stop(struct supervisor *supervisor, instant_ns now)
{
    struct election_commands commands = { 0 };

    election_stop(&supervisor->election, REASON_SHUTDOWN, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}
