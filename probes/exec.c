#include "probes/exec.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/words.h"

#define TERM_GRACE MILLISECONDS(500)

/* Of what it printed the last so many bytes are kept; so much is read at once. */
#define SAID_SIZE  256
#define READ_SIZE  4096
#define READS_MOST 16

struct run {
    struct child child;
    int output;          /* where it prints; -1: it has closed that */
    instant_ns kill_due; /* SIGKILL then; 0: nobody waits for its end */
    char said[SAID_SIZE];
    size_t length;
};

/* --- What it prints. --- */

static void keep_end(struct run *run, const char *text, size_t length)
{
    size_t most = sizeof run->said - 1;

    if (length > most) {
        text += length - most;
        length = most;
    }
    if (run->length + length > most) {
        size_t dropped = run->length + length - most;
        memmove(run->said, run->said + dropped, run->length - dropped);
        run->length -= dropped;
    }
    memcpy(run->said + run->length, text, length);
    run->length += length;
    run->said[run->length] = '\0';
}

/* As part of a line of the log, between quotes, and of JSON, whatever it is. */
static void flatten(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (isspace((unsigned char)text[i]))
            text[i] = ' ';
        else if (text[i] == '"')
            text[i] = '\'';
        else if (!isprint((unsigned char)text[i]))
            text[i] = '?';
    }
}

static void read_output(struct probe *probe)
{
    struct run *run = probe->run;
    char text[READ_SIZE];
    ssize_t length = 1;

    for (int i = 0; run->output >= 0 && length > 0 && i < READS_MOST; i++) {
        length = read(run->output, text, sizeof text);
        if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
            close_end(&run->output);
        if (length <= 0)
            continue;
        flatten(text, (size_t)length);
        keep_end(run, text, (size_t)length);
        probe->said = run->said;
    }
}

/* --- Its life. --- */

static void finish(struct probe *probe, bool passed, const char *reason)
{
    struct run *run = probe->run;

    close_end(&run->output);
    child_forget(&run->child);
    free(run);
    probe->run = NULL;
    probe->said = NULL;
    probe_ended(probe, passed, reason);
}

static int start(struct probe *probe, struct run *run, struct error *err)
{
    const struct exec_starter *starter = probe->context;
    AUTO_FREE char **words = NULL;
    int ends[2];

    if (words_split(probe->spec.target, &words, err) < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, "cannot make a pipe");
    run->output = ends[0];
    int failed = fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (failed == 0)
        failed = starter->start(starter->context, words, ends[1], &run->child, err);
    close(ends[1]);
    return failed;
}

static void begin(struct probe *probe)
{
    struct run *run = calloc(1, sizeof *run);
    struct error err = { "" };

    assert(run);
    *run = (struct run){ .child = CHILD_NONE, .output = -1 };
    probe->run = run;
    probe->awaited = "end";
    if (start(probe, run, &err) < 0)
        finish(probe, false, err.text);
}

static void send_signal(const struct run *run, int number)
{
    assert(run->child.pid > 1);
    kill(-run->child.pid, number);
}

static void cancel(struct probe *probe)
{
    struct run *run = probe->run;

    run->kill_due = clock_now_ns() + TERM_GRACE;
    send_signal(run, SIGTERM);
    send_signal(run, SIGCONT);
}

const struct probe_kind_operations exec_probe = { .begin = begin, .cancel = cancel };

/* --- Its end. --- */

static void describe(struct run *run, int wait_status, struct error *reason)
{
    char how[64];

    if (WIFSIGNALED(wait_status))
        snprintf(how, sizeof how, "it was ended by signal %d", WTERMSIG(wait_status));
    else
        snprintf(how, sizeof how, "it exited with status %d", WEXITSTATUS(wait_status));
    while (run->length > 0 && run->said[run->length - 1] == ' ')
        run->said[--run->length] = '\0';
    error_set(reason, "%s%s%s", how, run->length > 0 ? ": " : "", run->said);
}

struct death {
    pid_t pid;
    int wait_status;
    bool is_ours;
};

static void take_death(struct probe *probe, void *context)
{
    struct death *death = context;
    struct run *run = probe->run;
    struct error reason;
    int status;

    if (!run || run->child.pid != death->pid)
        return;
    death->is_ours = true;
    send_signal(run, SIGKILL); /* what its group still holds: its name is ours until now */
    read_output(probe);
    if (child_exec_result(&run->child, probe->name, &status, &reason) == EXEC_FAILED) {
        finish(probe, false, reason.text);
        return;
    }
    describe(run, death->wait_status, &reason);
    finish(probe, death->wait_status == 0, reason.text);
}

bool exec_reaped(struct runner *runner, pid_t pid, int wait_status)
{
    struct death death = { .pid = pid, .wait_status = wait_status };

    runner_each(runner, take_death, &death);
    return death.is_ours;
}

/* --- Time. --- */

static void take_turn(struct probe *probe, void *context)
{
    struct run *run = probe->run;
    const instant_ns *now = context;

    if (!run)
        return;
    read_output(probe);
    if (run->kill_due != 0 && *now >= run->kill_due) {
        run->kill_due = 0;
        send_signal(run, SIGKILL);
    }
}

void exec_turn(struct runner *runner, instant_ns now)
{
    runner_each(runner, take_turn, &now);
}

static void add_due(struct probe *probe, void *context)
{
    const struct run *run = probe->run;
    instant_ns *due = context;

    if (run)
        *due = clock_earlier(*due, run->kill_due);
}

instant_ns exec_next_due(struct runner *runner)
{
    instant_ns due = 0;

    runner_each(runner, add_due, &due);
    return due;
}

struct watching {
    struct pollfd *watches;
    nfds_t count;
};

static void add_watch(struct probe *probe, void *context)
{
    const struct run *run = probe->run;
    struct watching *watching = context;

    if (run && run->output >= 0)
        watching->watches[watching->count++] =
            (struct pollfd){ .fd = run->output, .events = POLLIN };
}

nfds_t exec_watch(struct runner *runner, struct pollfd watches[PROBES_MAX])
{
    struct watching watching = { .watches = watches };

    runner_each(runner, add_watch, &watching);
    return watching.count;
}
