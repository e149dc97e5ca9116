#include "tests/soak/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/scope.h"

static void scope_closedir(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

#define AUTO_CLOSEDIR __attribute__((cleanup(scope_closedir)))

unsigned proc_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    AUTO_CLOSEDIR DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    return pid == getpid() && count > 0 ? count - 1 : count; /* the directory is one */
}

int proc_memory_kib(pid_t pid)
{
    char path[64], line[256];
    int kib = -1;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    while (file && kib < 0 && fgets(line, sizeof line, file))
        sscanf(line, "RssAnon: %d", &kib);
    return kib;
}

/* The name stands in parentheses and may hold any. */
static bool read_kin(const char *pid_text, struct kin *kin, pid_t *parent)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%.20s/stat", pid_text);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size <= 0)
        return false;
    text[size] = '\0';
    char *name = strchr(text, '('), *end = strrchr(text, ')');
    if (!name || !end || sscanf(end + 1, " %c %d", &kin->state, parent) != 2)
        return false;
    *end = '\0';
    snprintf(kin->name, sizeof kin->name, "%s", name + 1);
    kin->pid = (pid_t)strtol(text, NULL, 10);
    return true;
}

size_t proc_children(pid_t parent, struct kin *children, size_t most)
{
    AUTO_CLOSEDIR DIR *directory = opendir("/proc");
    struct kin kin;
    pid_t of;
    size_t count = 0;

    for (struct dirent *entry; directory && count < most && (entry = readdir(directory));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            read_kin(entry->d_name, &kin, &of) && of == parent)
            children[count++] = kin;
    return count;
}
