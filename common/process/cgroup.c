#include "common/process/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/process/cgroup_folder.h"

static struct {
    char path[PATH_MAX];
    int folder;
    int members;
    int killer;
    bool was_killed;
} group = { .folder = -1, .members = -1, .killer = -1 };

/* --- Where we are ourselves. --- */

/* cgroups(7): the line of version 2 is `0::PATH`. */
static bool read_membership(char line[PATH_MAX])
{
    AUTO_FCLOSE FILE *file = fopen("/proc/self/cgroup", "re");

    while (file && fgets(line, PATH_MAX, file))
        if (strncmp(line, "0::", 3) == 0)
            return true;
    return false;
}

static int find_own_folder(char folder[PATH_MAX], struct error *err)
{
    char membership[PATH_MAX];

    if (read_membership(membership) && cgroup_folder_find(membership, folder))
        return 0;
    return error_set(err, "no cgroup of version 2 is mounted that we are in");
}

/* --- Its life. --- */

static int open_in(const char *folder, const char *name, int flags)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return -1;
    return open(path, flags | O_CLOEXEC);
}

static int open_group(const char *own, struct error *err)
{
    AUTO_CLOSE int common = open_in(own, "cgroup.procs", O_WRONLY);

    if (common < 0) /* the kernel asks for it when a process is started or moved below */
        return error_errno(err, "cannot start processes below %s", own);
    if (syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS)
        return error_errno(err, "cannot start processes in a cgroup: clone3");
    group.folder = open(group.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group.folder < 0)
        return error_errno(err, "cannot open %s", group.path);
    group.members = open_in(group.path, "cgroup.procs", O_WRONLY);
    if (group.members < 0)
        return error_errno(err, "cannot open %s/cgroup.procs", group.path);
    group.killer = open_in(group.path, "cgroup.kill", O_WRONLY);
    if (group.killer < 0)
        return error_errno(err, "cannot open %s/cgroup.kill", group.path);
    return 0;
}

int cgroup_make(struct error *err)
{
    char own[PATH_MAX];

    if (find_own_folder(own, err) < 0)
        return -1;
    /* Another with our pid may live in another pid namespace. */
    if (snprintf(group.path, sizeof group.path, "%s/consul-leader-%d-%llx", own, (int)getpid(),
                 (unsigned long long)clock_now_ns()) >= (int)sizeof group.path ||
        mkdir(group.path, 0755) < 0) {
        error_errno(err, "cannot make a cgroup below %s", own);
        group.path[0] = '\0';
        return -1;
    }
    if (open_group(own, err) == 0)
        return 0;
    cgroup_remove();
    return -1;
}

const char *cgroup_path(void)
{
    return group.path;
}

int cgroup_killer(void)
{
    return group.killer;
}

static void tell_failure(void)
{
    static bool told;

    if (!told)
        log_warn("a process cannot be put into the cgroup, only followed path=%s reason=\"%s\"",
                 group.path, strerror(errno));
    told = true;
}

static pid_t fork_and_move(void)
{
    char text[16];
    pid_t pid = fork();

    if (pid <= 0)
        return pid;
    int length = snprintf(text, sizeof text, "%d", (int)pid);
    if (write(group.members, text, (size_t)length) != length)
        tell_failure();
    return pid;
}

pid_t cgroup_fork(void)
{
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)group.folder,
    };

    if (group.folder < 0)
        return fork();
    if (group.was_killed) /* Linux 6.18 kills whatever is cloned into it from then on */
        return fork_and_move();
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid >= 0 || errno == EAGAIN || errno == ENOMEM)
        return pid;
    tell_failure();
    return fork();
}

void cgroup_kill(void)
{
    if (group.killer < 0)
        return;
    group.was_killed = true;
    if (write(group.killer, "1", 1) < 0)
        log_error("the cgroup cannot be killed path=%s reason=\"%s\"", group.path, strerror(errno));
}

void cgroup_remove(void)
{
    close_end(&group.folder);
    close_end(&group.members);
    close_end(&group.killer);
    if (group.path[0] != '\0')
        cgroup_folder_remove(group.path);
    group.path[0] = '\0';
}

/* --- A dead instance's. --- */

bool cgroup_end(const char *path)
{
    AUTO_CLOSE int killer = open_in(path, "cgroup.kill", O_WRONLY);

    if (killer >= 0 && write(killer, "1", 1) < 0)
        log_warn("the cgroup cannot be killed path=%s reason=\"%s\"", path, strerror(errno));
    return cgroup_folder_remove(path);
}
