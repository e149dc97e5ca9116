#include "supervisor/job.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/process/inherited.h"

/* --- The job process. --- */

static bool is_pending(int number)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, number) == 1;
}

/* The terminal would have stopped the whole of our group, and a group that no shell looks after not
 * at all: then the program goes on.
 */
static void stop(pid_t supervisor, int number)
{
    sigset_t only;

    if (is_pending(SIGCONT)) /* it goes on again already; to stop would discard that */
        return;
    if (number == SIGSTOP) {
        raise(SIGSTOP);
    } else {
        sigemptyset(&only);
        sigaddset(&only, number);
        signal(number, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &only, NULL);
        kill(0, number);
        sigprocmask(SIG_BLOCK, &only, NULL);
    }
    if (!is_pending(SIGCONT))
        kill(supervisor, SIGCONT);
}

static void end_with(pid_t supervisor)
{
    int status;

    if (waitpid(supervisor, &status, WNOHANG) == supervisor)
        _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void take_signal(pid_t supervisor, int signal_fd)
{
    struct signalfd_siginfo info;

    if (read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    bool is_answer = info.ssi_signo == SIGCONT && (pid_t)info.ssi_pid == supervisor;
    if (info.ssi_signo == SIGCHLD)
        end_with(supervisor);
    else if (!is_answer) /* job_continue(): the program goes on already */
        kill(supervisor, (int)info.ssi_signo);
}

static void take_stop(pid_t supervisor, int stops_fd)
{
    unsigned char number;

    if (read(stops_fd, &number, 1) == 1)
        stop(supervisor, number);
}

static _Noreturn void stand_for(pid_t supervisor, int stops_fd)
{
    sigset_t all;

    prctl(PR_SET_NAME, "consul-job");
    inherited_close();
    sigfillset(&all);
    int signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0 || chdir("/") < 0)
        abort();
    for (;;) {
        struct pollfd watches[] = {
            { .fd = stops_fd, .events = POLLIN },
            { .fd = signal_fd, .events = POLLIN },
        };
        poll(watches, 2, -1);
        if (watches[0].revents & POLLIN)
            take_stop(supervisor, stops_fd);
        if (watches[1].revents & POLLIN)
            take_signal(supervisor, signal_fd);
    }
}

/* --- In the supervisor. --- */

#define NO_GROUP (-1) /* never has the foreground */

/* A leader of a session has no shell above it. */
static bool shell_may_look(void)
{
    if (getsid(0) == getpid())
        return false;
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return false;
    close(terminal);
    return true;
}

/* The group that lends the program its terminal. One outside of our PID namespace is 0, and so is
 * any other that has the foreground: then only a read tells whether it is ours, and takes nothing.
 */
static pid_t lending_group(void)
{
    char nothing;
    pid_t group = getpgrp();

    if (group == 0 && read(STDIN_FILENO, &nothing, 0) < 0)
        return NO_GROUP;
    return group;
}

int job_begin(struct job *job, bool has_program, struct error *err)
{
    int stops[2];

    *job = (struct job){ .pid = getpid(), .group = lending_group(), .stops_fd = -1 };
    if (!has_program || !shell_may_look())
        return 0;
    if (pipe2(stops, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_errno(err, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return error_errno(err, "cannot fork");
    if (pid > 0) {
        close(stops[1]);
        stand_for(pid, stops[0]);
    }
    close(stops[0]);
    job->stops_fd = stops[1];
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != job->pid)
        _exit(EXIT_FAILURE);
    return 0;
}

void job_stop(struct job *job, int number)
{
    unsigned char byte = (unsigned char)number;

    if (job->stops_fd >= 0)
        job->stopped = write(job->stops_fd, &byte, 1) == 1;
}

void job_continue(struct job *job)
{
    if (job->stopped)
        kill(job->pid, SIGCONT);
    job->stopped = false;
}
