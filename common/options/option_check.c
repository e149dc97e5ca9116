#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/account.h"
#include "common/base/scope.h"
#include "common/base/words.h"
#include "common/options/options.h"

/* 0, or the errno with which an exec of this path would fail. */
static int executable_problem(const char *path)
{
    struct stat status;

    if (stat(path, &status))
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    if (!S_ISREG(status.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

/* The same for a name that execvp() would look up: what is found and cannot be executed does not
 * end the search, but is told if nothing better is found. */
static int search_problem(const char *name)
{
    const char *folder = getenv("PATH");
    int problem = ENOENT;

    if (!*name || strchr(name, '/'))
        return *name ? executable_problem(name) : ENOENT;
    if (!folder)
        folder = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(folder, ":");
        char path[PATH_MAX];
        int result;

        /* An empty folder is the current one. */
        result =
            snprintf(path, sizeof path, "%.*s%s%s", (int)length, folder, length ? "/" : "", name);
        if (result > 0 && (size_t)result < sizeof path) {
            int found = executable_problem(path);

            if (found == 0)
                return 0;
            if (found != ENOENT && found != ENOTDIR)
                problem = found;
        }
        if (folder[length] == '\0')
            return problem;
        folder += length + 1;
    }
}

/* What to say of such a problem. */
static const char *problem_words(const char *name, int problem)
{
    if (problem == EISDIR)
        return "is a directory (expected a program)";
    if (problem == EACCES)
        return "is not executable (expected a program)";
    if (problem == ENOTDIR)
        return "has a file for a folder in its path (expected a program)";
    if (problem == ENOENT)
        return strchr(name, '/') ? "is not there (expected a program)"
                                 : "is not found in PATH (expected a program)";
    return strerror(problem);
}

static int check_command(char **command, struct error *err)
{
    int problem = command ? search_problem(*command) : 0;

    if (problem == 0)
        return 0;
    error_set(err, "command: \"%.200s\" %s", *command, problem_words(*command, problem));
    return problem == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_CANNOT_START;
}

static int check_hook(const char *option, const char *text, struct error *err)
{
    AUTO_FREE char **words = NULL;

    if (!*text)
        return 0;
    if (words_split(text, &words, err))
        return error_wrap(err, "%s", option);

    int problem = search_problem(*words);
    if (problem)
        return error_set(err, "%s: \"%.200s\" %s", option, *words, problem_words(*words, problem));
    return 0;
}

static int check_readable(const char *option, const char *path, struct error *err)
{
    AUTO_CLOSE int fd = *path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    struct stat status;

    if (!*path)
        return 0;
    if (fd < 0 || fstat(fd, &status))
        return error_errno(err, "%s: cannot read \"%.200s\"", option, path);
    if (S_ISDIR(status.st_mode))
        return error_set(err, "%s: \"%.200s\" is a directory (expected a file)", option, path);
    return 0;
}

static int check_folder(const char *option, const char *path, struct error *err)
{
    AUTO_CLOSE int fd = *path ? open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY) : -1;

    if (*path && fd < 0)
        return error_errno(err, "%s: cannot read the directory \"%.200s\"", option, path);
    return 0;
}

static int check_probes(const char *probes, struct error *err)
{
    char text[PROBE_TEXT_SIZE];
    struct probe_spec spec;

    for (size_t i = 0; probe_text_find(probes, i, text); i++) {
        if (probe_spec_parse(text, &spec, err))
            return error_wrap(err, "--probe");
        if ((spec.kind == PROBE_EXEC && check_hook("--probe", spec.target, err)) ||
            check_readable("--probe: ca-file", spec.tls.ca_file, err) ||
            check_readable("--probe: client-cert", spec.tls.client_cert, err) ||
            check_readable("--probe: client-key", spec.tls.client_key, err))
            return -1;
    }
    return 0;
}

static int check_user(const char *user, struct error *err)
{
    struct account account;

    if (*user && account_resolve(user, &account, err))
        return error_wrap(err, "--user");
    return 0;
}

/* Whether a file can be made or replaced here and is no directory itself. */
static int check_place(const char *option, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat status;

    if (!*path)
        return 0;
    if (!slash)
        strcpy(folder, ".");
    else
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);

    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
        return error_errno(err, "%s: cannot write \"%.200s\": its directory \"%.200s\"", option,
                           path, folder);
    if (stat(folder, &status) || !S_ISDIR(status.st_mode))
        return error_set(err, "%s: cannot write \"%.200s\": \"%.200s\" is not a directory", option,
                         path, folder);
    if ((slash && !slash[1]) || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
        return error_set(err, "%s: \"%.200s\" is a directory (expected a file)", option, path);
    return 0;
}

/* A lock file that is there is used as it is; else it is made. */
static int check_store(const char *path, struct error *err)
{
    struct stat status;

    if (!*path || stat(path, &status))
        return check_place("--store", path, err);
    if (!S_ISREG(status.st_mode))
        return error_set(
            err, "--store: \"%.200s\" is not a regular file (expected file:PATH of one)", path);
    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS))
        return error_errno(err, "--store: cannot read and write \"%.200s\"", path);
    return 0;
}

int options_check_files(const struct settings *settings, char **command, struct error *err)
{
    int status = check_command(command, err);

    if (status)
        return status;
    if (check_hook("--on-promote", settings->on_promote, err) ||
        check_hook("--on-demote", settings->on_demote, err) ||
        check_hook("--on-leader-change", settings->on_leader_change, err) ||
        check_probes(settings->probes, err) ||
        check_readable("--token-file", settings->token_file, err) ||
        check_readable("--ca-file", settings->tls.ca_file, err) ||
        check_folder("--ca-path", settings->tls.ca_path, err) ||
        check_readable("--client-cert", settings->tls.client_cert, err) ||
        check_readable("--client-key", settings->tls.client_key, err) ||
        check_user(settings->user, err) || check_store(settings->store_path, err) ||
        check_place("--role-file", settings->role_file, err) ||
        check_place("--leader-file", settings->leader_file, err))
        return EXIT_STATUS_USAGE;
    return 0;
}
