/* lease.c - how long a look at the lease page takes, for docs/performance.md.
 *
 *   bench-lease [FILE]   a page that somebody writes; without it one of its own, held
 *
 * Prints the median of many rounds, in nanoseconds a read: deadline and token with the clock, and
 * without it.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "include/consul_leader/lease.h"

#define ROUNDS 201
#define READS  100000

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

static double median_ns(uint64_t (*read)(const struct consul_leader_lease *, uint64_t *),
                        const struct consul_leader_lease *lease)
{
    static double rounds[ROUNDS];
    volatile uint64_t result;
    uint64_t token;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begun = now_ns();
        for (int i = 0; i < READS; i++)
            result = read(lease, &token);
        rounds[round] = (double)(now_ns() - begun) / READS;
    }
    (void)result;
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    return rounds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    static const struct consul_leader_lease_page held = { .deadline = UINT64_MAX, .token = 1 };
    struct consul_leader_lease lease = { .page = &held };

    if (argc > 1 && consul_leader_lease_open(&lease, argv[1]) < 0)
        err(1, "%s", argv[1]);
    printf("lease page, ns a read: %.1f\n", median_ns(consul_leader_lease_remaining_ns, &lease));
    printf("without the clock: %.1f\n", median_ns(consul_leader_lease_deadline, &lease));
    return 0;
}
