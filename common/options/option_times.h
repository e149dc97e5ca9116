/* option_times.h - the lease's arithmetic, before anything relies on it; private to the option_*.c
 * files. Why it is safe: docs/design.md, The lease in numbers.
 */
#ifndef OPTIONS_OPTION_TIMES_H
#define OPTIONS_OPTION_TIMES_H

#include "common/options/option_reading.h"

/* Settles lease, lock-delay and renew-interval where they are DURATION_AUTOMATIC, and refuses what
 * does not fit: a lease longer than Consul can protect, a demotion longer than the lease bears, a
 * stop shorter than the demotion. A short lock-delay is obeyed with a warning.
 */
int option_settle_times(struct option_reading *reading, struct error *err);

#endif
