#include "tests/soak/script.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulation/chance.h"

#define AT_MOST_S 900 /* whatever is left ends by itself some day */

static void sleep_ms(unsigned ms)
{
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

    while (nanosleep(&time, &time) < 0)
        ;
}

static void __attribute__((noreturn)) stay(void)
{
    sleep_ms(AT_MOST_S * 1000);
    _exit(EXIT_FAILURE);
}

static void be_deaf(void)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        signal(numbers[i], SIG_IGN);
}

/* --- What hooks do; each has a number to do it by. --- */

static int succeed(unsigned number)
{
    (void)number;
    return EXIT_SUCCESS;
}

static int fail(unsigned status)
{
    return (int)status;
}

static int sleep_and_succeed(unsigned ms)
{
    sleep_ms(ms);
    return EXIT_SUCCESS;
}

static int outlast(unsigned number)
{
    (void)number;
    stay();
}

static int outlast_deafly(unsigned number)
{
    (void)number;
    be_deaf();
    stay();
}

/* In the keeper's own group, where signals to the hook's do not meet it. */
static int outlast_elsewhere(unsigned leaves_child)
{
    if (leaves_child && fork() == 0)
        stay();
    setpgid(0, getpgid(getppid()));
    be_deaf();
    stay();
}

/* Odd numbers keep the hook's output. */
static int leave_daemon(unsigned number)
{
    if (fork() > 0)
        return EXIT_SUCCESS;
    setsid();
    if (fork() > 0)
        _exit(EXIT_SUCCESS);
    be_deaf();
    if (number % 2 == 0)
        for (int fd = 0; fd <= 2; fd++)
            close(fd);
    stay();
}

/* One of them dead. */
static int leave_children(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (fork() == 0) {
            if (i == 0)
                _exit(EXIT_FAILURE);
            if (i % 2 == 0)
                be_deaf();
            stay();
        }
    return EXIT_SUCCESS;
}

/* By so many forks, each time another process. */
static int leave_fugitive(unsigned forks)
{
    if (fork() > 0)
        return EXIT_SUCCESS;
    setsid();
    while (forks-- > 0) {
        if (fork() > 0)
            _exit(EXIT_SUCCESS);
        sleep_ms(1);
    }
    stay();
}

static int print(unsigned bytes)
{
    char text[700];

    memset(text, 'x', sizeof text);
    for (unsigned i = 0; i < bytes; i += sizeof text) {
        text[80 + i % 619] = i % 3 ? '\n' : 'y';
        if (write(i % 2 ? STDERR_FILENO : STDOUT_FILENO, text, sizeof text) < 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int close_output(unsigned ms)
{
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    sleep_ms(ms);
    return EXIT_SUCCESS;
}

static int die(unsigned number)
{
    kill(getpid(), (int)number);
    return EXIT_FAILURE;
}

static int stop(unsigned is_deaf)
{
    if (is_deaf)
        be_deaf();
    raise(SIGSTOP);
    return EXIT_SUCCESS;
}

/* --- The choice. --- */

static unsigned draw_nothing(unsigned timeout_ms)
{
    (void)timeout_ms;
    return 0;
}

static unsigned draw_either(unsigned timeout_ms)
{
    (void)timeout_ms;
    return (unsigned)chance(2);
}

static unsigned draw_status(unsigned timeout_ms)
{
    (void)timeout_ms;
    return (unsigned)chance_between(1, 255);
}

static unsigned draw_delay(unsigned timeout_ms)
{
    return (unsigned)chance_delay(0, timeout_ms + timeout_ms / 2);
}

static unsigned draw_count(unsigned timeout_ms)
{
    (void)timeout_ms;
    return (unsigned)chance_between(1, 4);
}

static unsigned draw_forks(unsigned timeout_ms)
{
    (void)timeout_ms;
    return (unsigned)chance_delay(20, 400);
}

static unsigned draw_bytes(unsigned timeout_ms)
{
    (void)timeout_ms;
    return (unsigned)chance_delay(1000, 300000);
}

static unsigned draw_signal(unsigned timeout_ms)
{
    static const unsigned numbers[] = { SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGHUP,
                                        SIGPIPE, SIGUSR1, SIGBUS,  SIGALRM, SIGINT };

    (void)timeout_ms;
    return numbers[chance(sizeof numbers / sizeof *numbers)];
}

/* By itself, and in time. */
enum outcome { FAILS, EITHER, SUCCEEDS };

static const struct script {
    const char *name;
    unsigned weight;
    enum outcome outcome;
    int (*run)(unsigned number);
    unsigned (*draw)(unsigned timeout_ms);
} scripts[] = {
    { "succeeds", 320, SUCCEEDS, succeed, draw_nothing },
    { "fails", 80, FAILS, fail, draw_status },
    { "sleeps", 110, EITHER, sleep_and_succeed, draw_delay },
    { "outlasts", 60, FAILS, outlast, draw_nothing },
    { "is-deaf", 40, FAILS, outlast_deafly, draw_nothing },
    { "leaves-its-group", 20, FAILS, outlast_elsewhere, draw_either },
    { "leaves-daemon", 90, SUCCEEDS, leave_daemon, draw_either },
    { "leaves-children", 60, SUCCEEDS, leave_children, draw_count },
    { "leaves-fugitive", 20, SUCCEEDS, leave_fugitive, draw_forks },
    { "prints", 60, SUCCEEDS, print, draw_bytes },
    { "closes-its-output", 50, EITHER, close_output, draw_delay },
    { "dies", 60, FAILS, die, draw_signal },
    { "stops", 30, EITHER, stop, draw_either },
};

#define SCRIPTS (sizeof scripts / sizeof *scripts)

static unsigned total_weight(void)
{
    unsigned sum = 0;

    for (size_t i = 0; i < SCRIPTS; i++)
        sum += scripts[i].weight;
    return sum;
}

void script_draw(char text[SCRIPT_TEXT_SIZE], unsigned timeout_ms, bool wild)
{
    const struct script *script;

    do {
        uint64_t drawn = chance(total_weight());
        for (script = scripts; drawn >= script->weight; script++)
            drawn -= script->weight;
    } while (!wild && script->outcome != SUCCEEDS);
    snprintf(text, SCRIPT_TEXT_SIZE, "%s %u", script->name, script->draw(timeout_ms));
}

static const struct script *find(const char *text, unsigned *number)
{
    char name[SCRIPT_TEXT_SIZE];

    if (sscanf(text, "%63s %u", name, number) == 2)
        for (size_t i = 0; i < SCRIPTS; i++)
            if (strcmp(scripts[i].name, name) == 0)
                return &scripts[i];
    fprintf(stderr, "soak: there is no script \"%s\"\n", text);
    abort();
}

bool script_may_succeed(const char *text)
{
    unsigned number;

    return find(text, &number)->outcome != FAILS;
}

int script_run(const char *text)
{
    unsigned number;
    const struct script *script = find(text, &number);

    return script->run(number);
}

void script_run_program(unsigned traits)
{
    if (traits & PROGRAM_LEAVES_DAEMON)
        leave_daemon(0);
    if (traits & PROGRAM_IS_DEAF)
        be_deaf();
    stay();
}
