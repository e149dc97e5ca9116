/* program.c - what the chaos suite lets consul-leader supervise, and the hook that tells it.
 *
 *   chaos-program run --by start|signals|hooks|page [OPTION...]
 *   chaos-program hook promote|demote [OPTION...]
 *
 * While it believes that it leads it acts: each millisecond it stamps its record (record.h), every
 * few milliseconds it writes to the store that checks tokens (store.c) and waits for the answer.
 * What makes it believe is --by: its start; SIGUSR1 and SIGUSR2; the hooks, which tell it through
 * its record; the lease page, which it reads before each action. Where a word is wanted that it
 * has stopped to act, it gives it.
 *
 * TERM ends it with --status. With --deaf neither TERM nor being told ends its acting; the lease
 * page, which tells nobody, it obeys.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "include/consul_leader/lease.h"
#include "tests/chaos/record.h"

#define ACTION_NS     UINT64_C(5000000) /* no action that is begun takes longer */
#define WRITE_EVERY   5                 /* ticks */
#define FOLLOWER_TICK 5                 /* ms */
#define FORK_EVERY    3                 /* ticks of one that forks */

enum belief { BY_START, BY_SIGNALS, BY_HOOKS, BY_PAGE, BELIEFS };

static const char *const belief_words[BELIEFS] = { "start", "signals", "hooks", "page" };

static struct options {
    enum belief by;
    bool deaf;
    bool child;     /* has one that acts as well, and never ends by itself */
    bool daemon;    /* a hook leaves one behind */
    int forks;      /* so many descendants act and flee: each forks another and ends */
    int takes_ms;   /* a hook takes so long */
    int lingers_ms; /* acts for so long after it was told to stop */
    int status;
} options;

static struct actor self;
static struct consul_leader_lease lease;
static uint64_t signalled; /* by signals: the token to act with */
static bool owes_ack;      /* told to stop by a signal, and has not answered */
static int store_fd = -1;
static int signals_fd;

static uint64_t given_token(void)
{
    const char *token = getenv("CONSUL_LEADER_FENCING_TOKEN");
    return token ? strtoull(token, NULL, 10) : 0;
}

/* --- Believing. --- */

/* An action that began while the page allowed it has to be over before the deadline. */
static uint64_t page_token(void)
{
    uint64_t token;
    uint64_t needed = ACTION_NS + (uint64_t)options.lingers_ms * 1000000;

    return consul_leader_lease_remaining_ns(&lease, &token) > needed ? token : 0;
}

/* With which token we may act at this moment; 0: we do not lead. */
static uint64_t granted_token(void)
{
    switch (options.by) {
    case BY_START:
        return given_token();
    case BY_SIGNALS:
        return signalled;
    case BY_HOOKS:
        return atomic_load(&self.record->order);
    case BY_PAGE:
        return page_token();
    default:
        abort();
    }
}

/* --- Acting. --- */

static void connect_to_store(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = getenv("CHAOS_STORE");

    store_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (store_fd < 0 || !path || strlen(path) >= sizeof address.sun_path)
        fail("CHAOS_STORE");
    strcpy(address.sun_path, path);
    if (connect(store_fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail(path);
}

/* Whoever is refused tries on: the store has to refuse each of its writes. */
static void write_to_store(uint64_t token)
{
    unsigned char accepted;

    if (store_fd < 0)
        connect_to_store();
    if (send(store_fd, &token, sizeof token, MSG_NOSIGNAL) != sizeof token ||
        recv(store_fd, &accepted, sizeof accepted, 0) != sizeof accepted)
        fail("the store");
}

static void wait_for_tick(void)
{
    struct timespec tick = { .tv_nsec = TICK_NS };
    nanosleep(&tick, NULL);
}

static void act(struct actor *actor, uint64_t tick)
{
    actor_stamp(actor);
    if (tick % WRITE_EVERY == 0) {
        write_to_store(actor->stretch->token);
        actor_stamp(actor);
    }
}

/* --- Descendants. --- */

/* Descendants are told nothing; the page they can read themselves. */
static bool may_go_on(uint64_t token)
{
    return options.by != BY_PAGE || granted_token() == token;
}

static _Noreturn void act_for_ever(uint64_t token)
{
    struct actor actor = { .record = record_open(getpid(), "child") };

    store_fd = -1;
    actor_begin(&actor, token);
    for (uint64_t tick = 0;; tick++) {
        if (may_go_on(token))
            act(&actor, tick);
        wait_for_tick();
    }
}

static _Noreturn void act_and_flee(uint64_t token)
{
    struct actor actor = { .record = self.record };

    actor_begin(&actor, token);
    for (uint64_t tick = 1;; tick++) {
        if (may_go_on(token))
            actor_stamp(&actor);
        wait_for_tick();
        if (tick % FORK_EVERY == 0 && fork() > 0)
            _exit(0);
    }
}

static void start_descendants(uint64_t token)
{
    if (options.child && fork() == 0)
        act_for_ever(token);
    for (int i = 0; i < options.forks; i++)
        if (fork() == 0)
            act_and_flee(token);
}

/* --- The program. --- */

static void begin(uint64_t token)
{
    static bool begun;

    actor_begin(&self, token);
    atomic_store(&self.record->acting, token);
    write_to_store(token);
    if (!begun)
        start_descendants(token);
    begun = true;
}

static void end(void)
{
    int64_t until = now_ns() + options.lingers_ms * INT64_C(1000000);

    for (uint64_t tick = 1; now_ns() < until; tick++) {
        act(&self, tick);
        wait_for_tick();
    }
    if (options.by != BY_PAGE) /* who asks before each action has done nothing since the last one */
        actor_stamp(&self);
    self.stretch = NULL;
    atomic_store(&self.record->acting, 0);
}

static void follow_belief(void)
{
    uint64_t token = granted_token();
    uint64_t acting = self.stretch ? self.stretch->token : 0;

    if (token == acting || (acting && options.deaf))
        return;
    if (acting)
        end();
    if (token)
        begin(token);
}

static void acknowledge(void)
{
    const char *fd = getenv("CONSUL_LEADER_ACK_FD");

    if (!owes_ack || self.stretch || !fd)
        return;
    if (write(atoi(fd), "demoted\n", 8) != 8)
        fail("CONSUL_LEADER_ACK_FD");
    owes_ack = false;
}

static void take_signal(int number)
{
    if (number == SIGUSR1)
        consul_leader_lease_held(&lease, &signalled);
    if (number == SIGUSR2) {
        signalled = 0;
        owes_ack = true;
    }
    if (number != SIGTERM || options.deaf)
        return;
    if (self.stretch)
        end();
    _exit(options.status);
}

static void take_signals(void)
{
    struct signalfd_siginfo signal;

    while (read(signals_fd, &signal, sizeof signal) == sizeof signal)
        take_signal((int)signal.ssi_signo);
}

static _Noreturn void run(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signals_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_fd < 0)
        fail("signalfd");
    self.record = record_open(getpid(), "program");
    if ((options.by == BY_SIGNALS || options.by == BY_PAGE) &&
        consul_leader_lease_open(&lease, NULL) < 0)
        fail("the lease page");
    for (uint64_t tick = 1;; tick++) {
        take_signals();
        follow_belief();
        acknowledge();
        if (self.stretch)
            act(&self, tick);
        struct pollfd told = { .fd = signals_fd, .events = POLLIN };
        poll(&told, 1, self.stretch ? 1 : FOLLOWER_TICK);
    }
}

/* --- The hook. --- */

static struct record *program_record(pid_t *pid)
{
    const char *text = getenv("CONSUL_LEADER_PROGRAM_PID");

    *pid = text ? atoi(text) : 0;
    return *pid != 0 ? record_open(*pid, "program") : NULL;
}

static void leave_daemon_behind(void)
{
    pid_t child = fork();

    if (child == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        if (setsid() < 0 || fork() != 0)
            _exit(0);
        if (options.by == BY_START)
            act_for_ever(given_token());
        for (;;)
            pause();
    }
    waitpid(child, NULL, 0);
}

/* A promote hook acts itself, from its begin to its end; a demote hook's record only tells when. */
static int hook(const char *word)
{
    struct actor actor = { .record = record_open(getpid(), word) };
    bool demotes = strcmp(word, "demote") == 0;
    pid_t pid;

    if (options.deaf)
        signal(SIGTERM, SIG_IGN);
    actor_begin(&actor, given_token());
    struct record *program = program_record(&pid);
    if (options.daemon)
        leave_daemon_behind();
    if (program)
        atomic_store(&program->order, demotes ? 0 : given_token());
    int64_t until = now_ns() + options.takes_ms * INT64_C(1000000);
    while (now_ns() < until ||
           (demotes && program && atomic_load(&program->acting) && kill(pid, 0) == 0)) {
        wait_for_tick();
        actor_stamp(&actor);
    }
    return options.status;
}

/* --- The command line. --- */

static enum belief belief_named(const char *word)
{
    for (int by = 0; by < BELIEFS; by++)
        if (strcmp(belief_words[by], word) == 0)
            return (enum belief)by;
    _exit(98);
}

static void parse(int argc, char **argv)
{
    static const struct option table[] = {
        { "by", required_argument, NULL, 'b' },
        { "deaf", no_argument, NULL, 'd' },
        { "child", no_argument, NULL, 'c' },
        { "daemon", no_argument, NULL, 'D' },
        { "forks", required_argument, NULL, 'f' },
        { "takes", required_argument, NULL, 't' },
        { "lingers", required_argument, NULL, 'l' },
        { "status", required_argument, NULL, 's' },
        { NULL, 0, NULL, 0 },
    };
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) >= 0;) {
        switch (option) {
        case 'b':
            options.by = belief_named(optarg);
            break;
        case 'd':
            options.deaf = true;
            break;
        case 'c':
            options.child = true;
            break;
        case 'D':
            options.daemon = true;
            break;
        case 'f':
            options.forks = atoi(optarg);
            break;
        case 't':
            options.takes_ms = atoi(optarg);
            break;
        case 'l':
            options.lingers_ms = atoi(optarg);
            break;
        case 's':
            options.status = atoi(optarg);
            break;
        default:
            _exit(98);
        }
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    argv += optind;
    if (*argv && strcmp(*argv, "run") == 0)
        run();
    if (*argv && strcmp(*argv, "hook") == 0 && argv[1])
        return hook(argv[1]);
    fprintf(stderr, "usage: chaos-program run|hook WORD [OPTION...]\n");
    return 98;
}
