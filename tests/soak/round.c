#include "tests/soak/round.h"

#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/scope.h"
#include "common/messages/network.h"
#include "common/process/cgroup.h"
#include "keeper/keeper.h"
#include "tests/simulation/chance.h"
#include "tests/soak/player.h"
#include "tests/soak/proc.h"
#include "tests/soak/terms.h"

/* A heap that is used anew does not grow; the stack and the sweep's table do, to their size at the
 * worst moment.
 */
#define GROWTH_MOST_KIB 32

#define CHILDREN_MOST 1024

struct round {
    struct player player;
    struct settings settings;
    unsigned hooks_before; /* that ran in this lane */
    unsigned hooks;        /* that are to run */
    unsigned descriptors;  /* that the keeper has when nothing goes on */
    int memory_kib;        /* that it has after the first hooks; 0: not yet */
    bool over;             /* a demotion has failed, which ends the instance */
};

/* --- What is waited for. --- */

/* All that was sent. */
static bool has_heard(const struct player *player)
{
    int unread = 0;

    return ioctl(player->fd, SIOCOUTQ, &unread) == 0 && unread == 0;
}

static bool is_promoted(const struct player *player)
{
    return player->said[KEEPER_PROMOTED] + player->said[KEEPER_PROMOTION_FAILED] > 0 ||
           player->said[KEEPER_EXITED] > 0;
}

static bool is_demoted(const struct player *player)
{
    return player->said[KEEPER_DEMOTED] + player->said[KEEPER_DEMOTION_FAILED] > 0 &&
           player->said[KEEPER_DEMOTING] >= player->demotions;
}

static bool is_started(const struct player *player)
{
    return player->program == PROGRAM_LIVES;
}

static bool has_settled(const struct player *player)
{
    return player->program != PROGRAM_HAS_ENDED;
}

static bool is_gone(const struct player *player)
{
    return player->said[KEEPER_GONE] > 0;
}

/* --- What is judged. --- */

static void judge_promotion(struct round *round, bool was_overtaken)
{
    struct player *player = &round->player;
    unsigned promoted = player->said[KEEPER_PROMOTED];
    unsigned failed = player->said[KEEPER_PROMOTION_FAILED];

    if (promoted + failed > 1 || (promoted + failed == 0 && !was_overtaken))
        player_complain(player, "a promotion with %u answers", promoted + failed);
    if (promoted > 0 && round->settings.on_hook_failure != HOOK_FAILURE_IGNORE &&
        !script_may_succeed(player->promotion))
        player_complain(player, "promoted, though the hook cannot have succeeded");
    atomic_fetch_add(&player->board->failed_promotions, failed);
    atomic_fetch_add(&player->board->overtaken, promoted + failed == 0);
}

static void judge_demotion(struct round *round)
{
    struct player *player = &round->player;
    unsigned demoted = player->said[KEEPER_DEMOTED];
    unsigned failed = player->said[KEEPER_DEMOTION_FAILED];
    struct pollfd lock = { .fd = player->lock };

    if (demoted + failed > player->demotions || player->said[KEEPER_DEMOTING] > player->demotions)
        player_complain(player, "a demotion with %u answers", demoted + failed);
    if (failed > 0 && round->settings.mode != MODE_SIDECAR)
        player_complain(player, "a demotion has failed, though everything can be killed");
    if (demoted > 0 && round->settings.mode == MODE_SIDECAR &&
        !script_may_succeed(player->demotion))
        player_complain(player, "demoted, though the hook cannot have succeeded");
    if (failed == 0 && (poll(&lock, 1, 0) != 1 || !(lock.revents & POLLHUP)))
        player_complain(player, "demoted, and somebody still has the lock");
    atomic_fetch_add(&player->board->failed_demotions, failed);
    player->may_say_again = demoted + failed < player->demotions;
    round->over |= failed > 0;
}

static size_t count_zombies(pid_t parent)
{
    struct kin children[CHILDREN_MOST];
    size_t count = proc_children(parent, children, CHILDREN_MOST), zombies = 0;

    for (size_t i = 0; i < count; i++)
        zombies += children[i].state == 'Z';
    return zombies;
}

/* What comes to rest is as it was; a leader-change hook may still run for a while. */
static void judge_rest(struct round *round)
{
    struct player *player = &round->player;
    instant_ns until = clock_now_ns() + PATIENCE;

    if (atomic_exchange(&player->board->stray, 0) > 0)
        player_complain(player, "a hook has descriptors that are not its own");
    while (!player->wrong) {
        unsigned descriptors = proc_descriptors(player->keeper);
        size_t zombies = count_zombies(player->keeper);
        if (descriptors == round->descriptors && zombies == 0)
            return;
        if (clock_now_ns() > until)
            player_complain(player, "the keeper has %u descriptors, at first %u; %zu zombies",
                            descriptors, round->descriptors, zombies);
        player_await(player, NULL, MILLISECONDS(2));
    }
}

static unsigned hooks_so_far(const struct round *round, unsigned lane)
{
    return atomic_load(&round->player.board->hooks[lane]) - round->hooks_before;
}

/* After a tenth of the hooks it has met most of what there is to be met. */
static void judge_memory(struct round *round, unsigned hooks, bool is_last)
{
    struct player *player = &round->player;
    int now_kib = proc_memory_kib(player->keeper);

    if (round->memory_kib == 0 && hooks >= round->hooks / 10)
        round->memory_kib = now_kib;
    if (!is_last || round->memory_kib == 0 || player->wrong)
        return;
    int grown_kib = now_kib - round->memory_kib;
    if (grown_kib > GROWTH_MOST_KIB)
        player_complain(player, "the keeper's memory has grown by %d KiB", grown_kib);
    for (int most = atomic_load(&player->board->grown_kib); grown_kib > most;)
        if (atomic_compare_exchange_weak(&player->board->grown_kib, &most, grown_kib))
            break;
}

/* --- One lead. --- */

static void settle_program(struct round *round)
{
    struct player *player = &round->player;

    player_insist(player, has_settled, "what the program has left is not gone");
    if (player->wrong || round->settings.mode != MODE_FOLLOW ||
        player->program != PROGRAM_IS_ABSENT)
        return;
    player_start_program(player);
    player_insist(player, is_started, "the program does not start");
}

static void promote(struct round *round)
{
    player_promote(&round->player);
    player_plan_kill(&round->player, 200, 2 * round->settings.promote_timeout_ns);
}

static void demote(struct round *round, bool planned)
{
    bool is_sidecar = round->settings.mode == MODE_SIDECAR; /* whose failure ends the round */

    player_demote(&round->player, planned, round->settings.demote_timeout_ns,
                  !is_sidecar || chance_of(30));
    player_plan_kill(&round->player, is_sidecar ? 10 : 200, 2 * round->settings.demote_timeout_ns);
}

static void play_lead(struct round *round)
{
    struct player *player = &round->player;
    bool is_overtaken = chance_of(120);

    if (chance_of(150))
        player_tell_change(player);
    if (chance_of(150))
        player_pass(player, MILLISECONDS(100));
    promote(round);
    if (is_overtaken)
        player_pass(player, round->settings.promote_timeout_ns);
    else
        player_insist(player, is_promoted, "a promotion without an answer");
    if (chance_of(50))
        player_tell_change(player);

    is_overtaken |= player->said[KEEPER_EXITED] > 0;
    demote(round, false);
    if (round->settings.mode != MODE_SIDECAR && chance_of(80)) {
        player_pass(player, round->settings.demote_timeout_ns);
        player_demote(player, true, round->settings.demote_timeout_ns / 2, true);
    }
    player_insist(player, is_demoted, "a demotion without an answer");
    player->kill_due = 0;
    if (player->wrong)
        return;
    judge_promotion(round, is_overtaken);
    judge_demotion(round);
    settle_program(round);
    if (!round->over)
        judge_rest(round);
}

/* --- Begin and end. --- */

static void begin(struct round *round, const struct round_place *place)
{
    static const struct user nobody_else;
    struct player *player = &round->player;
    struct error err;
    int orders[2], network[2];

    char **command = terms_draw(&round->settings, place->program, place->board_path, place->lane);
    if (chance_of(500) && cgroup_make(&err) < 0)
        round->over = false; /* followed by its descent alone, as in the other rounds */
    if (channel_pair(orders, &err) < 0 || channel_pair(network, &err) < 0)
        abort();
    const struct keeper_start start = {
        .settings = &round->settings,
        .command = command,
        .user = &nobody_else,
        .signals = place->signals,
        .ack = ACK_NONE,
        .directory = "/",
        .lease_path = "",
        .supervisor = getpid(),
        .supervisor_fd = orders[1],
        .network_fd = -1,
    };
    player->keeper = keeper_fork(&start, (int[]){ orders[0], network[0], network[1], -1 }, &err);
    if (player->keeper < 0)
        abort();
    close(orders[1]);
    player->fd = orders[0];
    player->network_fd = network[0];
    player_send(player, KEEPER_NETWORK, NULL, 0, network[1]);
    close(network[1]);
    player->lease_due = clock_now_ns();
    for (unsigned ms = 0; ms < 1000 && !has_heard(player); ms++)
        player_pass(player, MILLISECONDS(1));
    settle_program(round);
    round->descriptors = proc_descriptors(player->keeper);
}

static void stop(struct round *round, duration_ns time)
{
    player_stop(&round->player, time);
    player_insist(&round->player, is_gone, "a stop, and not everything is gone");
}

/* In the middle of a lead, at any moment. */
static void end_lead(struct round *round)
{
    struct player *player = &round->player;
    const struct settings *settings = &round->settings;
    bool kills = chance_of(300), dies = !kills && chance_of(600);

    promote(round);
    player_pass(player, 2 * settings->promote_timeout_ns);
    if (dies && chance_of(500))
        return;
    demote(round, true);
    if (dies || kills)
        player_pass(player, settings->demote_timeout_ns);
    if (kills)
        player_stop(player, 0);
    if (!dies)
        player_insist(player, is_demoted, "a demotion without an answer");
    if (!dies)
        stop(round, settings->stop_timeout_ns);
}

/* Returns whether the keeper has ended in time. */
static bool await_end(pid_t keeper)
{
    AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, keeper, 0);
    struct pollfd watch = { .fd = fd, .events = POLLIN };

    return poll(&watch, 1, (int)(PATIENCE / MILLISECONDS(1))) == 1;
}

static void judge_end(struct round *round)
{
    struct player *player = &round->player;
    struct kin children[CHILDREN_MOST];
    struct message message;
    enum channel_result result;
    unsigned all_gone = 0;
    int status, passed;

    close_end(&player->fd);
    if (!await_end(player->keeper)) {
        player_complain(player, "the keeper does not end");
        return;
    }
    waitpid(player->keeper, &status, 0);
    player->keeper = 0;
    size_t left = proc_children(getpid(), children, CHILDREN_MOST);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        player_complain(player, "the keeper ends with wait status %#x", status);
    if (left > 0)
        player_complain(player, "%zu processes are left: %s, state %c", left, children[0].name,
                        children[0].state);
    while ((result = channel_receive(player->network_fd, &message, &passed)) == CHANNEL_MESSAGE)
        all_gone += message.type == NETWORK_ALL_GONE;
    if (result != CHANNEL_CLOSED)
        player_complain(player, "somebody has the keeper's channel");
    if (all_gone > 1 || (all_gone == 0 && round->settings.mode != MODE_SIDECAR))
        player_complain(player, "the end was told %u times", all_gone);
}

/* After what was wrong there may be a keeper, and others. */
static void clean_up(struct round *round)
{
    struct player *player = &round->player;
    struct kin children[CHILDREN_MOST];
    size_t count;

    if (player->keeper > 0) {
        kill(player->keeper, SIGKILL);
        waitpid(player->keeper, NULL, 0);
    }
    while ((count = proc_children(getpid(), children, CHILDREN_MOST)) > 0) {
        for (size_t i = 0; i < count; i++)
            kill(children[i].pid, SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    close_end(&player->fd);
    close_end(&player->network_fd);
    close_end(&player->lock);
    cgroup_remove();
}

void round_play(const struct round_place *place, uint64_t seed, unsigned number, unsigned hooks)
{
    static struct round round;
    struct player *player = &round.player;

    chance_seed(seed * 1000003 + number);
    round = (struct round){
        .player = { .board = place->board,
                    .settings = &round.settings,
                    .round = number,
                    .fd = -1,
                    .network_fd = -1,
                    .lock = -1,
                    .promotion = "none",
                    .demotion = "none" },
        .hooks_before = atomic_load(&place->board->hooks[place->lane]),
        .hooks = hooks,
    };
    begin(&round, place);
    unsigned done = 0;
    for (unsigned i = 0; i < hooks && done < hooks && !player->wrong && !round.over; i++) {
        play_lead(&round);
        done = hooks_so_far(&round, place->lane);
        judge_memory(&round, done, false);
    }
    judge_memory(&round, done, true);
    if (!player->wrong && !round.over && chance_of(700))
        end_lead(&round);
    else if (!player->wrong)
        stop(&round, round.settings.stop_timeout_ns);
    if (!player->wrong)
        judge_end(&round);
    clean_up(&round);
    atomic_fetch_add(&place->board->rounds, 1);
}
