/* main.c - 10,000 hooks against the keeper as it ships, with real processes: `soak HOOKS [SEED]`.
 *
 * Prints what is wrong and a count, and ends with 1 when anything was. The seed settles what is
 * done, not when the machine gets to it. `soak HOOKS SEED ROUND` plays one of the rounds.
 *
 * The programs and hooks of the keepers are this program too: `soak program TRAITS` and
 * `soak hook BOARD LANE`.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/scope.h"
#include "tests/soak/proc.h"
#include "tests/soak/round.h"
#include "tests/soak/script.h"

#define LANES           8   /* most of a hook is waiting */
#define HOOKS_PER_ROUND 250 /* long enough for what grows by little */
#define WRONG_ENOUGH    10  /* no round begins after so much */

struct plan {
    uint64_t seed;
    unsigned hooks; /* of a lane */
    int round;      /* the only one; -1: all */
};

static struct board *map_board(int fd)
{
    void *board = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (board == MAP_FAILED) {
        perror("soak: the board");
        exit(EXIT_FAILURE);
    }
    return board;
}

/* --- What the keeper runs. --- */

static int run_hook(const char *board_path, unsigned lane)
{
    const char *script = getenv("CONSUL_LEADER_HOLDER");
    bool is_stray = proc_descriptors(getpid()) != 3;
    AUTO_CLOSE int fd = open(board_path, O_RDWR | O_CLOEXEC);
    struct board *board = map_board(fd);

    atomic_fetch_add(&board->hooks[lane], 1);
    atomic_fetch_add(&board->stray, is_stray);
    close_end(&fd);
    return script_run(script ? script : "");
}

/* --- The lanes. --- */

/* Rounds have numbers that say nothing of who is faster. */
static void play_rounds(const struct round_place *place, const struct plan *plan)
{
    struct board *board = place->board;
    unsigned done = 0;

    for (unsigned round = place->lane;
         done < plan->hooks && atomic_load(&board->wrong) < WRONG_ENOUGH; round += LANES) {
        unsigned left = plan->hooks - done;
        round_play(place, plan->seed, round, left < HOOKS_PER_ROUND ? left : HOOKS_PER_ROUND);
        done = atomic_load(&board->hooks[place->lane]);
    }
}

static void play_lane(struct board *board, const char *board_path, unsigned lane,
                      const struct plan *plan)
{
    static struct signal_state signals;
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length < 0)
        abort();
    program[length] = '\0';
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal_state_take(&signals);
    const struct round_place place = {
        .board = board,
        .lane = lane,
        .program = program,
        .board_path = board_path,
        .signals = &signals,
    };
    if (plan->round < 0)
        play_rounds(&place, plan);
    else if (lane == 0)
        round_play(&place, plan->seed, (unsigned)plan->round, HOOKS_PER_ROUND);
}

static void run_lanes(struct board *board, const char *board_path, const struct plan *plan)
{
    int status;

    for (unsigned lane = 0; lane < LANES; lane++) {
        pid_t pid = fork();
        if (pid == 0) {
            play_lane(board, board_path, lane, plan);
            _exit(EXIT_SUCCESS);
        }
    }
    while (wait(&status) > 0)
        if (status != 0) {
            printf("a lane of the soak itself ended with wait status %#x\n", status);
            atomic_fetch_add(&board->wrong, 1);
        }
}

static int report(const struct board *board, uint64_t seed, uint64_t time_ns)
{
    unsigned hooks = 0, wrong = atomic_load(&board->wrong);

    for (unsigned lane = 0; lane < LANES; lane++)
        hooks += atomic_load(&board->hooks[lane]);
    printf("seed %" PRIu64 ": %u keepers in %" PRIu64 " s; %u promotions: %u failed, %u overtaken; "
           "%u demotions: %u failed; %u processes killed from outside; memory grown by at most "
           "%d KiB\n",
           seed, atomic_load(&board->rounds), time_ns / SECONDS(1), atomic_load(&board->promotions),
           atomic_load(&board->failed_promotions), atomic_load(&board->overtaken),
           atomic_load(&board->demotions), atomic_load(&board->failed_demotions),
           atomic_load(&board->killed), atomic_load(&board->grown_kib));
    printf("%u hooks, %u wrong\n", hooks, wrong);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- The soak. --- */

/* What the keeper finds when it is started: an environment that says nothing to its options, and a
 * descriptor that somebody has left open.
 */
static void prepare(void)
{
    const struct rlimit none = { 0 };

    clearenv();
    setenv("PATH", "/usr/bin:/bin", 1); /* an empty environment would be none at all */
    setrlimit(RLIMIT_CORE, &none);
    if (open("/dev/null", O_RDONLY) < 0)
        abort();
}

static int soak(const struct plan *plan)
{
    uint64_t begin = clock_now_ns();
    char path[64];
    int fd = memfd_create("soak-board", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, sizeof(struct board)) < 0)
        abort();
    struct board *board = map_board(fd);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    prepare();
    run_lanes(board, path, plan);
    return report(board, plan->seed, clock_now_ns() - begin);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "program") == 0)
        script_run_program((unsigned)atoi(argv[2]));
    if (argc == 4 && strcmp(argv[1], "hook") == 0)
        return run_hook(argv[2], (unsigned)atoi(argv[3]));

    int hooks = argc > 1 ? atoi(argv[1]) : 0;
    if (hooks <= 0 || argc > 4) {
        fprintf(stderr, "usage: soak HOOKS [SEED [ROUND]]\n");
        return 64;
    }
    const struct plan plan = {
        .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
        .hooks = ((unsigned)hooks + LANES - 1) / LANES,
        .round = argc > 3 ? atoi(argv[3]) : -1,
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    return soak(&plan);
}
