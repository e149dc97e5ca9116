#include "common/options/settings.h"

#include "common/options/budgets.h"

uint64_t settings_request_timeout(const struct settings *settings)
{
    uint64_t shorter =
        settings->ttl_ns < settings->lease_ns ? settings->ttl_ns : settings->lease_ns;

    return shorter / 5;
}

uint64_t settings_demote_budget(const struct settings *settings)
{
    return settings->demote_timeout_ns + KILL_BUDGET;
}

/* A renewal that just missed is tried again after STORE_RETRY. */
uint64_t settings_outage(const struct settings *settings)
{
    uint64_t usable = settings->lease_ns - settings->lease_ns / 1000000 * DRIFT_PPM;
    uint64_t spent = settings->renew_interval_ns + STORE_RETRY + settings_demote_budget(settings);

    return usable > spent ? usable - spent : 0;
}
