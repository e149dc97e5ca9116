/* lease_file.h - the file that the lease page lies in.
 *
 * It lies in the runtime directory, in a folder of the instance's place; without a place in one of
 * this process, which is removed at the end. It has to lie in memory (tmpfs): a store into a page
 * of a disk waits for as long as its file system is frozen or hangs, and the keeper, which must
 * kill in time, waits for nothing.
 *
 * Each start makes a new file, before the keeper is forked, which inherits the mapping. It gets its
 * name when the place is ours: until then programs are to read the page of whoever has the place.
 */
#ifndef PLACE_LEASE_FILE_H
#define PLACE_LEASE_FILE_H

#include <limits.h>

#include "common/base/error.h"
#include "common/options/settings.h"
#include "common/place/place.h"
#include "include/consul_leader/lease.h"

struct lease_file {
    struct consul_leader_lease_page *page; /* mapped; NULL: there is none */
    bool has_own_folder;
    char path[PATH_MAX + 8];    /* what programs are told */
    char hidden[PATH_MAX + 16]; /* its name until it is shown; empty from then on */
};

/* Makes and maps it, cleared and hidden. -1: no directory serves; there is none then. */
int lease_file_make(struct lease_file *file, const struct settings *settings,
                    const struct place *place, struct error *err);

/* The place is ours: gives the file its name, in the stead of a predecessor's, whose page is
 * cleared for those who still read it. A failure is logged.
 */
void lease_file_show(struct lease_file *file);

/* At the end. */
void lease_file_remove(struct lease_file *file);

#endif
