/* program.c - what the end-to-end tests let us supervise, and the hook that they let us run.
 *
 *   test-program run [OPTION...]         lives until SIGTERM
 *   test-program hook WORD [OPTION...]   says WORD-begin and WORD-end, and ends
 *
 * Everything that happens to it becomes one line of the file TEST_EVENTS, written at once:
 *
 *   INSTANT PID NAME EVENT ROLE TOKEN REASON
 *
 * INSTANT is CLOCK_MONOTONIC in ns, NAME is TEST_NAME, the last three are what consul-leader gave,
 * `-` when it gave nothing. Events of `run`: start, signal-N, stop, two. Every 2 ms it also writes
 * the instant into the file TEST_EVENTS.alive.PID, so that a test knows until when one that was
 * killed may have acted. With --contained PID is its container's number: others have theirs too.
 *
 * Who acts as leader holds a flock on the file TEST_WITNESS: from its start on when it is started
 * as leader, or with --led-by-signals from SIGUSR1 to SIGUSR2. Children share it. If it cannot be
 * had somebody else acts as leader at this moment, and the event is `two`.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct options {
    /* int for getopt_long(): true or false */
    int ignore_term;
    int led_by_signals;
    int interrupted; /* SIGINT ends it, as it ends most programs */
    int stoppable;   /* SIGTSTP stops it, as it stops most programs */
    int daemon;
    int contained;
    int bomb; /* forks as fast and as often as it is let, and so does all that it forks */
    int children;
    int term_takes_ms;
    int exit_after_ms; /* -1: never */
    int status;
    int die_by;
    const char *state_file;
    const char *environment_file;
    const char *ack; /* what it says to CONSUL_LEADER_ACK_FD after SIGUSR2 */
};

static int events_fd = -1;
static int witness_fd = -1;
static int64_t container; /* its number; 0: that of a process is enough */

/* What is told as the PID. */
static int64_t own_number(void)
{
    return container ? container : getpid();
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
    perror(what);
    _exit(99);
}

static const char *given(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : "-";
}

static void say(const char *event)
{
    char line[512];
    int length = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 " %s %s %s %s %s\n", now_ns(),
                          own_number(), given("TEST_NAME"), event, given("CONSUL_LEADER_ROLE"),
                          given("CONSUL_LEADER_FENCING_TOKEN"), given("CONSUL_LEADER_REASON"));
    if (events_fd >= 0 && write(events_fd, line, (size_t)length) != length)
        fail("events");
}

static void witness_take(void)
{
    if (witness_fd >= 0 && flock(witness_fd, LOCK_EX | LOCK_NB) != 0)
        say("two");
}

static void witness_leave(void)
{
    if (witness_fd >= 0)
        flock(witness_fd, LOCK_UN);
}

static void open_files(void)
{
    const char *events = getenv("TEST_EVENTS");
    if (events && (events_fd = open(events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
        fail(events);
    const char *witness = getenv("TEST_WITNESS");
    if (witness && (witness_fd = open(witness, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
        fail(witness);
}

/* A word that tells how long we were alive; NULL without TEST_EVENTS. */
static volatile int64_t *open_alive(void)
{
    const char *events = getenv("TEST_EVENTS");
    if (!events)
        return NULL;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s.alive.%" PRId64, events, own_number());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof(int64_t)) != 0)
        fail(path);
    volatile int64_t *word = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (word == MAP_FAILED)
        return NULL;
    *word = now_ns(); /* who says that it starts may be killed before it gets any further */
    return word;
}

static void write_environment(const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        fail(path);
    for (char **variable = environ; *variable; variable++)
        fwrite(*variable, strlen(*variable) + 1, 1, file);
    fclose(file);
}

/* What we were started with: the kernel's view of us, our groups and descriptors. Renamed into
 * place, so that a test never reads half of it.
 */
static void write_state(const char *path)
{
    char new_path[PATH_MAX], buffer[8192];
    snprintf(new_path, sizeof(new_path), "%s.new", path);
    FILE *file = fopen(new_path, "we");
    FILE *status = fopen("/proc/self/status", "re");
    if (!file || !status)
        fail(path);
    size_t length = fread(buffer, 1, sizeof(buffer), status);
    fwrite(buffer, length, 1, file);
    fclose(status);
    fprintf(file, "Group:\t%d\nSession:\t%d\nForeground:\t%d\n", getpgrp(), getsid(0),
            tcgetpgrp(STDIN_FILENO));
    fprintf(file, "Directory:\t%s\n", getcwd(buffer, sizeof(buffer)));
    fprintf(file, "Descriptors:\t");
    for (int fd = 0; fd < 256; fd++)
        if (fd != events_fd && fd != witness_fd && fd != fileno(file) && fcntl(fd, F_GETFD) >= 0)
            fprintf(file, "%d ", fd);
    fprintf(file, "\n");
    fclose(file);
    if (rename(new_path, path) != 0)
        fail(path);
}

/* A child that only KILL ends, as stubborn as a child can be. Returns when it has said that it is
 * there.
 */
static void start_child(bool daemon)
{
    int said[2];
    char byte;
    if (pipe2(said, O_CLOEXEC) != 0)
        fail("pipe");
    pid_t child = fork();
    if (child != 0) {
        close(said[1]);
        if (read(said[0], &byte, 1) < 0)
            fail("child");
        close(said[0]);
        if (daemon)
            waitpid(child, NULL, 0);
        return;
    }
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (daemon && (setsid() < 0 || fork() != 0))
        _exit(0);
    say(daemon ? "daemon" : "child");
    close(said[1]);
    for (;;)
        pause();
}

/* Every second one in a session of its own, so that no group holds them. Where no more are let,
 * they try again and again.
 */
static void explode(void)
{
    const struct timespec pause = { .tv_nsec =
                                        100000000 }; /* a refused fork costs as much as one */

    if (fork() != 0)
        return;
    close(witness_fd);
    for (unsigned i = 0;; i++) {
        pid_t child = fork();
        if (child == 0 && i % 2 == 0)
            setsid();
        if (child < 0)
            nanosleep(&pause, NULL);
    }
}

static void parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){ .exit_after_ms = -1 };
    const struct option table[] = {
        { "ignore-term", no_argument, &options->ignore_term, true },
        { "led-by-signals", no_argument, &options->led_by_signals, true },
        { "interrupted", no_argument, &options->interrupted, true },
        { "stoppable", no_argument, &options->stoppable, true },
        { "daemon", no_argument, &options->daemon, true },
        { "bomb", no_argument, &options->bomb, true },
        { "contained", no_argument, &options->contained, true },
        { "children", required_argument, NULL, 'c' },
        { "term-takes", required_argument, NULL, 't' },
        { "exit-after", required_argument, NULL, 'x' },
        { "status", required_argument, NULL, 's' },
        { "die-by", required_argument, NULL, 'k' },
        { "state", required_argument, NULL, 'S' },
        { "environment", required_argument, NULL, 'e' },
        { "ack", required_argument, NULL, 'a' },
        { NULL, 0, NULL, 0 },
    };
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) >= 0;) {
        switch (option) {
        case 0: /* a flag */
            break;
        case 'c':
            options->children = atoi(optarg);
            break;
        case 't':
            options->term_takes_ms = atoi(optarg);
            break;
        case 'x':
            options->exit_after_ms = atoi(optarg);
            break;
        case 's':
            options->status = atoi(optarg);
            break;
        case 'k':
            options->die_by = atoi(optarg);
            break;
        case 'S':
            options->state_file = optarg;
            break;
        case 'e':
            options->environment_file = optarg;
            break;
        case 'a':
            options->ack = optarg;
            break;
        default:
            _exit(98);
        }
    }
}

/* Ends as it was told to: with a status, or by a signal. */
static _Noreturn void end(const struct options *options)
{
    if (options->die_by) {
        signal(options->die_by, SIG_DFL);
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, options->die_by);
        raise(options->die_by);
        sigprocmask(SIG_UNBLOCK, &one, NULL);
    }
    _exit(options->status);
}

static void wait_ms(int64_t milliseconds)
{
    struct timespec rest = { .tv_sec = milliseconds / 1000,
                             .tv_nsec = milliseconds % 1000 * 1000000 };
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        ;
}

static void acknowledge(const char *text)
{
    if (dprintf(atoi(given("CONSUL_LEADER_ACK_FD")), "%s\n", text) < 0)
        say("no-ack");
}

static void take_signal(int number, const struct options *options)
{
    char event[32];
    snprintf(event, sizeof(event), "signal-%d", number);
    if (options->led_by_signals && number == SIGUSR1)
        witness_take();
    say(event);
    if (options->led_by_signals && number == SIGUSR2)
        witness_leave();
    if (options->ack && number == SIGUSR2)
        acknowledge(options->ack);
    if (number != SIGTERM || options->ignore_term)
        return;
    wait_ms(options->term_takes_ms);
    say("stop");
    end(options);
}

static _Noreturn void run(const struct options *options)
{
    sigset_t all;
    sigfillset(&all);
    if (options->interrupted)
        sigdelset(&all, SIGINT);
    if (options->stoppable)
        sigdelset(&all, SIGTSTP);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int signals = signalfd(-1, &all, SFD_CLOEXEC);
    if (signals < 0)
        fail("signalfd");

    const char *role = getenv("CONSUL_LEADER_ROLE");
    if (!role || strcmp(role, "leader") == 0)
        witness_take();
    for (int i = 0; i < options->children; i++)
        start_child(false);
    if (options->daemon)
        start_child(true);
    if (options->bomb)
        explode();
    volatile int64_t *alive = open_alive();
    say("start");

    int64_t end_at = now_ns() + options->exit_after_ms * INT64_C(1000000);
    for (;;) {
        if (alive)
            *alive = now_ns();
        struct pollfd waiting = { .fd = signals, .events = POLLIN };
        if (poll(&waiting, 1, alive ? 2 : 1000) > 0) {
            struct signalfd_siginfo signal;
            if (read(signals, &signal, sizeof(signal)) == sizeof(signal))
                take_signal((int)signal.ssi_signo, options);
        }
        if (options->exit_after_ms >= 0 && now_ns() >= end_at) {
            say("stop");
            end(options);
        }
    }
}

static int hook(const char *word, const struct options *options)
{
    char event[64];
    if (options->ignore_term)
        signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < options->children; i++)
        start_child(false);
    snprintf(event, sizeof(event), "%s-begin", word);
    say(event);
    if (options->exit_after_ms > 0)
        wait_ms(options->exit_after_ms);
    snprintf(event, sizeof(event), "%s-end", word);
    say(event);
    return options->status;
}

/* A container's name in itself is how its ID begins: twelve hexadecimal digits. */
static int64_t container_number(void)
{
    char name[64];
    if (gethostname(name, sizeof(name)) != 0)
        fail("gethostname");
    return strtoll(name, NULL, 16);
}

int main(int argc, char **argv)
{
    struct options options;
    parse(argc, argv, &options);
    if (options.contained)
        container = container_number();
    argv += optind;
    if (options.state_file)
        write_state(options.state_file);
    if (options.environment_file)
        write_environment(options.environment_file);
    open_files();

    if (*argv && strcmp(*argv, "run") == 0)
        run(&options);
    if (*argv && strcmp(*argv, "hook") == 0 && argv[1])
        return hook(argv[1], &options);
    fprintf(stderr, "usage: test-program run|hook WORD [OPTION...]\n");
    return 98;
}
