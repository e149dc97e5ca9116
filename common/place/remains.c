#include "common/place/remains.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "common/process/cgroup.h"
#include "common/process/cgroup_folder.h"

static bool same(const char *one, const char *other)
{
    return one[0] != '\0' && strcmp(one, other) == 0;
}

/* --- What it started. --- */

/* A path in a file is no reason to kill whoever lives there. */
static bool is_made_by_us(const char *program_cgroup)
{
    const char *name = strrchr(program_cgroup, '/');

    return name && strncmp(name, "/consul-leader-", strlen("/consul-leader-")) == 0;
}

bool remains_end(const struct record *left, const struct record *own)
{
    return !same(left->boot, own->boot) || !is_made_by_us(left->program_cgroup) ||
           cgroup_end(left->program_cgroup);
}

/* --- The proof. --- */

static bool processes_live(const struct record *left, struct error *why)
{
    const struct recorded_process *all[] = { &left->supervisor, &left->keeper, &left->network,
                                             &left->program };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (recorded_process_lives(all[i])) {
            error_set(why, "its process %d is still there", (int)all[i]->pid);
            return true;
        }
    return false;
}

/* What is removed and what cannot be seen look the same, but for what should be above it. */
static bool is_removed(const char *folder)
{
    char path[PATH_MAX];
    struct statfs status;

    snprintf(path, sizeof path, "%s", folder);
    if (statfs(path, &status) == 0)
        return false;
    for (char *slash; (slash = strrchr(path, '/')) && slash != path;) {
        *slash = '\0';
        if (statfs(path, &status) == 0)
            return status.f_type == CGROUP2_SUPER_MAGIC;
    }
    return false;
}

/* The group that the run itself was in, which whoever started it may share. */
static bool holds_nobody_else(const struct record *left, const struct record *own,
                              struct error *why)
{
    const pid_t ours[] = { own->supervisor.pid, own->keeper.pid, own->network.pid };
    const char *group = left->cgroup;
    char folder[PATH_MAX];

    if (group[0] == '\0' || group[strlen(group) - 1] == '/')
        error_set(why, "it was in no control group that tells it from others");
    else if (!cgroup_folder_find(group, folder))
        error_set(why, "its control group %s is out of sight", group);
    else if (!cgroup_folder_holds_only(folder, ours, sizeof ours / sizeof ours[0]))
        error_set(why, "its control group %s holds others too", group);
    else
        return true;
    return false;
}

static bool groups_are_empty(const struct record *left, const struct record *own, struct error *why)
{
    if (!same(left->cgroup_namespace, own->cgroup_namespace)) {
        error_set(why, "it ran in another namespace of control groups");
        return false;
    }
    if (left->program_cgroup[0] == '\0')
        return holds_nobody_else(left, own, why);
    if (is_made_by_us(left->program_cgroup) && is_removed(left->program_cgroup))
        return true;
    error_set(why, "its control group %s is out of sight", left->program_cgroup);
    return false;
}

enum death remains_prove_death(const struct record *left, const struct record *own,
                               struct error *why)
{
    if (!same(left->key, own->key))
        error_set(why, "its record is of another lock");
    else if (!same(left->boot, own->boot))
        error_set(why, "the machine was started again since");
    else if (left->supervisor.pid == 1) /* the kernel has ended all of its PID namespace */
        return DEATH_PROVED;
    else if (!same(left->pid_namespace, own->pid_namespace))
        error_set(why, "it ran in another PID namespace");
    else if (processes_live(left, why))
        return DEATH_PENDING;
    else if (groups_are_empty(left, own, why))
        return DEATH_PROVED;
    return DEATH_UNPROVED;
}
