#include "common/process/inherited.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define INHERITED_MAX 1024

static int inherited[INHERITED_MAX];
static unsigned count;

void inherited_note(void)
{
    DIR *directory = opendir("/proc/self/fd");

    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) && count < INHERITED_MAX;) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != dirfd(directory))
            inherited[count++] = fd;
    }
    closedir(directory);
}

void inherited_close(void)
{
    while (count > 0)
        close(inherited[--count]);
}
