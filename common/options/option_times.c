#include "common/options/option_times.h"

#include "common/base/clock.h"
#include "common/base/duration.h"
#include "common/base/log.h"
#include "common/options/budgets.h"

/* Consul caps the lock-delay at 60 s, and it has to cover the lease and this much more. */
#define LEASE_MOST        SECONDS(57)
#define LOCK_DELAY_MARGIN SECONDS(3)

/* A duration as text that lives as long as the surrounding block. */
#define SHOW(duration_ns) duration_format((duration_ns), (char[DURATION_TEXT_SIZE]){ 0 })

static uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

/* What is left of the lease when the store's clock is as fast as we allow for. */
static uint64_t usable_lease(const struct settings *settings)
{
    return settings->lease_ns - settings->lease_ns / 1000000 * DRIFT_PPM;
}

/* The longest lease that the store's rules make safe, unless that would be shorter than the TTL. */
static uint64_t default_lease(const struct settings *settings)
{
    uint64_t lease_ns = smaller(2 * settings->ttl_ns, LEASE_MOST);

    if (settings->lock_delay_ns == DURATION_AUTOMATIC)
        return lease_ns;

    uint64_t covered_ns = settings->lock_delay_ns > LOCK_DELAY_MARGIN
                              ? settings->lock_delay_ns - LOCK_DELAY_MARGIN
                              : 0;
    return smaller(lease_ns, larger(covered_ns, smaller(settings->ttl_ns, LEASE_MOST)));
}

static int settle_lease(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;

    if (settings->lease_ns == DURATION_AUTOMATIC)
        settings->lease_ns = default_lease(settings);
    if (settings->lease_ns > 2 * settings->ttl_ns)
        return option_refuse(reading, OPTION_LEASE, err,
                             "%s is longer than the session surely lives (expected at most 2 x TTL "
                             "%s = %s)",
                             SHOW(settings->lease_ns), SHOW(settings->ttl_ns),
                             SHOW(2 * settings->ttl_ns));
    return 0;
}

static void settle_lock_delay(struct option_reading *reading)
{
    struct settings *settings = reading->settings;
    uint64_t safe_ns = settings->lease_ns + LOCK_DELAY_MARGIN;
    struct error warning;

    if (settings->lock_delay_ns == DURATION_AUTOMATIC)
        settings->lock_delay_ns = safe_ns;
    if (settings->lock_delay_ns >= safe_ns || settings->store != STORE_CONSUL)
        return;
    option_refuse(reading, OPTION_LOCK_DELAY, &warning,
                  "%s is less than lease + 3s = %s: there may be two leaders for up to %s when a "
                  "session is ended from outside",
                  SHOW(settings->lock_delay_ns), SHOW(safe_ns),
                  SHOW(safe_ns - settings->lock_delay_ns));
    log_warn("%s", warning.text);
}

/* Whether the next renewal comes in time, and fails in time for the demotion to fit as well. */
static bool lease_bears(const struct settings *settings, uint64_t renew_interval_ns)
{
    return renew_interval_ns < settings->ttl_ns &&
           usable_lease(settings) > renew_interval_ns + settings_request_timeout(settings) +
                                        settings_demote_budget(settings);
}

/* The option to blame for a sum that does not fit: one that the operator changed. */
static enum option_id culprit(const struct option_reading *reading, uint64_t default_interval_ns)
{
    static const enum option_id suspects[] = { OPTION_DEMOTE_TIMEOUT, OPTION_LEASE, OPTION_TTL };

    if (lease_bears(reading->settings, default_interval_ns))
        return OPTION_RENEW_INTERVAL;
    for (size_t i = 0; i < sizeof suspects / sizeof *suspects; i++) {
        if (option_is_given(reading, suspects[i]))
            return suspects[i];
    }
    return OPTION_LOCK_DELAY; /* it shortened the lease */
}

/* The bash sidecar's users set how long its loop slept; no election of theirs shall end here. */
static void lower_sleep(struct option_reading *reading, uint64_t default_ns)
{
    struct settings *settings = reading->settings;
    struct error warning;

    option_refuse(reading, OPTION_RENEW_INTERVAL, &warning,
                  "%s is too long for a TTL of %s and a lease of %s: lowered to %s",
                  SHOW(settings->renew_interval_ns), SHOW(settings->ttl_ns),
                  SHOW(settings->lease_ns), SHOW(default_ns));
    log_warn("%s", warning.text);
    settings->renew_interval_ns = default_ns;
}

static int settle_renewal(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;
    uint64_t default_ns = smaller(settings->ttl_ns, settings->lease_ns) / 5;

    if (settings->renew_interval_ns == DURATION_AUTOMATIC)
        settings->renew_interval_ns = default_ns;
    if (reading->origins[OPTION_RENEW_INTERVAL].alias && settings->renew_interval_ns > default_ns &&
        !lease_bears(settings, settings->renew_interval_ns))
        lower_sleep(reading, default_ns);
    if (lease_bears(settings, settings->renew_interval_ns))
        return 0;
    if (settings->renew_interval_ns >= settings->ttl_ns)
        return option_refuse(reading, OPTION_RENEW_INTERVAL, err,
                             "%s is too long (expected less than the TTL of %s)",
                             SHOW(settings->renew_interval_ns), SHOW(settings->ttl_ns));

    uint64_t timeout_ns = settings_request_timeout(settings);
    uint64_t budget_ns = settings_demote_budget(settings);
    return option_refuse(
        reading, culprit(reading, default_ns), err,
        "the demotion does not fit the lease: renew-interval %s + request timeout %s + "
        "demote-timeout %s + kill %s = %s, expected less than lease %s - 0.1%% = %s",
        SHOW(settings->renew_interval_ns), SHOW(timeout_ns), SHOW(settings->demote_timeout_ns),
        SHOW(KILL_BUDGET), SHOW(settings->renew_interval_ns + timeout_ns + budget_ns),
        SHOW(settings->lease_ns), SHOW(usable_lease(settings)));
}

static int check_stop(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;
    uint64_t needed_ns = settings->demote_timeout_ns + STOP_RESERVE;

    if ((!*settings->on_demote && !settings->demote_ack) || settings->stop_timeout_ns >= needed_ns)
        return 0;
    return option_refuse(
        reading, OPTION_STOP_TIMEOUT, err,
        "%s is too short for the demotion's answer (expected at least demote-timeout %s "
        "+ release %s = %s)",
        SHOW(settings->stop_timeout_ns), SHOW(settings->demote_timeout_ns), SHOW(STOP_RESERVE),
        SHOW(needed_ns));
}

int option_settle_times(struct option_reading *reading, struct error *err)
{
    if (settle_lease(reading, err))
        return -1;
    settle_lock_delay(reading);
    return settle_renewal(reading, err) || check_stop(reading, err) ? -1 : 0;
}
