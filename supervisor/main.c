/* main.c - consul-leader: from the command line through the loop to the exit status. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/options.h"
#include "common/process/cgroup.h"
#include "common/process/inherited.h"
#include "common/process/signal_state.h"
#include "common/process/sweep.h"
#include "common/process/user.h"
#include "supervisor/supervisor.h"

#ifndef CONSUL_LEADER_LIBEXEC
#define CONSUL_LEADER_LIBEXEC "/usr/local/libexec/consul-leader"
#endif

#define NETWORK_PROGRAM "consul-leader-network"

static bool is_program(const char *path, int length)
{
    return length < PATH_MAX && access(path, X_OK) == 0;
}

/* Beside us, in libexec beside our bin, or where it was installed. */
static int find_network_program(char *path, struct error *err)
{
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

    own[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    static const char installed[] = CONSUL_LEADER_LIBEXEC "/" NETWORK_PROGRAM;
    if (slash && is_program(path, snprintf(path, PATH_MAX, "%s/" NETWORK_PROGRAM, own)))
        return 0;
    if (slash && is_program(path, snprintf(path, PATH_MAX,
                                           "%s/../libexec/consul-leader/" NETWORK_PROGRAM, own)))
        return 0;
    if (is_program(path, snprintf(path, PATH_MAX, "%s", installed)))
        return 0;
    return error_set(err,
                     "cannot find " NETWORK_PROGRAM " in %s, %s/../libexec/consul-leader or %s",
                     own, own, CONSUL_LEADER_LIBEXEC);
}

static bool relay_line(void *context, const char *line, size_t length)
{
    const struct supervisor *supervisor = context;

    return channel_send_line(supervisor->network.fd, line, length);
}

static int open_descriptors(struct supervisor *supervisor, struct error *err)
{
    sigset_t all;

    sigfillset(&all);
    supervisor->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    supervisor->timer_fd = clock_timer_open();
    if (supervisor->signal_fd < 0 || supervisor->timer_fd < 0)
        return error_errno(err, "cannot open the loop's descriptors");
    return 0;
}

/* What keeps anything that the program starts from outliving us. */
static void open_nets(void)
{
    struct error err;

    if (sweep_open(&err) < 0)
        log_warn("what the program starts cannot be followed: %s", err.text);
    if (cgroup_make(&err) < 0)
        log_info("what the program starts is followed by its descent and killed one by one: %s",
                 err.text);
    else
        log_info("what the program starts is killed with its cgroup path=%s", cgroup_path());
}

/* What was asked for has to serve; without the rest it runs. 0, or the status to exit with. */
static int open_directories(struct supervisor *supervisor, struct error *err)
{
    const struct settings *settings = supervisor->settings;

    if (place_open(&supervisor->place, settings, err) < 0) {
        if (settings->state_dir[0] != '\0') {
            error_wrap(err, "--state-dir");
            return EXIT_STATUS_USAGE;
        }
        if (settings->runtime_dir[0] != '\0') {
            error_wrap(err, "--runtime-dir");
            return EXIT_STATUS_USAGE;
        }
        log_warn("no place lock, no record: %s", err->text);
    }
    if (lease_file_make(&supervisor->lease_file, settings, &supervisor->place, err) < 0) {
        if (settings->runtime_dir[0] != '\0') {
            error_wrap(err, "--runtime-dir");
            return EXIT_STATUS_USAGE;
        }
        log_warn("no lease page: %s", err->text);
    }
    return 0;
}

/* Everything is checked before anything is started. 0, or the status to exit with. */
static int set_up(struct supervisor *supervisor, struct user *user, struct error *err)
{
    const struct settings *settings = supervisor->settings;

    int status = options_check_files(settings, (char **)supervisor->command, err);
    if (status != 0)
        return status;
    if (user_resolve(user, settings->user, err) < 0) {
        error_wrap(err, "--user");
        return EXIT_STATUS_USAGE;
    }
    if (find_network_program(supervisor->network_path, err) < 0 ||
        open_descriptors(supervisor, err) < 0)
        return EXIT_STATUS_INTERNAL;

    /* A directory of ours would keep its file system from being unmounted. */
    if (!getcwd(supervisor->directory, sizeof supervisor->directory) || chdir("/") < 0) {
        error_errno(err, "cannot leave the present directory");
        return EXIT_STATUS_INTERNAL;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    status = open_directories(supervisor, err);
    if (status != 0)
        return status;
    start_line_tell_settings(settings);
    open_nets();
    return 0;
}

/* The program's pipe before all else: ack.h. 0, or the status to exit with. */
static int begin(struct supervisor *supervisor, struct user *user, struct error *err)
{
    const struct settings *settings = supervisor->settings;

    if (settings->demote_ack && ack_open(&supervisor->ack, err) < 0)
        return EXIT_STATUS_INTERNAL;
    log_open("supervisor", settings->log_level, settings->log_format);
    int status = set_up(supervisor, user, err);
    if (status != 0)
        return status;
    if (keeper_start_process(supervisor, err) < 0)
        return EXIT_STATUS_INTERNAL;
    inherited_close();
    return network_start_process(supervisor, err) < 0 ? EXIT_STATUS_INTERNAL : 0;
}

static void drain_timer(int timer_fd)
{
    uint64_t expirations;

    if (read(timer_fd, &expirations, sizeof expirations) < 0)
        return; /* not due yet */
}

static void run(struct supervisor *supervisor)
{
    supervisor_begin(supervisor);
    while (!supervisor_has_ended(supervisor)) {
        clock_timer_set(supervisor->timer_fd, supervisor_next_due(supervisor));
        short to_keeper = forwarding_is_behind(&supervisor->forwarding) ? POLLOUT : 0;
        struct pollfd watches[] = {
            { .fd = supervisor->signal_fd, .events = POLLIN },
            { .fd = supervisor->timer_fd, .events = POLLIN },
            { .fd = supervisor->keeper.fd, .events = POLLIN | to_keeper },
            { .fd = supervisor->network.fd, .events = POLLIN },
        };
        if (poll(watches, sizeof watches / sizeof watches[0], -1) < 0 && errno != EINTR)
            abort();
        drain_timer(supervisor->timer_fd);
        supervisor_turn(supervisor);
    }
}

/* Returns the exit status. */
static int end(struct supervisor *supervisor)
{
    if (!supervisor->election_over)
        log_warn("the lock could not be given away in time: it is left to run out");
    peers_end(supervisor);
    cgroup_remove();
    lease_file_remove(&supervisor->lease_file);
    job_continue(&supervisor->job);
    if (supervisor_leaves_nothing(supervisor))
        record_remove(&supervisor->place);
    return supervisor->exit_status;
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct user user;
    static struct signal_state signals;
    static struct supervisor supervisor;
    struct error err = { .text = "" };
    char **command;

    inherited_note();
    signal_state_take(&signals);
    int parsed = options_parse(&settings, argc, argv, &command, &err);
    if (parsed > 0)
        return EXIT_SUCCESS;
    if (parsed < 0) {
        fprintf(stderr, "consul-leader: %s\n", err.text);
        return EXIT_STATUS_USAGE;
    }

    supervisor = (struct supervisor){
        .settings = &settings,
        .command = command,
        .user = &user,
        .signals = &signals,
    };
    supervisor_init(&supervisor);
    if (job_begin(&supervisor.job, command != NULL, &err) < 0) {
        fprintf(stderr, "consul-leader: %s\n", err.text);
        return EXIT_STATUS_INTERNAL;
    }
    int status = begin(&supervisor, &user, &err);
    if (status != 0) {
        cgroup_remove();
        lease_file_remove(&supervisor.lease_file);
        fprintf(stderr, "consul-leader: %s\n", err.text);
        return status;
    }
    if (log_needs_relay())
        log_set_relay(relay_line, &supervisor);
    run(&supervisor);
    return end(&supervisor);
}
