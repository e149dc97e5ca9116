#include "common/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return -1;
}

int error_errno(struct error *err, const char *format, ...)
{
    int saved = errno;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);

    size_t length = strlen(err->text);
    snprintf(err->text + length, sizeof err->text - length, ": %s", strerror(saved));
    errno = saved;
    return -1;
}

int error_wrap(struct error *err, const char *format, ...)
{
    struct error inner = *err;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);

    size_t length = strlen(err->text);
    snprintf(err->text + length, sizeof err->text - length, ": %s", inner.text);
    return -1;
}
