#include "election/election.h"

#include <string.h>

#include "election/transitions.h"

void election_init(struct election *election, const struct election_terms *terms)
{
    memset(election, 0, sizeof *election);
    election->terms = *terms;
    election->candidacy.own_lease = terms->lease.length;
}

void election_stand(struct election *election, instant_ns now, struct election_commands *commands)
{
    if (election->standing)
        return;
    election->standing = true;
    if (election->session_due < now)
        election->session_due = now;
    election_time_passed(election, now, commands);
}

void election_withdraw(struct election *election, instant_ns now,
                       struct election_commands *commands)
{
    if (!election->standing)
        return;
    election->standing = false;
    election->session_serial = 0; /* one that is still made is destroyed when it comes */
    if (election->state == STATE_ACQUIRING && election->won)
        transition(election, EVENT_UNWANTED, now, commands);
    else if (election->state == STATE_WAITING)
        transition(election, EVENT_STEP_DOWN, now, commands);
    election_time_passed(election, now, commands);
}

void election_step_down(struct election *election, enum election_reason reason,
                        duration_ns stand_off, instant_ns now, struct election_commands *commands)
{
    catch_up(election, now, commands);
    if (election_leads(election)) {
        election->reason = reason;
        candidacy_hold_off(&election->candidacy, now + stand_off);
        transition(election, EVENT_STEP_DOWN, now, commands);
    }
    election_time_passed(election, now, commands);
}

void election_stop(struct election *election, enum election_reason reason, instant_ns now,
                   struct election_commands *commands)
{
    if (election->stopping)
        return;
    election->stopping = true;
    election->session_serial = 0; /* one that is still made is destroyed when it comes */
    if (election->state != STATE_DEMOTING)
        election->reason = reason;
    if (election->state == STATE_ACQUIRING && election->won)
        transition(election, EVENT_UNWANTED, now, commands);
    else
        transition(election, EVENT_STOP, now, commands);
    election_time_passed(election, now, commands);
}

bool election_leads(const struct election *election)
{
    return election->state == STATE_PROMOTING || election->state == STATE_LEADING;
}

/* Who stood still has seen nothing. A session that is alive is renewed at every interval, so nobody
 * who waits is told the time less often.
 */
static void notice_standstill(struct election *election, instant_ns now)
{
    if (now > election->awake + election->terms.renew_interval + election->terms.standstill)
        candidacy_lose_sight(&election->candidacy);
    election->awake = now;
}

void catch_up(struct election *election, instant_ns now, struct election_commands *commands)
{
    notice_standstill(election, now);
    if (election_leads(election) && now >= election->lease.soft)
        transition(election, EVENT_SOFT_DEADLINE, now, commands);
}

/* --- What the keeper says. --- */

void election_promoted(struct election *election, uint64_t term, bool succeeded, instant_ns now,
                       struct election_commands *commands)
{
    catch_up(election, now, commands);
    if (term == election->term)
        transition(election, succeeded ? EVENT_PROMOTED : EVENT_PROMOTION_FAILED, now, commands);
    election_time_passed(election, now, commands);
}

void election_demoted(struct election *election, uint64_t term, bool succeeded, instant_ns now,
                      struct election_commands *commands)
{
    notice_standstill(election, now);
    if (term == election->term)
        transition(election, succeeded ? EVENT_DEMOTED : EVENT_DEMOTION_FAILED, now, commands);
    election_time_passed(election, now, commands);
}

/* --- Time. --- */

void read_back(struct election *election, instant_ns now, struct election_commands *commands)
{
    election->retry_due = 0;
    election->read_back_sent = now;
    election->open_serial = request_add(election, commands, REQUEST_READ_BACK)->serial;
}

struct renewal *renewal_find(struct election *election, uint64_t serial)
{
    for (unsigned i = 0; i < RENEWALS_OPEN_MAX; i++)
        if (election->renewals[i].serial == serial)
            return &election->renewals[i];
    return NULL;
}

/* The next one comes an interval after the last, while they fail sooner. */
void schedule_renewal(struct election *election)
{
    const struct election_terms *terms = &election->terms;
    bool hurry = election->renewals_fail && terms->retry_interval < terms->renew_interval;

    election->renewal_due =
        election->renewal_sent + (hurry ? terms->retry_interval : terms->renew_interval);
}

void ghost_end(struct election *election, struct election_commands *commands)
{
    request_add(election, commands, REQUEST_DESTROY)->session = election->ghost.session;
    memset(&election->ghost, 0, sizeof election->ghost);
}

static bool session_is_due(const struct election *election)
{
    return election->state == STATE_IDLE && election->standing && !election->stopping &&
           election->session_serial == 0;
}

static struct renewal *renewal_slot(struct election *election)
{
    bool alive = election->session.text[0] != '\0' && !election->lost;

    return alive && election->renewal_due != 0 ? renewal_find(election, 0) : NULL;
}

static void renew(struct election *election, struct renewal *renewal, instant_ns now,
                  struct election_commands *commands)
{
    renewal->serial = request_add(election, commands, REQUEST_RENEW)->serial;
    renewal->sent = now;
    election->renewal_sent = now;
    schedule_renewal(election);
}

static void ask_for_session(struct election *election, instant_ns now,
                            struct election_commands *commands)
{
    election->term++;
    election->session_sent = now;
    election->session_serial = request_add(election, commands, REQUEST_SESSION)->serial;
}

void election_time_passed(struct election *election, instant_ns now,
                          struct election_commands *commands)
{
    catch_up(election, now, commands);
    if (session_is_due(election) && now >= election->session_due)
        ask_for_session(election, now, commands);

    struct renewal *slot = renewal_slot(election);
    if (slot && now >= election->renewal_due)
        renew(election, slot, now, commands);
    if (election->retry_due != 0 && now >= election->retry_due)
        read_back(election, now, commands);
    if (election_leads(election) && election->write_due != 0 && now >= election->write_due) {
        election->write_due = 0;
        election->write_serial = request_add(election, commands, REQUEST_READ_BACK)->serial;
    }
    if (election->ghost.until != 0 && now >= election->ghost.until)
        ghost_end(election, commands);

    instant_ns opens = candidacy_opens(&election->candidacy);
    if (election->state == STATE_WAITING && opens != 0 && now >= opens)
        transition(election, EVENT_OPEN, now, commands);
    election_assert_sound(election, ELECTION_STATES);
}

void election_store_reopened(struct election *election, instant_ns now,
                             struct election_commands *commands)
{
    if (election->renewal_due != 0)
        election->renewal_due = now;
    election_time_passed(election, now, commands);
}

static void consider(instant_ns *earliest, bool wanted, instant_ns due)
{
    if (wanted && due != 0 && (*earliest == 0 || due < *earliest))
        *earliest = due;
}

instant_ns election_next_due(const struct election *election)
{
    instant_ns due = 0;

    consider(&due, election_leads(election), election->lease.soft);
    consider(&due, election_leads(election), election->write_due);
    consider(&due, session_is_due(election), election->session_due);
    consider(&due, renewal_slot((struct election *)election) != NULL, election->renewal_due);
    consider(&due, true, election->retry_due);
    consider(&due, true, election->ghost.until);
    consider(&due, election->state == STATE_WAITING, candidacy_opens(&election->candidacy));
    return due;
}

bool election_may_act(const struct election *election)
{
    return election_leads(election) || election->state == STATE_DEMOTING;
}
