/* probe.c - the probes of the simulated programs: one of http answers at once as the program is,
 * the other kinds are not asked.
 */
#include <stddef.h>

#include "probes/exec.h"
#include "probes/kinds.h"
#include "tests/simulation/instance.h"

static void begin(struct probe *probe)
{
    probe_ended(probe, !process_current->instance->slot->unwell, "it is unwell");
}

static void cancel(struct probe *probe)
{
    probe_ended(probe, false, "");
}

const struct probe_kind_operations probe_http = { begin, cancel };
const struct probe_kind_operations probe_tcp = { begin, cancel };
const struct probe_kind_operations probe_consul = { begin, cancel };
const struct probe_kind_operations probe_exec = { begin, cancel };

struct transfers *transfers_open(void)
{
    return NULL;
}

int transfers_descriptor(const struct transfers *transfers)
{
    (void)transfers;
    return -1;
}

uint64_t transfers_next_due(const struct transfers *transfers)
{
    (void)transfers;
    return 0;
}

void transfers_turn(struct transfers *transfers)
{
    (void)transfers;
}

bool exec_reaped(struct schedule *schedule, pid_t pid, int wait_status)
{
    (void)schedule, (void)pid, (void)wait_status;
    return false;
}

void exec_turn(struct schedule *schedule, instant_ns now)
{
    (void)schedule, (void)now;
}

instant_ns exec_next_due(struct schedule *schedule)
{
    (void)schedule;
    return 0;
}
