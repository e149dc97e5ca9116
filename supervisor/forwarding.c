#include "supervisor/forwarding.h"

#include <signal.h>
#include <sys/wait.h>

#include "supervisor/supervisor.h"

static const int wishes_to_end[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

/* Real-time signals come in any number, and each counts; one of the others counts for all of its
 * number that are pending: signal(7).
 */
void forwarding_take(struct supervisor *supervisor, int number, instant_ns now)
{
    int forwarded = signal_rewritten(&supervisor->settings->rewrites, number);

    if (forwarded == 0)
        return;
    if (forwarded >= SIGRTMIN || supervisor->forwarding.pending[forwarded] == 0)
        supervisor->forwarding.pending[forwarded]++;
    forwarding_catch_up(supervisor, now);
}

/* Half of the room is left to orders, for want of which the keeper would be killed. */
void forwarding_catch_up(struct supervisor *supervisor, instant_ns now)
{
    struct forwarding *forwarding = &supervisor->forwarding;

    for (int number = 1; number < SIGNAL_NUMBERS; number++)
        while (forwarding->pending[number] > 0 && channel_has_room(supervisor->keeper.fd)) {
            const struct signal_order order = { .number = number };
            forwarding->pending[number]--;
            forwarding->sent[number] = now;
            keeper_send(supervisor, KEEPER_SIGNAL, 0, &order, sizeof order, -1);
        }
}

bool forwarding_is_behind(const struct forwarding *forwarding)
{
    for (int number = 1; number < SIGNAL_NUMBERS; number++)
        if (forwarding->pending[number] > 0)
            return true;
    return false;
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
