#include "consul/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"

static void *memory_or_end(void *memory)
{
    if (!memory) {
        log_error("out of memory");
        abort();
    }
    return memory;
}

void *memory_new(size_t size)
{
    return memory_or_end(calloc(1, size));
}

void *memory_resize(void *memory, size_t size)
{
    return memory_or_end(realloc(memory, size));
}

char *memory_text(const char *format, ...)
{
    char *text;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return memory_or_end(length < 0 ? NULL : text);
}
