#include "keeper/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "keeper/cgroup.h"

/* Static: a sweep must not depend on getting memory. Past it further processes wait for the next
 * call, when these are gone.
 */
#define PROCESSES_MAX 65536

static struct process {
    pid_t pid;
    pid_t parent;
    bool doomed;
} processes[PROCESSES_MAX];

static DIR *proc; /* NULL: there is none to look at */

int sweep_open(struct error *err)
{
    if (proc)
        closedir(proc);
    proc = opendir("/proc");
    return proc ? 0 : error_errno(err, "cannot look at /proc");
}

/* The parent is the second field after the name, which stands in parentheses and may hold any. */
static pid_t read_parent(const char *pid_text, bool *complete)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%.20s/stat", pid_text);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT && errno != ESRCH)
            *complete = false;
        return 0;
    }
    ssize_t size = read(fd, text, sizeof text - 1);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end && strlen(name_end) > 4 ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
}

/* Returns how many there are; *complete: whether these are all. */
static size_t list_processes(bool *complete)
{
    size_t count = 0;

    *complete = true;
    rewinddir(proc);
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        pid_t parent = read_parent(entry->d_name, complete);
        if (count == PROCESSES_MAX)
            *complete = false;
        else if (parent > 0)
            processes[count++] =
                (struct process){ .pid = (pid_t)strtol(entry->d_name, NULL, 10), .parent = parent };
    }
    return count;
}

static int by_pid(const void *one, const void *other)
{
    pid_t left = ((const struct process *)one)->pid, right = ((const struct process *)other)->pid;

    return (left > right) - (left < right);
}

static bool is_doomed(pid_t parent, size_t count)
{
    struct process key = { .pid = parent };
    const struct process *found = bsearch(&key, processes, count, sizeof key, by_pid);

    return found && found->doomed;
}

unsigned sweep(pid_t spared)
{
    bool found = true, complete;
    unsigned met = 0;

    cgroup_kill();
    if (!proc)
        return 0;

    size_t count = list_processes(&complete);
    pid_t self = getpid();

    qsort(processes, count, sizeof processes[0], by_pid);
    while (found) {
        found = false;
        for (size_t i = 0; i < count; i++) {
            struct process *process = &processes[i];
            if (process->doomed || process->pid == spared)
                continue;
            if (process->parent == self || is_doomed(process->parent, count)) {
                process->doomed = found = true;
                kill(process->pid, SIGKILL);
                met++;
            }
        }
    }
    return complete ? met : met + 1;
}
