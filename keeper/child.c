#include "keeper/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Set by the compiler's build of the sanitizers, which report faults from their own handlers. */
#ifdef SANITIZER
#define FAULTS_STAY_UNBLOCKED true
#else
#define FAULTS_STAY_UNBLOCKED false
#endif

enum stage { STAGE_USER, STAGE_STREAMS, STAGE_EXEC };

static const char *const stage_names[] = {
    [STAGE_USER] = "cannot change the user",
    [STAGE_STREAMS] = "cannot set up its input and output",
    [STAGE_EXEC] = "cannot run it",
};

struct report {
    enum stage stage;
    int error_number;
};

/* --- The user. --- */

static bool parse_number(const char *text, uint32_t *number)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value < UINT32_MAX;
}

static int resolve_group(struct user *user, const char *name, struct error *err)
{
    uint32_t number;
    const struct group *group = getgrnam(name);

    if (!group && !parse_number(name, &number))
        return error_set(err, "there is no group \"%s\"", name);
    user->gid = group ? group->gr_gid : number;
    user->groups[0] = user->gid;
    user->group_count = 1;
    return 0;
}

int user_resolve(struct user *user, const char *text, struct error *err)
{
    char name[256];
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    uint32_t number = 0;

    memset(user, 0, sizeof *user);
    if (text[0] == '\0')
        return 0;
    if (length == 0 || length >= sizeof name)
        return error_set(err, "\"%s\" is not NAME[:GROUP]", text);
    memcpy(name, text, length);
    name[length] = '\0';

    bool numeric = parse_number(name, &number);
    const struct passwd *entry = getpwnam(name);
    if (!entry && numeric)
        entry = getpwuid(number);
    if (!entry && !numeric)
        return error_set(err, "there is no user \"%s\"", name);
    if (!entry && !colon)
        return error_set(err, "the user %s has no entry, so its group is needed: %s:GROUP", name, name);

    user->set = true;
    user->uid = entry ? entry->pw_uid : number;
    user->gid = entry ? entry->pw_gid : 0;
    strncpy(user->name, entry ? entry->pw_name : name, sizeof user->name - 1);
    strncpy(user->home, entry ? entry->pw_dir : "/", sizeof user->home - 1);
    if (colon)
        return resolve_group(user, colon + 1, err);

    user->group_count = USER_GROUPS_MAX;
    if (getgrouplist(user->name, user->gid, user->groups, &user->group_count) < 0)
        return error_set(err, "the user %s is in more than %d groups", name, USER_GROUPS_MAX);
    return 0;
}

/* --- Signals. --- */

void signal_state_take(struct signal_state *state)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
    struct sigaction action;
    sigset_t all;

    sigfillset(&all);
    for (size_t i = 0; FAULTS_STAY_UNBLOCKED && i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    sigprocmask(SIG_SETMASK, &all, &state->mask);

    sigaction(SIGCHLD, NULL, &action);
    state->child_ignored = action.sa_handler == SIG_IGN;
    signal(SIGCHLD, SIG_DFL);
}

static void signal_state_give_back(const struct signal_state *state)
{
    if (state->child_ignored)
        signal(SIGCHLD, SIG_IGN);
    sigprocmask(SIG_SETMASK, &state->mask, NULL);
}

/* --- In the child. --- */

static void fail(int report, enum stage stage)
{
    struct report failure = { .stage = stage, .error_number = errno };

    if (write(report, &failure, sizeof failure) < 0)
        _exit(EXIT_STATUS_INTERNAL);
    _exit(failure.error_number == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_CANNOT_START);
}

static void become(const struct user *user, int report)
{
    if (!user->set)
        return;
    if (setgroups((size_t)user->group_count, user->groups) < 0 ||
        setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        fail(report, STAGE_USER);
}

static void set_up_hook_streams(int report)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        fail(report, STAGE_STREAMS);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

static void wait_at_gate(int gate)
{
    char go;
    ssize_t size;

    do
        size = read(gate, &go, 1);
    while (size < 0 && errno == EINTR);
    if (size != 1)
        _exit(EXIT_SUCCESS);
}

static void run(const struct child_spec *spec, pid_t keeper, int gate, int report)
{
    if (spec->private_fd >= 0)
        close(spec->private_fd);
    setpgid(0, 0);
    wait_at_gate(gate);

    become(spec->user, report);
    if (spec->is_hook)
        set_up_hook_streams(report);
    /* After the change of user, which clears it. One net of several: see docs/design.md. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(EXIT_STATUS_INTERNAL);
    signal_state_give_back(spec->signals);
    environ = spec->environment;
    execvp(spec->argv[0], spec->argv);
    fail(report, STAGE_EXEC);
}

/* --- In the keeper. --- */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int child_spawn(struct child *child, const struct child_spec *spec, struct error *err)
{
    int gate[2], report[2];
    pid_t keeper = getpid();

    *child = CHILD_NONE;
    if (pipe2(gate, O_CLOEXEC) < 0)
        return error_errno(err, "cannot make a pipe");
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        error_errno(err, "cannot make a pipe");
        close(gate[0]);
        close(gate[1]);
        return -1;
    }

    pid_t pid = fork();
    if (pid == 0) {
        close(gate[1]);
        close(report[0]);
        run(spec, keeper, gate[0], report[1]);
    }
    close(gate[0]);
    close(report[1]);
    if (pid < 0) {
        error_errno(err, "cannot fork");
        close(gate[1]);
        close(report[0]);
        return -1;
    }
    setpgid(pid, pid); /* whoever is first: nothing may see the child in our group */
    *child = (struct child){ .pid = pid, .gate = gate[1], .report = report[0] };
    return 0;
}

void child_go(struct child *child)
{
    ssize_t written;

    do
        written = write(child->gate, "g", 1);
    while (written < 0 && errno == EINTR);
    close_end(&child->gate);
}

void child_cancel(struct child *child)
{
    close_end(&child->gate);
}

enum child_exec child_exec_result(struct child *child, const char *name, int *status,
                                  struct error *err)
{
    struct report failure;
    ssize_t size = read(child->report, &failure, sizeof failure);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return EXEC_PENDING;
    close_end(&child->report);
    if (size != (ssize_t)sizeof failure)
        return EXEC_DONE;

    *status = failure.error_number == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_CANNOT_START;
    errno = failure.error_number;
    error_errno(err, "%s: %s", name, stage_names[failure.stage]);
    return EXEC_FAILED;
}

void child_forget(struct child *child)
{
    close_end(&child->gate);
    close_end(&child->report);
    *child = CHILD_NONE;
}
