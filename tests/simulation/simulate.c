/* simulate.c - plays many runs and reports, or tells one.
 *
 * simulate RUNS [FIRST]: plays RUNS runs from seed FIRST (1) on all processors. Ends with 1 when a
 * rule was broken, or when 100,000 runs have not met all that they should.
 *
 * simulate --seed N: tells the run of that seed.
 *
 * simulate --find RUNS [RULE...]: stops at the first seed that breaks a rule; one of these, named
 * by the beginnings of their texts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulation/coverage.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/schedule.h"
#include "tests/simulation/story.h"
#include "tests/simulation/world.h"

/* What killed processes had is never freed: who plays so many runs is replaced. */
#define CHUNK 250

#define WORKERS_MAX    64
#define VIOLATIONS_MAX 8
#define RUNS_OF_PROOF  100000
#define RUN_SECONDS    60 /* for one run; a turn without end is a failure of the simulator */

struct result {
    pid_t pid;     /* 0: free */
    uint64_t seed; /* that is played */
    struct coverage coverage;
    unsigned violation_count;
    struct {
        uint64_t seed;
        char reason[512];
    } violations[VIOLATIONS_MAX];
};

static struct result *results; /* shared with the workers */
static struct coverage sum;
static unsigned violations;

static bool find;     /* and no more */
static char **wanted; /* rules */
static unsigned wanted_count;

static bool is_wanted(void)
{
    for (unsigned i = 0; i < wanted_count; i++)
        if (strncmp(rule_texts[judge_verdict()], wanted[i], strlen(wanted[i])) == 0)
            return true;
    return wanted_count == 0;
}

static void note_violation(struct result *result)
{
    unsigned place = result->violation_count++;

    if (place >= VIOLATIONS_MAX)
        return;
    result->violations[place].seed = result->seed;
    strcpy(result->violations[place].reason, judge_reason());
}

/* The same seed gives the same run to the last event; tried once a chunk. */
static void play_again(uint64_t seed)
{
    uint64_t trace = world.trace, events = world.events;
    struct coverage counted = coverage;

    schedule_play(seed);
    coverage = counted;
    if (world.trace != trace || world.events != events)
        abort();
}

static void play_chunk(struct result *result, uint64_t first, uint64_t count)
{
    memset(&coverage, 0, sizeof coverage);
    for (result->seed = first; result->seed < first + count; result->seed++) {
        alarm(RUN_SECONDS);
        schedule_play(result->seed);
        if (judge_verdict() != RULES && is_wanted()) {
            note_violation(result);
            if (find)
                break;
        }
        if (result->seed == first)
            play_again(first);
    }
    result->coverage = coverage;
}

static void start_worker(struct result *result, uint64_t first, uint64_t count)
{
    memset(result, 0, sizeof *result);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        play_chunk(result, first, count);
        _exit(EXIT_SUCCESS);
    }
    result->pid = pid;
}

static void take_result(struct result *result, int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
        printf("seed %" PRIu64 ": the simulator itself failed\n", result->seed);
        violations++;
    }
    for (unsigned i = 0; i < result->violation_count && i < VIOLATIONS_MAX; i++)
        printf("seed %" PRIu64 " %s\n", result->violations[i].seed, result->violations[i].reason);
    violations += result->violation_count;
    coverage_add(&sum, &result->coverage);
    result->pid = 0;
}

static void wait_for_one(unsigned workers)
{
    int status;
    pid_t pid = wait(&status);

    for (unsigned i = 0; i < workers; i++)
        if (results[i].pid == pid)
            take_result(&results[i], status);
}

static struct result *free_result(unsigned workers)
{
    for (unsigned i = 0; i < workers; i++)
        if (results[i].pid == 0)
            return &results[i];
    return NULL;
}

static int play_many(uint64_t first, uint64_t runs)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = processors < 1             ? 1
                       : processors > WORKERS_MAX ? WORKERS_MAX
                                                  : (unsigned)processors;
    uint64_t next = first, running = 0;

    results = mmap(NULL, workers * sizeof *results, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED)
        return EXIT_FAILURE;
    while (running > 0 || (next < first + runs && !(find && violations))) {
        struct result *result = free_result(workers);
        if (result && next < first + runs && !(find && violations)) {
            uint64_t left = first + runs - next;
            start_worker(result, next, left < CHUNK ? left : CHUNK);
            next += left < CHUNK ? left : CHUNK;
            running++;
        } else {
            wait_for_one(workers);
            running--;
        }
    }
    if (find)
        return violations ? EXIT_FAILURE : EXIT_SUCCESS;
    bool complete = coverage_report(&sum);
    printf("%" PRIu64 " schedules, %u violations\n", sum.runs, violations);
    return violations || (!complete && runs >= RUNS_OF_PROOF) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int tell(uint64_t seed)
{
    story_begin(true);
    schedule_play(seed);
    if (judge_verdict() == RULES)
        printf("%8.3fs  the end: no rule was broken\n", (double)world.now / (double)SECONDS(1));
    return judge_verdict() == RULES ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    schedule_prepare();
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        return tell(strtoull(argv[2], NULL, 10));
    find = argc >= 3 && strcmp(argv[1], "--find") == 0;
    if (find) {
        wanted = argv + 3;
        wanted_count = (unsigned)argc - 3;
        return play_many(1, strtoull(argv[2], NULL, 10));
    }
    if (argc == 2 || argc == 3)
        return play_many(argc == 3 ? strtoull(argv[2], NULL, 10) : 1, strtoull(argv[1], NULL, 10));
    fprintf(stderr, "usage: simulate RUNS [FIRST] | --seed N | --find RUNS [RULE...]\n");
    return 64;
}
