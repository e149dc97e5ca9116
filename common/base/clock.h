/* clock.h - the one clock of every deadline: CLOCK_BOOTTIME, in nanoseconds.
 *
 * BOOTTIME and not MONOTONIC: a machine that was suspended must find its lease run out when it
 * wakes.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define MILLISECONDS(n) ((uint64_t)(n)*1000000u)
#define SECONDS(n)      ((uint64_t)(n)*1000000000u)

uint64_t clock_now_ns(void);

/* How many milliseconds poll() has to wait until the instant: 0 when it has passed, rounded up
 * so that poll() never wakes too early, -1 for the instant 0, which means none.
 */
int clock_poll_timeout(uint64_t instant_ns);

/* A close-on-exec, non-blocking timer descriptor of this clock; -1 with errno. It becomes readable
 * at the instant that clock_timer_set() names, at once when that has passed, never for 0. poll()'s
 * own timeout would not count the time of a suspended machine.
 */
int clock_timer_open(void);
void clock_timer_set(int timer_fd, uint64_t instant_ns);

/* The earlier of two instants, where 0 means none. */
uint64_t clock_earlier(uint64_t one_ns, uint64_t other_ns);

#endif
