#include "stores/consul_report.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/duration.h"
#include "common/base/log.h"
#include "stores/consul_store.h"

void consul_report_init(struct store *store)
{
    uint64_t timeout_ns = store->settings->start_timeout_ns;

    store->report.give_up_ns = timeout_ns ? clock_now_ns() + timeout_ns : 0;
}

void consul_report_away(struct store *store, const char *reason)
{
    if (store->report.away_ns != 0)
        return;
    store->report.away_ns = clock_now_ns();
    log_warn("Consul cannot be used, trying on: %s", reason);
}

void consul_report_back(struct store *store)
{
    struct consul_report *report = &store->report;
    char after[DURATION_TEXT_SIZE];

    report->reached = true;
    report->give_up_ns = 0;
    if (report->away_ns == 0)
        return;
    uint64_t milliseconds = (clock_now_ns() - report->away_ns) / MILLISECONDS(1);
    log_info("Consul answers again after=%s", duration_format(MILLISECONDS(milliseconds), after));
    report->away_ns = 0;
}

void consul_report_complain(struct store *store, const char *reason)
{
    complaints_say(&store->report.complaints, LOG_ERROR, reason);
}

uint64_t consul_report_next_due(const struct store *store)
{
    return store->report.give_up_ns;
}

void consul_report_due(struct store *store)
{
    struct consul_report *report = &store->report;
    char reason[256];

    if (report->give_up_ns == 0 || clock_now_ns() < report->give_up_ns)
        return;
    report->give_up_ns = 0;
    snprintf(reason, sizeof reason, "Consul at %s was not reached within the start timeout",
             http_address(store->http));
    store->listener.fatal(store->listener.context, EXIT_STATUS_UNAVAILABLE, reason);
}
