#include "probes/exec.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/options/budgets.h"
#include "common/process/output.h"

struct run {
    struct child child;
    struct output output;
    instant_ns kill_due; /* 0: nobody has cancelled it, or it was killed */
};

static bool is_exec(const struct probe *probe)
{
    return probe->operations == &probe_exec && probe->run;
}

static void end(struct probe *probe, bool good, const char *reason)
{
    struct run *run = probe->run;

    output_close(&run->output, !good && !probe->failing); /* of a row of failures the first's */
    child_forget(&run->child);
    free(run);
    probe->run = NULL;
    probe_ended(probe, good, reason);
}

static void begin(struct probe *probe)
{
    const struct exec_starter *starter = probe->context;
    struct run *run = memory_new(sizeof *run);
    struct error err;
    int writer = -1;

    *run = (struct run){ .child = CHILD_NONE, .output = OUTPUT_NONE };
    probe->run = run;
    probe->awaited = "end of the command";
    int started = output_open(&run->output, probe->name, true, &writer, &err);
    if (started == 0)
        started = starter->start(starter->context, probe->spec.target, writer, &run->child, &err);
    if (writer >= 0)
        close(writer);
    if (started < 0)
        end(probe, false, err.text);
    else
        child_go(&run->child);
}

/* It is over when it is reaped. */
static void cancel(struct probe *probe)
{
    struct run *run = probe->run;

    child_signal(&run->child, SIGTERM);
    child_signal(&run->child, SIGCONT);
    run->kill_due = clock_now_ns() + HOOK_GRACE;
}

const struct probe_kind_operations probe_exec = { begin, cancel };

/* --- All of them. --- */

struct death {
    pid_t pid;
    int wait_status;
    bool taken;
};

static void conclude(struct probe *probe, int wait_status)
{
    struct run *run = probe->run;
    char reason[128];
    struct error err;
    int status;

    if (child_exec_result(&run->child, probe->name, &status, &err) == EXEC_FAILED) {
        end(probe, false, err.text);
        return;
    }
    if (WIFSIGNALED(wait_status))
        snprintf(reason, sizeof reason, "it was ended by signal %d", WTERMSIG(wait_status));
    else
        snprintf(reason, sizeof reason, "it exited with status %d", WEXITSTATUS(wait_status));
    end(probe, wait_status == 0, reason);
}

static void take_death(struct probe *probe, void *context)
{
    struct death *death = context;

    if (death->taken || !is_exec(probe) || ((struct run *)probe->run)->child.pid != death->pid)
        return;
    death->taken = true;
    kill(-death->pid, SIGKILL); /* what it leaves behind: its group is named by it until now */
    conclude(probe, death->wait_status);
}

bool exec_reaped(struct schedule *schedule, pid_t pid, int wait_status)
{
    struct death death = { .pid = pid, .wait_status = wait_status };

    if (schedule)
        schedule_each(schedule, take_death, &death);
    return death.taken;
}

static void take_turn(struct probe *probe, void *context)
{
    instant_ns now = *(const instant_ns *)context;
    struct run *run = probe->run;

    if (!is_exec(probe))
        return;
    output_take(&run->output);
    if (run->kill_due != 0 && now >= run->kill_due) {
        run->kill_due = 0;
        child_signal(&run->child, SIGKILL);
    }
}

void exec_turn(struct schedule *schedule, instant_ns now)
{
    if (schedule)
        schedule_each(schedule, take_turn, &now);
}

static void find_due(struct probe *probe, void *context)
{
    instant_ns *due = context;

    if (is_exec(probe))
        *due = clock_earlier(*due, ((const struct run *)probe->run)->kill_due);
}

instant_ns exec_next_due(struct schedule *schedule)
{
    instant_ns due = 0;

    if (schedule)
        schedule_each(schedule, find_due, &due);
    return due;
}

struct found {
    int *fds;
    size_t count;
};

static void find_output(struct probe *probe, void *context)
{
    struct found *found = context;

    if (is_exec(probe))
        found->fds[found->count++] = ((const struct run *)probe->run)->output.fd;
}

size_t exec_outputs(struct schedule *schedule, int fds[PROBES_MAX])
{
    struct found found = { .fds = fds };

    if (schedule)
        schedule_each(schedule, find_output, &found);
    return found.count;
}
