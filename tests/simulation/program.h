/* program.h - programs and hooks as they behave: what is told them, when they act, how they end.
 *
 * A program acts as leader from the moment at which it is told until it has ended what it does;
 * while it acts it writes to a store that checks tokens.
 */
#ifndef SIMULATION_PROGRAM_H
#define SIMULATION_PROGRAM_H

#include "tests/simulation/process.h"

struct child_spec;

/* Forked by a keeper, at its gate. */
struct process *program_forked(const struct child_spec *spec);

/* A variable of an environment; "": it is not there. */
const char *program_variable(char *const *environment, const char *name);

/* The gate is opened. */
void program_goes(struct process *process);

/* A signal that does not end it by force. */
void program_signalled(struct process *process, int number);

/* Somebody stops it by a signal, or lets it go on: its parent hears of it. */
void program_stops(struct process *process, bool stopped);

/* Called by the kernel when it dies: it acts no more. */
void program_ends(struct process *process);

/* It dies by itself. */
void program_crashes(struct process *process);

#endif
