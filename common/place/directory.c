#include "common/place/directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* With that mode whatever our umask: who runs as another user goes through it. */
static int make(const char *path)
{
    if (mkdir(path, 0711) < 0)
        return errno == EEXIST ? 0 : -1;
    return chmod(path, 0711);
}

int directory_open(char *path, const char *parent, const char *name, struct error *err)
{
    struct stat status;

    if (snprintf(path, PATH_MAX, "%s%s%s", parent, name[0] ? "/" : "", name) >= PATH_MAX)
        return error_set(err, "the path %s/%s is too long", parent, name);
    if (make(path) < 0)
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

int directory_find(const struct settings *settings, directory_use *use, void *context,
                   struct error *err)
{
    char of_session[PATH_MAX], of_user[PATH_MAX], name[64];
    const char *session = getenv("XDG_RUNTIME_DIR");

    if (settings->runtime_dir[0])
        return use(context, settings->runtime_dir, err);

    snprintf(of_session, sizeof of_session, "%s/consul-leader", session ? session : "");
    const char *candidates[] = { getenv("RUNTIME_DIRECTORY"), "/run/consul-leader",
                                 session ? of_session : NULL };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (candidates[i] && use(context, candidates[i], err) == 0)
            return 0;

    /* Anybody may have made that one. */
    snprintf(name, sizeof name, "consul-leader-%u", geteuid());
    if (directory_open(of_user, "/dev/shm", name, err) < 0)
        return -1;
    return use(context, of_user, err);
}
