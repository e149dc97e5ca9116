/* remains.h - what a dead run of this instance has left on this machine: ended where it can be, and
 * whether that was all.
 *
 * Both are asked while the place is ours: the three processes of that run have let go of it.
 * own: the record of the present run, described.
 */
#ifndef PLACE_REMAINS_H
#define PLACE_REMAINS_H

#include "common/place/record.h"

enum death {
    DEATH_UNPROVED,
    DEATH_PENDING, /* a process of it is still there; it may be about to end */
    DEATH_PROVED,
};

/* Kills what is left in the control group that its program lived in. Returns whether nobody is in
 * it any more, which may take another call.
 */
bool remains_end(const struct record *left, const struct record *own);

/* Whether nothing of that run can act any more: docs/design.md, "Places and the record". why: what
 * speaks against it, when it is not proved.
 */
enum death remains_prove_death(const struct record *left, const struct record *own,
                               struct error *why);

#endif
