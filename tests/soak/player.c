#include "tests/soak/player.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/scope.h"
#include "tests/simulation/chance.h"
#include "tests/soak/proc.h"

#define LEASE         SECONDS(60)
#define RENEWAL       SECONDS(1)
#define CHILDREN_MOST 1024

static unsigned milliseconds(duration_ns time)
{
    return (unsigned)(time / MILLISECONDS(1));
}

void player_complain(struct player *player, const char *format, ...)
{
    static const char *const modes[] = {
        [MODE_FOLLOW] = "follow",
        [MODE_LEADER_ONLY] = "leader-only",
        [MODE_SIDECAR] = "sidecar",
    };
    const struct settings *settings = player->settings;
    char text[256];
    va_list arguments;

    if (player->wrong)
        return;
    player->wrong = true;
    atomic_fetch_add(&player->board->wrong, 1);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    dprintf(STDOUT_FILENO, "round %u, lead %u: %s (%s, timeouts %u ms, %u ms, hooks: %s, %s)\n",
            player->round, player->leads, text, modes[settings->mode],
            milliseconds(settings->promote_timeout_ns), milliseconds(settings->demote_timeout_ns),
            player->promotion, player->demotion);
}

/* --- What the keeper says. --- */

static void note_program(struct player *player, const struct message *message)
{
    if (message->type == KEEPER_STARTED)
        player->program = PROGRAM_LIVES;
    else if (message->type == KEEPER_EXITED)
        player->program = PROGRAM_HAS_ENDED;
    else if (message->type == KEEPER_GONE)
        player->program = PROGRAM_IS_ABSENT;
    else if (message->type == KEEPER_START_FAILED)
        player_complain(player, "the program did not start: %s",
                        MESSAGE_BODY(message, const struct failure_report)->reason);
}

static void take(struct player *player, const struct message *message)
{
    bool is_of_lead = message->type >= KEEPER_PROMOTED && message->type <= KEEPER_DEMOTION_FAILED;

    if (message->type < KEEPER_STARTED || message->type > KEEPER_DEMOTION_FAILED) {
        player_complain(player, "it says what nobody knows: a message of type %u", message->type);
    } else if (is_of_lead && message->term != player->term) {
        if (message->type != KEEPER_DEMOTED || !player->may_say_again)
            player_complain(player, "an answer too many: of type %u, to an earlier lead",
                            message->type);
        player->may_say_again = false;
    } else {
        player->said[message->type]++;
        note_program(player, message);
    }
}

static void take_all(struct player *player)
{
    struct message message;
    int passed;

    while (!player->wrong)
        switch (channel_receive(player->fd, &message, &passed)) {
        case CHANNEL_EMPTY:
            return;
        case CHANNEL_CLOSED:
            player_complain(player, "the keeper has ended");
            return;
        case CHANNEL_MESSAGE:
            take(player, &message);
        }
}

/* --- Orders. --- */

void player_send(struct player *player, enum keeper_message type, const void *body, size_t size,
                 int passed_fd)
{
    struct message message = { .type = type, .term = player->term };

    if (size > 0)
        memcpy(message.body, body, size);
    if (channel_send(player->fd, &message, passed_fd) != CHANNEL_SENT)
        player_complain(player, "the keeper takes no orders");
}

static void grant_lease(struct player *player, instant_ns now)
{
    struct lease lease = { .term = player->term, .soft = now + LEASE / 2, .hard = now + LEASE };

    player_send(player, KEEPER_LEASE, &lease, sizeof lease, -1);
    player->lease_due = now + RENEWAL;
}

static struct situation situation(const char *role, const char *script)
{
    struct situation situation = { .reason = "soak" };

    snprintf(situation.role, sizeof situation.role, "%s", role);
    snprintf(situation.holder, sizeof situation.holder, "%s", script);
    return situation;
}

void player_start_program(struct player *player)
{
    struct situation follower = situation("follower", "");

    player_send(player, KEEPER_START, &follower, sizeof follower, -1);
}

/* A pipe stands for it, which hangs up when the last who has the other end is gone. */
static void give_lock(struct player *player)
{
    int ends[2];

    close_end(&player->lock);
    if (pipe2(ends, O_CLOEXEC) < 0)
        abort();
    player_send(player, KEEPER_LOCK, NULL, 0, ends[1]);
    close(ends[1]);
    player->lock = ends[0];
}

void player_promote(struct player *player)
{
    memset(player->said, 0, sizeof player->said);
    player->demotions = 0;
    player->term++;
    player->leads++;
    script_draw(player->promotion, milliseconds(player->settings->promote_timeout_ns), true);
    snprintf(player->demotion, sizeof player->demotion, "none");
    give_lock(player);
    grant_lease(player, clock_now_ns());

    struct situation leader = situation("leader", player->promotion);
    leader.token = player->term;
    player_send(player, KEEPER_PROMOTE, &leader, sizeof leader, -1);
    atomic_fetch_add(&player->board->promotions, 1);
}

void player_demote(struct player *player, bool planned, duration_ns until, bool wild)
{
    if (player->demotions++ == 0) {
        script_draw(player->demotion, milliseconds(player->settings->demote_timeout_ns), wild);
        atomic_fetch_add(&player->board->demotions, 1);
    }

    struct demotion_order order = {
        .situation = situation("follower", player->demotion),
        .until = clock_now_ns() + until,
        .planned = planned,
    };
    player_send(player, KEEPER_DEMOTE, &order, sizeof order, -1);
}

void player_stop(struct player *player, duration_ns until)
{
    struct stop_order order = { .until = clock_now_ns() + until };

    player->said[KEEPER_GONE] = 0;
    player_send(player, KEEPER_STOP, &order, sizeof order, -1);
}

void player_tell_change(struct player *player)
{
    char script[SCRIPT_TEXT_SIZE];

    script_draw(script, milliseconds(player->settings->promote_timeout_ns), true);
    struct situation change = situation("follower", script);
    player_send(player, KEEPER_LEADER_CHANGED, &change, sizeof change, -1);
}

/* --- Waiting. --- */

static void kill_somebody(struct player *player)
{
    static const int numbers[] = { SIGKILL, SIGTERM, SIGSTOP, SIGCONT, SIGINT, SIGSEGV, SIGHUP };
    struct kin children[CHILDREN_MOST];
    size_t count = proc_children(player->keeper, children, CHILDREN_MOST);

    player->kill_due = 0;
    if (count == 0)
        return;
    kill(children[chance(count)].pid, numbers[chance(sizeof numbers / sizeof *numbers)]);
    atomic_fetch_add(&player->board->killed, 1);
}

bool player_await(struct player *player, bool (*has_come)(const struct player *), duration_ns time)
{
    instant_ns now = clock_now_ns(), until = now + time;

    while (!player->wrong && !(has_come && has_come(player)) && now < until) {
        struct pollfd watch = { .fd = player->fd, .events = POLLIN };
        instant_ns due = clock_earlier(player->lease_due, player->kill_due);
        poll(&watch, 1, clock_poll_timeout(clock_earlier(until, due)));
        take_all(player);
        now = clock_now_ns();
        if (!player->wrong && now >= player->lease_due)
            grant_lease(player, now);
        if (player->kill_due != 0 && now >= player->kill_due)
            kill_somebody(player);
    }
    return !player->wrong && has_come && has_come(player);
}

void player_insist(struct player *player, bool (*has_come)(const struct player *), const char *what)
{
    if (!player_await(player, has_come, PATIENCE))
        player_complain(player, "%s", what);
}

void player_pass(struct player *player, duration_ns most)
{
    player_await(player, NULL, chance_delay(0, most));
}

void player_plan_kill(struct player *player, unsigned in_1000, duration_ns most)
{
    player->kill_due = chance_of(in_1000) ? clock_now_ns() + chance_delay(0, most) : 0;
}
