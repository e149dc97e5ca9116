#include "common/process/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/process/cgroup.h"

/* Static: a sweep must not depend on getting memory. Past it further processes wait for the next
 * call, when these are gone.
 */
#define PROCESSES_MAX 65536

#define PLAIN_SWEEPS 4
#define PATIENCE     SECONDS(1)

static struct process {
    pid_t pid;
    pid_t parent;
    char state; /* proc(5): R, S, D, T, Z... */
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

/* State and parent follow the name, which stands in parentheses and may hold any. False: it is
 * gone, or, if *complete is false then, it cannot be looked at.
 */
static bool read_process(const char *pid_text, struct process *process, bool *complete)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%.20s/stat", pid_text);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT && errno != ESRCH)
            *complete = false;
        return false;
    }
    ssize_t size = read(fd, text, sizeof text - 1);
    if (size <= 0)
        return false;
    text[size] = '\0';
    const char *name_end = strrchr(text, ')');
    if (!name_end || strlen(name_end) < 5)
        return false;
    *process = (struct process){
        .pid = (pid_t)strtol(pid_text, NULL, 10),
        .parent = (pid_t)strtol(name_end + 4, NULL, 10),
        .state = name_end[2],
    };
    return process->parent > 0;
}

/* Returns how many there are; *complete: whether these are all. */
static size_t list_processes(bool *complete)
{
    struct process process;
    size_t count = 0;

    *complete = true;
    rewinddir(proc);
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !read_process(entry->d_name, &process, complete))
            continue;
        if (count == PROCESSES_MAX)
            *complete = false;
        else
            processes[count++] = process;
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

/* Marks all descendants; returns how many there are. */
static unsigned doom(size_t count, pid_t spared)
{
    pid_t self = getpid();
    unsigned met = 0;
    bool found = true;

    qsort(processes, count, sizeof processes[0], by_pid);
    while (found) {
        found = false;
        for (size_t i = 0; i < count; i++) {
            struct process *process = &processes[i];
            if (process->doomed || process->pid == spared)
                continue;
            if (process->parent == self || is_doomed(process->parent, count)) {
                process->doomed = found = true;
                met++;
            }
        }
    }
    return met;
}

/* Sends the signal to those that are in one of these states, or to all. Returns to how many. */
static unsigned signal_doomed(size_t count, int number, const char *states)
{
    unsigned sent = 0;

    for (size_t i = 0; i < count; i++) {
        const struct process *process = &processes[i];
        if (!process->doomed || (states && !strchr(states, process->state)))
            continue;
        kill(process->pid, number);
        sent++;
    }
    return sent;
}

static void tell_of_immortal(size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (processes[i].doomed && processes[i].state != 'Z') {
            log_error("a process cannot be killed: the lock is kept as long as it is there pid=%d "
                      "state=%c",
                      (int)processes[i].pid, processes[i].state);
            return;
        }
}

/* Those that fork faster than they are killed are stopped first: what is stopped takes up room
 * under the limit of processes, and makes no others.
 */
static void kill_doomed(size_t count, unsigned earlier_sweeps)
{
    if (earlier_sweeps < PLAIN_SWEEPS || signal_doomed(count, SIGSTOP, "RS") == 0)
        signal_doomed(count, SIGKILL, NULL);
}

void sweep_signal(int number, pid_t spared)
{
    bool complete;

    if (!proc)
        return;
    size_t count = list_processes(&complete);
    doom(count, spared);
    signal_doomed(count, number, NULL);
    signal_doomed(count, SIGCONT, NULL);
}

static unsigned sweeps; /* in which somebody was met each time */

void sweep_done(void)
{
    sweeps = 0;
}

unsigned sweep(pid_t spared)
{
    static uint64_t begun; /* the first of these sweeps */
    static bool told;
    uint64_t now = clock_now_ns();
    bool complete;

    /* Most are gone after the first sweep, and a write to a cgroup may have to wait for others. */
    if (sweeps > 0 || !proc)
        cgroup_kill();
    if (!proc)
        return 0;

    size_t count = list_processes(&complete);
    unsigned met = doom(count, spared);
    kill_doomed(count, sweeps);
    if (sweeps == 0) {
        begun = now;
        told = false;
    } else if (now - begun > PATIENCE && !told) {
        tell_of_immortal(count);
        told = true;
    }
    sweeps = met > 0 ? sweeps + 1 : 0;
    return complete ? met : met + 1;
}
