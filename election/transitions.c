#include "election/transitions.h"

#include <assert.h>
#include <string.h>

#define GHOST_TIME 15000000000u

/* --- The commands. --- */

struct election_command *command_add(struct election_commands *commands, enum command_type type)
{
    assert(commands->count < ELECTION_COMMANDS_MAX);

    struct election_command *command = &commands->list[commands->count++];
    memset(command, 0, sizeof *command);
    command->type = type;
    return command;
}

struct lock_request *request_add(struct election *election, struct election_commands *commands,
                                 enum request_type type)
{
    struct lock_request *request = &command_add(commands, COMMAND_REQUEST)->request;

    request->type = type;
    request->serial = ++election->serial;
    request->term = election->term;
    request->session = election->session;
    request->index = election->index;
    request->token = election->token;
    return request;
}

void ask_for_release(struct election *election, struct election_commands *commands)
{
    struct lock_request *request = request_add(election, commands, REQUEST_RELEASE);

    request->unhealthy = election->reason == REASON_UNHEALTHY;
    election->open_serial = request->serial;
}

/* --- The work of the cells. --- */

/* The session was counted from before it was asked for. Nobody has looked while there was none. */
static void start_waiting(struct election *election, instant_ns now,
                          struct election_commands *commands)
{
    (void)now;
    (void)commands;
    candidacy_lose_sight(&election->candidacy);
    election->lease = lease_granted(&election->terms.lease, election->term, election->session_sent);
    election->renewal_sent = election->session_sent;
    election->renewal_due = election->session_sent + election->terms.renew_interval;
}

static void forget_term(struct election *election)
{
    memset(&election->session, 0, sizeof election->session);
    memset(&election->lease, 0, sizeof election->lease);
    memset(election->renewals, 0, sizeof election->renewals);
    election->renewal_due = 0;
    election->renewals_fail = false;
    election->open_serial = 0;
    election->retry_due = 0;
    election->write_serial = 0;
    election->write_due = 0;
    election->won = false;
    election->lost = false;
    election->token = 0;
    election->index = 0;
}

/* A session that is gone needs no end. Should the next one not last either, they follow each other
 * no faster than tries do.
 */
static void drop_session(struct election *election, instant_ns now,
                         struct election_commands *commands)
{
    instant_ns again = election->session_sent + election->terms.retry_interval;

    (void)commands;
    forget_term(election);
    election->session_due = again > now ? again : now;
}

static void end_session(struct election *election, instant_ns now,
                        struct election_commands *commands)
{
    request_add(election, commands, REQUEST_DESTROY);
    forget_term(election);
    election->session_due = now;
}

/* A session that may have given the lock away asks for it no more. */
static void acquire(struct election *election, instant_ns now, struct election_commands *commands)
{
    struct lock_request *request = request_add(election, commands, REQUEST_ACQUIRE);

    assert(!election->won && !session_is(&election->session, &election->ghost.session));
    election->acquire_sent = now;
    election->acquire_guard = election->candidacy.index;
    election->open_serial = request->serial;
    election->acquire_highest = election->candidacy.highest_token;
    election->acquire_seen = election->candidacy.highest_index;
    election->overtaken = false;
    request->index = election->acquire_guard;
    request->others_index = election->candidacy.others_index;
    request->token = election->acquire_highest;
}

static void begin_promotion(struct election *election, instant_ns now,
                            struct election_commands *commands)
{
    (void)now;
    assert(!election->stopping); /* the lock would be unwanted */
    election->reason = REASON_ACQUIRED;
    election->foreign_told = false;
    command_add(commands, COMMAND_LEASE);
    command_add(commands, COMMAND_PROMOTE)->reason = REASON_ACQUIRED;
    election->write_serial = request_add(election, commands, REQUEST_WRITE)->serial;
}

/* The state says it all. */
static void go_on(struct election *election, instant_ns now, struct election_commands *commands)
{
    (void)election;
    (void)now;
    (void)commands;
}

static void demote(struct election *election, enum election_reason reason,
                   struct election_commands *commands)
{
    election->reason = reason;
    command_add(commands, COMMAND_DEMOTE)->reason = reason;
}

static void demote_as_asked(struct election *election, instant_ns now,
                            struct election_commands *commands)
{
    (void)now;
    demote(election, election->reason, commands);
}

static void demote_for_loss(struct election *election, instant_ns now,
                            struct election_commands *commands)
{
    (void)now;
    election->lost = true;
    demote(election, REASON_LOCK_LOST, commands);
}

static void demote_for_lease(struct election *election, instant_ns now,
                             struct election_commands *commands)
{
    (void)now;
    demote(election, REASON_LEASE_EXPIRED, commands);
}

static void demote_for_failure(struct election *election, instant_ns now,
                               struct election_commands *commands)
{
    candidacy_hold_off(&election->candidacy, now + election->terms.promotion_backoff);
    demote(election, REASON_PROMOTION_FAILED, commands);
}

static void note_loss(struct election *election, instant_ns now, struct election_commands *commands)
{
    (void)now;
    (void)commands;
    election->lost = true;
}

static void release(struct election *election, instant_ns now, struct election_commands *commands)
{
    election->retry_due = 0;
    if (election->lost) {
        transition(election, EVENT_RELEASED, now, commands);
        return;
    }
    ask_for_release(election, commands);
}

/* The session stands no more, but is kept for a while: destroying it could cost the lock-delay. */
static void abandon(struct election *election, instant_ns now, struct election_commands *commands)
{
    if (election->ghost.session.text[0] != '\0')
        request_add(election, commands, REQUEST_DESTROY)->session = election->ghost.session;
    election->ghost = (struct ghost){
        .session = election->session,
        .guard = election->acquire_guard,
        .until = now + GHOST_TIME,
    };
    drop_session(election, now, commands);
}

static void stop(struct election *election, instant_ns now, struct election_commands *commands)
{
    if (election->session.text[0] != '\0')
        end_session(election, now, commands);
    if (election->ghost.session.text[0] != '\0')
        request_add(election, commands, REQUEST_DESTROY)->session = election->ghost.session;
    memset(&election->ghost, 0, sizeof election->ghost);
    election->session_due = 0;
    command_add(commands, COMMAND_STOPPED);
}

/* What could not be demoted keeps its lock, which runs out with its session. A sidecar's keeper may
 * have begun that demotion by itself.
 */
static void stop_holding(struct election *election, instant_ns now,
                         struct election_commands *commands)
{
    forget_term(election);
    stop(election, now, commands);
}

/* --- The table. --- */

struct cell {
    enum election_state next;
    void (*work)(struct election *election, instant_ns now, struct election_commands *commands);
};

/* A cell without work changes nothing: the event is late, or its answer is already under way. */
static const struct cell table[ELECTION_STATES][ELECTION_EVENTS] = {
    [STATE_IDLE] = {
        [EVENT_SESSION]          = { STATE_WAITING,   start_waiting },
        [EVENT_STOP]             = { STATE_STOPPED,   stop },
    },
    [STATE_WAITING] = {
        [EVENT_OPEN]             = { STATE_ACQUIRING, acquire },
        [EVENT_SESSION_LOST]     = { STATE_IDLE,      drop_session },
        [EVENT_STEP_DOWN]        = { STATE_IDLE,      end_session },
        [EVENT_STOP]             = { STATE_STOPPED,   stop },
    },
    [STATE_ACQUIRING] = {
        [EVENT_ACQUIRED]         = { STATE_PROMOTING, begin_promotion },
        [EVENT_UNWANTED]         = { STATE_RELEASING, release },
        [EVENT_REFUSED]          = { STATE_WAITING,   go_on },
        [EVENT_ABANDONED]        = { STATE_IDLE,      abandon },
        [EVENT_SESSION_LOST]     = { STATE_IDLE,      abandon },
        [EVENT_LOCK_LOST]        = { STATE_IDLE,      end_session },
    },
    [STATE_PROMOTING] = {
        [EVENT_PROMOTED]         = { STATE_LEADING,   go_on },
        [EVENT_PROMOTION_FAILED] = { STATE_DEMOTING,  demote_for_failure },
        [EVENT_DEMOTION_FAILED]  = { STATE_STOPPED,   stop_holding }, /* the keeper began it */
        [EVENT_SOFT_DEADLINE]    = { STATE_DEMOTING,  demote_for_lease },
        [EVENT_LOCK_LOST]        = { STATE_DEMOTING,  demote_for_loss },
        [EVENT_SESSION_LOST]     = { STATE_DEMOTING,  demote_for_loss },
        [EVENT_STEP_DOWN]        = { STATE_DEMOTING,  demote_as_asked },
        [EVENT_STOP]             = { STATE_DEMOTING,  demote_as_asked },
        [EVENT_DEMOTED]          = { STATE_DEMOTING,  demote_for_lease }, /* the keeper killed */
    },
    [STATE_LEADING] = {
        [EVENT_PROMOTION_FAILED] = { STATE_DEMOTING,  demote_for_failure }, /* of a restart */
        [EVENT_DEMOTION_FAILED]  = { STATE_STOPPED,   stop_holding }, /* the keeper began it */
        [EVENT_SOFT_DEADLINE]    = { STATE_DEMOTING,  demote_for_lease },
        [EVENT_LOCK_LOST]        = { STATE_DEMOTING,  demote_for_loss },
        [EVENT_SESSION_LOST]     = { STATE_DEMOTING,  demote_for_loss },
        [EVENT_STEP_DOWN]        = { STATE_DEMOTING,  demote_as_asked },
        [EVENT_STOP]             = { STATE_DEMOTING,  demote_as_asked },
        [EVENT_DEMOTED]          = { STATE_DEMOTING,  demote_for_lease }, /* the keeper killed */
    },
    [STATE_DEMOTING] = {
        [EVENT_DEMOTED]          = { STATE_RELEASING, release },
        [EVENT_DEMOTION_FAILED]  = { STATE_STOPPED,   stop_holding },
        [EVENT_LOCK_LOST]        = { STATE_DEMOTING,  note_loss },
        [EVENT_SESSION_LOST]     = { STATE_DEMOTING,  note_loss },
    },
    [STATE_RELEASING] = {
        [EVENT_RELEASED]         = { STATE_IDLE,      end_session },
        [EVENT_LOCK_LOST]        = { STATE_IDLE,      end_session },
        [EVENT_SESSION_LOST]     = { STATE_IDLE,      drop_session },
    },
};

static const char *state_name(unsigned state)
{
    return election_state_name((enum election_state)state);
}

static const char *event_name(unsigned event)
{
    return election_event_name((enum election_event)event);
}

static bool is_move(unsigned state, unsigned event)
{
    return table[state][event].work;
}

/* Where an event can come at all: what it answers is asked for in these states alone. Those that
 * are not named may be late, and come in any.
 */
#define IN(state) (1u << (state))

static const unsigned comes_in[ELECTION_EVENTS] = {
    [EVENT_SESSION] = IN(STATE_IDLE),
    [EVENT_STEP_DOWN] = IN(STATE_WAITING) | IN(STATE_PROMOTING) | IN(STATE_LEADING),
    [EVENT_OPEN] = IN(STATE_WAITING),
    [EVENT_ACQUIRED] = IN(STATE_ACQUIRING),
    [EVENT_UNWANTED] = IN(STATE_ACQUIRING),
    [EVENT_REFUSED] = IN(STATE_ACQUIRING),
    [EVENT_ABANDONED] = IN(STATE_ACQUIRING),
    [EVENT_LOCK_LOST] = IN(STATE_ACQUIRING) | IN(STATE_PROMOTING) | IN(STATE_LEADING) |
                        IN(STATE_DEMOTING) | IN(STATE_RELEASING),
    [EVENT_SOFT_DEADLINE] = IN(STATE_PROMOTING) | IN(STATE_LEADING),
    [EVENT_RELEASED] = IN(STATE_RELEASING),
};

static bool may_come(unsigned state, unsigned event)
{
    return comes_in[event] == 0 || (comes_in[event] & IN(state)) != 0;
}

const struct machine election_machine = {
    .name = "election",
    .state_count = ELECTION_STATES,
    .event_count = ELECTION_EVENTS,
    .state_name = state_name,
    .event_name = event_name,
    .is_move = is_move,
    .may_come = may_come,
};

void transition(struct election *election, enum election_event event, instant_ns now,
                struct election_commands *commands)
{
    enum election_state from = election->state;
    const struct cell *cell = &table[from][event];

    assert(may_come(from, event));
    if (!cell->work)
        return;
    election->state = cell->next;
    cell->work(election, now, commands);
    machine_moved(&election_machine, from, event, cell->next);
    if (election->stopping && (election->state == STATE_IDLE || election->state == STATE_WAITING))
        transition(election, EVENT_STOP, now, commands);
    else if (!election->standing && election->state == STATE_WAITING)
        transition(election, EVENT_STEP_DOWN, now, commands);
    else
        election_assert_sound(election, from);
}
