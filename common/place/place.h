/* place.h - where an instance runs, as long as it can be told apart from others.
 *
 * A place (store, key, instance) has a folder of its own in the state directory, with a lock file
 * that all three processes of an instance hold open, and a record (record.h) of its present run.
 * Whoever comes next in the same place waits for the lock, and then knows all three to be dead.
 */
#ifndef PLACE_PLACE_H
#define PLACE_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "common/base/error.h"
#include "common/options/settings.h"

struct place {
    char folder[PATH_MAX]; /* empty: none */
    int lock_fd;           /* -1: none */
};

#define PLACE_NAME_SIZE 64

/* The name of a folder of the place's in another directory. It is the place's alone, however many
 * are called alike: it holds which lock file is the place's.
 */
void place_name_beside(const struct place *place, const char *directory,
                       char name[PLACE_NAME_SIZE]);

/* Opens the place's folder. Without an instance's name there is no place. -1: it cannot be had (no
 * directory can be written, a network file system); there is none then either.
 */
int place_open(struct place *place, const struct settings *settings, struct error *err);

/* Takes the lock without waiting. */
bool place_lock(struct place *place);

#endif
