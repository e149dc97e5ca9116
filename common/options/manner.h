/* manner.h - the manner in which this instance leads and gives up the lead: what follows from the
 * mode, in one table.
 *
 * A manner is a mode, and for the mode follow also what the program is told of its role. Each field
 * answers a question that other parts have.
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
    DEMOTED_BY_TIME,     /* the demote timeout passes after the demote signal */
    DEMOTED_BY_ANSWERS,  /* what there is of a demote hook and the program's word, `demoted` */
    DEMOTED_BY_STOP,     /* the program is stopped, then its demote hook runs */
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
    DEADLINE_HOOKS, /* it demotes before, so that the hook has its time, and the hook may be late */
};

struct manner {
    const char *name;      /* docs/design.md, "Manners" */
    bool starts_first;     /* the program is started before this instance stands */
    bool starts_with_lead; /* a promotion starts the program */
    enum demotion_way demoted_by;
    enum late_cost late;
    enum at_deadline at_deadline;
    uint64_t first_word_ns; /* for the keeper to say that it demotes; 0: the demotion's own time */
    bool needs_program;     /* this instance is fit to lead only while its program runs */
    bool stands_unprobed;   /* it is fit to lead also while its probes have not decided */
    bool serves_as_a_whole; /* probes and --register's check are about the instance, from when it
                               may stand; else about its program, while that runs */
    bool outlives_program;  /* the instance goes on after a demotion has ended its program */
    bool restarts_in_place; /* a program that ended may be started again without losing the lead */
    bool keeps_predecessors_lock; /* of this place's last run, if the demote hook for it failed */
    bool shows_session; /* in the Meta of the service that is tagged, unless it is Nomad's */
    bool needs_service; /* in Nomad it ends with 69 where there is none to be tagged */
};

/* The manner of complete settings; it lasts as long as this process. */
const struct manner *manner_of(const struct settings *settings);

#endif
