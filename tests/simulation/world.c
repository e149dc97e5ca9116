#include "tests/simulation/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_SIZE ((size_t)64 << 20)
#define EVENTS_MAX  65536
#define PPM         1000000

struct event {
    true_ns at;
    uint64_t order;
    event_handler handler;
    void *subject;
    uint64_t detail;
};

struct world world;

static char *memory;
static size_t memory_used;
static struct event heap[EVENTS_MAX + 1]; /* from 1 */
static size_t heap_count;
static uint64_t heap_order;

void world_begin(void)
{
    if (!memory)
        memory = malloc(MEMORY_SIZE);
    assert(memory);
    memory_used = 0;
    heap_count = 0;
    heap_order = 0;
    memset(&world, 0, sizeof world);
}

/* --- Memory. --- */

void *world_memory(size_t size)
{
    void *start = memory + memory_used;

    memory_used += (size + 15) / 16 * 16;
    assert(memory_used <= MEMORY_SIZE);
    return memset(start, 0, size);
}

char *world_text(const char *text, size_t length)
{
    char *copy = memory + memory_used;

    memory_used += (length + 1 + 15) / 16 * 16;
    assert(memory_used <= MEMORY_SIZE);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* --- Events: a heap, the earliest first. --- */

static bool comes_before(const struct event *one, const struct event *other)
{
    return one->at != other->at ? one->at < other->at : one->order < other->order;
}

void world_plan(true_ns at, event_handler handler, void *subject, uint64_t detail)
{
    size_t place = ++heap_count;
    struct event event = {
        .at = at > world.now ? at : world.now,
        .order = heap_order++,
        .handler = handler,
        .subject = subject,
        .detail = detail,
    };

    assert(place <= EVENTS_MAX);
    for (; place > 1 && comes_before(&event, &heap[place / 2]); place /= 2)
        heap[place] = heap[place / 2];
    heap[place] = event;
}

static struct event take_first(void)
{
    struct event first = heap[1], last = heap[heap_count--];
    size_t place = 1;

    while (2 * place <= heap_count) {
        size_t child = 2 * place;
        if (child < heap_count && comes_before(&heap[child + 1], &heap[child]))
            child++;
        if (!comes_before(&heap[child], &last))
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = last;
    return first;
}

bool world_step(true_ns until)
{
    if (heap_count == 0 || heap[1].at > until) {
        world.now = until;
        return false;
    }
    struct event event = take_first();
    world.now = event.at;
    world.events++;
    world.trace = (world.trace ^ event.at ^ (event.order << 40)) * 1099511628211u;
    event.handler(event.subject, event.detail);
    return true;
}

/* --- Clocks. --- */

static local_ns show(true_ns at, int64_t rate_ppm)
{
    return at + (uint64_t)((int64_t)(at / PPM) * rate_ppm);
}

/* Rounded up, so that at the true time the clock surely shows it. */
static true_ns unshow(local_ns local, int64_t rate_ppm)
{
    true_ns at = (true_ns)((__int128)local * PPM / (PPM + rate_ppm));

    while (show(at, rate_ppm) < local)
        at++;
    return at;
}

local_ns host_clock(const struct host *host)
{
    return host->clock_offset + show(world.now, host->rate_ppm);
}

true_ns host_true(const struct host *host, local_ns local)
{
    return local <= host->clock_offset ? 0 : unshow(local - host->clock_offset, host->rate_ppm);
}

local_ns servers_clock(void)
{
    return SECONDS(1000) + show(world.now, world.servers_rate_ppm);
}

true_ns servers_true(local_ns local)
{
    return local <= SECONDS(1000) ? 0 : unshow(local - SECONDS(1000), world.servers_rate_ppm);
}
