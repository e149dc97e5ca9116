/* scope.h - resources that end with their scope. */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Closes a descriptor that is kept, if there is one, and forgets it. */
static inline void close_end(int *fd)
{
    scope_close(fd);
    *fd = -1;
}

static inline void scope_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void scope_fclose(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define AUTO_CLOSE  __attribute__((cleanup(scope_close)))
#define AUTO_FREE   __attribute__((cleanup(scope_free)))
#define AUTO_FCLOSE __attribute__((cleanup(scope_fclose)))

#endif
