#include "tests/simulation/transport.h"

#include <stdio.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/term.h"

#define POLL_INTERVAL MILLISECONDS(50)

/* How long a system goes on trying to deliver what was sent into a cut. */
#define PATIENCE SECONDS(45)

#define LATEST SECONDS(10)

struct http_request {
    struct call call;
    struct transport *transport;
    http_callback callback;
    void *context;
    struct http_request *next;
    struct http_request *previous;
    uint64_t order; /* in which they became ready */
    bool ended;
    bool ready;
    bool answered;
    bool never_sent;
    int status;
    uint64_t index;
    const char *body;
};

static uint64_t ready_order;

void transport_begin(void)
{
    ready_order = 0;
}

/* --- Ends. --- */

static void unlink_request(struct http_request *request)
{
    if (request->ended)
        return;
    request->ended = true;
    if (request->previous)
        request->previous->next = request->next;
    else
        request->transport->open = request->next;
    if (request->next)
        request->next->previous = request->previous;
}

static void become_ready(struct http_request *request)
{
    request->ready = true;
    request->order = ++ready_order;
    process_wake(request->transport->process);
}

static void fail(struct http_request *request, bool never_sent)
{
    if (request->ended || request->ready)
        return;
    request->never_sent = never_sent;
    become_ready(request);
}

static void refused(void *subject, uint64_t detail)
{
    (void)detail;
    fail(subject, true);
}

/* What came while the process could not run may be read before its time is looked at, or after. */
static void time_is_over(void *subject, uint64_t detail)
{
    struct http_request *request = subject;

    (void)detail;
    if (request->ended)
        return;
    if (request->ready && !process_can_run(request->transport->process) && chance_of(500))
        request->answered = false;
    fail(request, false);
}

/* --- The ways there and back. --- */

static duration_ns travel(const struct host *host)
{
    duration_ns time = chance_delay(50000, MILLISECONDS(1));

    if (host->link_slow)
        time += chance_between(MILLISECONDS(300), MILLISECONDS(1000));
    if (host->link_lossy && chance_of(200))
        time += chance_between(MILLISECONDS(200), SECONDS(3));
    if (host->late && chance_of(400))
        time += chance_between(SECONDS(1), LATEST);
    return time;
}

static void arrives(void *subject, uint64_t sent)
{
    struct http_request *request = subject;
    const struct host *host = request->call.host;

    if (host->agent_down || host->off) /* it died with the agent */
        return;
    if (host->agent_frozen || host->suspended || host->cut_out) {
        if (host->cut_out && (world.now > sent + PATIENCE || chance_of(10)))
            return;
        world_plan(world.now + POLL_INTERVAL, arrives, request, sent);
        return;
    }
    datacenter_receive(&request->call);
}

static void comes_back(void *subject, uint64_t detail)
{
    struct http_request *request = subject;
    const struct host *host = request->call.host;

    (void)detail;
    if (request->ended || request->ready || host->agent_down || host->cut_in)
        return;
    if (host->agent_frozen || host->suspended) {
        world_plan(world.now + POLL_INTERVAL, comes_back, request, 0);
        return;
    }
    request->answered = true;
    become_ready(request);
}

static void answered(struct call *call, const struct consul_answer *answer)
{
    struct http_request *request = (struct http_request *)call;

    if (request->ended || request->body)
        return;
    request->status = answer->status;
    request->index = answer->index;
    request->body = world_text(answer->body, answer->length);
    world_plan(world.now + travel(call->host), comes_back, request, 0);
}

static void break_connections(struct process *process, void *host)
{
    if (process->kind != PROCESS_NETWORK || process->host != host || !process->alive)
        return;
    for (struct http_request *open = process_transport(process)->open; open; open = open->next)
        fail(open, false);
}

void transport_break(struct host *host)
{
    processes_each(break_connections, host);
}

/* --- consul/http.h --- */

struct http *http_open(const struct settings *settings, struct error *err)
{
    (void)settings, (void)err;
    return transport_of_current();
}

const char *http_address(const struct http *http)
{
    (void)http;
    return "http://127.0.0.1:8500";
}

struct http_request *http_request(struct http *http, const struct http_order *order)
{
    struct transport *transport = (struct transport *)http;
    struct process *process = transport->process;
    struct host *host = process->host;
    struct http_request *request = world_memory(sizeof *request);

    process_enters_kernel();
    *request = (struct http_request){
        .call = { .host = host,
                  .instance = process->instance,
                  .method = order->method,
                  .path = world_text(order->path, strlen(order->path)),
                  .body = order->body ? world_text(order->body, strlen(order->body)) : "",
                  .sent = host_clock(host),
                  .sent_truly = world.now,
                  .known = process->instance->known,
                  .answered = answered },
        .transport = transport,
        .callback = order->callback,
        .context = order->context,
        .next = transport->open,
    };
    if (transport->open)
        transport->open->previous = request;
    transport->open = request;
    const char *query = strchr(request->call.path, '?');
    request->call.query = query ? query : "";
    terms_sent(&request->call);
    if (host->agent_down) {
        world_plan(world.now + 100000, refused, request, 0);
        return request;
    }
    world_plan(host_true(host, request->call.sent + order->timeout_ns), time_is_over, request, 0);
    world_plan(world.now + travel(host), arrives, request, world.now);
    return request;
}

void http_cancel(struct http_request *request)
{
    if (request)
        unlink_request(request);
}

static struct http_request *first_ready(const struct transport *transport)
{
    struct http_request *first = NULL;

    for (struct http_request *open = transport->open; open; open = open->next)
        if (open->ready && (!first || open->order < first->order))
            first = open;
    return first;
}

void transport_call_back(struct transport *transport)
{
    struct http_request *request;

    while ((request = first_ready(transport))) {
        struct http_response response = {
            .answered = request->answered,
            .never_sent = request->never_sent,
            .status = request->status,
            .body = request->answered ? request->body : "",
            .index = request->index,
            .failure = request->never_sent ? "connection refused" : "no answer within its time",
            .address = "http://127.0.0.1:8500",
        };
        response.length = strlen(response.body);
        unlink_request(request);
        if (request->answered)
            terms_answered(&request->call, request->status, request->body);
        request->callback(request->context, &response);
    }
}
