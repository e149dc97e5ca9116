#include "common/options/manner.h"

enum manner_row {
    TOLD_NOTHING,
    BY_SIGNALS, /* of a demotion by a signal at most; of a promotion perhaps by a hook */
    ANSWERED,
    LEADER_ONLY,
    SIDECAR,
    MANNERS
};

static const struct manner manners[] = {
    [TOLD_NOTHING] = {
        .name = "told nothing",
        .starts_first = true,
        .demoted_by = DEMOTED_BY_DEADLINE,
    },
    [BY_SIGNALS] = {
        .name = "by signals",
        .starts_first = true,
        .demoted_by = DEMOTED_BY_TIME,
    },
    [ANSWERED] = {
        .name = "answered",
        .starts_first = true,
        .demoted_by = DEMOTED_BY_ANSWERS,
    },
    [LEADER_ONLY] = {
        .name = "leader-only",
        .starts_with_lead = true,
        .demoted_by = DEMOTED_BY_STOP,
    },
    [SIDECAR] = {
        .name = "sidecar",
        .demoted_by = DEMOTED_BY_ANSWERS,
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
