/* cgroup.h - the control group of our own that the program and the hooks live in.
 *
 * Where the place allows one (version 2, also beside version 1; Linux 5.14), everything in it is
 * killed by one write, however fast it forks, also when nobody is left to follow its descent. It is
 * a net beside the sweep, which finds what has left it. One instance has one, made by the
 * supervisor and inherited by the keeper.
 */
#ifndef PROCESS_CGROUP_H
#define PROCESS_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"

/* Makes it, below the group that we are in ourselves. -1: the place does not allow it; then there
 * is none, and the others do nothing.
 */
int cgroup_make(struct error *err);

/* Its folder; empty: there is none. */
const char *cgroup_path(void);

/* A descriptor through which "1" kills all that is in it; -1: there is none. */
int cgroup_killer(void);

/* fork(), with the child in it from its first moment; after a kill it is moved there, which may
 * make all forks of the machine wait for a while. Where that fails, which is logged, or there is no
 * group, the child is where we are. It must start nothing before this has returned here.
 */
pid_t cgroup_fork(void);

/* Kills all that is in it. */
void cgroup_kill(void);

/* Removes it, and what was made below it, unless somebody is left. */
void cgroup_remove(void);

/* Kills what is left in the group of a dead instance. Returns whether nobody is in it any more,
 * which may take another call; it is removed then.
 */
bool cgroup_end(const char *path);

#endif
