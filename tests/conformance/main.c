/* conformance SOCKET SEED FIRST COUNT - whether the model of Consul answers as a real one does.
 *
 * Asks both the same random sequences and compares every answer. One sequence in twelve runs while
 * no other does, so that also the indexes of whole tables can be compared; the others run by the
 * hundred, and wait for sessions and lock-delays to end. Nothing is asked while it is not clear
 * whether for Consul such an end has come: what took too long is repeated from the sequence's
 * beginning. So is a timed one that differed: it counts when it differs every time, or when too
 * many differ now and then.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/conformance/sequence.h"

#define MILLISECONDS(n)    ((uint64_t)(n)*1000000u)
#define SESSION_TTL_MIN_NS MILLISECONDS(200) /* what run.py gives Consul */
#define RUNS_MAX           400
#define WIRES              32
#define ALONE_EVERY        12
#define TRIES_MAX          30
#define DIFFERING_MAX      3

/* Consul ends things this much too late at most, even when it is busy. */
#define PATIENCE_NS MILLISECONDS(150)

/* What is asked now is answered before then, mostly. */
#define AHEAD_NS MILLISECONDS(60)

/* In a run that takes so long anyway, one sequence waits for a whole minute. */
#define PATIENT_NUMBER 1
#define PATIENT_END    5000

/* A sequence does not wait for what ends later. */
#define PAUSE_MAX_NS MILLISECONDS(2500)

/* One in so many may differ once and not again, on a busy machine. */
#define DIFFERED_ONE_IN 100

/* A clock's, or a timer's that fires early. */
#define EARLY_NS MILLISECONDS(5)

/* One sequence under way. */
struct run {
    struct world world;
    struct sequence sequence;
    uint64_t number;
    unsigned tries, differing;
    bool open, asking, waiting; /* a sequence; a question; Consul's answer */
    uint64_t wake_ns, sent_ns;
    uint64_t settled_ns; /* up to here the model knows what time has ended */
    uint64_t slowest_ns; /* the longest that an answer took: so much later may be Consul's ends */
};

static struct {
    const char *socket;
    uint64_t seed, next, end;
    bool alone; /* the sequences that run alone come first */
    struct wire wires[WIRES];
    struct run runs[RUNS_MAX];
    size_t run_count;
    uint64_t sequences, operations, differences;
    uint64_t repeated, differed; /* because of time; although nothing was unclear */
} all;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- Sequences. --- */

static void run_begin(struct run *run)
{
    char name[32];

    snprintf(name, sizeof name, "s%llu.%u", (unsigned long long)run->number, run->tries++);
    if (!all.alone || !run->world.model) {
        world_begin(&run->world, all.alone, SESSION_TTL_MIN_NS);
        run->settled_ns = run->slowest_ns = 0;
    }
    sequence_begin(&run->sequence, &run->world, all.seed * 0x9e3779b97f4a7c15u + run->number,
                   !all.alone, name);
    if (run->number == PATIENT_NUMBER && all.end > PATIENT_END)
        sequence_be_patient(&run->sequence);
    run->open = true;
    run->asking = run->waiting = false;
    run->wake_ns = 0;
}

static void run_end(struct run *run)
{
    sequence_end(&run->sequence);
    if (!all.alone)
        world_end(&run->world);
    run->open = false;
}

static bool is_next(uint64_t number)
{
    return (number % ALONE_EVERY == 0) == all.alone;
}

static void run_open(struct run *run)
{
    while (all.next < all.end && !is_next(all.next))
        all.next++;
    if (all.next == all.end)
        return;
    run->number = all.next++;
    run->tries = run->differing = 0;
    run_begin(run);
}

static void run_done(struct run *run)
{
    all.sequences++;
    run_end(run);
}

/* From its beginning, with other names. */
static void run_repeat(struct run *run)
{
    if (run->tries == TRIES_MAX)
        errx(1, "sequence %llu of seed %llu never came to an end in time: Consul is too slow",
             (unsigned long long)run->number, (unsigned long long)all.seed);
    all.repeated++;
    run_end(run);
    run_begin(run);
}

static void run_differs(struct run *run, const struct text *difference)
{
    bool again = !all.alone && !run->sequence.patient;

    if (again && ++run->differing < DIFFERING_MAX) {
        all.differed++;
        run_repeat(run);
        return;
    }
    all.differences++;
    printf("seed %llu, sequence %llu:\n%s%s\n", (unsigned long long)all.seed,
           (unsigned long long)run->number, run->sequence.log.bytes, difference->bytes);
    run_done(run);
}

/* --- Time. --- */

static uint64_t behind(const struct run *run, uint64_t turn_ns)
{
    return turn_ns + run->slowest_ns + PATIENCE_NS;
}

/* Tells the model what time has ended. Not 0: it is not clear before then. */
static uint64_t settle(struct run *run, uint64_t now)
{
    struct consul_model *model = run->world.model;

    for (;;) {
        uint64_t turn_ns = consul_model_next_turn(model, run->settled_ns);
        if (turn_ns == 0 || turn_ns > now + AHEAD_NS)
            return 0;
        if (now < behind(run, turn_ns))
            return behind(run, turn_ns);
        consul_model_time_passed(model, turn_ns);
        run->settled_ns = turn_ns;
    }
}

static void pause_begin(struct run *run, uint64_t now)
{
    uint64_t turn_ns = consul_model_next_turn(run->world.model, run->settled_ns);
    bool before = run->sequence.question.pause == PAUSE_BEFORE_TURN;

    if (turn_ns == 0 || (turn_ns > now + PAUSE_MAX_NS && !run->sequence.patient))
        return;
    run->wake_ns =
        before ? turn_ns - AHEAD_NS - run->slowest_ns - MILLISECONDS(40) : behind(run, turn_ns);
}

/* --- Asking. --- */

static void run_ask(struct run *run, uint64_t now)
{
    struct question *question = &run->sequence.question;

    if (!run->asking && !sequence_ask(&run->sequence)) {
        run_done(run);
        return;
    }
    run->asking = true;
    if (question->pause != PAUSE_NONE) {
        pause_begin(run, now);
        run->asking = false;
        question->pause = PAUSE_NONE;
        return;
    }
    if ((run->wake_ns = settle(run, now)) != 0)
        return;
    struct wire *wire = wire_free(all.wires, WIRES, all.socket);
    if (!wire)
        return;
    run->asking = false;
    run->waiting = true;
    run->sent_ns = now_ns();
    wire_send(wire, question->method, question->path[REAL].bytes, question->body[REAL].bytes, run);
}

static void run_answered(struct run *run, const struct wire_answer *answer, uint64_t now)
{
    struct text difference = { 0 };
    uint64_t turn_ns = consul_model_next_turn(run->world.model, run->settled_ns);

    run->waiting = false;
    if (now - run->sent_ns > run->slowest_ns)
        run->slowest_ns = now - run->sent_ns;
    if (turn_ns != 0 && turn_ns <= now + EARLY_NS) {
        run_repeat(run);
        return;
    }
    all.operations++;
    if (!sequence_answer(&run->sequence, answer, run->sent_ns, &difference))
        run_differs(run, &difference);
    text_end(&difference);
}

/* The next instant at which a run goes on by itself. */
static uint64_t runs_step(void)
{
    uint64_t next_ns = now_ns() + MILLISECONDS(1000);

    for (size_t i = 0; i < all.run_count; i++) {
        struct run *run = &all.runs[i];
        uint64_t now = now_ns();
        if (!run->open)
            run_open(run);
        if (!run->open || run->waiting)
            continue;
        if (run->wake_ns <= now)
            run_ask(run, now);
        if (run->open && !run->waiting && run->wake_ns > now && run->wake_ns < next_ns)
            next_ns = run->wake_ns;
        if (!run->open || (!run->waiting && run->wake_ns <= now))
            next_ns = wire_free(all.wires, WIRES, all.socket) ? now : next_ns;
    }
    return next_ns;
}

static bool is_over(void)
{
    for (size_t i = 0; i < all.run_count; i++)
        if (all.runs[i].open)
            return false;
    return all.next == all.end;
}

static void run_all(bool alone, uint64_t first, size_t run_count)
{
    all.alone = alone;
    all.next = first;
    all.run_count = run_count;
    do {
        uint64_t next_ns = runs_step(), now = now_ns();
        wire_wait(all.wires, WIRES, next_ns > now ? (int)((next_ns - now) / 1000000) + 1 : 0);
        for (struct wire *wire; (wire = wire_done(all.wires, WIRES));)
            run_answered(wire->context, &wire->answer, now_ns());
    } while (!is_over() && !(alone && all.differences > 0));
}

int main(int argc, char **argv)
{
    if (argc != 5)
        errx(64, "usage: conformance SOCKET SEED FIRST COUNT");
    uint64_t first = strtoull(argv[3], NULL, 10);
    all.socket = argv[1];
    all.seed = strtoull(argv[2], NULL, 10);
    all.end = first + strtoull(argv[4], NULL, 10);
    for (size_t i = 0; i < WIRES; i++)
        all.wires[i].fd = -1;

    run_all(true, first, 1);
    world_end(&all.runs[0].world);
    if (all.differences == 0)
        run_all(false, first, RUNS_MAX);
    printf("%llu times a sequence was repeated because of time, %llu of them because it differed\n",
           (unsigned long long)all.repeated, (unsigned long long)all.differed);
    printf("%llu sequences, %llu operations, %llu differences\n", (unsigned long long)all.sequences,
           (unsigned long long)all.operations, (unsigned long long)all.differences);
    return all.differences > 0 || all.differed * DIFFERED_ONE_IN > all.sequences;
}
