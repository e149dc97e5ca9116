#include "common/place/lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file_system.h"
#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/place/directory.h"
#include "common/place/lease_page.h"

static int write_page(int fd, const char *path, struct error *err)
{
    struct consul_leader_lease_page page = {
        .magic = CONSUL_LEADER_LEASE_MAGIC,
        .version = CONSUL_LEADER_LEASE_VERSION,
        .size = sizeof page,
    };

    if (consul_leader_lease_own_clock(&page.clock) < 0)
        return error_errno(err, "cannot tell which boot and time namespace this is");
    if (write(fd, &page, sizeof page) != (ssize_t)sizeof page || fchmod(fd, 0644) < 0)
        return error_errno(err, "cannot write %s", path);
    return 0;
}

/* Written before it is mapped: where there is no room this fails, and not a store. */
static int make_page(struct lease_file *file, struct error *err)
{
    AUTO_CLOSE int fd = mkostemp(file->hidden, O_CLOEXEC);

    if (fd < 0)
        return error_errno(err, "cannot make %s", file->hidden);
    if (write_page(fd, file->hidden, err) < 0)
        return -1;
    void *memory = mmap(NULL, sizeof *file->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return error_errno(err, "cannot map %s", file->hidden);
    file->page = memory;
    return 0;
}

/* Of this process among all of the machine: another with our pid may live in another pid namespace.
 */
static void name_of_process(char *name, size_t size)
{
    struct stat status = { .st_ino = 0 };

    stat("/proc/self/ns/pid", &status);
    snprintf(name, size, "process-%d-%llx", (int)getpid(), (unsigned long long)status.st_ino);
}

struct making {
    struct lease_file *file;
    const struct place *place;
};

static int make_in(void *context, const char *directory, struct error *err)
{
    const struct making *making = context;
    struct lease_file *file = making->file;
    char parent[PATH_MAX], folder[PATH_MAX], name[PLACE_NAME_SIZE];

    *file = (struct lease_file){ .has_own_folder = making->place->lock_fd < 0 };
    if (directory_open(parent, directory, "", err) < 0)
        return -1;
    if (file->has_own_folder)
        name_of_process(name, sizeof name);
    else
        place_name_beside(making->place, parent, name);
    if (!file_system_is_memory(parent))
        return error_set(err, "%s is not in memory (tmpfs)", parent);
    if (directory_open(folder, parent, name, err) < 0)
        return -1;
    snprintf(file->path, sizeof file->path, "%s/lease", folder);
    snprintf(file->hidden, sizeof file->hidden, "%s.XXXXXX", file->path);
    if (make_page(file, err) == 0)
        return 0;
    lease_file_remove(file);
    return -1;
}

int lease_file_make(struct lease_file *file, const struct settings *settings,
                    const struct place *place, struct error *err)
{
    struct making making = { .file = file, .place = place };

    if (directory_find(settings, make_in, &making, err) == 0)
        return 0;
    *file = (struct lease_file){ .page = NULL };
    return -1;
}

/* Nobody who had the place before us may write it any more, but who was started by them may still
 * read it.
 */
static void clear_page_of_predecessor(const char *path)
{
    const uint64_t no_deadline = 0;
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && pwrite(fd, &no_deadline, sizeof no_deadline,
                          offsetof(struct consul_leader_lease_page, deadline)) < 0)
        log_warn("the predecessor's lease page runs out, since it cannot be cleared path=%s "
                 "reason=\"%s\"",
                 path, strerror(errno));
}

void lease_file_show(struct lease_file *file)
{
    if (!file->page)
        return;
    clear_page_of_predecessor(file->path);
    if (rename(file->hidden, file->path) == 0)
        file->hidden[0] = '\0';
    else
        log_warn("the lease page cannot be shown path=%s reason=\"%s\"", file->path,
                 strerror(errno));
}

void lease_file_remove(struct lease_file *file)
{
    lease_page_remove(file->hidden[0] ? file->hidden : file->path, file->has_own_folder);
}
