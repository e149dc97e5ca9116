/* terminal.h - whose terminal it is.
 *
 * The program runs in a process group of its own and would be a background job of the terminal
 * that we were started in. So it is given the foreground while it lives, where that was ours.
 */
#ifndef KEEPER_TERMINAL_H
#define KEEPER_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether our input is a terminal whose foreground group is `group`. */
bool terminal_belongs_to(pid_t group);

/* Makes `group` the foreground group. SIGTTOU must be blocked. A failure changes nothing. */
void terminal_give(pid_t group);

#endif
