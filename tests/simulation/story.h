/* story.h - what happens in one run, in words that an operator understands. */
#ifndef SIMULATION_STORY_H
#define SIMULATION_STORY_H

#include <stdarg.h>
#include <stdbool.h>

#include "tests/simulation/process.h"

void story_begin(bool told);
bool story_is_told(void);

/* One line, with the time. */
void story_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line of a process's own log. */
void story_log(const struct process *process, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Names: `web-2 (3rd start)` as `b#3`; valid until eight more were asked for. */
const char *story_instance(const struct instance *instance);
const char *story_process(const struct process *process);

#endif
