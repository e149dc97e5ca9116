#include "keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/conduct.h"
#include "keeper/sweep.h"

/* --- Orders. --- */

static void replace_descriptor(int *kept, int passed)
{
    if (*kept >= 0)
        close(*kept);
    *kept = passed;
}

static void carry_out(struct keeper *keeper, const struct message *message, int passed_fd)
{
    switch ((enum keeper_message)message->type) {
    case KEEPER_LOCK:
        if (passed_fd < 0)
            abort(); /* without a copy of the lock nothing could be kept from acting */
        replace_descriptor(&keeper->lock_fd, passed_fd);
        break;
    case KEEPER_NETWORK:
        replace_descriptor(&keeper->network_fd, passed_fd);
        break;
    case KEEPER_LEASE:
        guard_grant(&keeper->guard, *MESSAGE_BODY(message, const struct lease));
        break;
    case KEEPER_START:
        keeper_start_program(keeper, MESSAGE_BODY(message, const struct situation));
        break;
    case KEEPER_PROMOTE:
        keeper_promote(keeper, message->term, MESSAGE_BODY(message, const struct situation));
        break;
    case KEEPER_DEMOTE:
        keeper_demote(keeper, message->term, MESSAGE_BODY(message, const struct demotion_order));
        break;
    case KEEPER_STOP:
        keeper_stop(keeper, MESSAGE_BODY(message, const struct stop_order)->until);
        break;
    case KEEPER_SIGNAL:
        program_signal(&keeper->program, MESSAGE_BODY(message, const struct signal_order)->number);
        break;
    default:
        log_error("an order of unknown type %u was skipped", message->type);
        if (passed_fd >= 0)
            close(passed_fd);
    }
}

static void receive_orders(struct keeper *keeper)
{
    struct message message;
    int passed_fd;

    while (keeper->supervisor_fd >= 0) {
        switch (channel_receive(keeper->supervisor_fd, &message, &passed_fd)) {
        case CHANNEL_EMPTY:
            return;
        case CHANNEL_CLOSED:
            close(keeper->supervisor_fd);
            keeper_supervisor_died(keeper);
            return;
        case CHANNEL_MESSAGE:
            carry_out(keeper, &message, passed_fd);
            keeper_advance(keeper);
        }
    }
}

/* --- Reaping. --- */

static int wait_status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status << 8 : info->si_status;
}

/* Looks before it reaps: until then the pid, and with it the process group, is nobody else's. */
static void reap(struct keeper *keeper)
{
    siginfo_t info;

    for (;;) {
        memset(&info, 0, sizeof info);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return;
        keeper_child_ended(keeper, info.si_pid, wait_status_of(&info));
        waitpid(info.si_pid, NULL, 0);
    }
}

static void drain(int fd)
{
    char discarded[1024];

    while (read(fd, discarded, sizeof discarded) > 0)
        ;
}

/* --- The loop. --- */

enum { WATCH_SUPERVISOR, WATCH_SIGNAL, WATCH_TIMER, WATCH_EXEC, WATCHES };

static void run(struct keeper *keeper, int signal_fd, int timer_fd)
{
    while (!keeper->finished) {
        clock_timer_set(timer_fd, keeper_next_due(keeper));
        struct pollfd watches[WATCHES] = {
            [WATCH_SUPERVISOR] = { .fd = keeper->supervisor_fd, .events = POLLIN },
            [WATCH_SIGNAL] = { .fd = signal_fd, .events = POLLIN },
            [WATCH_TIMER] = { .fd = timer_fd, .events = POLLIN },
            [WATCH_EXEC] = { .fd = keeper->program.child.report, .events = POLLIN },
        };
        if (poll(watches, WATCHES, -1) < 0 && errno != EINTR)
            abort();

        keeper_advance(keeper); /* an overdue kill comes before everything else */
        drain(timer_fd);
        drain(signal_fd);
        reap(keeper);
        keeper_exec_decided(keeper);
        keeper_advance(keeper);
        receive_orders(keeper);
        keeper_advance(keeper);
    }
}

static bool relay_line(void *context, const char *line, size_t length)
{
    const struct keeper *keeper = context;

    return channel_send_line(keeper->network_fd, line, length);
}

static void keeper_main(const struct keeper_start *start)
{
    static struct keeper keeper;
    sigset_t child_signal;
    struct error ignored; /* the supervisor has told of it */

    keeper.start = start;
    keeper.supervisor_fd = start->supervisor_fd;
    keeper.network_fd = start->network_fd;
    keeper.lock_fd = -1;
    keeper.program.child = CHILD_NONE;
    keeper.hook.child = CHILD_NONE;

    prctl(PR_SET_NAME, "consul-keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sweep_open(&ignored); /* anew: an offset that two processes share would be of no use */
    setpgid(0, 0);        /* a SIGKILL to the supervisor's group must find the keeper at work */
    log_open("keeper", start->settings->log_level, start->settings->log_format);
    if (log_needs_relay())
        log_set_relay(relay_line, &keeper);

    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    int signal_fd = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    int timer_fd = clock_timer_open();
    if (signal_fd < 0 || timer_fd < 0)
        abort();
    run(&keeper, signal_fd, timer_fd);
}

pid_t keeper_fork(const struct keeper_start *start, const int *close_fds, struct error *err)
{
    pid_t pid = fork();

    if (pid < 0)
        return error_errno(err, "cannot fork the keeper");
    if (pid == 0) {
        for (; *close_fds >= 0; close_fds++)
            close(*close_fds);
        keeper_main(start);
        _exit(EXIT_SUCCESS);
    }
    setpgid(pid, pid);
    return pid;
}
