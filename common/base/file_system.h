/* file_system.h - what a file lies on. */
#ifndef BASE_FILE_SYSTEM_H
#define BASE_FILE_SYSTEM_H

#include <stdbool.h>

/* Whether it is a network file system, where a lock may not mean what it does on one machine.
 * FUSE counts as one: nothing tells what is behind it.
 */
bool file_system_is_remote(int fd);

/* Whether a directory is in memory (tmpfs): nothing that is written there waits for a disk. */
bool file_system_is_memory(const char *path);

#endif
