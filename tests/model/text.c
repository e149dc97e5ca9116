#include "tests/model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

void text_end(struct text *text)
{
    free(text->bytes);
    memset(text, 0, sizeof *text);
}

void text_clear(struct text *text)
{
    *text_reserve(text, 0) = '\0';
    text->length = 0;
    text->bytes[0] = '\0';
}

char *text_reserve(struct text *text, size_t length)
{
    size_t needed = text->length + length + 1;

    if (needed > text->room) {
        text->room = needed < 512 ? 1024 : 2 * needed;
        text->bytes = memory_resize(text->bytes, text->room);
    }
    return text->bytes + text->length;
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
    char *end = text_reserve(text, length);

    memcpy(end, bytes, length);
    end[length] = '\0';
    text->length += length;
}

void text_add_number(struct text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    text_add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_format(struct text *text, const char *format, ...)
{
    char *made;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&made, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    text_add_bytes(text, made, (size_t)length);
    free(made);
}

/* How Go 1.14 escapes a byte in JSON, or NULL: it stays. */
static const char *json_escape(unsigned char byte, char escape[8])
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    }
    if (byte >= ' ' && byte != '<' && byte != '>' && byte != '&')
        return NULL;
    snprintf(escape, 8, "\\u%04x", byte);
    return escape;
}

void text_add_json(struct text *text, const char *string)
{
    char escape[8];
    const char *plain = string;

    text_add_bytes(text, "\"", 1);
    for (; *string; string++) {
        const char *escaped = json_escape((unsigned char)*string, escape);
        if (!escaped)
            continue;
        text_add_bytes(text, plain, (size_t)(string - plain));
        text_add(text, escaped);
        plain = string + 1;
    }
    text_add_bytes(text, plain, (size_t)(string - plain));
    text_add_bytes(text, "\"", 1);
}

void text_add_quoted(struct text *text, const char *string)
{
    static const char named[] = "\a\b\f\n\r\t\v\"\\";
    static const char names[] = "abfnrtv\"\\";

    text_add_bytes(text, "\"", 1);
    for (; *string; string++) {
        const char *name = strchr(named, *string);
        if (name)
            text_add_format(text, "\\%c", names[name - named]);
        else if ((unsigned char)*string < ' ' || *string == 127)
            text_add_format(text, "\\x%02x", (unsigned char)*string);
        else
            text_add_bytes(text, string, 1);
    }
    text_add_bytes(text, "\"", 1);
}

void text_add_base64(struct text *text, const char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *byte = (const unsigned char *)bytes;
    char *end = text_reserve(text, (length + 2) / 3 * 4);
    size_t left = length;

    for (; left > 0; byte += 3, end += 4) {
        uint32_t group = (uint32_t)byte[0] << 16 | (left > 1 ? (uint32_t)byte[1] << 8 : 0) |
                         (left > 2 ? (uint32_t)byte[2] : 0);
        end[0] = digits[group >> 18];
        end[1] = digits[group >> 12 & 63];
        end[2] = left > 1 ? digits[group >> 6 & 63] : '=';
        end[3] = left > 2 ? digits[group & 63] : '=';
        left -= left > 3 ? 3 : left;
    }
    *end = '\0';
    text->length += (length + 2) / 3 * 4;
}
