#include "tests/simulation/coverage.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/machine.h"
#include "election/transitions.h"
#include "tests/simulation/faults.h"

#define RUN_FAULTS_MAX 16

struct coverage coverage;

/* The tables of the shipped code. */
static const struct machine *const machines[] = { &election_machine };

#define MACHINES (sizeof machines / sizeof machines[0])
_Static_assert(MACHINES == MACHINES_COUNTED, "each table is counted");

static struct {
    unsigned kind;
    true_ns began;
} of_run[RUN_FAULTS_MAX];
static unsigned of_run_count;

void coverage_begin(void)
{
    of_run_count = 0;
}

void machine_moved(const struct machine *machine, unsigned from, unsigned event, unsigned to)
{
    (void)to;
    for (unsigned i = 0; i < MACHINES; i++)
        if (machines[i] == machine)
            coverage.cells[i][from][event]++;
}

void coverage_fault(unsigned kind, true_ns now, duration_ns meeting)
{
    assert(kind < FAULTS_MAX);
    coverage.faults[kind]++;
    for (unsigned i = 0; i < of_run_count; i++)
        if (now < of_run[i].began + meeting) {
            bool first = kind < of_run[i].kind;
            coverage.pairs[first ? kind : of_run[i].kind][first ? of_run[i].kind : kind]++;
        }
    if (of_run_count < RUN_FAULTS_MAX) {
        of_run[of_run_count].kind = kind;
        of_run[of_run_count++].began = now;
    }
}

void coverage_add(struct coverage *sum, const struct coverage *part)
{
    for (unsigned i = 0; i < MACHINES_COUNTED; i++)
        for (unsigned j = 0; j < STATES_MAX; j++)
            for (unsigned k = 0; k < EVENTS_MAX; k++)
                sum->cells[i][j][k] += part->cells[i][j][k];
    for (unsigned i = 0; i < FAULTS_MAX; i++) {
        sum->faults[i] += part->faults[i];
        for (unsigned j = 0; j < FAULTS_MAX; j++)
            sum->pairs[i][j] += part->pairs[i][j];
    }
    sum->runs += part->runs;
    sum->events += part->events;
    sum->promotions += part->promotions;
    sum->given_back += part->given_back;
    sum->refused_writes += part->refused_writes;
    sum->simulated_s += part->simulated_s;
}

/* --- The report. --- */

static bool report_cells(const struct machine *machine,
                         const uint32_t entered[STATES_MAX][EVENTS_MAX])
{
    unsigned cells = 0, hit = 0;

    printf("cells of the table \"%s\", and how often each was entered:\n", machine->name);
    for (unsigned state = 0; state < machine->state_count; state++)
        for (unsigned event = 0; event < machine->event_count; event++) {
            if (!machine->is_move(state, event))
                continue;
            cells++;
            hit += entered[state][event] > 0;
            printf("  %-10s %-17s %10" PRIu32 "%s\n", machine->state_name(state),
                   machine->event_name(event), entered[state][event],
                   entered[state][event] ? "" : "  NOT HIT");
        }
    printf("%u of %u cells hit\n", hit, cells);
    return hit == cells;
}

static bool report_faults(const struct coverage *sum)
{
    unsigned hit = 0;

    printf("faults:\n");
    for (unsigned i = 0; i < fault_kind_count(); i++) {
        hit += sum->faults[i] > 0;
        printf("  %-40s %10" PRIu32 "%s\n", fault_kind(i)->name, sum->faults[i],
               sum->faults[i] ? "" : "  NOT HIT");
    }
    printf("%u of %u kinds of fault hit\n", hit, fault_kind_count());
    return hit == fault_kind_count();
}

/* A kind meets itself too. */
static bool report_pairs(const struct coverage *sum)
{
    unsigned pairs = 0, hit = 0;
    uint32_t least = UINT32_MAX;

    for (unsigned i = 0; i < fault_kind_count(); i++)
        for (unsigned j = i; j < fault_kind_count(); j++) {
            uint32_t times = sum->pairs[i][j];
            pairs++;
            hit += times > 0;
            least = times < least ? times : least;
            if (times == 0)
                printf("  NOT HIT: %s with %s\n", fault_kind(i)->name, fault_kind(j)->name);
        }
    printf("%u of %u pairs of faults hit, each at least %" PRIu32 " times\n", hit, pairs, least);
    return hit == pairs;
}

bool coverage_report(const struct coverage *sum)
{
    bool cells = true;
    for (unsigned i = 0; i < MACHINES; i++)
        cells &= report_cells(machines[i], sum->cells[i]);
    bool faults = report_faults(sum);
    bool pairs = report_pairs(sum);

    printf("%" PRIu64 " runs, %" PRIu64 " simulated hours, %" PRIu64 " events, %" PRIu64
           " leads, %" PRIu64 " locks of dead runs given back, %" PRIu64
           " writes left to the tokens and refused\n",
           sum->runs, sum->simulated_s / 3600, sum->events, sum->promotions, sum->given_back,
           sum->refused_writes);
    return cells && faults && pairs;
}
