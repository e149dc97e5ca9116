/* consul_report.h - what the log is told of Consul: each outage once when it begins and once when
 * it ends, each complaint once and not every second; and when a start has waited long enough.
 */
#ifndef STORES_CONSUL_REPORT_H
#define STORES_CONSUL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "consul/complaints.h"

struct store;

struct consul_report {
    bool reached;        /* Consul has answered once */
    uint64_t away_ns;    /* the outage's begin; 0: none */
    uint64_t give_up_ns; /* when the start has failed; 0: never */
    struct complaints complaints;
};

void consul_report_init(struct store *store);

/* Consul could not be asked, or could not do it without its own leader. */
void consul_report_away(struct store *store, const char *reason);

/* Consul has done or refused what it was asked for. */
void consul_report_back(struct store *store);

/* An answer that fits no expectation, a missing permission: what an operator has to mend. */
void consul_report_complain(struct store *store, const char *reason);

uint64_t consul_report_next_due(const struct store *store);
void consul_report_due(struct store *store);

#endif
