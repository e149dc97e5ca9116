/* machine.h - a life-cycle that is a table: its words, and who is told of its moves.
 *
 * A cell of such a table, a pair of state and event, is a move, empty (the event is late and
 * changes nothing) or impossible (the table asserts that it never comes).
 */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdbool.h>

struct machine {
    const char *name;
    unsigned state_count;
    unsigned event_count;
    const char *(*state_name)(unsigned state);
    const char *(*event_name)(unsigned event);
    bool (*is_move)(unsigned state, unsigned event);
    bool (*may_come)(unsigned state, unsigned event);
};

/* Called by a table's step for each move, when its work is done: a line of the log at debug. The
 * simulator counts instead.
 */
void machine_moved(const struct machine *machine, unsigned from, unsigned event, unsigned to);

#endif
