#include "common/place/record.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/process/cgroup.h"
#include "common/process/cgroup_folder.h"

#define FORMAT "1"
#define LAST   "end"

/* --- Processes. --- */

struct look {
    char state;
    long threads;
    unsigned long long start_time;
};

/* proc(5): the name is in parentheses and may hold any character; state is the third field, the
 * number of threads the 20th, the start time the 22nd.
 */
static bool look_at(pid_t pid, struct look *look)
{
    char path[64], text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file))
        return false;
    const char *after_name = strrchr(text, ')');
    return after_name &&
           sscanf(
               after_name + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
               &look->state, &look->threads, &look->start_time) == 3;
}

struct recorded_process record_process(pid_t pid)
{
    struct look look = { .start_time = 0 };

    look_at(pid, &look);
    return (struct recorded_process){ .pid = pid, .start_time = look.start_time };
}

bool recorded_process_lives(const struct recorded_process *process)
{
    struct look look;

    if (process->pid <= 0)
        return false;
    if (!look_at(process->pid, &look)) /* gone, or hidden from us */
        return kill(process->pid, 0) == 0 || errno == EPERM;
    bool has_ended = strchr("ZX", look.state) && look.threads <= 1; /* else only its first thread */
    return look.start_time == process->start_time && !has_ended;
}

/* --- This run. --- */

static void read_line(char *text, size_t size, const char *path)
{
    AUTO_FCLOSE FILE *file = fopen(path, "re");

    if (!file || !fgets(text, (int)size, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static void read_link(char *text, size_t size, const char *path)
{
    ssize_t length = readlink(path, text, size - 1);

    text[length > 0 ? length : 0] = '\0';
}

/* Of the groups that we are in one that tells us from others: not the root of a hierarchy, where
 * there is another. Version 2 comes last in that file, and counts most.
 */
static void read_cgroup(char group[PATH_MAX])
{
    char line[PATH_MAX], folder[PATH_MAX];
    AUTO_FCLOSE FILE *file = fopen("/proc/self/cgroup", "re");

    group[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        bool is_root = line[strlen(line) - 1] == '/';
        if (group[0] == '\0' || (!is_root && cgroup_folder_find(line, folder)))
            strcpy(group, line);
    }
}

void record_describe(struct record *record, const struct settings *settings)
{
    _Static_assert(sizeof record->format >= sizeof FORMAT, "it fits");
    _Static_assert(sizeof record->key == sizeof settings->key, "it fits");
    strcpy(record->format, FORMAT);
    snprintf(record->key, sizeof record->key, "%s", settings->key);
    read_line(record->boot, sizeof record->boot, "/proc/sys/kernel/random/boot_id");
    read_link(record->pid_namespace, sizeof record->pid_namespace, "/proc/self/ns/pid");
    read_link(record->cgroup_namespace, sizeof record->cgroup_namespace, "/proc/self/ns/cgroup");
    read_cgroup(record->cgroup);
    snprintf(record->program_cgroup, sizeof record->program_cgroup, "%s", cgroup_path());
    record->supervisor = record_process(getpid());
}

/* --- The lines. --- */

enum kind { KIND_TEXT, KIND_FLAG, KIND_PROCESS };

static const struct line {
    const char *name;
    enum kind kind;
    size_t offset;
    size_t size;
} lines[] = {
#define LINE(name, kind, member)                                                                   \
    {                                                                                              \
        name, kind, offsetof(struct record, member), sizeof((struct record *)0)->member            \
    }
    LINE("format", KIND_TEXT, format),
    LINE("key", KIND_TEXT, key),
    LINE("session", KIND_TEXT, session.text),
    LINE("former-session", KIND_TEXT, former[0].text),
    LINE("earlier-session", KIND_TEXT, former[1].text),
    LINE("promoted", KIND_FLAG, promoted),
    LINE("boot", KIND_TEXT, boot),
    LINE("pid-namespace", KIND_TEXT, pid_namespace),
    LINE("cgroup-namespace", KIND_TEXT, cgroup_namespace),
    LINE("cgroup", KIND_TEXT, cgroup),
    LINE("program-cgroup", KIND_TEXT, program_cgroup),
    LINE("supervisor", KIND_PROCESS, supervisor),
    LINE("keeper", KIND_PROCESS, keeper),
    LINE("network", KIND_PROCESS, network),
    LINE("program", KIND_PROCESS, program),
#undef LINE
};

#define LINES (sizeof lines / sizeof lines[0])

_Static_assert(RECORD_FORMER_MAX == 2, "each former session has a line");

static void record_path(const struct place *place, char path[PATH_MAX + 8])
{
    snprintf(path, PATH_MAX + 8, "%s/record", place->folder);
}

/* --- Reading. --- */

static bool take_value(const struct line *line, struct record *record, const char *value)
{
    void *member = (char *)record + line->offset;
    struct recorded_process *process = member;
    int end = -1;

    switch (line->kind) {
    case KIND_TEXT:
        return snprintf(member, line->size, "%s", value) < (int)line->size;
    case KIND_FLAG:
        *(bool *)member = strcmp(value, "yes") == 0;
        return *(bool *)member || strcmp(value, "no") == 0;
    case KIND_PROCESS:
        sscanf(value, "%d %llu%n", &process->pid, &process->start_time, &end);
        return end >= 0 && value[end] == '\0';
    }
    return false;
}

static bool take_line(char *text, struct record *record, unsigned *taken)
{
    char *value = strchr(text, ' ');
    char *end = strchr(text, '\n');

    if (!value || !end)
        return false;
    *value++ = *end = '\0';
    for (size_t i = 0; i < LINES; i++)
        if (strcmp(lines[i].name, text) == 0) {
            *taken |= 1u << i;
            return take_value(&lines[i], record, value);
        }
    return false;
}

/* All of the lines, each right, and the last. */
static bool take_lines(FILE *file, struct record *record)
{
    char text[PATH_MAX + 64];
    unsigned taken = 0;
    bool whole = true;

    while (fgets(text, sizeof text, file)) {
        if (strcmp(text, LAST "\n") == 0)
            return whole && taken == (1u << LINES) - 1;
        whole = take_line(text, record, &taken) && whole;
    }
    return false;
}

int record_read(const struct place *place, struct record *record, struct error *err)
{
    char path[PATH_MAX + 8];

    memset(record, 0, sizeof *record);
    if (place->lock_fd < 0)
        return 0;
    record_path(place, path);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? 0 : error_errno(err, "its record cannot be read");
    if (!take_lines(file, record))
        return error_set(err, "its record is damaged");
    if (strcmp(record->format, FORMAT) != 0)
        return error_set(err, "its record is of format %s", record->format);
    return 1;
}

void record_holder(const struct place *place, char *text, size_t size)
{
    struct record record;
    struct error ignored;

    record_read(place, &record, &ignored);
    if (record.supervisor.pid > 0)
        snprintf(text, size, "pid %d", (int)record.supervisor.pid);
    else
        snprintf(text, size, "a process that has left no record yet");
}

/* --- Writing. --- */

static void write_line(FILE *file, const struct line *line, const struct record *record)
{
    const void *member = (const char *)record + line->offset;
    const struct recorded_process *process = member;

    switch (line->kind) {
    case KIND_TEXT:
        fprintf(file, "%s %s\n", line->name, (const char *)member);
        break;
    case KIND_FLAG:
        fprintf(file, "%s %s\n", line->name, *(const bool *)member ? "yes" : "no");
        break;
    case KIND_PROCESS:
        fprintf(file, "%s %d %llu\n", line->name, (int)process->pid, process->start_time);
        break;
    }
}

static bool write_lines(FILE *file, const struct record *record)
{
    for (size_t i = 0; i < LINES; i++)
        write_line(file, &lines[i], record);
    fputs(LAST "\n", file);
    return fflush(file) == 0 && !ferror(file);
}

void record_write(const struct place *place, const struct record *record)
{
    char path[PATH_MAX + 8], next[PATH_MAX + 16];

    if (place->lock_fd < 0)
        return;
    record_path(place, path);
    snprintf(next, sizeof next, "%s.next", path);
    AUTO_FCLOSE FILE *file = fopen(next, "we");
    if (file && write_lines(file, record) && rename(next, path) == 0)
        return;
    log_warn("cannot write the record path=%s reason=\"%s\"", path, strerror(errno));
    unlink(path); /* what it says is not so any more: that we do not lead, perhaps */
}

void record_remove(const struct place *place)
{
    char path[PATH_MAX + 8];

    if (place->lock_fd < 0)
        return;
    record_path(place, path);
    unlink(path);
}
