/* probing.c - the probes that run a command: when they may, and as whom. */
#include <stdio.h>

#include "base/clock.h"
#include "keeper/conduct.h"
#include "keeper/environment.h"

static void report(void *context, const struct probe *probe, bool passed, const char *reason)
{
    const struct keeper *keeper = context;
    struct message message = { .type = KEEPER_PROBED };
    struct probe_report *body = MESSAGE_BODY(&message, struct probe_report);

    body->serial = keeper->probe_order.serial;
    body->number = probe->number;
    body->passed = passed;
    snprintf(body->reason, sizeof body->reason, "%s", reason);
    channel_send_spare(keeper->supervisor_fd, &message);
}

/* It finds what a hook would find. */
static int start(void *context, char *const *argv, int output_fd, struct child *child,
                 struct error *err)
{
    static struct environment environment;
    static const struct situation follower = { .role = "follower" };
    const struct keeper *keeper = context;
    const struct environment_extra extra = {
        .lease_path = keeper->start->lease_path,
        .program = program_is_alive(&keeper->program) ? keeper->program.child.pid : 0,
        .ack_fd = -1,
    };
    const struct child_spec spec = {
        .argv = argv,
        .environment = environment.variables,
        .user = keeper->start->user,
        .signals = keeper->start->signals,
        .directory = keeper->start->directory,
        .is_hook = true,
        .output_fd = output_fd,
        .private_fd = keeper->lock_fd,
        .ack_fd = -1,
    };

    environment_build(&environment, keeper_settings(keeper), keeper->start->user,
                      keeper->led ? &keeper->lead : &follower, &extra);
    if (child_spawn(child, &spec, err) < 0)
        return -1;
    child_go(child);
    return 0;
}

void keeper_open_probes(struct keeper *keeper)
{
    keeper->probe_starter = (struct exec_starter){ .context = keeper, .start = start };
    const struct probe_kind_user kinds[PROBE_KINDS] = {
        [PROBE_EXEC] = { .operations = &exec_probe, .context = &keeper->probe_starter },
    };
    keeper->probes = runner_open(keeper_settings(keeper)->probes, kinds, report, keeper);
}

/* A probe is a child like others: begun while everything is killed, it would have to be killed. */
static bool may_probe(const struct keeper *keeper)
{
    const struct program *program = &keeper->program;
    bool runs = program->state == PROGRAM_RUNNING && !program->ordered;

    if (keeper_settings(keeper)->mode == MODE_SIDECAR)
        runs = program->state == PROGRAM_ABSENT;
    return keeper->probe_order.on && runs && !keeper->killing && keeper->supervisor_fd >= 0 &&
           keeper->demotion.stage != DEMOTION_KILLS;
}

void keeper_probe(struct keeper *keeper, const struct probe_order *order)
{
    if (!keeper->probes)
        return;
    runner_switch(keeper->probes, false, clock_now_ns()); /* what runs belongs to the last */
    keeper->probe_order = *order;
}

void keeper_advance_probes(struct keeper *keeper, instant_ns now)
{
    if (!keeper->probes)
        return;
    exec_turn(keeper->probes, now);
    runner_switch(keeper->probes, may_probe(keeper), now);
    runner_turn(keeper->probes, now);
}

instant_ns keeper_probes_due(const struct keeper *keeper)
{
    if (!keeper->probes)
        return 0;
    return clock_earlier(runner_next_due(keeper->probes), exec_next_due(keeper->probes));
}

nfds_t keeper_watch_probes(const struct keeper *keeper, struct pollfd watches[PROBES_MAX])
{
    return keeper->probes ? exec_watch(keeper->probes, watches) : 0;
}
