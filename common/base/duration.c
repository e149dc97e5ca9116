#include "common/base/duration.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t length_ns;
};

/* A name stands before those that it begins with: `ms` before `m`. */
static const struct unit units[] = {
    { "ns", 1 },           { "us", 1000 },      { "\xc2\xb5s", 1000 }, /* the micro sign */
    { "\xce\xbcs", 1000 },                                             /* the Greek letter */
    { "ms", 1000000 },     { "s", 1000000000 }, { "m", 60000000000 },  { "h", 3600000000000 },
};

static const uint64_t second_ns = 1000000000;

enum reading { READ, NO_NUMBER, TOO_LONG };

/* Reads the unit at *text and moves behind it; NULL: none of ours. */
static const struct unit *read_unit(const char **text)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(units[i].name);

        if (strncmp(*text, units[i].name, length) == 0) {
            *text += length;
            return &units[i];
        }
    }
    return NULL;
}

/* The text behind a number, where its unit begins. */
static const char *number_end(const char *text)
{
    return text + strspn(text, "0123456789.");
}

/* Reads digits with an optional point at *text as a count of units, and moves behind them. */
static enum reading read_number(const char **text, uint64_t unit_ns, uint64_t *result_ns)
{
    const char *digit = *text;
    uint64_t count = 0;
    uint64_t fraction_ns = 0;
    bool any = false;

    for (; isdigit((unsigned char)*digit); digit++, any = true) {
        if (__builtin_mul_overflow(count, 10, &count) ||
            __builtin_add_overflow(count, (uint64_t)(*digit - '0'), &count))
            return TOO_LONG;
    }
    if (*digit == '.') {
        /* The place's value falls to 0 beyond nanoseconds: what follows cannot matter. */
        uint64_t place_ns = unit_ns;

        for (digit++; isdigit((unsigned char)*digit); digit++, any = true) {
            place_ns /= 10;
            fraction_ns += place_ns * (uint64_t)(*digit - '0');
        }
    }
    *text = digit;
    if (!any)
        return NO_NUMBER;
    if (__builtin_mul_overflow(count, unit_ns, &count) ||
        __builtin_add_overflow(count, fraction_ns, result_ns))
        return TOO_LONG;
    return READ;
}

static enum reading read_duration(const char *text, uint64_t *duration_ns)
{
    uint64_t sum_ns = 0;
    bool bare = *number_end(text) == '\0';

    do {
        const char *unit_text = number_end(text);
        const struct unit *unit = bare ? NULL : read_unit(&unit_text);
        uint64_t part_ns;

        if (!unit && !bare)
            return NO_NUMBER;

        enum reading reading = read_number(&text, unit ? unit->length_ns : second_ns, &part_ns);
        if (reading != READ)
            return reading;
        if (text != number_end(text)) /* a second point */
            return NO_NUMBER;
        if (__builtin_add_overflow(sum_ns, part_ns, &sum_ns) || sum_ns > DURATION_MAX_NS)
            return TOO_LONG;
        text = unit_text;
    } while (*text);

    *duration_ns = sum_ns;
    return READ;
}

int duration_parse(const char *text, uint64_t *duration_ns, struct error *err)
{
    if (*text == '-' && read_duration(text + 1, duration_ns) != NO_NUMBER)
        return error_set(err, "\"%.80s\" is negative (expected for example 10s, 1m30s, 500ms)",
                         text);

    switch (read_duration(text, duration_ns)) {
    case READ:
        return 0;
    case TOO_LONG:
        return error_set(err, "\"%.80s\" is too long a duration (at most 292 years)", text);
    case NO_NUMBER:
        break;
    }
    return error_set(err, "\"%.80s\" is not a duration (expected for example 10s, 1m30s, 500ms)",
                     text);
}

/* Writes so many parts of a unit (a power of ten) as a decimal number without needless zeros. */
static int write_decimal(char *text, size_t size, uint64_t parts, uint64_t unit, const char *name)
{
    char fraction[16] = "";
    uint64_t rest = parts % unit;

    if (rest > 0) {
        char *end = fraction;

        *end++ = '.';
        while (rest > 0) {
            rest *= 10;
            *end++ = (char)('0' + rest / unit);
            rest %= unit;
        }
        *end = '\0';
    }
    return snprintf(text, size, "%llu%s%s", (unsigned long long)(parts / unit), fraction, name);
}

const char *duration_format(uint64_t duration_ns, char text[DURATION_TEXT_SIZE])
{
    const uint64_t minute_ns = 60 * second_ns;
    const uint64_t hour_ns = 60 * minute_ns;
    uint64_t hours = duration_ns / hour_ns;
    uint64_t minutes = duration_ns % hour_ns / minute_ns;
    uint64_t rest_ns = duration_ns % minute_ns;
    int length = 0;

    if (duration_ns == 0)
        return strcpy(text, "0s");
    if (duration_ns < 1000)
        write_decimal(text, DURATION_TEXT_SIZE, duration_ns, 1, "ns");
    else if (duration_ns < 1000000)
        write_decimal(text, DURATION_TEXT_SIZE, duration_ns, 1000, "us");
    else if (duration_ns < second_ns)
        write_decimal(text, DURATION_TEXT_SIZE, duration_ns, 1000000, "ms");
    if (duration_ns < second_ns)
        return text;

    if (hours > 0)
        length += snprintf(text, DURATION_TEXT_SIZE, "%lluh", (unsigned long long)hours);
    if (minutes > 0)
        length += snprintf(text + length, DURATION_TEXT_SIZE - (size_t)length, "%llum",
                           (unsigned long long)minutes);
    if (rest_ns > 0)
        write_decimal(text + length, DURATION_TEXT_SIZE - (size_t)length, rest_ns, second_ns, "s");
    return text;
}
