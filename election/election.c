#include "election/election.h"

#include <assert.h>
#include <string.h>

#include "election/transitions.h"

#define TOKEN_LOW_BACKOFF 60000000000u

static const char *const reason_names[ELECTION_REASONS] = {
    [REASON_NONE] = "none",
    [REASON_ACQUIRED] = "acquired",
    [REASON_LEASE_EXPIRED] = "lease-expired",
    [REASON_LOCK_LOST] = "lock-lost",
    [REASON_PROMOTION_FAILED] = "promotion-failed",
    [REASON_SHUTDOWN] = "shutdown",
    [REASON_RESTART] = "restart",
};

static const char *const state_names[ELECTION_STATES] = {
    [STATE_IDLE] = "idle",           [STATE_WAITING] = "waiting", [STATE_ACQUIRING] = "acquiring",
    [STATE_PROMOTING] = "promoting", [STATE_LEADING] = "leading", [STATE_DEMOTING] = "demoting",
    [STATE_RELEASING] = "releasing", [STATE_STOPPED] = "stopped",
};

const char *election_reason_name(enum election_reason reason)
{
    return reason_names[reason];
}

const char *election_state_name(enum election_state state)
{
    return state_names[state];
}

static bool same_session(const struct session_id *one, const struct session_id *other)
{
    return one->text[0] != '\0' && strcmp(one->text, other->text) == 0;
}

void election_init(struct election *election, const struct election_terms *terms)
{
    memset(election, 0, sizeof *election);
    election->terms = *terms;
    election->candidacy.own_lease = terms->lease.length;
}

void election_stand(struct election *election, instant_ns now, struct election_commands *commands)
{
    election->standing = true;
    election->session_due = now;
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

static bool leads(const struct election *election)
{
    return election->state == STATE_PROMOTING || election->state == STATE_LEADING;
}

/* Comes before all that is read: who wakes late finds answers that would have been good in time. */
static void meet_deadline(struct election *election, instant_ns now,
                          struct election_commands *commands)
{
    if (leads(election) && now >= election->lease.soft)
        transition(election, EVENT_SOFT_DEADLINE, now, commands);
}

/* --- Answers. --- */

/* The lock is ours; whether it may be used depends on what is left of the lease. */
static void use_lock(struct election *election, duration_ns margin, instant_ns now,
                     struct election_commands *commands)
{
    duration_ns needed = election->terms.lease.demote_budget + election->terms.renew_interval;

    if (election->lease.hard < now + needed + margin)
        election->renewal_due = now;
    else
        transition(election, EVENT_ACQUIRED, now, commands);
}

static void lock_won(struct election *election, instant_ns now, struct election_commands *commands)
{
    election->won = true;
    candidacy_take(&election->candidacy, election->token);
    if (election->stopping) {
        transition(election, EVENT_UNWANTED, now, commands);
    } else if (election->token <= election->acquire_highest) {
        command_add(commands, COMMAND_TOKEN_LOW);
        candidacy_hold_off(&election->candidacy, now + TOKEN_LOW_BACKOFF);
        transition(election, EVENT_UNWANTED, now, commands);
    } else {
        use_lock(election, election->terms.request_timeout, now, commands);
    }
}

static void read_back(struct election *election, instant_ns now, struct election_commands *commands)
{
    election->retry_due = 0;
    election->read_back_sent = now;
    election->open_serial = request_add(election, commands, REQUEST_READ_BACK)->serial;
}

/* At once, unless this was read back a moment ago: a store may let us read and not write. */
static void read_back_soon(struct election *election, instant_ns now,
                           struct election_commands *commands)
{
    instant_ns again = election->read_back_sent + election->terms.retry_interval;

    if (now < again)
        election->retry_due = again;
    else
        read_back(election, now, commands);
}

static void session_answered(struct election *election, const struct lock_answer *answer,
                             instant_ns now, struct election_commands *commands)
{
    if (answer->serial != election->session_serial) {
        if (answer->result == ANSWER_DONE)
            request_add(election, commands, REQUEST_DESTROY)->session = answer->session;
        return;
    }

    election->session_serial = 0;
    if (answer->result == ANSWER_DONE) {
        election->session = answer->session;
        transition(election, EVENT_SESSION, now, commands);
    } else if (answer->result == ANSWER_INVALID) {
        election->standing = false; /* no further try will mend it */
        command_add(commands, COMMAND_INVALID);
    } else {
        election->session_due = now + election->terms.retry_interval;
    }
}

static struct renewal *renewal_find(struct election *election, uint64_t serial)
{
    for (unsigned i = 0; i < RENEWALS_OPEN_MAX; i++)
        if (election->renewals[i].serial == serial)
            return &election->renewals[i];
    return NULL;
}

/* The next one comes an interval after the last, while they fail sooner. */
static void schedule_renewal(struct election *election)
{
    const struct election_terms *terms = &election->terms;
    bool hurry = election->renewals_fail && terms->retry_interval < terms->renew_interval;

    election->renewal_due =
        election->renewal_sent + (hurry ? terms->retry_interval : terms->renew_interval);
}

static void renewal_granted(struct election *election, instant_ns sent, instant_ns now,
                            struct election_commands *commands)
{
    struct lease granted = lease_granted(&election->terms.lease, election->term, sent);

    if (election->state == STATE_DEMOTING || election->state == STATE_RELEASING)
        return; /* the session lives, the lease ends as it was told */
    if (!lease_extend(&election->lease, granted))
        return;
    if (election->state == STATE_PROMOTING || election->state == STATE_LEADING)
        command_add(commands, COMMAND_LEASE);
    else if (election->state == STATE_ACQUIRING && election->won)
        use_lock(election, 0, now, commands); /* it may have taken all of its time */
}

static void renewal_answered(struct election *election, const struct lock_answer *answer,
                             instant_ns now, struct election_commands *commands)
{
    struct renewal *renewal = renewal_find(election, answer->serial);

    if (!renewal)
        return;
    instant_ns sent = renewal->sent;
    renewal->serial = 0;

    if (answer->result == ANSWER_GONE) {
        transition(election, EVENT_SESSION_LOST, now, commands);
        return;
    }
    election->renewals_fail = answer->result != ANSWER_DONE;
    schedule_renewal(election);
    if (answer->result == ANSWER_DONE)
        renewal_granted(election, sent, now, commands);
}

static void acquire_answered(struct election *election, const struct lock_answer *answer,
                             instant_ns now, struct election_commands *commands)
{
    if (answer->serial != election->open_serial)
        return;
    election->open_serial = 0;

    switch (answer->result) {
    case ANSWER_DONE:
        election->token = election->index = answer->index;
        lock_won(election, now, commands);
        break;
    case ANSWER_GONE:
        transition(election, EVENT_SESSION_LOST, now, commands);
        break;
    case ANSWER_UNKNOWN:
        read_back_soon(election, now, commands);
        break;
    case ANSWER_REFUSED:
        if (election->candidacy.index == election->acquire_guard)
            election->candidacy.free = false; /* until the next look */
        transition(election, EVENT_REFUSED, now, commands);
        break;
    default:
        candidacy_hold_off(&election->candidacy, now + election->terms.retry_interval);
        transition(election, EVENT_REFUSED, now, commands);
    }
}

static void write_answered(struct election *election, const struct lock_answer *answer,
                           instant_ns now)
{
    if (answer->serial != election->write_serial)
        return;
    election->write_serial = 0;
    if (answer->result != ANSWER_DONE)
        election->write_due = now + election->terms.retry_interval;
    else if (answer->index > election->index)
        election->index = answer->index;
}

static void ghost_end(struct election *election, struct election_commands *commands)
{
    request_add(election, commands, REQUEST_DESTROY)->session = election->ghost.session;
    memset(&election->ghost, 0, sizeof election->ghost);
}

static void release_answered(struct election *election, const struct lock_answer *answer,
                             instant_ns now, struct election_commands *commands)
{
    if (answer->serial == election->ghost.release) {
        election->ghost.release = 0;
        if (answer->result == ANSWER_DONE)
            ghost_end(election, commands);
    } else if (answer->serial == election->open_serial) {
        election->open_serial = 0;
        if (answer->result == ANSWER_DONE || answer->result == ANSWER_GONE)
            transition(election, EVENT_RELEASED, now, commands);
        else
            read_back_soon(election, now, commands);
    }
}

/* What was read decides what the request whose outcome was unknown has done. */
static void read_back_answered(struct election *election, const struct lock_answer *answer,
                               instant_ns now, struct election_commands *commands)
{
    bool known = answer->result == ANSWER_DONE;
    bool ours = known && same_session(&election->session, &answer->view.session);

    if (answer->serial == election->write_serial) {
        election->write_serial = 0;
        if (known)
            election_lock_seen(election, &answer->view, now, commands);
        else
            election->write_due = now + election->terms.retry_interval;
        return;
    }
    if (answer->serial != election->open_serial)
        return;

    election->open_serial = 0;
    if (!known) {
        election->retry_due = now + election->terms.retry_interval;
        return;
    }
    candidacy_see(&election->candidacy, &answer->view, now);
    if (ours)
        election->index = answer->view.index;
    if (election->state == STATE_RELEASING && ours) {
        election->open_serial = request_add(election, commands, REQUEST_RELEASE)->serial;
    } else if (election->state == STATE_RELEASING) {
        transition(election, EVENT_RELEASED, now, commands);
    } else if (ours) {
        election->token = election->index;
        lock_won(election, now, commands);
    } else {
        transition(election, EVENT_ABANDONED, now, commands);
    }
}

void election_answered(struct election *election, const struct lock_answer *answer, instant_ns now,
                       struct election_commands *commands)
{
    meet_deadline(election, now, commands);
    switch (answer->type) {
    case REQUEST_SESSION:
        session_answered(election, answer, now, commands);
        break;
    case REQUEST_RENEW:
        renewal_answered(election, answer, now, commands);
        break;
    case REQUEST_ACQUIRE:
        acquire_answered(election, answer, now, commands);
        break;
    case REQUEST_WRITE:
        write_answered(election, answer, now);
        break;
    case REQUEST_RELEASE:
        release_answered(election, answer, now, commands);
        break;
    case REQUEST_READ_BACK:
        read_back_answered(election, answer, now, commands);
        break;
    case REQUEST_DESTROY: /* what could not be destroyed runs out */
    case REQUEST_TYPES:
        break;
    }
    election_time_passed(election, now, commands);
}

/* --- Looks at the lock. --- */

static void ghost_see(struct election *election, const struct lock_view *view,
                      struct election_commands *commands)
{
    struct ghost *ghost = &election->ghost;

    if (ghost->session.text[0] == '\0' || ghost->release != 0)
        return;
    if (same_session(&ghost->session, &view->session)) {
        struct lock_request *request = request_add(election, commands, REQUEST_RELEASE);
        request->session = ghost->session;
        request->index = view->index;
        ghost->release = request->serial;
    } else if (view->index > ghost->guard) {
        ghost_end(election, commands); /* its guard has failed for good */
    }
}

/* Our lock, as a read shows it that began after we had won it. */
static void own_lock_seen(struct election *election, const struct lock_view *view, instant_ns now,
                          struct election_commands *commands)
{
    if (!same_session(&election->session, &view->session)) {
        transition(election, EVENT_LOCK_LOST, now, commands);
        return;
    }
    if (view->index < election->index)
        return;
    election->index = view->index;
    bool complete = view->ours && view->token >= election->token;
    bool pending = election->write_serial != 0 || election->write_due != 0;
    if (complete || pending || !leads(election))
        return;
    if (view->foreign && !election->foreign_told) {
        command_add(commands, COMMAND_FOREIGN);
        election->foreign_told = true;
    }
    election->write_serial = request_add(election, commands, REQUEST_WRITE)->serial;
}

void election_lock_seen(struct election *election, const struct lock_view *view, instant_ns now,
                        struct election_commands *commands)
{
    meet_deadline(election, now, commands);
    ghost_see(election, view, commands);
    candidacy_see(&election->candidacy, view, now);
    if (election->won && view->term == election->term)
        own_lock_seen(election, view, now, commands);
    election_time_passed(election, now, commands);
}

/* --- What the keeper says. --- */

void election_promoted(struct election *election, uint64_t term, bool succeeded, instant_ns now,
                       struct election_commands *commands)
{
    meet_deadline(election, now, commands);
    if (term == election->term)
        transition(election, succeeded ? EVENT_PROMOTED : EVENT_PROMOTION_FAILED, now, commands);
    election_time_passed(election, now, commands);
}

void election_demoted(struct election *election, uint64_t term, bool succeeded, instant_ns now,
                      struct election_commands *commands)
{
    if (term == election->term)
        transition(election, succeeded ? EVENT_DEMOTED : EVENT_DEMOTION_FAILED, now, commands);
    election_time_passed(election, now, commands);
}

/* --- Time. --- */

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
    meet_deadline(election, now, commands);
    if (session_is_due(election) && now >= election->session_due)
        ask_for_session(election, now, commands);

    struct renewal *slot = renewal_slot(election);
    if (slot && now >= election->renewal_due)
        renew(election, slot, now, commands);
    if (election->retry_due != 0 && now >= election->retry_due)
        read_back(election, now, commands);
    if (leads(election) && election->write_due != 0 && now >= election->write_due) {
        election->write_due = 0;
        election->write_serial = request_add(election, commands, REQUEST_READ_BACK)->serial;
    }
    if (election->ghost.until != 0 && now >= election->ghost.until)
        ghost_end(election, commands);

    instant_ns opens = candidacy_opens(&election->candidacy);
    if (election->state == STATE_WAITING && opens != 0 && now >= opens)
        transition(election, EVENT_OPEN, now, commands);
}

static void consider(instant_ns *earliest, bool wanted, instant_ns due)
{
    if (wanted && due != 0 && (*earliest == 0 || due < *earliest))
        *earliest = due;
}

instant_ns election_next_due(const struct election *election)
{
    instant_ns due = 0;

    consider(&due, leads(election), election->lease.soft);
    consider(&due, leads(election), election->write_due);
    consider(&due, session_is_due(election), election->session_due);
    consider(&due, renewal_slot((struct election *)election) != NULL, election->renewal_due);
    consider(&due, true, election->retry_due);
    consider(&due, true, election->ghost.until);
    consider(&due, election->state == STATE_WAITING, candidacy_opens(&election->candidacy));
    return due;
}

bool election_may_act(const struct election *election)
{
    return election->state == STATE_PROMOTING || election->state == STATE_LEADING ||
           election->state == STATE_DEMOTING;
}
