#include "keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/place/lease_page.h"
#include "common/process/cgroup.h"
#include "common/process/sweep.h"
#include "keeper/conduct.h"

static void drain(int fd)
{
    char discarded[1024];

    while (read(fd, discarded, sizeof discarded) > 0)
        ;
}

enum {
    WATCH_SUPERVISOR,
    WATCH_NETWORK,
    WATCH_SIGNAL,
    WATCH_TIMER,
    WATCH_EXEC,
    WATCH_ACK,
    WATCH_HOOK,
    WATCH_CHANGE,
    WATCH_OUTPUTS
};

#define WATCHES_MAX (WATCH_OUTPUTS + PROBES_MAX)

/* What commands print. Returns how many are watched in all. */
static nfds_t watch_outputs(const struct keeper *keeper, struct pollfd watches[WATCHES_MAX])
{
    int fds[PROBES_MAX];
    size_t count = exec_outputs(keeper->probes, fds);

    for (size_t i = 0; i < count; i++)
        watches[WATCH_OUTPUTS + i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
    return WATCH_OUTPUTS + count;
}

static void run(struct keeper *keeper, int signal_fd, int timer_fd)
{
    while (!keeper_has_ended(keeper)) {
        short to_supervisor = outbox_is_empty(&keeper->to_supervisor) ? 0 : POLLOUT;
        bool to_network = !outbox_is_empty(&keeper->to_network);
        clock_timer_set(timer_fd, keeper_next_due(keeper));
        struct pollfd watches[WATCHES_MAX] = {
            [WATCH_SUPERVISOR] = { .fd = keeper->supervisor_fd, .events = POLLIN | to_supervisor },
            [WATCH_NETWORK] = { .fd = to_network ? keeper->network_fd : -1, .events = POLLOUT },
            [WATCH_SIGNAL] = { .fd = signal_fd, .events = POLLIN },
            [WATCH_TIMER] = { .fd = timer_fd, .events = POLLIN },
            [WATCH_EXEC] = { .fd = keeper->program.child.report, .events = POLLIN },
            [WATCH_ACK] = { .fd = keeper_ack_descriptor(keeper), .events = POLLIN },
            [WATCH_HOOK] = { .fd = keeper->hook.output.fd, .events = POLLIN },
            [WATCH_CHANGE] = { .fd = keeper->change.hook.output.fd, .events = POLLIN },
        };
        if (poll(watches, watch_outputs(keeper, watches), -1) < 0 && errno != EINTR)
            abort();

        drain(timer_fd);
        drain(signal_fd);
        keeper_turn(keeper);
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
    sigset_t children;
    struct error ignored; /* the supervisor has told of it */

    keeper_init(&keeper, start);

    prctl(PR_SET_NAME, "consul-keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sweep_open(&ignored); /* anew: an offset that two processes share would be of no use */
    setpgid(0, 0);        /* a SIGKILL to the supervisor's group must find the keeper at work */
    log_open("keeper", start->settings->log_level, start->settings->log_format);
    if (log_needs_relay())
        log_set_relay(relay_line, &keeper);

    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    int signal_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    int timer_fd = clock_timer_open();
    if (signal_fd < 0 || timer_fd < 0)
        abort();
    run(&keeper, signal_fd, timer_fd);
    cgroup_remove();
    if (keeper.supervisor_fd < 0 && start->lease_has_own_folder)
        lease_page_remove(start->lease_path, true);
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
