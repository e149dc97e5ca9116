/* probe_spec.h - a probe as the operator writes it: KIND:TARGET#name=value,...
 *
 * What follows the last `#` are its options; a target with a `#` of its own therefore ends in one.
 * Durations are nanoseconds.
 */
#ifndef OPTIONS_PROBE_SPEC_H
#define OPTIONS_PROBE_SPEC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/options/tls.h"

enum probe_kind {
    PROBE_HTTP,   /* http://... and https://... */
    PROBE_TCP,    /* tcp://HOST:PORT */
    PROBE_EXEC,   /* exec:COMMAND, split like shell words */
    PROBE_CONSUL, /* consul: the checks of our own service */
    PROBE_KINDS
};

#define PROBES_MAX       64
#define PROBE_TEXT_SIZE  4096 /* of one */
#define PROBES_TEXT_SIZE (8 * PROBE_TEXT_SIZE)
#define PROBE_NAME_SIZE  256

#define PROBE_STATUSES_MAX 8

/* HTTP statuses from least to most. */
struct probe_statuses {
    uint16_t least, most;
};

struct probe_spec {
    enum probe_kind kind;
    char target[PROBE_TEXT_SIZE]; /* the URL, HOST:PORT, the command; empty */
    uint64_t interval_ns;         /* from the start of one to the start of the next */
    uint64_t timeout_ns;
    uint64_t grace_ns; /* after the program's start, in which failures count nothing */
    unsigned rise;     /* so many in a row make it well */
    unsigned fall;     /* so many in a row make it ill */
    struct probe_statuses statuses[PROBE_STATUSES_MAX]; /* http: good ones; ended by 0 */
    struct tls tls;
};

/* -1: `"..." is not a probe (expected ...)` and the like. */
int probe_spec_parse(const char *text, struct probe_spec *spec, struct error *err);

/* The probe of that number in a text that has one a line; NULL: there are fewer. */
const char *probe_text_find(const char *texts, size_t number, char text[PROBE_TEXT_SIZE]);

/* That probe as logs call it: without the query of a URL and the arguments of a command, which may
 * hold secrets. Of several that would be called the same the second is `... (2)`. Empty: there are
 * fewer.
 */
void probe_text_name(const char *texts, size_t number, char name[PROBE_NAME_SIZE]);

/* Whether there are any of the kind. */
bool probe_text_has(const char *texts, enum probe_kind kind);

#endif
