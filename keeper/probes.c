/* probes.c - the commands that ask whether the program is well (--probe exec:...). */
#include <stdio.h>

#include "common/base/clock.h"
#include "keeper/conduct.h"

static int start(void *context, const char *text, int output_fd, struct child *child,
                 struct error *err)
{
    const struct keeper *keeper = context;
    const struct situation follower = { .role = "follower" };
    const struct command command =
        keeper_command(keeper, text, keeper->led ? &keeper->lead : &follower);

    return command_spawn(&command, output_fd, child, err);
}

static bool something_ends(const struct keeper *keeper)
{
    return keeper->supervisor_fd < 0 || keeper->killing || keeper->program.state == PROGRAM_ENDED ||
           keeper->demotion.stage == DEMOTION_KILLS;
}

static void probed(void *context, const struct probe *probe, bool passed, const char *reason)
{
    const struct keeper *keeper = context;
    struct message message = { .type = KEEPER_PROBED };
    struct probe_report *report = MESSAGE_BODY(&message, struct probe_report);

    if (something_ends(keeper)) /* it was killed with everything */
        return;
    report->serial = keeper->probes_serial;
    report->number = probe->number;
    report->passed = passed;
    snprintf(report->reason, sizeof report->reason, "%s", reason);
    channel_send_spare(keeper->supervisor_fd, &message);
}

void keeper_open_probes(struct keeper *keeper)
{
    const struct probe_kind_user kinds[PROBE_KINDS] = {
        [PROBE_EXEC] = { &probe_exec, &keeper->probe_starter },
    };

    keeper->probe_starter = (struct exec_starter){ .start = start, .context = keeper };
    keeper->probes = schedule_open(keeper_settings(keeper)->probes, kinds, probed, keeper);
}

void keeper_order_probes(struct keeper *keeper, const struct probe_order *order)
{
    keeper->probes_serial = order->serial;
    if (keeper->probes)
        schedule_switch(keeper->probes, order->on, clock_now_ns());
}

void keeper_turn_probes(struct keeper *keeper, instant_ns now)
{
    exec_turn(keeper->probes, now);
    if (keeper->probes && !something_ends(keeper))
        schedule_turn(keeper->probes, now);
}

instant_ns keeper_probes_due(const struct keeper *keeper)
{
    instant_ns due = exec_next_due(keeper->probes);

    return !keeper->probes || something_ends(keeper)
               ? due
               : clock_earlier(due, schedule_next_due(keeper->probes));
}
