/* output.h - what a hook or a probe's command prints, on its way to our own stderr.
 *
 * Through a pipe that is read without waiting and a little at a time, so that whoever prints a
 * gigabyte delays nothing. Lines come out with a name before them; long ones in pieces.
 */
#ifndef PROCESS_OUTPUT_H
#define PROCESS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define OUTPUT_LINE 1000

struct output {
    int fd; /* readable when there is something to take; -1: none */
    const char *name;
    bool held; /* nothing is written before output_close() */
    size_t used;
    char text[OUTPUT_LINE];
};

#define OUTPUT_NONE ((struct output){ .fd = -1 })

/* Opens it. *writer: for the child's stdout and stderr, close-on-exec, the caller's to close. held:
 * only the last that was printed is kept, and written at the end if it is wanted then.
 */
int output_open(struct output *output, const char *name, bool held, int *writer, struct error *err);

/* Takes what there is, up to a bound. */
void output_take(struct output *output);

/* Takes the rest and ends it; who still prints gets EPIPE. told: whether held text is written. */
void output_close(struct output *output, bool told);

#endif
