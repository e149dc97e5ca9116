/* reader.h - somebody who acts because the lease page of an instance says that it leads: a program
 * that nobody tells anything, and that outlives its consul-leader. It begins with a page that says
 * leader, and ends when that is cleared or has run out.
 */
#ifndef SIMULATION_READER_H
#define SIMULATION_READER_H

#include "tests/simulation/process.h"

/* The instance's page may say something else now. */
void reader_looks(struct instance *instance);

/* Whether its page lets it act at this instant, by its machine's clock. */
bool reader_may_act(const struct process *reader);

#endif
