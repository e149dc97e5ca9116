/* ours.h - the three processes of an instance, which run the shipped code: what supervisor/main.c,
 * supervisor/peers.c, keeper/keeper.c and network/main.c do on a real machine.
 */
#ifndef SIMULATION_OURS_H
#define SIMULATION_OURS_H

struct instance;
struct situation;

void ours_start(struct instance *instance);

/* What the keeper was last told when it was to promote. NULL: there is none. */
const struct situation *ours_situation(const struct instance *instance);

#endif
