/* complaints.h - errors that an operator has to mend, said once and not every second. */
#ifndef CONSUL_COMPLAINTS_H
#define CONSUL_COMPLAINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/log.h"

#define COMPLAINTS_KEPT 8

struct complaint {
    char text[160]; /* its beginning */
    uint64_t said_ns;
};

struct complaints {
    struct complaint list[COMPLAINTS_KEPT];
};

/* Writes the line, unless the same was written in the last ten minutes. */
void complaints_say(struct complaints *complaints, enum log_level level, const char *text);

#endif
