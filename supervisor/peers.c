/* peers.c - the two processes beside the supervisor: their start and their end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/messages/network.h"
#include "common/options/budgets.h"
#include "common/process/cgroup.h"
#include "common/process/sweep.h"
#include "supervisor/supervisor.h"

#define RELAY_TIME  MILLISECONDS(100)
#define LAST_SWEEPS 100

/* --- The keeper. --- */

int keeper_start_process(struct supervisor *supervisor, struct error *err)
{
    static struct keeper_start start;
    int ends[2];

    if (channel_pair(ends, err) < 0)
        return -1;
    keeper_fill_start(supervisor, ends[1], &start);
    int ours[8], count = 0;
    int all[] = { ends[0],
                  supervisor->signal_fd,
                  supervisor->timer_fd,
                  supervisor->network.fd,
                  supervisor->lock_fd,
                  supervisor->job.stops_fd };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] >= 0)
            ours[count++] = all[i];
    ours[count] = -1;

    pid_t pid = keeper_fork(&start, ours, err);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    supervisor->keeper = (struct peer){ .pid = pid, .fd = ends[0] };
    supervisor->record.keeper = record_process(pid);
    return 0;
}

/* --- The network process. --- */

/* Settings and secrets in memory that nobody can change, and no argument list shows. */
static int make_settings_file(const struct settings *settings, struct error *err)
{
    int fd = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return error_errno(err, "cannot make a memory file");
    if (write(fd, settings, sizeof *settings) != (ssize_t)sizeof *settings ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        error_errno(err, "cannot write the settings into memory");
        close(fd);
        return -1;
    }
    return fd;
}

/* Puts the descriptor at its agreed place, open across the exec. Those in the way were moved up. */
static void place_descriptor(int fd, int place)
{
    if (fd < 0)
        close(place);
    else if (dup2(fd, place) < 0)
        _exit(EXIT_STATUS_INTERNAL);
}

static void exec_network(const char *path, int settings_fd, int supervisor_fd, int keeper_fd,
                         int place_fd)
{
    static const char *const kept[] = { "PATH",        "TZ",          "http_proxy",
                                        "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY",   "no_proxy",    "NO_PROXY" };
    int moved[NETWORK_FD_END] = {
        [NETWORK_FD_SETTINGS] = settings_fd,   [NETWORK_FD_SUPERVISOR] = supervisor_fd,
        [NETWORK_FD_KEEPER] = keeper_fd,       [NETWORK_FD_PLACE] = place_fd,
        [NETWORK_FD_CGROUP] = cgroup_killer(),
    };
    char *environment[sizeof kept / sizeof kept[0] + 1] = { NULL };
    char *arguments[] = { (char *)"consul-leader-network", NULL };
    size_t count = 0;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    dup2(nothing, STDIN_FILENO); /* the program's input and output are not ours */
    dup2(nothing, STDOUT_FILENO);
    for (int i = NETWORK_FD_SETTINGS; i < NETWORK_FD_END; i++)
        moved[i] = moved[i] < 0 ? -1 : fcntl(moved[i], F_DUPFD_CLOEXEC, 16);
    for (int i = NETWORK_FD_SETTINGS; i < NETWORK_FD_END; i++)
        place_descriptor(moved[i], i);
    close_range(NETWORK_FD_END, ~0U, CLOSE_RANGE_CLOEXEC);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        char *value = getenv(kept[i]);
        if (value)
            environment[count++] = value - strlen(kept[i]) - 1;
    }
    execve(path, arguments, environment);
    log_error("cannot run %s: %s", path, strerror(errno));
    _exit(EXIT_STATUS_INTERNAL);
}

static void close_pair(int *ends)
{
    close(ends[0]);
    close(ends[1]);
}

int network_start_process(struct supervisor *supervisor, struct error *err)
{
    int with_supervisor[2], with_keeper[2];
    AUTO_CLOSE int settings_fd = make_settings_file(supervisor->settings, err);

    if (settings_fd < 0 || channel_pair(with_supervisor, err) < 0)
        return -1;
    if (channel_pair(with_keeper, err) < 0) {
        close_pair(with_supervisor);
        return -1;
    }

    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        exec_network(supervisor->network_path, settings_fd, with_supervisor[1], with_keeper[1],
                     supervisor->place.lock_fd);
    }
    close(with_supervisor[1]);
    close(with_keeper[1]);
    if (pid < 0) {
        close(with_supervisor[0]);
        close(with_keeper[0]);
        return error_errno(err, "cannot fork the network process");
    }
    setpgid(pid, pid);
    supervisor->network = (struct peer){ .pid = pid, .fd = with_supervisor[0] };
    supervisor->record.network = record_process(pid);
    keeper_send(supervisor, KEEPER_NETWORK, 0, NULL, 0, with_keeper[0]);
    close(with_keeper[0]);
    return 0;
}

/* --- The end. --- */

/* Of any child; or until the time is over. */
static void wait_for_a_death(const struct timespec *time)
{
    sigset_t child_signal;

    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigtimedwait(&child_signal, NULL, time);
}

/* Returns whether it had to be killed. */
static bool wait_for(struct peer *peer, instant_ns until)
{
    const struct timespec tick = { .tv_nsec = 10000000 };
    bool killed = false;

    while (peer->pid != 0 && waitpid(peer->pid, NULL, WNOHANG) == 0) {
        if (clock_now_ns() >= until) {
            kill(peer->pid, SIGKILL);
            killed = true;
        }
        wait_for_a_death(&tick);
    }
    close_end(&peer->fd);
    peer->pid = 0;
    return killed;
}

/* Lines that the network process has to write for us are read before it is killed. */
static void wait_for_relayed_lines(const struct supervisor *supervisor)
{
    const struct timespec tick = { .tv_nsec = 2000000 };
    instant_ns until = clock_now_ns() + RELAY_TIME;
    int unread = 0;

    while (log_needs_relay() && supervisor->network.fd >= 0 &&
           ioctl(supervisor->network.fd, SIOCOUTQ, &unread) == 0 && unread > 0 &&
           clock_now_ns() < until)
        wait_for_a_death(&tick);
}

/* All is done that could be: the network process must do no more, the keeper ends by itself. */
void peers_end(struct supervisor *supervisor)
{
    const struct timespec tick = { .tv_nsec = 10000000 };

    wait_for_relayed_lines(supervisor);
    network_kill(supervisor);
    wait_for(&supervisor->network, 0);
    close_end(&supervisor->keeper.fd);
    bool killed = wait_for(&supervisor->keeper, clock_now_ns() + PEER_END);
    for (int i = 0; killed && i < LAST_SWEEPS && sweep(0) > 0; i++) {
        wait_for_a_death(&tick);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}
