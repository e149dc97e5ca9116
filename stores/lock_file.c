#include "stores/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file_system.h"

int lock_file_init(struct lock_file *file, const char *path, struct error *err)
{
    *file = (struct lock_file){ .path = path, .fd = -1, .watch = -1 };
    file->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return file->notify_fd < 0 ? error_errno(err, "cannot watch the lock file") : 0;
}

static int refuse_unusable(int fd, struct error *err)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return error_errno(err, "cannot look at it");
    if (!S_ISREG(status.st_mode))
        return error_set(err, "it is not a regular file");
    if (file_system_is_remote(fd))
        return error_set(err, "it is on a network file system, where a lock means nothing");
    return 0;
}

static void watch(struct lock_file *file)
{
    if (file->watch >= 0)
        inotify_rm_watch(file->notify_fd, file->watch);
    file->watch = inotify_add_watch(file->notify_fd, file->path,
                                    IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
}

int lock_file_open(struct lock_file *file, struct error *err)
{
    lock_file_close(file);
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (file->fd < 0)
        return error_errno(err, "cannot open it");
    if (refuse_unusable(file->fd, err) < 0) {
        lock_file_close(file);
        errno = 0;
        return -1;
    }
    watch(file);
    return 0;
}

void lock_file_adopt(struct lock_file *file, int fd)
{
    lock_file_close(file);
    file->fd = fd;
    watch(file);
}

void lock_file_close(struct lock_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

bool lock_file_is_in_place(const struct lock_file *file)
{
    struct stat opened, named;

    return file->fd >= 0 && fstat(file->fd, &opened) == 0 && stat(file->path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool lock_file_happened(struct lock_file *file)
{
    _Alignas(struct inotify_event) char events[4096];
    bool any = false;

    while (read(file->notify_fd, events, sizeof events) > 0)
        any = true;
    return any;
}
