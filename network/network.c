#include "network/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/check.h"
#include "common/messages/network.h"

/* --- What is said to the supervisor. --- */

/* An answer must not be lost: where there is no room for it the next network process reads back. */
static void must_fit(bool said)
{
    if (said)
        return;
    log_error("the supervisor does not read what it is told: the network process ends");
    _exit(EXIT_STATUS_INTERNAL);
}

static struct message message_of(enum network_message type, const void *body, size_t size)
{
    struct message message = { .type = type };

    memcpy(message.body, body, size);
    return message;
}

static void say(struct network *network, enum network_message type, const void *body, size_t size)
{
    const struct message message = message_of(type, body, size);

    must_fit(outbox_say(&network->to_supervisor, network->supervisor_fd, &message));
}

/* An acquired file goes with its descriptor, or not at all. */
static void say_answer(void *context, const struct lock_answer *answer, int fd)
{
    struct network *network = context;
    const struct message message = message_of(NETWORK_ANSWER, answer, sizeof *answer);

    if (fd < 0)
        say(network, NETWORK_ANSWER, answer, sizeof *answer);
    else
        must_fit(outbox_is_empty(&network->to_supervisor) &&
                 channel_send(network->supervisor_fd, &message, fd) != CHANNEL_FULL);
}

/* Of looks that wait and show the same holder the newest is enough, if it tells of the gap that was
 * before any of them. One that showed another holder is evidence of its own.
 */
static void say_lock_seen(void *context, const struct lock_view *view)
{
    struct network *network = context;
    struct message message = message_of(NETWORK_LOCK_SEEN, view, sizeof *view);
    const struct message *waiting = outbox_last(&network->to_supervisor);
    const struct lock_view *before = waiting && waiting->type == NETWORK_LOCK_SEEN
                                         ? MESSAGE_BODY(waiting, const struct lock_view)
                                         : NULL;

    if (before && strcmp(before->session.text, view->session.text) == 0) {
        MESSAGE_BODY(&message, struct lock_view)->after_gap |= before->after_gap;
        must_fit(outbox_say_state(&network->to_supervisor, network->supervisor_fd, &message));
    } else {
        must_fit(outbox_say(&network->to_supervisor, network->supervisor_fd, &message));
    }
}

static void say_sight_lost(void *context)
{
    struct network *network = context;
    const struct message message = { .type = NETWORK_SIGHT_LOST };

    must_fit(outbox_say_state(&network->to_supervisor, network->supervisor_fd, &message));
}

static void say_fatal(void *context, int status, const char *reason)
{
    struct fatal_body body = { .status = status };

    snprintf(body.reason, sizeof body.reason, "%.*s", (int)sizeof body.reason - 1, reason);
    say(context, NETWORK_FATAL, &body, sizeof body);
}

static void say_probed(void *context, const struct probe *probe, bool passed, const char *reason)
{
    const struct network *network = context;
    struct message message = { .type = NETWORK_PROBED };
    struct probe_report *report = MESSAGE_BODY(&message, struct probe_report);

    report->serial = network->probes_serial;
    report->number = probe->number;
    report->passed = passed;
    snprintf(report->reason, sizeof report->reason, "%s", reason);
    channel_send_spare(network->supervisor_fd, &message);
}

static void will_done(void *context)
{
    struct network *network = context;

    network->finished = true;
}

/* --- What is heard. --- */

static void hold(struct network *network, const struct lock_hold *order, int passed_fd)
{
    if (network->store)
        network->operations->hold(network->store, order->term, &order->session, order->index,
                                  order->token, order->holding, passed_fd);
    else if (passed_fd >= 0)
        close(passed_fd);
}

static void execute_will(struct network *network)
{
    if (network->will_begun)
        return;
    network->will_begun = true;
    if (network->tags)
        tags_role(network->tags, &(struct role_order){ .standing = false });
    if (network->store)
        network->operations->execute_will(network->store);
    else
        network->finished = true;
}

static void order_probes(struct network *network, const struct probe_order *order)
{
    network->probes_serial = order->serial;
    if (network->probes)
        schedule_switch(network->probes, order->on, clock_now_ns());
}

static void carry_out(struct network *network, const struct message *message, int passed_fd)
{
    const struct role_order *role = MESSAGE_BODY(message, const struct role_order);

    switch ((enum network_message)message->type) {
    case NETWORK_REQUEST:
        if (network->store)
            network->operations->request(network->store,
                                         MESSAGE_BODY(message, const struct lock_request));
        break;
    case NETWORK_HOLD:
        hold(network, MESSAGE_BODY(message, const struct lock_hold), passed_fd);
        break;
    case NETWORK_ROLE:
        if (network->tags)
            tags_role(network->tags, role);
        network->taking_down = !role->standing;
        break;
    case NETWORK_HEALTH:
        if (network->tags)
            tags_health(network->tags, MESSAGE_BODY(message, const struct health_order));
        break;
    case NETWORK_PROBE:
        order_probes(network, MESSAGE_BODY(message, const struct probe_order));
        break;
    case NETWORK_ALL_GONE:
        execute_will(network);
        break;
    default: /* the check lets nothing else in */
        break;
    }
}

static void write_line(const struct message *message)
{
    const struct log_line *line = MESSAGE_BODY(message, const struct log_line);

    log_write_line(line->text, line->length);
}

static void take(struct network *network, enum conversation conversation,
                 const struct message *message, int passed_fd)
{
    if (!message_heard(conversation, message, passed_fd, &network->complained[conversation]))
        return;
    if (message->type == MESSAGE_LOG_LINE)
        write_line(message);
    else
        carry_out(network, message, passed_fd);
}

static void hear(struct network *network, int *fd, enum conversation conversation)
{
    struct message message;
    int passed_fd;

    while (*fd >= 0) {
        switch (channel_receive(*fd, &message, &passed_fd)) {
        case CHANNEL_EMPTY:
            return;
        case CHANNEL_CLOSED:
            close(*fd);
            *fd = -1;
            return;
        case CHANNEL_MESSAGE:
            take(network, conversation, &message, passed_fd);
        }
    }
}

static void tell_taken_down(struct network *network)
{
    if (!network->taking_down || (network->tags && !tags_settled(network->tags)))
        return;
    network->taking_down = false;
    say(network, NETWORK_TAKEN_DOWN, "", 0);
}

/* --- The loop's turns. --- */

uint64_t network_next_due(const struct network *network)
{
    uint64_t due = network->store ? network->operations->next_due(network->store) : 0;

    if (network->probes)
        due = clock_earlier(due, schedule_next_due(network->probes));
    if (network->transfers)
        due = clock_earlier(due, transfers_next_due(network->transfers));
    return network->tags ? clock_earlier(due, tags_next_due(network->tags)) : due;
}

int network_probes_descriptor(const struct network *network)
{
    return network->transfers ? transfers_descriptor(network->transfers) : -1;
}

void network_turn(struct network *network)
{
    outbox_flush(&network->to_supervisor, network->supervisor_fd);
    hear(network, &network->supervisor_fd, SUPERVISOR_TO_NETWORK);
    hear(network, &network->keeper_fd, KEEPER_TO_NETWORK);
    if (network->supervisor_fd < 0 && network->keeper_fd < 0 && !network->will_begun) {
        network->abandoned = network->finished = true;
        return;
    }
    if (network->store)
        network->operations->due(network->store);
    if (network->tags)
        tags_due(network->tags);
    if (network->transfers)
        transfers_turn(network->transfers);
    if (network->probes)
        schedule_turn(network->probes, clock_now_ns());
    tell_taken_down(network);
}

static const char *service_id(void *context)
{
    const struct network *network = context;

    return network->tags ? tags_service_id(network->tags) : "";
}

static void open_probes(struct network *network)
{
    network->probe_consul = (struct probe_consul){
        .settings = &network->settings,
        .http = network->http,
        .service_id = service_id,
        .context = network,
    };
    if (probe_text_has(network->settings.probes, PROBE_HTTP) ||
        probe_text_has(network->settings.probes, PROBE_TCP))
        network->transfers = transfers_open();
    const struct probe_kind_user kinds[PROBE_KINDS] = {
        [PROBE_HTTP] = { &probe_http, network->transfers },
        [PROBE_TCP] = { &probe_tcp, network->transfers },
        [PROBE_CONSUL] = { &probe_consul, &network->probe_consul },
    };
    network->probes = schedule_open(network->settings.probes, kinds, say_probed, network);
}

static void service_described(void *context, const char *service_id, const char *host,
                              unsigned port)
{
    const struct network *network = context;

    network->operations->describe(network->store, service_id, host, port);
}

void network_open(struct network *network)
{
    const struct store_listener listener = {
        .context = network,
        .answer = say_answer,
        .lock_seen = say_lock_seen,
        .sight_lost = say_sight_lost,
        .fatal = say_fatal,
        .will_done = will_done,
    };
    struct error err;

    network->operations = network->settings.store == STORE_FILE ? &store_file : &store_consul;
    network->store = network->operations->open(&network->settings, &listener, &err);
    if (!network->store) {
        say_fatal(network, EXIT_STATUS_USAGE, err.text);
        return;
    }
    if (network->settings.store == STORE_CONSUL)
        network->http = http_open(&network->settings, &err);
    const struct tags_listener tags_listener = {
        .context = network,
        .described = service_described,
        .fatal = say_fatal,
    };
    if (network->http && strcmp(network->settings.tag_service, "none") != 0)
        network->tags = tags_open(&network->settings, network->http, &tags_listener);
    open_probes(network);
}
