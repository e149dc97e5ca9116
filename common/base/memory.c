#include "common/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"

void memory_is_out(void)
{
    log_error("out of memory");
    abort();
}

void *memory_sure(void *memory)
{
    if (!memory)
        memory_is_out();
    return memory;
}

void *memory_new(size_t size)
{
    return memory_sure(calloc(1, size));
}

void *memory_resize(void *memory, size_t size)
{
    return memory_sure(realloc(memory, size));
}

char *memory_text(const char *format, ...)
{
    char *text;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return memory_sure(length < 0 ? NULL : text);
}
