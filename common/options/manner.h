/* manner.h - the manner in which this instance leads and gives up the lead: what follows from the
 * mode, in one table.
 *
 * A manner is a mode, and for the mode follow also what the program is told of its role. Each field
 * answers a question of other parts, which do not look at settings.mode (tests/house).
 */
#ifndef OPTIONS_MANNER_H
#define OPTIONS_MANNER_H

#include <stdint.h>

#include "common/options/settings.h"

/* What completes a demotion. At a planned stop nothing waits for time alone: the program is
 * stopped.
 */
enum demotion_way {
    DEMOTED_BY_DEADLINE, /* the hard deadline passes: the program goes by it and is told nothing */
    DEMOTED_BY_TIME,     /* the demote timeout passes after the demote signal, if there is one */
    DEMOTED_BY_ANSWERS, /* the demote hook exits with 0, the program says its word: what there is */
    DEMOTED_BY_STOP,    /* the program is stopped, then the demote hook runs */
};

/* What the end of a demotion's time, or the failure of its hook, costs. */
enum late_cost {
    LATE_IS_SPARED,  /* nothing: the time was the program's to use */
    LATE_IS_KILLED,  /* all that lives is killed, which completes the demotion */
    LATE_KEEPS_LOCK, /* nobody can kill what acts outside: the lock runs out, and we end with 75 */
};

/* What the keeper does by itself for the hard deadline. */
enum at_deadline {
    DEADLINE_SPARES, /* nothing */
    DEADLINE_KILLS,  /* it kills at that instant */
    DEADLINE_HOOKS,  /* it demotes before it, so that the hook has its time */
};

struct manner {
    const char *name; /* docs/design.md, "Manners" */

    /* The program is started before this instance stands, or by each promotion. */
    bool starts_first;
    bool starts_with_lead;

    /* The end of the lead. first_word_ns: so soon the keeper says that it demotes; 0: it has the
     * demotion's own time for that.
     */
    enum demotion_way demoted_by;
    enum late_cost late;
    enum at_deadline at_deadline;
    uint64_t first_word_ns;

    /* This instance is fit to lead only while its program runs; also while its probes have not
     * decided.
     */
    bool needs_program;
    bool stands_unprobed;

    /* Probes and the check of --register are about the instance from when it may stand. Otherwise
     * they are about the program while it runs.
     */
    bool serves_as_a_whole;

    /* This instance goes on after a demotion has ended its program. */
    bool outlives_program;

    /* A program that has ended may be started again under the same lead. */
    bool restarts_in_place;

    /* The lock of this place's last run runs out if the demote hook for that run fails. Otherwise
     * it is given back.
     */
    bool keeps_predecessors_lock;

    /* The session is shown in the Meta of the tagged service, unless that is Nomad's own; without a
     * service in Nomad this instance ends with 69.
     */
    bool shows_session;
    bool needs_service;
};

/* The manner of complete settings; it lasts as long as this process. */
const struct manner *manner_of(const struct settings *settings);

#endif
