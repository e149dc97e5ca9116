/* start_line.h - the lines that tell the operator who leads and what the settings promise. */
#ifndef SUPERVISOR_START_LINE_H
#define SUPERVISOR_START_LINE_H

#include <stdbool.h>

#include "common/options/settings.h"
#include "election/lock.h"

struct start_line {
    bool told;
    struct session_id leader; /* as it was last told; empty: nobody */
};

/* Logs, before anything is started, what the settings ask of the operator. */
void start_line_tell_settings(const struct settings *settings);

/* Logs the line at start at the first look at the lock, and later each change of another leader.
 * own: this instance's session.
 */
void start_line_tell(struct start_line *start_line, const struct settings *settings,
                     const struct lock_view *view, const struct session_id *own);

/* Logs the line at start if it was not yet: nobody leads but this instance. */
void start_line_tell_own(struct start_line *start_line, const struct settings *settings);

#endif
