/* writing.h - the service is brought to what it shall show. Private to this folder. */
#ifndef TAGS_WRITING_H
#define TAGS_WRITING_H

#include <stdbool.h>

struct tags;

/* Whether a service of our own is to be put up. */
bool tags_registers(const struct tags *tags);

/* Registers it, with its tags at once. */
void tags_put_up(struct tags *tags);

/* Brings the definition to what the role asks for, or waits until somebody changes it. */
void tags_settle(struct tags *tags);

#endif
