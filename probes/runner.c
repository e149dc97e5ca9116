#include "probes/runner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/duration.h"

/* From the first run of one to that of the next, and so between all that have one interval. */
#define SPREAD MILLISECONDS(5)

/* For a run that was cancelled to end. */
#define END_TIME SECONDS(2)

struct runner {
    probe_listener *listener;
    void *context;
    bool on;
    size_t count;
    struct probe probes[];
};

/* --- One probe. --- */

static void run_is_late(struct probe *probe, instant_ns now)
{
    char reason[512], timeout[DURATION_TEXT_SIZE];
    const struct runner *runner = probe->runner;

    snprintf(reason, sizeof reason, "no %s within %s%s%s", probe->awaited,
             duration_format(probe->spec.timeout_ns, timeout), probe->said ? ": " : "",
             probe->said ? probe->said : "");
    probe->stage = PROBE_ENDS;
    probe->stuck_due = now + END_TIME;
    runner->listener(runner->context, probe, false, reason);
    probe->operations->cancel(probe);
}

/* A process that hangs in the kernel: what it was to ask about most likely does, too. */
static void run_is_stuck(struct probe *probe, instant_ns now)
{
    const struct runner *runner = probe->runner;

    probe->stuck_due = now + probe->spec.interval_ns;
    runner->listener(runner->context, probe, false, "its last run cannot be ended");
}

static void take_turn(struct probe *probe, instant_ns now)
{
    if (probe->stage == PROBE_RUNS && now >= probe->begun + probe->spec.timeout_ns)
        run_is_late(probe, now);
    else if (probe->stage == PROBE_ENDS && now >= probe->stuck_due)
        run_is_stuck(probe, now);
    if (probe->stage != PROBE_RESTS || now < probe->due)
        return;
    probe->stage = PROBE_RUNS;
    probe->begun = now;
    probe->due = now + probe->spec.interval_ns;
    probe->said = NULL;
    probe->operations->begin(probe);
}

void probe_ended(struct probe *probe, bool passed, const char *reason)
{
    const struct runner *runner = probe->runner;
    bool was_cancelled = probe->stage == PROBE_ENDS;

    assert(probe->stage != PROBE_RESTS);
    probe->stage = PROBE_RESTS;
    if (!was_cancelled)
        runner->listener(runner->context, probe, passed, passed ? "" : reason);
}

/* --- All of them. --- */

/* The number of the next probe from there on that runs here; past the last there is none. */
static bool find_next(const char *texts, const struct probe_kind_user kinds[PROBE_KINDS],
                      uint32_t *number, struct probe_spec *spec)
{
    char text[PROBE_TEXT_SIZE];
    struct error ignored; /* it was read when the options were */

    for (; probe_text_find(texts, *number, text); ++*number)
        if (probe_spec_parse(text, spec, &ignored) == 0 && kinds[spec->kind].operations)
            return true;
    return false;
}

struct runner *runner_open(const char *texts, const struct probe_kind_user kinds[PROBE_KINDS],
                           probe_listener *listener, void *context)
{
    struct probe_spec spec;
    size_t count = 0;

    for (uint32_t number = 0; find_next(texts, kinds, &number, &spec); number++)
        count++;
    if (count == 0)
        return NULL;

    struct runner *runner = calloc(1, sizeof *runner + count * sizeof runner->probes[0]);
    assert(runner);
    runner->listener = listener;
    runner->context = context;
    for (uint32_t number = 0; find_next(texts, kinds, &number, &spec); number++) {
        struct probe *probe = &runner->probes[runner->count++];
        probe->number = number;
        probe->spec = spec;
        probe->operations = kinds[spec.kind].operations;
        probe->context = kinds[spec.kind].context;
        probe->runner = runner;
        probe_text_name(texts, number, probe->name);
    }
    return runner;
}

void runner_switch(struct runner *runner, bool on, instant_ns now)
{
    if (on == runner->on)
        return;
    runner->on = on;
    for (size_t i = 0; i < runner->count; i++) {
        struct probe *probe = &runner->probes[i];
        probe->due = now + i * SPREAD;
        probe->stuck_due = now + END_TIME;
        if (probe->stage == PROBE_RUNS) {
            probe->stage = PROBE_ENDS;
            probe->operations->cancel(probe);
        }
    }
}

void runner_turn(struct runner *runner, instant_ns now)
{
    for (size_t i = 0; runner->on && i < runner->count; i++)
        take_turn(&runner->probes[i], now);
}

instant_ns runner_next_due(const struct runner *runner)
{
    instant_ns due = 0;

    for (size_t i = 0; runner->on && i < runner->count; i++) {
        const struct probe *probe = &runner->probes[i];
        if (probe->stage == PROBE_RUNS)
            due = clock_earlier(due, probe->begun + probe->spec.timeout_ns);
        else
            due = clock_earlier(due, probe->stage == PROBE_RESTS ? probe->due : probe->stuck_due);
    }
    return due;
}

void runner_each(struct runner *runner, void (*call)(struct probe *probe, void *context),
                 void *context)
{
    for (size_t i = 0; i < runner->count; i++)
        call(&runner->probes[i], context);
}
