#include "supervisor/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_system.h"

/* FNV-1a: a folder's name out of words that may hold any character. */
static uint64_t hash(uint64_t state, const char *text)
{
    for (; *text; text++)
        state = (state ^ (unsigned char)*text) * 1099511628211u;
    return (state ^ 0xff) * 1099511628211u;
}

static uint64_t place_hash(const struct settings *settings)
{
    uint64_t state = 14695981039346656037u;

    state = hash(state, settings->store == STORE_FILE ? "file" : "consul");
    state = hash(state, settings->key);
    return hash(state, settings->instance);
}

/* Makes it if need be. Ours alone, or refused: another user could put a lock of his there. */
static int open_folder(char *path, const char *parent, const char *name, struct error *err)
{
    struct stat status;

    if (snprintf(path, PATH_MAX, "%s%s%s", parent, name[0] ? "/" : "", name) >= PATH_MAX)
        return error_set(err, "the path %s/%s is too long", parent, name);
    if (mkdir(path, 0711) < 0 && errno != EEXIST)
        return error_errno(err, "cannot make %s", path);
    if (lstat(path, &status) < 0)
        return error_errno(err, "cannot look at %s", path);
    if (!S_ISDIR(status.st_mode))
        return error_set(err, "%s is not a directory", path);
    if (name[0] && status.st_uid != geteuid())
        return error_set(err, "%s belongs to user %u", path, status.st_uid);
    if (access(path, W_OK | X_OK) < 0)
        return error_errno(err, "cannot write in %s", path);
    return 0;
}

static int open_place_in(struct place *place, const char *directory,
                         const struct settings *settings, struct error *err)
{
    char parent[PATH_MAX], name[32], path[PATH_MAX + 8];

    snprintf(name, sizeof name, "place-%016" PRIx64, place_hash(settings));
    if (open_folder(parent, directory, "", err) < 0 ||
        open_folder(place->folder, parent, name, err) < 0)
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

/* In the directory that was asked for, else in the first that serves, in the order of the manual
 * page's --runtime-dir.
 */
static int open_place(struct place *place, const struct settings *settings, struct error *err)
{
    char of_user[PATH_MAX], of_session[PATH_MAX];
    const char *session = getenv("XDG_RUNTIME_DIR");

    if (settings->state_dir[0])
        return open_place_in(place, settings->state_dir, settings, err);
    if (settings->runtime_dir[0])
        return open_place_in(place, settings->runtime_dir, settings, err);

    snprintf(of_session, sizeof of_session, "%s/consul-leader", session ? session : "");
    snprintf(of_user, sizeof of_user, "/dev/shm/consul-leader-%u", geteuid());
    const char *candidates[] = { getenv("RUNTIME_DIRECTORY"), "/run/consul-leader",
                                 session ? of_session : NULL, of_user };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (candidates[i] && open_place_in(place, candidates[i], settings, err) == 0)
            return 0;
    return -1;
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
