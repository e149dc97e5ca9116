/* option_reading.h - what is known of the options while they are read: the settings so far, and
 * where each value came from; private to the option_*.c files.
 */
#ifndef OPTIONS_OPTION_READING_H
#define OPTIONS_OPTION_READING_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/options/option_table.h"
#include "common/options/settings.h"

/* In the order of their precedence. */
enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

struct option_origin {
    enum option_source source;
    const char *alias; /* SOURCE_ENVIRONMENT: the variable, NULL: the option's own */
    unsigned line;     /* SOURCE_FILE */
};

struct option_reading {
    struct settings *settings;
    const char *config; /* the file of --config, or NULL */
    struct option_origin origins[OPTION_COUNT];
};

/* Whether the operator gave the option, wherever. */
bool option_is_given(const struct option_reading *reading, enum option_id id);

/* Sets the error (printf) behind where the value came from: `--ttl: ...`, `CONSUL_LEADER_TTL: ...`
 * or `consul-leader.conf:3: ttl: ...`. Returns -1.
 */
int option_refuse(const struct option_reading *reading, enum option_id id, struct error *err,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts that before a text which err has already. Returns -1. */
int option_blame(const struct option_reading *reading, enum option_id id, struct error *err);

/* Takes the value that a source gives; one that a higher source gave already stands. -1: the text
 * is no value of this option.
 */
int option_take(struct option_reading *reading, enum option_id id, struct option_origin origin,
                const char *text, struct error *err);

#endif
