"""Waiting for something to become true, with a bound."""
import time


class TooLate(AssertionError):
    pass


def now():
    """Seconds of CLOCK_MONOTONIC, as the test program writes them."""
    return time.monotonic_ns() / 1e9


def until(condition, timeout, what=None, every=0.002):
    """Waits until condition() is true, and returns what it returned. Fails after `timeout` seconds."""
    end = now() + timeout
    while True:
        result = condition()
        if result:
            return result
        if now() >= end:
            raise TooLate(f"not within {timeout:.3g} s: {what() if callable(what) else what or condition}")
        time.sleep(every)


def holds(condition, seconds, what=None, every=0.01):
    """Waits for `seconds`, in which condition() must be true all the time."""
    end = now() + seconds
    while now() < end:
        assert condition(), f"did not hold for {seconds:.3g} s: {what or condition}"
        time.sleep(every)
