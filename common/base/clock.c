#include "common/base/clock.h"

#include <assert.h>
#include <limits.h>
#include <sys/timerfd.h>
#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec now;
    int result = clock_gettime(CLOCK_BOOTTIME, &now);

    assert(result == 0);
    return SECONDS(now.tv_sec) + (uint64_t)now.tv_nsec;
}

int clock_poll_timeout(uint64_t instant_ns)
{
    if (instant_ns == 0)
        return -1;

    uint64_t now = clock_now_ns();
    if (instant_ns <= now)
        return 0;

    uint64_t milliseconds = (instant_ns - now + MILLISECONDS(1) - 1) / MILLISECONDS(1);
    return milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
}

int clock_timer_open(void)
{
    return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

void clock_timer_set(int timer_fd, uint64_t instant_ns)
{
    struct itimerspec setting = {
        .it_value = { .tv_sec = (time_t)(instant_ns / SECONDS(1)),
                      .tv_nsec = (long)(instant_ns % SECONDS(1)) },
    };
    int result = timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &setting, NULL);

    assert(result == 0);
}

uint64_t clock_earlier(uint64_t one_ns, uint64_t other_ns)
{
    if (one_ns == 0)
        return other_ns;
    return other_ns != 0 && other_ns < one_ns ? other_ns : one_ns;
}
