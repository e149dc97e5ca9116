#include "keeper/program.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/scope.h"
#include "common/base/signals.h"
#include "common/process/terminal.h"
#include "keeper/environment.h"

int program_spawn(struct program *program, const struct program_spec *spec, struct error *err)
{
    static struct environment environment;

    assert(program->state == PROGRAM_ABSENT);
    const struct environment_extra extra = {
        .lease_path = spec->lease_path,
        .ack_fd = spec->ack_fd,
    };
    environment_build(&environment, spec->settings, spec->user, spec->situation, &extra);
    struct child_spec child = {
        .argv = spec->command,
        .environment = environment.variables,
        .user = spec->user,
        .signals = spec->signals,
        .directory = spec->directory,
        .may_set_uid = spec->settings->allow_setuid,
        .started_as = spec->started_as,
        .output_fd = -1,
        .private_fd = spec->private_fd,
        .ack_fd = spec->ack_fd,
    };
    *program = (struct program){ .child = CHILD_NONE, .terminal_group = spec->terminal_group };
    if (child_spawn(&program->child, &child, err) < 0)
        return -1;
    program->state = PROGRAM_STARTING;
    return 0;
}

void program_go(struct program *program)
{
    terminal_pass(program->terminal_group, program->child.pid);
    child_go(&program->child);
}

bool program_is_alive(const struct program *program)
{
    return program->state == PROGRAM_STARTING || program->state == PROGRAM_RUNNING;
}

void program_signal(const struct program *program, int number)
{
    if (program_is_alive(program))
        kill(program->child.pid, number);
}

/* proc(5): the masks of the process that the signal is sent to. */
bool program_is_ready_for(const struct program *program, int number)
{
    static const char *const masks[] = { "SigBlk:", "SigIgn:", "SigCgt:" };
    char path[64], line[256];
    uint64_t handled = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)program->child.pid);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    if (!file)
        return true;
    while (fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++)
            if (strncmp(line, masks[i], strlen(masks[i])) == 0)
                handled |= strtoull(line + strlen(masks[i]), NULL, 16);
    return handled & SIGNAL_BIT(number);
}

bool program_was_stopped_or_continued(struct program *program)
{
    siginfo_t info = { .si_pid = 0 };

    if (!program_is_alive(program) ||
        waitid(P_PID, (id_t)program->child.pid, &info, WSTOPPED | WCONTINUED | WNOHANG) < 0 ||
        info.si_pid == 0)
        return false;
    program->stopped_by = info.si_code == CLD_CONTINUED ? 0 : info.si_status;
    if (program->stopped_by != 0)
        terminal_pass(program->child.pid, program->terminal_group);
    return true;
}

static void signal_group(const struct program *program, int number)
{
    child_signal(&program->child, number);
}

void program_continue(const struct program *program)
{
    if (!program_is_alive(program))
        return;
    terminal_pass(program->terminal_group, program->child.pid);
    signal_group(program, SIGCONT);
}

void program_stop(struct program *program, const struct settings *settings, instant_ns until)
{
    void (*send)(const struct program *, int) =
        settings->kill_mode == KILL_GROUP ? signal_group : program_signal;

    if (!program_is_alive(program))
        return;
    if (!program->ordered) {
        program->ordered = true;
        program->stop_until = until;
        child_cancel(&program->child);
        send(program, settings->kill_signal);
        send(program, SIGCONT);
    } else if (until < program->stop_until) {
        program->stop_until = until;
    }
}

void program_kill(struct program *program)
{
    program->ordered = true;
    program->stop_until = 0;
    child_cancel(&program->child);
    program_signal(program, SIGKILL);
}

bool program_reaped(struct program *program, pid_t pid)
{
    if (!program_is_alive(program) || program->child.pid != pid)
        return false;
    terminal_pass(pid, program->terminal_group);
    child_forget(&program->child);
    program->state = PROGRAM_ENDED;
    program->stop_until = 0;
    return true;
}

bool program_is_overdue(const struct program *program, instant_ns now)
{
    return program->stop_until != 0 && now >= program->stop_until;
}

instant_ns program_next_due(const struct program *program)
{
    return program->stop_until;
}
