#include "stores/consul_report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/log.h"
#include "stores/consul_store.h"

#define COMPLAINT_AGAIN SECONDS(600)

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

/* The place of this complaint, or the oldest, which it takes. */
static struct complaint *complaint_find(struct consul_report *report, const char *text)
{
    struct complaint *oldest = &report->complaints[0];

    for (size_t i = 0; i < COMPLAINTS_KEPT; i++) {
        struct complaint *complaint = &report->complaints[i];
        if (strcmp(complaint->text, text) == 0)
            return complaint;
        if (complaint->said_ns < oldest->said_ns)
            oldest = complaint;
    }
    oldest->said_ns = 0;
    strcpy(oldest->text, text);
    return oldest;
}

void consul_report_complain(struct store *store, const char *reason)
{
    char text[sizeof store->report.complaints[0].text];
    uint64_t now = clock_now_ns();

    snprintf(text, sizeof text, "%s", reason);
    struct complaint *complaint = complaint_find(&store->report, text);
    if (complaint->said_ns != 0 && now < complaint->said_ns + COMPLAINT_AGAIN)
        return;
    complaint->said_ns = now;
    log_error("%s", reason);
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
