/* probing.c - the probes that go through the network. */
#include <stdio.h>

#include "base/clock.h"
#include "network/network.h"
#include "network/requests.h"
#include "probes/http.h"
#include "probes/tcp.h"
#include "probes/transfer.h"

static void report(void *context, const struct probe *probe, bool passed, const char *reason)
{
    const struct network *network = context;
    struct message message = { .type = NETWORK_PROBED };
    struct probe_report *body = MESSAGE_BODY(&message, struct probe_report);

    body->serial = network->probe_order.serial;
    body->number = probe->number;
    body->passed = passed;
    snprintf(body->reason, sizeof body->reason, "%s", reason);
    channel_send_spare(network->supervisor_fd, &message);
}

/* The tags look for it. */
static const char *service(void *context)
{
    const struct network *network = context;

    return network->tags ? tags_service(network->tags) : "";
}

void network_open_probes(struct network *network)
{
    const char *texts = network->settings.probes;

    if (probe_text_has(texts, PROBE_HTTP) || probe_text_has(texts, PROBE_TCP))
        network->transfers = transfers_open();
    network->prober = (struct consul_prober){
        .settings = &network->settings,
        .http = network->http,
        .service = service,
        .context = network,
    };
    const struct probe_kind_user kinds[PROBE_KINDS] = {
        [PROBE_HTTP] = { .operations = &http_probe, .context = network->transfers },
        [PROBE_TCP] = { .operations = &tcp_probe, .context = network->transfers },
        [PROBE_CONSUL] = { .operations = &consul_probe, .context = &network->prober },
    };
    network->probes = runner_open(texts, kinds, report, network);
}

void network_probe(struct network *network, const struct probe_order *order)
{
    if (!network->probes)
        return;
    runner_switch(network->probes, false, clock_now_ns()); /* what runs belongs to the last */
    network->probe_order = *order;
}

/* Answers that are there come before the end of their time. */
void network_advance_probes(struct network *network)
{
    bool on = network->probe_order.on && network->supervisor_fd >= 0;

    if (network->transfers)
        transfers_turn(network->transfers);
    if (!network->probes)
        return;
    runner_switch(network->probes, on, clock_now_ns());
    runner_turn(network->probes, clock_now_ns());
}

uint64_t network_probes_due(const struct network *network)
{
    uint64_t due = network->probes ? runner_next_due(network->probes) : 0;

    return network->transfers ? clock_earlier(due, transfers_next_due(network->transfers)) : due;
}

int network_probes_descriptor(const struct network *network)
{
    return network->transfers ? transfers_descriptor(network->transfers) : -1;
}
