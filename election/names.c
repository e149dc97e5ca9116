/* names.c - what states, events and reasons are called. */
#include "election/transitions.h"

static const char *const reason_names[ELECTION_REASONS] = {
    [REASON_NONE] = "none",
    [REASON_ACQUIRED] = "acquired",
    [REASON_LEASE_EXPIRED] = "lease-expired",
    [REASON_LOCK_LOST] = "lock-lost",
    [REASON_PROMOTION_FAILED] = "promotion-failed",
    [REASON_UNHEALTHY] = "unhealthy",
    [REASON_PROGRAM_ENDED] = "program-ended",
    [REASON_PROGRAM_RESTARTED] = "program-restarted",
    [REASON_SHUTDOWN] = "shutdown",
    [REASON_RESTART] = "restart",
};

static const char *const state_names[ELECTION_STATES] = {
    [STATE_IDLE] = "idle",           [STATE_WAITING] = "waiting", [STATE_ACQUIRING] = "acquiring",
    [STATE_PROMOTING] = "promoting", [STATE_LEADING] = "leading", [STATE_DEMOTING] = "demoting",
    [STATE_RELEASING] = "releasing", [STATE_STOPPED] = "stopped",
};

static const char *const event_names[ELECTION_EVENTS] = {
    [EVENT_STOP] = "stop",
    [EVENT_STEP_DOWN] = "step down",
    [EVENT_SESSION] = "session",
    [EVENT_SESSION_LOST] = "session lost",
    [EVENT_OPEN] = "open",
    [EVENT_ACQUIRED] = "acquired",
    [EVENT_UNWANTED] = "unwanted",
    [EVENT_REFUSED] = "refused",
    [EVENT_ABANDONED] = "abandoned",
    [EVENT_LOCK_LOST] = "lock lost",
    [EVENT_SOFT_DEADLINE] = "soft deadline",
    [EVENT_PROMOTED] = "promoted",
    [EVENT_PROMOTION_FAILED] = "promotion failed",
    [EVENT_DEMOTED] = "demoted",
    [EVENT_DEMOTION_FAILED] = "demotion failed",
    [EVENT_RELEASED] = "released",
};

const char *election_reason_name(enum election_reason reason)
{
    return reason_names[reason];
}

const char *election_state_name(enum election_state state)
{
    return state_names[state];
}

const char *election_event_name(enum election_event event)
{
    return event_names[event];
}
