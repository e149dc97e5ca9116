/* manner.h - the manner in which this instance leads and gives up the lead: what follows from the
 * mode, in one table.
 *
 * A manner is a mode, and for the mode follow also what the program is told of its role. Each field
 * answers a question that other parts have.
 */
#ifndef OPTIONS_MANNER_H
#define OPTIONS_MANNER_H

#include "common/options/settings.h"

struct manner {
    const char *name;      /* docs/design.md, "Manners" */
    bool starts_first;     /* the program is started before this instance stands */
    bool starts_with_lead; /* a promotion starts the program */
};

/* The manner of complete settings; it lasts as long as this process. */
const struct manner *manner_of(const struct settings *settings);

#endif
