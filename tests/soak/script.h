/* script.h - how one hook behaves. The driver draws it and puts it into the situation, from where
 * the keeper hands it to the hook as CONSUL_LEADER_HOLDER.
 */
#ifndef SOAK_SCRIPT_H
#define SOAK_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_TEXT_SIZE 64

/* Draws one; not wild: one that succeeds unless it is disturbed. timeout_ms: the hook's. */
void script_draw(char text[SCRIPT_TEXT_SIZE], unsigned timeout_ms, bool wild);

/* Whether the hook can exit with 0 at all. */
bool script_may_succeed(const char *text);

/* In the hook; returns its exit status. */
int script_run(const char *text);

/* In the program; does not return. traits: PROGRAM_... */
enum { PROGRAM_IS_DEAF = 1, PROGRAM_LEAVES_DAEMON = 2, PROGRAM_TRAITS = 4 };
void script_run_program(unsigned traits) __attribute__((noreturn));

#endif
