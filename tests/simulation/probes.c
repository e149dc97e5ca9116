/* probes.c - probes/exec.h and probes/transfer.h: no simulated instance has a probe. */
#include <stdlib.h>

#include "probes/exec.h"
#include "probes/http.h"
#include "probes/tcp.h"
#include "probes/transfer.h"

const struct probe_kind_operations http_probe, tcp_probe, exec_probe;

bool exec_reaped(struct runner *runner, pid_t pid, int wait_status)
{
    (void)runner, (void)pid, (void)wait_status;
    abort();
}

void exec_turn(struct runner *runner, instant_ns now)
{
    (void)runner, (void)now;
    abort();
}

instant_ns exec_next_due(struct runner *runner)
{
    (void)runner;
    abort();
}

nfds_t exec_watch(struct runner *runner, struct pollfd watches[PROBES_MAX])
{
    (void)runner, (void)watches;
    abort();
}

struct transfers *transfers_open(void)
{
    abort();
}

int transfers_descriptor(const struct transfers *transfers)
{
    (void)transfers;
    abort();
}

instant_ns transfers_next_due(const struct transfers *transfers)
{
    (void)transfers;
    abort();
}

void transfers_turn(struct transfers *transfers)
{
    (void)transfers;
    abort();
}
