#include "supervisor/forwarding.h"

#include <signal.h>
#include <sys/wait.h>

#include "supervisor/supervisor.h"

static const int wishes_to_end[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

void forwarding_take(struct supervisor *supervisor, int number, instant_ns now)
{
    struct signal_order order = {
        .number = signal_rewritten(&supervisor->settings->rewrites, number),
    };

    if (order.number == 0)
        return;
    supervisor->forwarding.sent[order.number] = now;
    keeper_send(supervisor, KEEPER_SIGNAL, 0, &order, sizeof order, -1);
}

/* A program has as long for it as for any stop. */
static bool was_sent(const struct supervisor *supervisor, int number, instant_ns now)
{
    instant_ns sent = supervisor->forwarding.sent[number];

    return sent != 0 && now < sent + supervisor->settings->stop_timeout_ns;
}

bool forwarding_ended_program(const struct supervisor *supervisor, int wait_status, instant_ns now)
{
    if (WIFSIGNALED(wait_status))
        return was_sent(supervisor, WTERMSIG(wait_status), now);
    for (size_t i = 0; i < sizeof wishes_to_end / sizeof *wishes_to_end; i++)
        if (was_sent(supervisor, wishes_to_end[i], now))
            return true;
    return false;
}
