#include "supervisor/health.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "supervisor/supervisor.h"

/* A probe that fails now and then is told of that seldom. */
#define TELL_AGAIN SECONDS(60)

void health_init(struct supervisor *supervisor)
{
    const char *texts = supervisor->settings->probes;
    struct checkup *checkup = &supervisor->checkup;
    char text[PROBE_TEXT_SIZE];
    struct probe_spec spec;
    struct error ignored; /* it was read when the options were */

    while (probe_text_find(texts, checkup->count, text) &&
           probe_spec_parse(text, &spec, &ignored) == 0) {
        struct probe_health *probe = &checkup->probes[checkup->count];
        *probe = (struct probe_health){
            .rise = spec.rise,
            .fall = spec.fall,
            .grace = spec.grace_ns,
        };
        probe_text_name(texts, checkup->count++, probe->name);
    }
}

enum health health_state(const struct supervisor *supervisor)
{
    const struct checkup *checkup = &supervisor->checkup;

    return checkup->count == 0 ? HEALTH_WELL : checkup->state;
}

/* --- The orders. --- */

static void switch_probes(struct supervisor *supervisor, bool on)
{
    struct checkup *checkup = &supervisor->checkup;

    checkup->on = on;
    checkup->serial++;
    const struct probe_order order = { .serial = checkup->serial, .on = on };
    keeper_send(supervisor, KEEPER_PROBE, 0, &order, sizeof order, -1);
    network_send_probe(supervisor, &order);
}

void health_network_lost(struct supervisor *supervisor)
{
    const struct checkup *checkup = &supervisor->checkup;
    const struct probe_order order = { .serial = checkup->serial, .on = checkup->on };

    if (checkup->on)
        network_send_probe(supervisor, &order);
}

/* --- The whole. --- */

static void settle(struct supervisor *supervisor, enum health state, instant_ns now)
{
    if (state == supervisor->checkup.state)
        return;
    supervisor->checkup.state = state;
    network_send_health(supervisor);
    standing_health_changed(supervisor, now);
}

static void forget(struct checkup *checkup)
{
    for (uint32_t i = 0; i < checkup->count; i++) {
        struct probe_health *probe = &checkup->probes[i];
        probe->state = HEALTH_UNKNOWN;
        probe->successes = probe->failures = 0;
    }
}

void health_begin(struct supervisor *supervisor, instant_ns now)
{
    struct checkup *checkup = &supervisor->checkup;

    if (checkup->count == 0 || supervisor->stop_deadline != 0)
        return;
    forget(checkup);
    snprintf(checkup->reason, sizeof checkup->reason, "its probes have not succeeded yet");
    checkup->begun = now;
    switch_probes(supervisor, true);
    settle(supervisor, HEALTH_UNKNOWN, now);
}

void health_end(struct supervisor *supervisor, instant_ns now)
{
    if (!supervisor->checkup.on)
        return;
    switch_probes(supervisor, false);
    settle(supervisor, HEALTH_UNKNOWN, now);
}

/* --- One run. --- */

static void succeeded(struct probe_health *probe)
{
    probe->failures = 0;
    if (++probe->successes >= probe->rise)
        probe->state = HEALTH_WELL;
}

static void failed(struct probe_health *probe, bool in_grace)
{
    probe->successes = 0;
    if (!in_grace && ++probe->failures >= probe->fall)
        probe->state = HEALTH_ILL;
}

static enum health sum_up(const struct checkup *checkup)
{
    enum health sum = HEALTH_WELL;

    for (uint32_t i = 0; i < checkup->count; i++) {
        if (checkup->probes[i].state == HEALTH_ILL)
            return HEALTH_ILL;
        if (checkup->probes[i].state == HEALTH_UNKNOWN)
            sum = HEALTH_UNKNOWN;
    }
    return sum;
}

/* Which probe it was is told when it changes the whole, and of a row of failures that changes
 * nothing yet the first.
 */
static void tell(struct supervisor *supervisor, const struct probe_report *report,
                 struct probe_health *probe, enum health sum, instant_ns now)
{
    enum health before = supervisor->checkup.state;
    enum log_level level = LOG_DEBUG;

    if (report->passed && sum == HEALTH_WELL && before != HEALTH_WELL)
        log_info("healthy");
    if (report->passed)
        return;
    if (sum == HEALTH_ILL && before != HEALTH_ILL) {
        log_warn("unhealthy probe=%s reason=\"%s\" failures=%u", probe->name, report->reason,
                 probe->failures);
        snprintf(supervisor->checkup.reason, sizeof supervisor->checkup.reason, "%.100s: %.150s",
                 probe->name, report->reason);
        return;
    }
    if (probe->failures == 1 && (probe->told == 0 || now >= probe->told + TELL_AGAIN)) {
        probe->told = now;
        level = LOG_INFO;
    }
    log_line(level, "a probe failed probe=%s reason=\"%s\"", probe->name, report->reason);
}

void health_probed(struct supervisor *supervisor, const struct probe_report *report, instant_ns now)
{
    struct checkup *checkup = &supervisor->checkup;

    if (!checkup->on || report->serial != checkup->serial || report->number >= checkup->count)
        return;
    struct probe_health *probe = &checkup->probes[report->number];
    if (report->passed)
        succeeded(probe);
    else
        failed(probe, now < checkup->begun + probe->grace);
    enum health sum = sum_up(checkup);
    tell(supervisor, report, probe, sum, now);
    settle(supervisor, sum, now);
}
