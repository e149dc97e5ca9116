/* proc.h - what /proc says of a process. */
#ifndef SOAK_PROC_H
#define SOAK_PROC_H

#include <stddef.h>
#include <sys/types.h>

struct kin {
    pid_t pid;
    char state; /* proc(5): R, S, D, T, Z... */
    char name[32];
};

/* How many descriptors it has open. */
unsigned proc_descriptors(pid_t pid);

/* Its memory that is no file's, in KiB. */
int proc_memory_kib(pid_t pid);

/* Fills in its children; returns how many there are, at most `most`. */
size_t proc_children(pid_t parent, struct kin *children, size_t most);

#endif
