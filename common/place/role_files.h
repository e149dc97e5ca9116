/* role_files.h - the files that show the role to whoever looks: --role-file and --leader-file. */
#ifndef PLACE_ROLE_FILES_H
#define PLACE_ROLE_FILES_H

#include <stdbool.h>

#include "common/options/settings.h"

/* Shows the role: the role file is replaced atomically, the leader file is made or removed.
 * A file that cannot be written is logged, and nothing else depends on it.
 */
void role_files_show(const struct settings *settings, bool leader);

#endif
