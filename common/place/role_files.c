#include "common/place/role_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/scope.h"

static bool write_text(const char *path, const char *text)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void show_role(const char *path, bool leader)
{
    char next[PATH_MAX + 8];

    snprintf(next, sizeof next, "%s.next", path);
    if (!write_text(next, leader ? "leader\n" : "follower\n") || rename(next, path) < 0)
        log_warn("cannot write the role file path=%s reason=\"%s\"", path, strerror(errno));
}

static void show_leader(const char *path, bool leader)
{
    if (leader ? !write_text(path, "") : unlink(path) < 0 && errno != ENOENT)
        log_warn("cannot %s the leader file path=%s reason=\"%s\"", leader ? "make" : "remove",
                 path, strerror(errno));
}

void role_files_show(const struct settings *settings, bool leader)
{
    if (settings->role_file[0] != '\0')
        show_role(settings->role_file, leader);
    if (settings->leader_file[0] != '\0')
        show_leader(settings->leader_file, leader);
}
