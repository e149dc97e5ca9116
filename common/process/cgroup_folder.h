/* cgroup_folder.h - where a control group stands in the file system, and who is in it.
 *
 * A group is named as in /proc/self/cgroup (cgroups(7)): `0::/system.slice/redis.service` of
 * version 2, `4:memory:/redis` of version 1.
 */
#ifndef PROCESS_CGROUP_FOLDER_H
#define PROCESS_CGROUP_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* False: it is in none that is mounted here. The folder need not exist any more. */
bool cgroup_folder_find(const char *group, char folder[PATH_MAX]);

/* Removes it and what is below it, where nobody is left. Returns whether it is gone. */
bool cgroup_folder_remove(const char *folder);

/* Whether nobody is in it or below it but these. One that does not exist holds nobody; one that
 * cannot be looked at may hold anybody.
 */
bool cgroup_folder_holds_only(const char *folder, const pid_t *members, size_t count);

#endif
