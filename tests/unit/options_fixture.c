#include "tests/unit/options_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct settings settings;
char **command;
struct error failure;

static char directory[] = "/tmp/consul-leader-unit-XXXXXX";
static int warnings_fd;
static int saved_stderr;

void options_setup(void)
{
    clearenv();
    strcpy(directory + sizeof directory - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    warnings_fd = memfd_create("warnings", MFD_CLOEXEC);
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(warnings_fd, STDERR_FILENO), 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void options_teardown(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(warnings_fd);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int parse_words(const char *const *words)
{
    int count = 0;

    while (words[count])
        count++;
    *failure.text = '\0';
    return options_parse(&settings, count, (char **)(uintptr_t)words, &command, &failure);
}

const char *warnings(void)
{
    static char text[4096];
    ssize_t length = pread(warnings_fd, text, sizeof text - 1, 0);

    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    return text;
}

const char *own_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof *paths, "%s/%s", directory, name);
    return path;
}

const char *own_file(const char *name, const char *text, unsigned mode)
{
    const char *path = own_path(name);
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}
