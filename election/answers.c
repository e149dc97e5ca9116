/* answers.c - what the store says: the answers to requests, and the looks at the lock. */
#include <string.h>

#include "election/transitions.h"

#define TOKEN_LOW_BACKOFF 60000000000u

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

/* Nobody knows that the lock was still ours later than `looked`, when the request was sent that
 * showed it; renewals from then on come with a look.
 */
static void count_from(struct election *election, instant_ns looked)
{
    struct lease shown = lease_granted(&election->terms.lease, election->term, looked);

    if (shown.hard < election->lease.hard)
        election->lease = shown;
    memset(election->renewals, 0, sizeof election->renewals);
}

static void lock_won(struct election *election, instant_ns looked, instant_ns now,
                     struct election_commands *commands)
{
    election->won = true;
    count_from(election, looked);
    candidacy_take(&election->candidacy, election->token);
    if (election->overtaken) { /* whoever it was may still act; the lock-delay is for that */
        transition(election, EVENT_LOCK_LOST, now, commands);
    } else if (election->stopping || !election->standing) {
        transition(election, EVENT_UNWANTED, now, commands);
    } else if (election->token <= election->acquire_highest) {
        command_add(commands, COMMAND_TOKEN_LOW);
        candidacy_hold_off(&election->candidacy, now + TOKEN_LOW_BACKOFF);
        transition(election, EVENT_UNWANTED, now, commands);
    } else {
        use_lock(election, election->terms.request_timeout, now, commands);
    }
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
    if (election->renewals_fail)
        candidacy_lose_sight(&election->candidacy);
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
        lock_won(election, election->acquire_sent, now, commands);
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
    bool ours = known && session_is(&election->session, &answer->view.session);

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
        ask_for_release(election, commands);
    } else if (election->state == STATE_RELEASING) {
        transition(election, EVENT_RELEASED, now, commands);
    } else if (ours) {
        election->token = election->index;
        lock_won(election, election->read_back_sent, now, commands);
    } else {
        transition(election, EVENT_ABANDONED, now, commands);
    }
}

void election_answered(struct election *election, const struct lock_answer *answer, instant_ns now,
                       struct election_commands *commands)
{
    catch_up(election, now, commands);
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
    case REQUEST_DESTROY:    /* what could not be destroyed runs out */
    case REQUEST_CANDIDATES: /* the supervisor's own */
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
    if (session_is(&ghost->session, &view->session)) {
        struct lock_request *request = request_add(election, commands, REQUEST_RELEASE);
        request->session = ghost->session;
        request->index = view->index;
        ghost->release = request->serial;
    } else if (view->index > ghost->guard) {
        ghost_end(election, commands); /* its guard has failed for good */
    }
}

/* An acquire is guarded by the index that it saw free. But a lock that is absent may have been held
 * and deleted again since, and an old snapshot may have brought that index back.
 */
static void acquire_see(struct election *election, const struct lock_view *view)
{
    bool others = view->session.text[0] != '\0' && !session_is(&election->session, &view->session);

    if (election->state == STATE_ACQUIRING && others && view->index > election->acquire_seen)
        election->overtaken = true;
}

/* Our lock, as a read shows it that began after we had won it. */
static void own_lock_seen(struct election *election, const struct lock_view *view, instant_ns now,
                          struct election_commands *commands)
{
    if (!session_is(&election->session, &view->session)) {
        transition(election, EVENT_LOCK_LOST, now, commands);
        return;
    }
    if (view->index < election->index)
        return;
    election->index = view->index;
    bool complete = view->ours && view->token >= election->token;
    bool pending = election->write_serial != 0 || election->write_due != 0;
    if (complete || pending || !election_leads(election))
        return;
    if (view->foreign && !election->foreign_told) {
        command_add(commands, COMMAND_FOREIGN);
        election->foreign_told = true;
    }
    election->write_serial = request_add(election, commands, REQUEST_WRITE)->serial;
}

void election_sight_lost(struct election *election)
{
    candidacy_lose_sight(&election->candidacy);
}

void election_lock_seen(struct election *election, const struct lock_view *view, instant_ns now,
                        struct election_commands *commands)
{
    catch_up(election, now, commands);
    ghost_see(election, view, commands);
    acquire_see(election, view);
    candidacy_see(&election->candidacy, view, now);
    if (election->won && view->term == election->term)
        own_lock_seen(election, view, now, commands);
    election_time_passed(election, now, commands);
}
