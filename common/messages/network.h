/* network.h - the conversation of the network process with the supervisor and the keeper.
 *
 * supervisor to network     body
 *   NETWORK_REQUEST         struct lock_request
 *   NETWORK_HOLD            struct lock_hold; with the file store's descriptor
 *   NETWORK_ROLE            struct role_order
 *   NETWORK_HEALTH          struct health_order
 *   NETWORK_PROBE           struct probe_order: from now on its probes run, or do not
 * network to supervisor
 *   NETWORK_ANSWER          struct lock_answer; an acquired file comes with its descriptor
 *   NETWORK_LOCK_SEEN       struct lock_view
 *   NETWORK_SIGHT_LOST      a look has failed
 *   NETWORK_TAKEN_DOWN      after a role that does not stand: nothing of ours is shown any more,
 *                           or it could not be changed
 *   NETWORK_FATAL           struct fatal_body: this instance must end
 *   NETWORK_PROBED          struct probe_report: a run has ended; some are lost while nobody hears
 * keeper to network
 *   NETWORK_ALL_GONE        nothing is left: execute the last will
 *
 * Both may send MESSAGE_LOG_LINE.
 */
#ifndef MESSAGES_NETWORK_H
#define MESSAGES_NETWORK_H

#include "common/messages/channel.h"
#include "common/messages/probe.h"
#include "election/lock.h"

enum network_message {
    NETWORK_REQUEST = 100,
    NETWORK_HOLD,
    NETWORK_ROLE,
    NETWORK_HEALTH,
    NETWORK_PROBE,
    NETWORK_ANSWER,
    NETWORK_LOCK_SEEN,
    NETWORK_SIGHT_LOST,
    NETWORK_TAKEN_DOWN,
    NETWORK_FATAL,
    NETWORK_PROBED,
    NETWORK_ALL_GONE,
    NETWORK_MESSAGES
};

/* What a network process that was started again has to know of the term that goes on. */
struct lock_hold {
    uint64_t term;
    struct session_id session;
    uint64_t index;
    uint64_t token;
    bool holding; /* false: the session only waits */
};

/* The role that tags and files outside shall show. */
struct role_order {
    bool leader;
    bool standing; /* false at the end: whatever we put up is taken down */
    bool stopped;  /* by somebody outside, who may be taking the service down himself */
    struct session_id session;
};

/* What the service that we have registered shall show. */
struct health_order {
    bool serves; /* there is something to be registered */
    bool well;
    char reason[256]; /* why not; one line */
};

struct fatal_body {
    int32_t status;
    char reason[512];
};

/* Where the network process finds what it needs when it is started. */
enum network_descriptor {
    NETWORK_FD_SETTINGS = 3, /* sealed memory file: struct settings */
    NETWORK_FD_SUPERVISOR = 4,
    NETWORK_FD_KEEPER = 5,
    NETWORK_FD_PLACE = 6,  /* the place lock, held open; absent without a place */
    NETWORK_FD_CGROUP = 7, /* kills what the program has started, when nobody else is left to do it;
                              absent without a cgroup */
    NETWORK_FD_END
};

#endif
