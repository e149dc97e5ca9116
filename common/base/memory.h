/* memory.h - memory that is there, or the process ends with a line that says why: the others see to
 * what follows, as of any death of a process of ours. What the network process knows can be read
 * back.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

_Noreturn void memory_is_out(void);

/* What another's allocation has given. */
void *memory_sure(void *memory);

/* Zeroed; the caller's to free(). */
void *memory_new(size_t size);

/* What realloc() does. */
void *memory_resize(void *memory, size_t size);

/* printf into memory of its own; the caller's to free(). */
char *memory_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
