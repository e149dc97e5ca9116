/* standing.c - whether this instance is a candidate. */
#include "supervisor/supervisor.h"

/* A leader that has no program leads nothing; one of leader-only is given it with the lead. */
static bool is_fit(const struct supervisor *supervisor)
{
    const struct settings *settings = supervisor->settings;

    if (supervisor->phase != PHASE_RUNS)
        return false;
    return settings->mode != MODE_FOLLOW || supervisor->program_runs;
}

void standing_update(struct supervisor *supervisor, instant_ns now)
{
    struct election_commands commands = { 0 };

    if (supervisor->stop_deadline != 0)
        return;
    if (is_fit(supervisor))
        election_stand(&supervisor->election, now, &commands);
    else
        election_withdraw(&supervisor->election, now, &commands);
    lead_carry_out(supervisor, &commands, now);
}
