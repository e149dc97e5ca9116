/* sweep.h - the end of everything that a process of ours has started.
 *
 * Keeper and supervisor are child subreapers: whatever a program starts, however often it forks
 * or changes its session, stays their descendant until it is dead.
 */
#ifndef KEEPER_SWEEP_H
#define KEEPER_SWEEP_H

#include <sys/types.h>

/* Sends SIGKILL to every descendant of the calling process but `spared` (0: none) once. What was
 * forked in the meantime is met by the next call; call it until all children are reaped. Returns
 * how many it met, dead ones that nobody has reaped included.
 */
unsigned sweep(pid_t spared);

#endif
