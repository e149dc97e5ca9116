/* channel.h - common/messages/channel.h for the simulated processes: what is sent waits in a queue,
 * and wakes who reads there.
 */
#ifndef SIMULATION_CHANNEL_H
#define SIMULATION_CHANNEL_H

#include "common/messages/channel.h"
#include "tests/simulation/process.h"

/* Forgets all of the last run. */
void channels_begin(void);

/* Connected ends, each read by its owner. */
void channel_new(int ends[2], struct process *one, struct process *other);

/* close(2), for ends of channels; nothing for any other descriptor. */
void channel_close(int fd);

/* The kernel: a process has died. */
void channels_close_of(struct process *process);

#endif
