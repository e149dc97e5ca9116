#include "consul/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const char *bytes, size_t length)
{
    const unsigned char *byte = (const unsigned char *)bytes;
    char *text = memory_new((length + 2) / 3 * 4 + 1);
    char *end = text;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)byte[i] << 16 | (left > 1 ? (uint32_t)byte[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)byte[i + 2] : 0);
        *end++ = digits[group >> 18];
        *end++ = digits[group >> 12 & 63];
        *end++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *end++ = left > 2 ? digits[group & 63] : '=';
    }
    return text;
}

/* Four digits as three bytes; -1: not digits. */
static int group_value(const char *text, unsigned digits_used)
{
    int group = 0;

    for (unsigned i = 0; i < 4; i++) {
        const char *digit = i < digits_used ? strchr(digits, text[i]) : digits;
        if (!digit)
            return -1;
        group = group << 6 | (int)(digit - digits);
    }
    return group;
}

char *base64_decode(const char *text, size_t *length)
{
    size_t text_length = strlen(text);
    size_t padding = text_length ? (size_t)(text[text_length - 1] == '=') : 0;

    if (text_length % 4 != 0)
        return NULL;
    if (padding && text[text_length - 2] == '=')
        padding = 2;

    char *bytes = memory_new(text_length / 4 * 3 + 1);
    for (size_t i = 0; i < text_length; i += 4) {
        bool last = i + 4 == text_length;
        int group = group_value(text + i, last ? 4 - (unsigned)padding : 4);
        if (group < 0) {
            free(bytes);
            return NULL;
        }
        bytes[i / 4 * 3] = (char)(group >> 16);
        bytes[i / 4 * 3 + 1] = (char)(group >> 8);
        bytes[i / 4 * 3 + 2] = (char)group;
    }
    *length = text_length / 4 * 3 - padding;
    return bytes;
}
