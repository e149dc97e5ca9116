/* lock_file.h - the file that a lock of one machine is, as it is open and as its path names it. */
#ifndef STORES_LOCK_FILE_H
#define STORES_LOCK_FILE_H

#include <stdbool.h>

#include "common/base/error.h"

struct lock_file {
    const char *path;
    int fd;        /* -1: not open */
    int notify_fd; /* readable when something happens to the file */
    int watch;     /* -1: the file is not watched */
};

/* Nothing is opened yet but what tells of events. path: valid as long as the file. */
int lock_file_init(struct lock_file *file, const char *path, struct error *err);

/* Opens the file anew, made if it is not there, and watches it. Refused: what is no regular file,
 * and network file systems, where a lock means nothing. errno is 0 for what was refused.
 */
int lock_file_open(struct lock_file *file, struct error *err);

/* Takes over a descriptor of the file that another process has opened. */
void lock_file_adopt(struct lock_file *file, int fd);

void lock_file_close(struct lock_file *file);

/* Whether the path still names the file that is open. */
bool lock_file_is_in_place(const struct lock_file *file);

/* Whether something has happened since the last call: a writer closed it, or it was moved. */
bool lock_file_happened(struct lock_file *file);

#endif
