/* terms.h - the options that a round is played with, drawn. */
#ifndef SOAK_TERMS_H
#define SOAK_TERMS_H

#include "common/options/settings.h"

/* Fills all of *settings. Returns the program's command, or NULL for a sidecar; it is of use until
 * the next call. program, board: paths, for hooks that are we ourselves.
 */
char **terms_draw(struct settings *settings, const char *program, const char *board, unsigned lane);

#endif
