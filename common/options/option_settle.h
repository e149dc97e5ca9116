/* option_settle.h - from what was given to what holds; private to the option_*.c files. */
#ifndef OPTIONS_OPTION_SETTLE_H
#define OPTIONS_OPTION_SETTLE_H

#include "common/options/option_reading.h"

/* Fills in the defaults that depend on other options, on Nomad or on this machine, and checks what
 * only several options together can tell, so that no settings leave that cannot hold: above all
 * the lease's arithmetic (docs/design.md, The lease in numbers). May log warnings.
 */
int option_settle(struct option_reading *reading, bool has_command, struct error *err);

#endif
