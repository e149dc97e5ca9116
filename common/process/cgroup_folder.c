#include "common/process/cgroup_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/scope.h"

/* --- Where it stands. --- */

/* Among the options of a mount's hierarchy, which end its line: `rw,cpu,cpuacct`. */
static bool is_option(const char *line, const char *controllers)
{
    size_t length = strcspn(controllers, ",");
    const char *options = strrchr(line, ' ');

    for (const char *option = options; option && *option; option += strcspn(option, ",\n")) {
        option++;
        if (strncmp(option, controllers, length) == 0 && strspn(option + length, ",\n") > 0)
            return true;
    }
    return false;
}

static bool is_mount_of(const char *line, const char *controllers)
{
    if (controllers[0] == '\0')
        return strstr(line, " - cgroup2 ") != NULL;
    return strstr(line, " - cgroup ") && is_option(line, controllers);
}

/* proc(5): the fourth field of a mount is the part of the hierarchy that it shows, the fifth where;
 * its type follows a lone dash.
 */
static bool find_below_mount(const char *line, const char *path, char folder[PATH_MAX])
{
    char shown[PATH_MAX], point[PATH_MAX];

    if (sscanf(line, "%*s %*s %*s %4095s %4095s", shown, point) != 2)
        return false;
    size_t above = strcmp(shown, "/") == 0 ? 0 : strlen(shown);
    bool is_below = strncmp(path, shown, above) == 0 && (path[above] == '/' || path[above] == '\0');
    const char *below = strcmp(path + above, "/") == 0 ? "" : path + above;
    return is_below && snprintf(folder, PATH_MAX, "%s%s", point, below) < PATH_MAX;
}

bool cgroup_folder_find(const char *group, char folder[PATH_MAX])
{
    char controllers[256] = "", path[PATH_MAX], line[2 * PATH_MAX + 256];

    if (sscanf(group, "0::%4095[^\n]", path) != 1 &&
        sscanf(group, "%*d:%255[^:]:%4095[^\n]", controllers, path) != 2)
        return false;
    if (strstr(path, "/..")) /* outside of what our cgroup namespace shows */
        return false;
    AUTO_FCLOSE FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (is_mount_of(line, controllers) && find_below_mount(line, path, folder))
            return true;
    return false;
}

/* --- What is below it. --- */

static void scope_closedir(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

#define AUTO_CLOSEDIR __attribute__((cleanup(scope_closedir)))

/* The name of the next one in it; NULL: there is none. */
static const char *next_group(DIR *directory)
{
    struct dirent *entry;

    while ((entry = readdir(directory)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            return entry->d_name;
    return NULL;
}

static bool path_below(char below[PATH_MAX], const char *folder, const char *name)
{
    return snprintf(below, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

bool cgroup_folder_remove(const char *folder)
{
    char below[PATH_MAX];
    AUTO_CLOSEDIR DIR *directory = opendir(folder);

    for (const char *name; directory && (name = next_group(directory));)
        if (path_below(below, folder, name))
            cgroup_folder_remove(below);
    return rmdir(folder) == 0 || errno == ENOENT;
}

/* --- Who is in it. --- */

static bool is_among(pid_t pid, const pid_t *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pid > 0 && members[i] == pid)
            return true;
    return false;
}

static bool has_only(const char *folder, const pid_t *members, size_t count)
{
    char path[PATH_MAX + 16];
    int pid;

    snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT;
    while (fscanf(file, "%d", &pid) == 1) /* 0: of another PID namespace */
        if (!is_among(pid, members, count))
            return false;
    return feof(file) && !ferror(file);
}

bool cgroup_folder_holds_only(const char *folder, const pid_t *members, size_t count)
{
    char below[PATH_MAX];

    if (!has_only(folder, members, count))
        return false;
    AUTO_CLOSEDIR DIR *directory = opendir(folder);
    if (!directory)
        return errno == ENOENT;
    for (const char *name; (name = next_group(directory));)
        if (!path_below(below, folder, name) || !cgroup_folder_holds_only(below, members, count))
            return false;
    return true;
}
