#include "supervisor/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file_system.h"
#include "base/log.h"
#include "base/scope.h"
#include "supervisor/directory.h"

/* FNV-1a: a folder's name out of words that may hold any character. */
static uint64_t hash(uint64_t state, const char *text)
{
    for (; *text; text++)
        state = (state ^ (unsigned char)*text) * 1099511628211u;
    return (state ^ 0xff) * 1099511628211u;
}

void place_name(const struct settings *settings, char name[PLACE_NAME_SIZE])
{
    uint64_t state = 14695981039346656037u;

    state = hash(state, settings->store == STORE_FILE ? "file" : "consul");
    state = hash(state, settings->key);
    state = hash(state, settings->instance);
    snprintf(name, PLACE_NAME_SIZE, "place-%016" PRIx64, state);
}

/* What a place is made of. */
struct opening {
    struct place *place;
    const struct settings *settings;
};

static int open_place_in(void *context, const char *directory, struct error *err)
{
    const struct opening *opening = context;
    struct place *place = opening->place;
    char parent[PATH_MAX], name[PLACE_NAME_SIZE], path[PATH_MAX + 8];

    place_name(opening->settings, name);
    if (directory_open(parent, directory, "", err) < 0 ||
        directory_open(place->folder, parent, name, err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/lock", place->folder);
    place->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (place->lock_fd < 0)
        return error_errno(err, "cannot open %s", path);
    if (!file_system_is_remote(place->lock_fd))
        return 0;
    close(place->lock_fd);
    place->lock_fd = -1;
    return error_set(err, "%s is on a network file system", path);
}

/* In the state directory that was asked for, else in the runtime directory. */
static int open_place(struct place *place, const struct settings *settings, struct error *err)
{
    struct opening opening = { .place = place, .settings = settings };

    if (settings->state_dir[0])
        return open_place_in(&opening, settings->state_dir, err);
    return directory_find(settings, open_place_in, &opening, err);
}

int place_open(struct place *place, const struct settings *settings, struct error *err)
{
    *place = (struct place){ .lock_fd = -1 };
    if (settings->instance[0] == '\0' || open_place(place, settings, err) == 0)
        return 0;
    *place = (struct place){ .lock_fd = -1 };
    return -1;
}

bool place_lock(struct place *place)
{
    return place->lock_fd < 0 || flock(place->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

/* --- The record: lines of `name value`. --- */

static void record_path(const struct place *place, char *path, size_t size)
{
    snprintf(path, size, "%s/record", place->folder);
}

static bool read_record(const struct place *place, const char *name, char *value, size_t size)
{
    char path[PATH_MAX + 8], line[1024];

    record_path(place, path, sizeof path);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        size_t length = strlen(name);
        if (strncmp(line, name, length) != 0 || line[length] != ' ')
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(value, size, "%s", line + length + 1);
        return true;
    }
    return false;
}

bool place_was_promoted(const struct place *place)
{
    char value[8];

    return place->lock_fd >= 0 && read_record(place, "promoted", value, sizeof value) &&
           strcmp(value, "yes") == 0;
}

void place_holder(const struct place *place, char *text, size_t size)
{
    char process[64];

    if (read_record(place, "supervisor", process, sizeof process))
        snprintf(text, size, "pid %.*s", (int)strcspn(process, " "), process);
    else
        snprintf(text, size, "a process that has left no record yet");
}

/* Pid and start time: the pid alone may be somebody else's by now. */
static void write_process(FILE *file, const char *name, pid_t pid)
{
    char path[64], text[1024];
    unsigned long long start_time = 0;

    if (pid <= 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    AUTO_FCLOSE FILE *status = fopen(path, "re");
    if (status && fgets(text, sizeof text, status)) {
        const char *after_name = strrchr(text, ')');
        if (after_name)
            sscanf(after_name + 1,
                   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
                   " %*d %*d %*d %*d %llu",
                   &start_time);
    }
    fprintf(file, "%s %d %llu\n", name, (int)pid, start_time);
}

static void write_line_of(FILE *file, const char *name, const char *path)
{
    char text[1024];
    AUTO_FCLOSE FILE *source = fopen(path, "re");

    if (source && fgets(text, sizeof text, source))
        fprintf(file, "%s %.*s\n", name, (int)strcspn(text, "\n"), text);
}

static void write_link(FILE *file, const char *name, const char *path)
{
    char text[256];
    ssize_t length = readlink(path, text, sizeof text - 1);

    if (length > 0)
        fprintf(file, "%s %.*s\n", name, (int)length, text);
}

static bool write_all(FILE *file, const struct settings *settings, const struct record *record)
{
    fprintf(file, "format 1\nkey %s\nsession %s\npromoted %s\n", settings->key,
            record->session.text, record->promoted ? "yes" : "no");
    write_line_of(file, "boot", "/proc/sys/kernel/random/boot_id");
    write_link(file, "pid-namespace", "/proc/self/ns/pid");
    write_line_of(file, "cgroup", "/proc/self/cgroup");
    write_process(file, "supervisor", getpid());
    write_process(file, "keeper", record->keeper);
    write_process(file, "network", record->network);
    write_process(file, "program", record->program);
    return fflush(file) == 0 && !ferror(file);
}

void place_write_record(const struct place *place, const struct settings *settings,
                        const struct record *record)
{
    char path[PATH_MAX + 8], next[PATH_MAX + 16];

    if (place->lock_fd < 0)
        return;
    record_path(place, path, sizeof path);
    snprintf(next, sizeof next, "%s.next", path);
    AUTO_FCLOSE FILE *file = fopen(next, "we");
    if (!file || !write_all(file, settings, record) || rename(next, path) < 0)
        log_warn("cannot write the record path=%s reason=\"%s\"", path, strerror(errno));
}

void place_remove_record(const struct place *place)
{
    char path[PATH_MAX + 8];

    if (place->lock_fd < 0)
        return;
    record_path(place, path, sizeof path);
    unlink(path);
}
