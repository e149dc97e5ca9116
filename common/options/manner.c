#include "common/options/manner.h"

#include "common/base/clock.h"

enum manner_row {
    TOLD_NOTHING,
    BY_SIGNALS, /* of a demotion by a signal at most; of a promotion perhaps by a hook */
    ANSWERED,
    LEADER_ONLY,
    SIDECAR,
    MANNERS
};

/* Where a row does not answer, the answer is no. */
static const struct manner manners[] = {
    [TOLD_NOTHING] = {
        .name = "told nothing",
        .starts_first = true,
        .demoted_by = DEMOTED_BY_DEADLINE,
        .late = LATE_IS_SPARED,
        .at_deadline = DEADLINE_SPARES,
        .needs_program = true,
    },
    [BY_SIGNALS] = {
        .name = "by signals",
        .starts_first = true,
        .demoted_by = DEMOTED_BY_TIME,
        .late = LATE_IS_KILLED,
        .at_deadline = DEADLINE_KILLS,
        .needs_program = true,
        .restarts_in_place = true,
    },
    [ANSWERED] = {
        .name = "answered",
        .starts_first = true,
        .demoted_by = DEMOTED_BY_ANSWERS,
        .late = LATE_IS_KILLED,
        .at_deadline = DEADLINE_KILLS,
        .needs_program = true,
        .restarts_in_place = true,
    },
    [LEADER_ONLY] = {
        .name = "leader-only",
        .starts_with_lead = true,
        .demoted_by = DEMOTED_BY_STOP,
        .late = LATE_IS_KILLED,
        .at_deadline = DEADLINE_KILLS,
        .stands_unprobed = true,
        .outlives_program = true,
        .restarts_in_place = true,
    },
    [SIDECAR] = {
        .name = "sidecar",
        .demoted_by = DEMOTED_BY_ANSWERS,
        .late = LATE_KEEPS_LOCK,
        .at_deadline = DEADLINE_HOOKS,
        .first_word_ns = MILLISECONDS(500), /* another keeper can still run the hook in time */
        .serves_as_a_whole = true,
        .keeps_predecessors_lock = true,
        .shows_session = true,
        .needs_service = true,
    },
};
_Static_assert(sizeof manners / sizeof manners[0] == MANNERS, "each manner has its row");

static enum manner_row row_of_follow(const struct settings *settings)
{
    if (settings->demote_ack || settings->on_demote[0] != '\0')
        return ANSWERED;
    if (settings->promote_signal != 0 || settings->demote_signal != 0 ||
        settings->on_promote[0] != '\0')
        return BY_SIGNALS;
    return TOLD_NOTHING;
}

const struct manner *manner_of(const struct settings *settings)
{
    if (settings->mode == MODE_FOLLOW)
        return &manners[row_of_follow(settings)];
    return &manners[settings->mode == MODE_LEADER_ONLY ? LEADER_ONLY : SIDECAR];
}
