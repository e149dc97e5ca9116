/* system.c - the system calls of the shipped code, answered by the simulated machine of the process
 * whose turn it is. `symbols` names those that are renamed in the shipped objects; the others
 * (child.h, sweep.h, place.h, record.h, remains.h, lease_file.h, log.h) are declared in the headers
 * of the parts that are replaced.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "common/base/log.h"
#include "common/place/lease_file.h"
#include "common/place/place.h"
#include "common/place/remains.h"
#include "common/process/ack.h"
#include "common/process/child.h"
#include "common/process/inherited.h"
#include "common/process/output.h"
#include "common/process/sweep.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/channel.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/ours.h"
#include "tests/simulation/program.h"
#include "tests/simulation/reader.h"
#include "tests/simulation/story.h"

#define FIRST_GATE     200000
#define REPORT_OFFSET  100000
#define READY_AFTER    MILLISECONDS(7)
#define SIMULATED_1970 1700000000

int simulated_clock_gettime(clockid_t clock, struct timespec *now);
int simulated_kill(pid_t pid, int number);
int simulated_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
pid_t simulated_waitpid(pid_t pid, int *status, int options);
int simulated_close(int fd);
ssize_t simulated_read(int fd, void *buffer, size_t size);
FILE *simulated_fopen(const char *path, const char *mode);
pid_t simulated_getpid(void);
pid_t simulated_getppid(void);
int simulated_gethostname(char *name, size_t size);
long simulated_random(void);
void simulated_srandom(unsigned seed);
time_t simulated_time(time_t *now);
void simulated__exit(int status);
void simulated_abort(void);
void simulated_assert_fail(const char *claim, const char *file, unsigned line,
                           const char *function);

/* --- Time, chance and names. --- */

int simulated_clock_gettime(clockid_t clock, struct timespec *now)
{
    local_ns local = host_clock(process_current->host);

    now->tv_sec = (time_t)(local / SECONDS(1)) + (clock == CLOCK_REALTIME ? SIMULATED_1970 : 0);
    now->tv_nsec = (long)(local % SECONDS(1));
    return 0;
}

time_t simulated_time(time_t *now)
{
    struct timespec present;

    simulated_clock_gettime(CLOCK_REALTIME, &present);
    if (now)
        *now = present.tv_sec;
    return present.tv_sec;
}

long simulated_random(void)
{
    return (long)chance(1u << 30);
}

void simulated_srandom(unsigned seed)
{
    (void)seed;
}

/* Before the world begins the settings are read, by nobody who is PID 1 of a container. */
pid_t simulated_getpid(void)
{
    return process_current ? process_current->pid : 2;
}

pid_t simulated_getppid(void)
{
    return process_current->parent ? process_current->parent->pid : 1;
}

int simulated_gethostname(char *name, size_t size)
{
    snprintf(name, size, "%s", process_current->host->node);
    return 0;
}

/* What proc(5) shows of the signals that a program handles: none before it has come so far. */
FILE *simulated_fopen(const char *path, const char *mode)
{
    static char nothing[] = "SigBlk:\t0000000000000000\nSigCgt:\t0000000000000000\n";
    static char all[] = "SigBlk:\t0000000000000000\nSigCgt:\tffffffffffffffff\n";
    const struct process *process = NULL;
    int pid;

    if (sscanf(path, "/proc/%d/status", &pid) == 1)
        process = process_find(pid);
    if (!process) {
        errno = ENOENT;
        return NULL;
    }
    bool ready = process->execed && world.now > process->execed_at + READY_AFTER;
    return fmemopen(ready ? all : nothing, sizeof all - 1, mode);
}

void simulated__exit(int status)
{
    process_exit_within_turn(status);
}

void simulated_abort(void)
{
    judge_aborts(process_current, "abort()");
    process_exit_within_turn(128 + SIGABRT);
}

void simulated_assert_fail(const char *claim, const char *file, unsigned line, const char *function)
{
    (void)file, (void)line, (void)function;
    judge_aborts(process_current, claim);
    process_exit_within_turn(128 + SIGABRT);
}

/* --- Processes. --- */

struct group_signal {
    pid_t group;
    int number;
};

static void signal_member(struct process *process, void *context)
{
    const struct group_signal *signal = context;

    if (process->group == signal->group)
        process_signal(process, signal->number);
}

int simulated_kill(pid_t pid, int number)
{
    struct process *process = process_find(pid);

    process_enters_kernel();
    assert(pid < 0 || (process && (process->alive || process->zombie)));
    if (process && process->kind == PROCESS_SUPERVISOR && process->instance->slot->pid_1)
        return 0; /* the kernel spares it: the sender is inside */
    if (pid < 0)
        processes_each(signal_member, &(struct group_signal){ .group = -pid, .number = number });
    else if (process) {
        if (process_current->kind == PROCESS_SUPERVISOR && number == SIGKILL)
            judge_kills(process);
        process_signal(process, number);
    }
    return 0;
}

/* As keeper/ uses it: for any dead child, which stays, or for what became of one child that lives.
 */
int simulated_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct process *dead = process_dead_child(process_current);

    (void)type;
    if (options & WSTOPPED) {
        struct process *process = process_find((pid_t)id);
        info->si_pid = process->stop_unseen ? (pid_t)id : 0;
        info->si_code = process->sigstopped ? CLD_STOPPED : CLD_CONTINUED;
        info->si_status = process->sigstopped ? SIGSTOP : SIGCONT;
        process->stop_unseen = false;
        return 0;
    }
    if (!process_has_children(process_current)) {
        errno = ECHILD;
        return -1;
    }
    info->si_pid = dead ? dead->pid : 0;
    if (dead) {
        info->si_code = WIFEXITED(dead->wait_status) ? CLD_EXITED : CLD_KILLED;
        info->si_status = WIFEXITED(dead->wait_status) ? WEXITSTATUS(dead->wait_status)
                                                       : WTERMSIG(dead->wait_status);
    }
    return 0;
}

pid_t simulated_waitpid(pid_t pid, int *status, int options)
{
    struct process *dead = pid > 0 ? process_find(pid) : process_dead_child(process_current);

    (void)options;
    if (!process_has_children(process_current)) {
        errno = ECHILD;
        return -1;
    }
    if (!dead || !dead->zombie)
        return 0;
    if (status)
        *status = dead->wait_status;
    process_reap(dead);
    return dead->pid;
}

/* What these programs have started heeds nothing but SIGKILL. */
void sweep_signal(int number, pid_t spared)
{
    (void)number, (void)spared;
}

void inherited_close(void)
{
}

/* These hooks print nothing. */
int output_open(struct output *output, const char *name, bool held, int *writer, struct error *err)
{
    (void)name, (void)held, (void)writer, (void)err;
    *output = OUTPUT_NONE;
    return 0;
}

void output_take(struct output *output)
{
    (void)output;
}

void output_close(struct output *output, bool told)
{
    (void)output, (void)told;
}

unsigned sweep(pid_t spared)
{
    if (process_current->kind == PROCESS_SUPERVISOR)
        judge_demotes(process_current);
    process_kill_cgroup(process_current->instance);
    return process_sweep(process_current, spared);
}

void sweep_done(void)
{
}

/* --- Descriptors: channels, a supervisor's signals. --- */

int simulated_close(int fd)
{
    channel_close(fd);
    return 0;
}

ssize_t simulated_read(int fd, void *buffer, size_t size)
{
    struct process *process = process_current;
    struct signalfd_siginfo *info = buffer;

    (void)fd;
    if (size != sizeof *info || process->signals == 0) {
        errno = EAGAIN;
        return -1;
    }
    memset(info, 0, sizeof *info);
    info->ssi_signo = (uint32_t)ffsll((long long)process->signals);
    process->signals &= process->signals - 1;
    return (ssize_t)size;
}

/* --- Children: common/process/child.h. --- */

int child_spawn(struct child *child, const struct child_spec *spec, struct error *err)
{
    if (process_current->host->full) {
        instance_cannot_fork(process_current->instance, spec);
        return error_set(err, "cannot fork: no memory");
    }
    *child = (struct child){ .pid = program_forked(spec)->pid };
    child->gate = FIRST_GATE + child->pid;
    child->report = child->gate + REPORT_OFFSET;
    process_enters_kernel(); /* not before: the environment is one static buffer for all keepers */
    return 0;
}

void child_go(struct child *child)
{
    process_enters_kernel();
    program_goes(process_find(child->pid));
    child->gate = -1;
}

void child_signal(const struct child *child, int number)
{
    simulated_kill(-child->pid, number);
}

void child_cancel(struct child *child)
{
    struct process *process = process_find(child->pid);

    if (child->gate >= 0 && process && process->gated)
        process_exit(process, 0);
    child->gate = -1;
}

enum child_exec child_exec_result(struct child *child, const char *name, int *status,
                                  struct error *err)
{
    const struct process *process = process_find(child->pid);

    if (process->alive && !process->execed)
        return EXEC_PENDING;
    child->report = -1;
    if (!process->exec_failed)
        return EXEC_DONE;
    *status = EXIT_STATUS_NOT_FOUND;
    error_set(err, "cannot run %s", name);
    return EXEC_FAILED;
}

void child_forget(struct child *child)
{
    *child = CHILD_NONE;
}

/* --- The program's word: common/process/ack.h. --- */

void ack_discard(struct ack *ack)
{
    ack_has_come(ack);
}

bool ack_has_come(struct ack *ack)
{
    struct process *program = instance_program(process_current->instance);
    bool come = program && program->acknowledged;

    (void)ack;
    if (program)
        program->acknowledged = false;
    return come;
}

/* --- The place's folder: common/place/place.h. --- */

static void holds_place(struct process *process, void *context)
{
    bool ours = process->kind == PROCESS_SUPERVISOR || process->kind == PROCESS_KEEPER ||
                process->kind == PROCESS_NETWORK;

    if (ours && process->alive && process->instance != process_current->instance &&
        process->instance->slot == process_current->instance->slot)
        *(bool *)context = true;
}

bool place_lock(struct place *place)
{
    bool held = false;

    if (place->lock_fd >= 0)
        processes_each(holds_place, &held);
    return !held;
}

/* --- The record: common/place/record.h. --- */

void record_describe(struct record *record, const struct settings *settings)
{
    (void)settings;
    snprintf(record->boot, sizeof record->boot, "%u", process_current->host->crashes);
    record->supervisor = record_process(process_current->pid);
}

struct recorded_process record_process(pid_t pid)
{
    return (struct recorded_process){ .pid = pid };
}

/* In the order of its lines. */
static void cut_record(struct record *record, unsigned kept)
{
    const struct {
        void *start;
        size_t size;
    } parts[RECORD_PARTS] = {
        { &record->session, sizeof record->session },
        { &record->former[0], sizeof record->former[0] },
        { &record->former[1], sizeof record->former[1] },
        { &record->promoted, sizeof record->promoted },
        { &record->boot, sizeof record->boot },
        { &record->supervisor, sizeof record->supervisor },
        { &record->keeper, sizeof record->keeper },
    };

    for (unsigned i = kept; i < RECORD_PARTS; i++)
        memset(parts[i].start, 0, parts[i].size);
}

int record_read(const struct place *place, struct record *record, struct error *err)
{
    const struct slot *slot = process_current->instance->slot;
    bool exists = place->lock_fd >= 0 && slot->has_record;

    *record = exists ? slot->record : (struct record){ .promoted = false };
    if (!exists || slot->record_kept == RECORD_PARTS)
        return exists;
    cut_record(record, slot->record_kept);
    return error_set(err, "its record is damaged");
}

void record_holder(const struct place *place, char *text, size_t size)
{
    (void)place;
    snprintf(text, size, "its predecessor");
}

void record_write(const struct place *place, const struct record *record)
{
    struct slot *slot = process_current->instance->slot;

    process_enters_kernel();
    if (place->lock_fd < 0)
        return;
    slot->record = *record;
    slot->has_record = !process_current->host->disk_full;
    process_current->instance->has_no_record = !slot->has_record;
    slot->record_kept = RECORD_PARTS;
}

/* --- What a dead run has left: common/place/remains.h. --- */

struct remains {
    const struct instance *instance;
    bool ours;    /* one of the three lives */
    bool program; /* its program does */
    bool others;  /* hooks, descendants */
};

static void look_at_remains(struct process *process, void *context)
{
    struct remains *remains = context;

    if (process->instance != remains->instance || !process->alive)
        return;
    remains->ours |= process->turn != NULL;
    remains->program |= process->kind == PROCESS_PROGRAM;
    remains->others |= process->kind == PROCESS_HOOK || process->kind == PROCESS_DESCENDANT;
}

static struct remains remains_of(const struct record *left)
{
    struct remains remains = { .instance = process_find(left->supervisor.pid)->instance };

    processes_each(look_at_remains, &remains);
    return remains;
}

bool remains_end(const struct record *left, const struct record *own)
{
    const struct instance *instance = process_find(left->supervisor.pid)->instance;

    (void)own;
    process_enters_kernel();
    process_kill_cgroup(instance);
    struct remains remains = remains_of(left);
    return !instance->slot->has_cgroup || (!remains.program && !remains.others);
}

/* As on a machine where the pids and a control group tell all; after a crash nothing does. */
enum death remains_prove_death(const struct record *left, const struct record *own,
                               struct error *why)
{
    struct remains remains = remains_of(left);

    error_set(why, "it is not known to be dead");
    if (strcmp(left->boot, own->boot) != 0)
        return DEATH_UNPROVED;
    if (remains.ours || remains.program)
        return DEATH_PENDING;
    return remains.others ? DEATH_UNPROVED : DEATH_PROVED;
}

/* --- The lease page's file: common/place/lease_file.h. --- */

void lease_file_show(struct lease_file *file)
{
    struct instance *instance = process_current->instance;
    struct slot *slot = instance->slot;

    (void)file;
    if (!slot->named)
        return;
    if (slot->shown) {
        slot->shown->page->deadline = 0;
        reader_looks(slot->shown);
    }
    slot->shown = instance;
}

/* --- The log: what an operator would read. --- */

void log_line(enum log_level level, const char *format, ...)
{
    va_list arguments;

    if (process_current && process_current->instance->slot->relays && level >= LOG_INFO)
        ours_relay_line("a line\n", 7);
    if (!story_is_told() || level < LOG_INFO || !process_current)
        return;
    va_start(arguments, format);
    story_log(process_current, format, arguments);
    va_end(arguments);
}

void log_write_line(const char *line, size_t length)
{
    (void)line, (void)length;
}
