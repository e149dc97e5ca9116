/* place.h - where an instance runs, as long as it can be told apart from others.
 *
 * A place (store, key, instance) has a folder of its own in the state directory, with a lock file
 * that all three processes of an instance hold open, and a record of what it started. Whoever
 * comes next in the same place waits for the lock, and learns from the record whether its
 * predecessor was promoted.
 */
#ifndef SUPERVISOR_PLACE_H
#define SUPERVISOR_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/settings.h"
#include "election/lock.h"

struct place {
    char folder[PATH_MAX]; /* empty: none */
    int lock_fd;           /* -1: none */
};

struct record {
    struct session_id session;
    bool promoted;
    pid_t keeper;
    pid_t network;
    pid_t program; /* 0: none */
};

#define PLACE_NAME_SIZE 32

/* The name of the place's folder, the same for the same store, key and instance. */
void place_name(const struct settings *settings, char name[PLACE_NAME_SIZE]);

/* Opens the place's folder. Without an instance's name there is no place. -1: it cannot be had (no
 * directory can be written, a network file system); there is none then either.
 */
int place_open(struct place *place, const struct settings *settings, struct error *err);

/* Takes the lock without waiting. */
bool place_lock(struct place *place);

/* Whether the predecessor's record says that it was promoted. */
bool place_was_promoted(const struct place *place);

/* Who holds the lock: `pid 4711`, from the record. */
void place_holder(const struct place *place, char *text, size_t size);

/* Replaces the record. A failure is logged; nothing but the comfort of a restart depends on it. */
void place_write_record(const struct place *place, const struct settings *settings,
                        const struct record *record);

/* At a planned end nothing is left to be told. */
void place_remove_record(const struct place *place);

#endif
