#include "tests/model/go_duration.h"

#include <stdbool.h>

static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    { "ns", 1 },
    { "us", 1000 },
    { "µs", 1000 },
    { "ms", 1000000 },
    { "s", 1000000000 },
    { "m", 60 * (int64_t)1000000000 },
    { "h", 3600 * (int64_t)1000000000 },
};

static int complain(struct text *complaint, const char *what, const char *text)
{
    text_add_format(complaint, "time: %s duration ", what);
    text_add_quoted(complaint, text);
    return -1;
}

static const struct unit *unit_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return &units[i];
    return NULL;
}

/* `12`, `.5`, `1.5`. False: no digit. */
static bool number_read(const char **at, double *number)
{
    const char *begin = *at;
    double scale = 1;
    bool point = false, digit = false;

    for (*number = 0; (**at >= '0' && **at <= '9') || (**at == '.' && !point); ++*at) {
        if (**at == '.') {
            point = true;
            continue;
        }
        digit = true;
        *number = *number * 10 + (**at - '0');
        scale *= point ? 10 : 1;
    }
    *number /= scale;
    return digit && *at != begin;
}

int go_duration_parse(const char *text, int64_t *duration_ns, struct text *complaint)
{
    const char *at = text + (text[0] == '-' || text[0] == '+');
    double sum = 0;

    *duration_ns = 0;
    if (strcmp(at, "0") == 0)
        return 0;
    if (*at == '\0')
        return complain(complaint, "invalid", text);
    while (*at != '\0') {
        double number;
        if (!number_read(&at, &number))
            return complain(complaint, "invalid", text);
        size_t length = strcspn(at, ".0123456789");
        if (length == 0)
            return complain(complaint, "missing unit in", text);
        const struct unit *unit = unit_find(at, length);
        if (!unit) {
            text_add_format(complaint, "time: unknown unit \"%.*s\" in duration ", (int)length, at);
            text_add_quoted(complaint, text);
            return -1;
        }
        sum += number * (double)unit->ns;
        at += length;
    }
    if (sum > 9.2e18)
        return complain(complaint, "invalid", text);
    *duration_ns = text[0] == '-' ? -(int64_t)sum : (int64_t)sum;
    return 0;
}

/* `1.5`, without zeros at the end. */
static void add_fraction(struct text *text, uint64_t value, uint64_t unit)
{
    text_add_number(text, value / unit);
    if (value % unit == 0)
        return;
    text_add(text, ".");
    for (value %= unit; value != 0; value %= unit) {
        unit /= 10;
        text_add_number(text, value / unit);
    }
}

void go_duration_add(struct text *text, uint64_t duration_ns)
{
    static const struct unit small[] = { { "ms", 1000000 }, { "µs", 1000 }, { "ns", 1 } };
    uint64_t minutes = duration_ns / 60000000000u;

    for (size_t i = 0; duration_ns > 0 && duration_ns < 1000000000 && i < 3; i++)
        if (duration_ns >= (uint64_t)small[i].ns) {
            add_fraction(text, duration_ns, (uint64_t)small[i].ns);
            text_add(text, small[i].name);
            return;
        }
    if (minutes >= 60)
        text_add_format(text, "%uh", (unsigned)(minutes / 60));
    if (minutes > 0)
        text_add_format(text, "%um", (unsigned)(minutes % 60));
    add_fraction(text, duration_ns % 60000000000u, 1000000000);
    text_add(text, "s");
}
