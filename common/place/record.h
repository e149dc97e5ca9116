/* record.h - what a run of an instance leaves written in its place, for whoever comes next there.
 *
 * Lines of `name value`, the last of them `end`: whatever was not written to its end is damaged.
 * Only one that was read whole may prove anything; that the run led is believed of any.
 */
#ifndef PLACE_RECORD_H
#define PLACE_RECORD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/options/settings.h"
#include "common/place/place.h"
#include "election/lock.h"

/* Of runs before, while these follow each other faster than their locks are given back. */
#define RECORD_FORMER_MAX 2

/* A pid alone may be somebody else's by now. */
struct recorded_process {
    pid_t pid; /* 0: none */
    unsigned long long start_time;
};

struct record {
    char format[8];
    char key[2 * NAME_SIZE];
    struct session_id session; /* the last that asked for the lock; empty: none did */
    struct session_id former[RECORD_FORMER_MAX]; /* of runs that are proved dead, whose lock is
                                                    still to be given back; the first ones */
    bool promoted;
    char boot[64];
    char pid_namespace[64];
    char cgroup_namespace[64];
    char cgroup[PATH_MAX];         /* that the run itself is in, as /proc/self/cgroup names it */
    char program_cgroup[PATH_MAX]; /* the folder of its own for what it starts; empty: none */
    struct recorded_process supervisor;
    struct recorded_process keeper;
    struct recorded_process network;
    struct recorded_process program;
};

/* Fills in where this process runs, and for which lock. */
void record_describe(struct record *record, const struct settings *settings);

struct recorded_process record_process(pid_t pid);

/* Whether that process is still there; one that nothing can be said of is. */
bool recorded_process_lives(const struct recorded_process *process);

/* 1: read whole. 0: there is none. -1: it is damaged, or of a format that is not ours; what could
 * be read is there all the same.
 */
int record_read(const struct place *place, struct record *record, struct error *err);

/* Replaces the one in the place. When that fails it is logged, and there is none: nothing but the
 * comfort of a restart depends on it.
 */
void record_write(const struct place *place, const struct record *record);

/* At a planned end nothing is left to be told. */
void record_remove(const struct place *place);

/* Who has the place, for people: `pid 4711`. */
void record_holder(const struct place *place, char *text, size_t size);

#endif
