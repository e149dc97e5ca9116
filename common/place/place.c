#include "common/place/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file_system.h"
#include "common/place/directory.h"

/* FNV-1a: a folder's name out of words that may hold any character. */
static uint64_t hash(uint64_t state, const char *text)
{
    for (; *text; text++)
        state = (state ^ (unsigned char)*text) * 1099511628211u;
    return (state ^ 0xff) * 1099511628211u;
}

/* The same for the same store, key and instance. */
static void place_name(const struct settings *settings, char name[PLACE_NAME_SIZE])
{
    uint64_t state = 14695981039346656037u;

    state = hash(state, settings->store == STORE_FILE ? "file" : "consul");
    state = hash(state, settings->key);
    state = hash(state, settings->instance);
    snprintf(name, PLACE_NAME_SIZE, "place-%016" PRIx64, state);
}

void place_name_beside(const struct place *place, const char *directory, char name[PLACE_NAME_SIZE])
{
    const char *own = strrchr(place->folder, '/') + 1;
    size_t length = (size_t)(own - place->folder) - 1;
    struct stat lock = { .st_ino = 0 };

    if (strlen(directory) == length && strncmp(directory, place->folder, length) == 0) {
        snprintf(name, PLACE_NAME_SIZE, "%s", own);
        return;
    }
    fstat(place->lock_fd, &lock);
    snprintf(name, PLACE_NAME_SIZE, "%.30s-%llx-%llx", own, (unsigned long long)lock.st_dev,
             (unsigned long long)lock.st_ino);
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
