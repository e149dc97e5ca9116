/* sweep.h - the end of everything that a process of ours has started.
 *
 * Keeper and supervisor are child subreapers: whatever a program starts, however often it forks
 * or changes its session, stays their descendant until it is dead.
 */
#ifndef PROCESS_SWEEP_H
#define PROCESS_SWEEP_H

#include <sys/types.h>

#include "common/base/error.h"

/* Opens what sweep() needs, so that it does not fail for want of a descriptor. -1: there is no
 * /proc, and sweep() will find nobody.
 */
int sweep_open(struct error *err);

/* Sends SIGKILL to every descendant of the calling process but `spared` (0: none) once. What was
 * forked in the meantime is met by the next call; call it until all children are reaped. Returns
 * how many it met, dead ones that nobody has reaped included; one more when it could not look at
 * all.
 */
unsigned sweep(pid_t spared);

/* Nobody is left: whom the next call meets it meets for the first time. */
void sweep_done(void);

/* Sends a signal to every descendant once, and SIGCONT, so that stopped ones take it as well; but
 * not to `spared` and what that has started (0: nobody).
 */
void sweep_signal(int number, pid_t spared);

#endif
