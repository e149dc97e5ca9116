#include "common/options/option_reading.h"

#include <stdarg.h>
#include <stdio.h>

bool option_is_given(const struct option_reading *reading, enum option_id id)
{
    return reading->origins[id].source != SOURCE_DEFAULT;
}

int option_blame(const struct option_reading *reading, enum option_id id, struct error *err)
{
    const struct option *option = &option_table[id];
    const struct option_origin *origin = &reading->origins[id];
    char variable[OPTION_VARIABLE_SIZE];

    switch (origin->source) {
    case SOURCE_FILE:
        return error_wrap(err, "%s:%u: %s", reading->config, origin->line, option->name);
    case SOURCE_ENVIRONMENT:
        return error_wrap(err, "%s",
                          origin->alias ? origin->alias : option_variable(option, variable));
    case SOURCE_DEFAULT:
    case SOURCE_FLAG:
        break;
    }
    return error_wrap(err, "--%s", option->name);
}

int option_refuse(const struct option_reading *reading, enum option_id id, struct error *err,
                  const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return option_blame(reading, id, err);
}

int option_take(struct option_reading *reading, enum option_id id, struct option_origin origin,
                const char *text, struct error *err)
{
    const struct option *option = &option_table[id];
    struct option_origin *standing = &reading->origins[id];

    if (standing->source > origin.source)
        return 0;

    bool again = standing->source == origin.source && origin.source != SOURCE_DEFAULT;
    *standing = origin;
    if (*text == '\0')
        return option_refuse(reading, id, err, "\"\" is empty (expected %s)",
                             option->placeholder ? option->placeholder : "true or false");
    if (id == OPTION_CONFIG) {
        reading->config = text;
        return 0;
    }
    if (option->parse(option, reading->settings, text, again, err))
        return option_blame(reading, id, err);
    return 0;
}
