"""Queues between our processes have ends: what does not fit is said later, and costs nobody who is well his life."""
import signal

import processes
from instance import program
from waiting import holds, until

MANY = 120  # a queue of the kernel's holds 93 of our messages


def test_the_end_of_a_program_that_stopped_often_is_told(world):
    """While nobody reads, one message a stop would leave no room for the last two."""
    one = world.file("one", "--ttl", "60s", command=program())  # a lease that outlasts the stops
    start = world.events.wait("start", 10, name="one")
    one.wait_for_line("leading", 5)
    two = world.file("two", command=program())
    one.kill("supervisor", signal.SIGSTOP)
    for done in range(1, MANY + 1):
        processes.kill(start.pid, signal.SIGSTOP)
        until(lambda: len(one.matching("program stopped")) == done, 10, f"the keeper sees stop {done}")
        processes.kill(start.pid, signal.SIGCONT)
        until(lambda: len(one.matching("program continued")) == done, 10, f"the keeper sees it go on {done}")
    processes.kill(start.pid)
    one.wait_for_line("program ended", 10)
    one.kill("supervisor", signal.SIGCONT)
    assert one.wait(10) == 128 + signal.SIGKILL
    one.all_gone(2)
    two.wait_for_line("leading", 10)


def test_signals_without_end_cost_no_keeper_its_life(world):
    """Real-time signals queue up, and each counts; the others count once, as they do in the kernel."""
    one = world.file("one", command=program())
    world.events.wait("start", 10, name="one")
    one.wait_for_line("leading", 5)
    keeper = one.pid_of("keeper")
    one.kill("keeper", signal.SIGSTOP)
    for _ in range(MANY):
        one.signal(signal.SIGRTMIN)
        one.signal(signal.SIGHUP)
    holds(lambda: processes.alive(keeper), 0.5, "the keeper lives")
    processes.kill(keeper, signal.SIGCONT)
    count = until(lambda: len(world.events.all(f"signal-{signal.SIGRTMIN}")) == MANY, 10,
                  lambda: f"the program is sent {MANY} signals, not "
                          f"{len(world.events.all(f'signal-{signal.SIGRTMIN}'))}")
    assert count
    assert 1 <= len(world.events.all("signal-1")) <= MANY
    assert one.stop() == 0
    assert not one.matching("keeper .* killed")
