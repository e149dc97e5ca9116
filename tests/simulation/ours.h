/* ours.h - the three processes of an instance, which run the shipped code: what supervisor/main.c,
 * supervisor/peers.c, keeper/keeper.c and network/main.c do on a real machine.
 */
#ifndef SIMULATION_OURS_H
#define SIMULATION_OURS_H

#include <stdbool.h>
#include <stddef.h>

struct instance;
struct session_id;
struct situation;

void ours_start(struct instance *instance);

/* A line of the present process's log goes to its network process, which alone can write it. */
bool ours_relay_line(const char *line, size_t length);

/* What the keeper was last told when it was to promote. NULL: there is none. */
const struct situation *ours_situation(const struct instance *instance);

/* Under which session its supervisor stands; the one of its lead while it leads. */
const struct session_id *ours_session(const struct instance *instance);

/* Whether its supervisor has heard that the promotion is complete. */
bool ours_knows_its_lead(const struct instance *instance);

#endif
