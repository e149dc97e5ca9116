/* budgets.h - the fixed times that several parts of this program go by together, in nanoseconds.
 *
 * A time that concerns a single file stands in that file.
 */
#ifndef OPTIONS_BUDGETS_H
#define OPTIONS_BUDGETS_H

#include "common/base/clock.h"

/* The part of a stop's time that is kept for SIGKILL, the reaping, the lock's release and the last
 * answers. Options that leave no room for it beside the demotion are refused.
 */
#define STOP_RESERVE MILLISECONDS(300)

/* How long the kill of a program may take that is still there at the end of its demotion. The
 * demote budget is this and the demote timeout.
 */
#define KILL_BUDGET MILLISECONDS(200)

/* By how much a process of ours may be late before it counts as one that hangs: where it stood
 * still together with us it has to catch up first. It passes within the kill's part of the demote
 * budget.
 */
#define PEER_MARGIN MILLISECONDS(200)
_Static_assert(PEER_MARGIN <= KILL_BUDGET,
               "a keeper that hangs would be killed after the hard deadline");

/* From one try at a store that does not answer to the next; and so a part of what a lease can bear
 * (settings_outage()).
 */
#define STORE_RETRY MILLISECONDS(500)

/* From SIGTERM to SIGKILL for a hook or a probe's command that is to end: long enough to tidy up.
 */
#define HOOK_GRACE MILLISECONDS(500)

/* The same for a demote hook, after which the program is killed within KILL_BUDGET, and for a
 * leader-change hook, which runs on beside a promotion for so long.
 */
#define LATE_HOOK_GRACE MILLISECONDS(100)

/* From one start of a process of ours to the next: one that cannot run keeps nobody busy. */
#define PEER_RESTART MILLISECONDS(500)

/* How long a keeper may take to end once nobody is left to tell it anything. */
#define PEER_END MILLISECONDS(500)

/* From one pass over the processes that are to die to the next: most are gone by then. */
#define SWEEP_INTERVAL MILLISECONDS(5)

/* A start that has to wait for this long says why, once: shorter waits are usual. */
#define WAIT_TOLD SECONDS(10)

/* A process whose last turn is longer ago than a renewal interval and this stood still, and has
 * seen nothing of what happened meanwhile: the renewals of a live session give it turns.
 */
#define STANDSTILL SECONDS(1)

#endif
