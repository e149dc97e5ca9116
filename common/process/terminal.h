/* terminal.h - whose terminal it is.
 *
 * The program runs in a process group of its own and would be a background job of the terminal
 * that we were started in. So it has the foreground while it runs, where that was ours.
 */
#ifndef PROCESS_TERMINAL_H
#define PROCESS_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes `to` the foreground group of the terminal that is our input, if `from` is that now; says
 * whether it was done. SIGTTOU must be blocked.
 */
bool terminal_pass(pid_t from, pid_t to);

#endif
