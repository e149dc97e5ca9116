#include "supervisor/directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int directory_open(char *path, const char *parent, const char *name, struct error *err)
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

int directory_find(const struct settings *settings, directory_use *use, void *context,
                   struct error *err)
{
    char of_user[PATH_MAX], of_session[PATH_MAX];
    const char *session = getenv("XDG_RUNTIME_DIR");

    if (settings->runtime_dir[0])
        return use(context, settings->runtime_dir, err);

    snprintf(of_session, sizeof of_session, "%s/consul-leader", session ? session : "");
    snprintf(of_user, sizeof of_user, "/dev/shm/consul-leader-%u", geteuid());
    const char *candidates[] = { getenv("RUNTIME_DIRECTORY"), "/run/consul-leader",
                                 session ? of_session : NULL, of_user };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (candidates[i] && use(context, candidates[i], err) == 0)
            return 0;
    return -1;
}
