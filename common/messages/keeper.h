/* keeper.h - the conversation of supervisor and keeper.
 *
 * The supervisor decides that the program is promoted, demoted or stopped; how that is done with
 * processes, and when it is complete, is the keeper's, because it has to be able to do it alone.
 *
 * supervisor to keeper      body
 *   KEEPER_LOCK             none; the file store's descriptor comes with it
 *   KEEPER_NETWORK          none; the keeper's end of a new network process comes with it
 *   KEEPER_LEASE            struct lease
 *   KEEPER_START            struct situation: start the program as a follower
 *   KEEPER_PROMOTE          struct situation
 *   KEEPER_RESTART          struct situation: start the program, and promote it again in its term
 *   KEEPER_DEMOTE           struct demotion_order
 *   KEEPER_LEADER_CHANGED   struct situation: another leads; only the newest counts
 *   KEEPER_STOP             struct stop_order
 *   KEEPER_SIGNAL           struct signal_order
 *   KEEPER_PROBE            struct probe_order: from now on its probes run, or do not
 * keeper to supervisor
 *   KEEPER_STARTED          struct started_report
 *   KEEPER_START_FAILED     struct failure_report
 *   KEEPER_STOPPED          struct signal_order: that signal has stopped the program; 0: it goes on
 *   KEEPER_EXITED           struct exit_report: the program has ended
 *   KEEPER_GONE             and nothing that it started is left
 *   KEEPER_PROMOTED
 *   KEEPER_PROMOTION_FAILED struct failure_report
 *   KEEPER_DEMOTING         the order is being carried out
 *   KEEPER_DEMOTED          complete in the sense of docs/design.md
 *   KEEPER_DEMOTION_FAILED  something outside may still act, and cannot be killed; or the hook of a
 *                           restart has failed
 *   KEEPER_PROBED           struct probe_report: a run has ended; some are lost while nobody hears
 *
 * Messages of a promotion or demotion carry the election's term.
 */
#ifndef MESSAGES_KEEPER_H
#define MESSAGES_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/messages/channel.h"
#include "common/messages/probe.h"
#include "common/messages/situation.h"
#include "election/lease.h"

enum keeper_message {
    KEEPER_LOCK = 1,
    KEEPER_NETWORK,
    KEEPER_LEASE,
    KEEPER_START,
    KEEPER_PROMOTE,
    KEEPER_RESTART,
    KEEPER_DEMOTE,
    KEEPER_LEADER_CHANGED,
    KEEPER_STOP,
    KEEPER_SIGNAL,
    KEEPER_PROBE,
    KEEPER_STARTED,
    KEEPER_START_FAILED,
    KEEPER_STOPPED,
    KEEPER_EXITED,
    KEEPER_GONE,
    KEEPER_PROMOTED,
    KEEPER_PROMOTION_FAILED,
    KEEPER_DEMOTING,
    KEEPER_DEMOTED,
    KEEPER_DEMOTION_FAILED,
    KEEPER_PROBED,
    KEEPER_MESSAGES
};

struct demotion_order {
    struct situation situation;
    instant_ns until; /* at its end what still acts is killed */
    bool planned;     /* this instance ends: where only a signal tells the program, stop it */
    bool restart;     /* for a predecessor that led: no program of ours acts */
};

struct stop_order {
    instant_ns until; /* SIGKILL then; in the past: at once */
};

struct signal_order {
    int32_t number;
};

struct started_report {
    int32_t pid;
};

struct failure_report {
    int32_t status; /* what the command's failure means for us: 126, 127; else 0 */
    char reason[1024];
};

struct exit_report {
    int32_t wait_status;
    bool ordered; /* it ended after our stop order or kill */
    bool overdue; /* it was killed at its lease's deadline */
};

#endif
