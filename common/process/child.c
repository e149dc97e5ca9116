#include "common/process/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "common/process/cgroup.h"

enum stage { STAGE_DIRECTORY, STAGE_USER, STAGE_STREAMS, STAGE_EXEC, STAGES };

static const char *const stage_names[] = {
    [STAGE_DIRECTORY] = "cannot go to its directory",
    [STAGE_USER] = "cannot change the user",
    [STAGE_STREAMS] = "cannot set up its input and output",
    [STAGE_EXEC] = "cannot run it",
};
_Static_assert(sizeof stage_names / sizeof *stage_names == STAGES, "each stage has its words");

struct report {
    enum stage stage;
    int error_number;
};

/* --- In the child. --- */

static void fail(int report, enum stage stage)
{
    struct report failure = { .stage = stage, .error_number = errno };

    if (write(report, &failure, sizeof failure) < 0)
        _exit(EXIT_STATUS_INTERNAL);
    _exit(stage == STAGE_EXEC && failure.error_number == ENOENT ? EXIT_STATUS_NOT_FOUND
                                                                : EXIT_STATUS_CANNOT_START);
}

static void set_up_hook_streams(int output, int report)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        (output >= 0 && dup2(output, STDERR_FILENO) < 0) || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        fail(report, STAGE_STREAMS);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* A variable of these that names the process that was started means the one that does its work
 * (sd_listen_fds(3), sd_watchdog_enabled(3)).
 */
static void take_over_name(pid_t started_as)
{
    static const char *const names[] = { "LISTEN_PID", "WATCHDOG_PID" };
    static char texts[2][32];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || strtol(value, NULL, 10) != (long)started_as)
            continue;
        snprintf(texts[i], sizeof texts[i], "%s=%d", names[i], (int)getpid());
        putenv(texts[i]);
        unsetenv("LISTEN_PIDFDID"); /* it names the process, too */
    }
}

static void wait_at_gate(int gate)
{
    char go;
    ssize_t size;

    do
        size = read(gate, &go, 1);
    while (size < 0 && errno == EINTR);
    if (size != 1)
        _exit(EXIT_SUCCESS);
}

static void run(const struct child_spec *spec, pid_t keeper, int gate, int report)
{
    if (spec->private_fd >= 0)
        close(spec->private_fd);
    setpgid(0, 0);
    wait_at_gate(gate);

    if (chdir(spec->directory) < 0)
        fail(report, STAGE_DIRECTORY);
    if (user_become(spec->user) < 0)
        fail(report, STAGE_USER);
    if (spec->is_hook)
        set_up_hook_streams(spec->output_fd, report);
    if (spec->ack_fd >= 0)
        fcntl(spec->ack_fd, F_SETFD, 0);
    if (!spec->may_set_uid && !spec->user->set &&
        geteuid() != 0) /* what a set-uid child became, we could not kill */
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* After the change of user, which clears it. One net of several: see docs/design.md. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(EXIT_STATUS_INTERNAL);
    signal_state_give_back(spec->signals);
    environ = spec->environment;
    if (spec->started_as != 0)
        take_over_name(spec->started_as);
    execvp(spec->argv[0], spec->argv);
    fail(report, STAGE_EXEC);
}

/* --- In the keeper. --- */

int child_spawn(struct child *child, const struct child_spec *spec, struct error *err)
{
    int gate[2], report[2];
    pid_t keeper = getpid();

    *child = CHILD_NONE;
    if (pipe2(gate, O_CLOEXEC) < 0)
        return error_errno(err, "cannot make a pipe");
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        error_errno(err, "cannot make a pipe");
        close(gate[0]);
        close(gate[1]);
        return -1;
    }

    pid_t pid = cgroup_fork();
    if (pid == 0) {
        close(gate[1]);
        close(report[0]);
        run(spec, keeper, gate[0], report[1]);
    }
    close(gate[0]);
    close(report[1]);
    if (pid < 0) {
        error_errno(err, "cannot fork");
        close(gate[1]);
        close(report[0]);
        return -1;
    }
    setpgid(pid, pid); /* whoever is first: nothing may see the child in our group */
    *child = (struct child){ .pid = pid, .gate = gate[1], .report = report[0] };
    return 0;
}

void child_go(struct child *child)
{
    ssize_t written;

    do
        written = write(child->gate, "g", 1);
    while (written < 0 && errno == EINTR);
    close_end(&child->gate);
}

void child_signal(const struct child *child, int number)
{
    assert(child->pid > 1);
    kill(-child->pid, number);
    if (getpgid(child->pid) != child->pid)
        kill(child->pid, number);
}

void child_cancel(struct child *child)
{
    close_end(&child->gate);
}

enum child_exec child_exec_result(struct child *child, const char *name, int *status,
                                  struct error *err)
{
    struct report failure;
    ssize_t size = read(child->report, &failure, sizeof failure);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return EXEC_PENDING;
    close_end(&child->report);
    if (size != (ssize_t)sizeof failure)
        return EXEC_DONE;

    bool missing = failure.stage == STAGE_EXEC && failure.error_number == ENOENT;
    *status = missing ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_CANNOT_START;
    errno = failure.error_number;
    error_errno(err, "%s: %s", name, stage_names[failure.stage]);
    return EXEC_FAILED;
}

void child_forget(struct child *child)
{
    close_end(&child->gate);
    close_end(&child->report);
    *child = CHILD_NONE;
}
