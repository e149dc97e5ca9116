#include "stores/file_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNTER_DIGITS 20
#define FILE_SIZE      4096

int file_value_read(int fd, uint64_t *token, struct lock_view *view, struct error *err)
{
    char text[FILE_SIZE];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);

    *token = 0;
    if (size < 0)
        return error_errno(err, "cannot read it");
    text[size] = '\0';
    if (size == 0)
        return 0;
    if (strspn(text, "0123456789") != COUNTER_DIGITS || text[COUNTER_DIGITS] != '\n')
        return error_set(err,
                         "it is not a lock file: its first line is no token (expected an empty "
                         "or new file, or one of %d digits)",
                         COUNTER_DIGITS);

    *token = strtoull(text, NULL, 10);
    const char *value_text = text + COUNTER_DIGITS + 1;
    AUTO_JSON struct json_object *value = lock_value_read(value_text, strcspn(value_text, "\n"));
    lock_value_show(value, view);
    return 0;
}

int file_value_write(int fd, uint64_t token, const struct lock_identity *identity,
                     const struct lock_claim *claim, bool sync, struct error *err)
{
    char text[FILE_SIZE];
    AUTO_JSON struct json_object *value = lock_value_claim(NULL, identity, claim);
    int size =
        snprintf(text, sizeof text, "%0*" PRIu64 "\n%s\n", COUNTER_DIGITS, token, json_line(value));

    if (size >= (int)sizeof text)
        return error_set(err, "the instance's name is too long for the lock file");
    if (pwrite(fd, text, (size_t)size, 0) != size || ftruncate(fd, size) < 0)
        return error_errno(err, "cannot write it");
    if (sync && fdatasync(fd) < 0)
        return error_errno(err, "cannot sync it");
    return 0;
}
