/* turn.c - one turn of the keeper's loop: time, deaths, orders. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/check.h"
#include "common/process/terminal.h"
#include "keeper/conduct.h"

void keeper_init(struct keeper *keeper, const struct keeper_start *start)
{
    *keeper = (struct keeper){
        .start = start,
        .supervisor_fd = start->supervisor_fd,
        .network_fd = start->network_fd,
        .lock_fd = -1,
        .program = { .child = CHILD_NONE },
        .ack = start->ack,
        .hook = { .child = CHILD_NONE, .output = OUTPUT_NONE },
        .change.hook = { .child = CHILD_NONE, .output = OUTPUT_NONE },
    };
    keeper_open_probes(keeper);
}

/* --- Orders. --- */

static void replace_descriptor(int *kept, int passed)
{
    if (*kept >= 0)
        close(*kept);
    *kept = passed;
}

static void signal_program(struct keeper *keeper, int number)
{
    if (number == SIGCONT)
        program_continue(&keeper->program);
    else
        program_signal(&keeper->program, number);
}

static void carry_out(struct keeper *keeper, const struct message *message, int passed_fd)
{
    switch ((enum keeper_message)message->type) {
    case KEEPER_LOCK:
        replace_descriptor(&keeper->lock_fd, passed_fd);
        break;
    case KEEPER_NETWORK:
        replace_descriptor(&keeper->network_fd, passed_fd);
        break;
    case KEEPER_LEASE:
        guard_grant(&keeper->guard, *MESSAGE_BODY(message, const struct lease));
        break;
    case KEEPER_START:
        keeper_start_program(keeper, MESSAGE_BODY(message, const struct situation));
        break;
    case KEEPER_PROMOTE:
        keeper_promote(keeper, message->term, MESSAGE_BODY(message, const struct situation));
        break;
    case KEEPER_RESTART:
        keeper_restart(keeper, message->term, MESSAGE_BODY(message, const struct situation));
        break;
    case KEEPER_DEMOTE:
        keeper->order_due = 0;
        keeper_report(keeper, KEEPER_DEMOTING, message->term, NULL, 0);
        keeper_demote(keeper, message->term, MESSAGE_BODY(message, const struct demotion_order));
        break;
    case KEEPER_STOP:
        keeper->order_due = 0;
        keeper_stop(keeper, MESSAGE_BODY(message, const struct stop_order)->until);
        break;
    case KEEPER_LEADER_CHANGED:
        keeper_leader_changed(keeper, MESSAGE_BODY(message, const struct situation));
        break;
    case KEEPER_PROBE:
        keeper_order_probes(keeper, MESSAGE_BODY(message, const struct probe_order));
        break;
    case KEEPER_SIGNAL:
        signal_program(keeper, MESSAGE_BODY(message, const struct signal_order)->number);
        break;
    default: /* the check lets nothing else in */
        break;
    }
}

static void take_order(struct keeper *keeper, const struct message *message, int passed_fd)
{
    if (message_heard(SUPERVISOR_TO_KEEPER, message, passed_fd, &keeper->complained))
        carry_out(keeper, message, passed_fd);
    else if (message->type == KEEPER_LOCK)
        abort(); /* no program may act whose lock is not kept: check.h */
}

static void receive_orders(struct keeper *keeper)
{
    struct message message;
    int passed_fd;

    while (keeper->supervisor_fd >= 0) {
        switch (channel_receive(keeper->supervisor_fd, &message, &passed_fd)) {
        case CHANNEL_EMPTY:
            return;
        case CHANNEL_CLOSED:
            close(keeper->supervisor_fd);
            keeper_supervisor_died(keeper);
            return;
        case CHANNEL_MESSAGE:
            take_order(keeper, &message, passed_fd);
            keeper_advance(keeper);
        }
    }
}

/* --- Reaping. --- */

static int wait_status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status << 8 : info->si_status;
}

/* Looks before it reaps: until then the pid, and with it the process group, is nobody else's. */
static void reap(struct keeper *keeper)
{
    siginfo_t info;

    for (;;) {
        memset(&info, 0, sizeof info);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return;
        keeper_child_ended(keeper, info.si_pid, wait_status_of(&info));
        waitpid(info.si_pid, NULL, 0);
    }
}

/* --- Stops. --- */

/* Without us it would not have been stopped: no shell is above that could let it go on, or one has
 * brought our group to the foreground without a word.
 */
static bool goes_on_at_once(const struct keeper *keeper)
{
    const struct program *program = &keeper->program;

    if (!keeper->start->has_job_control)
        return program->stopped_by == SIGTSTP;
    return (program->stopped_by == SIGTTIN || program->stopped_by == SIGTTOU) &&
           terminal_pass(program->terminal_group, program->child.pid);
}

/* One change a turn, so that a program that stops again and again stops nothing else: each comes
 * with a SIGCHLD of its own.
 */
static void look_for_stops(struct keeper *keeper)
{
    int before = keeper->program.stopped_by;

    if (!program_was_stopped_or_continued(&keeper->program))
        return;
    keeper->demotion.program_was_stopped = true;
    if (goes_on_at_once(keeper)) {
        program_continue(&keeper->program);
        keeper->program.stopped_by = 0;
        return;
    }
    int number = keeper->program.stopped_by;
    if (number == before)
        return;
    if (number != 0)
        log_warn("program stopped signal=%d", number);
    else
        log_info("program continued");
    keeper_report_stopped(keeper, number);
}

void keeper_turn(struct keeper *keeper)
{
    outbox_flush(&keeper->to_supervisor, keeper->supervisor_fd);
    outbox_flush(&keeper->to_network, keeper->network_fd);
    look_for_stops(keeper);
    keeper_advance(keeper); /* an overdue kill comes before everything else */
    hook_take_output(&keeper->hook);
    hook_take_output(&keeper->change.hook);
    reap(keeper);
    keeper_exec_decided(keeper);
    keeper_advance(keeper);
    receive_orders(keeper);
    keeper_turn_probes(keeper, clock_now_ns());
    keeper_advance(keeper);
}

bool keeper_has_ended(const struct keeper *keeper)
{
    return keeper->finished &&
           (outbox_is_empty(&keeper->to_network) || clock_now_ns() >= keeper->patience);
}
