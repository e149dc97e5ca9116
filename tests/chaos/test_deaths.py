"""Processes of the leader are killed."""
import os
import signal
import time

import processes
from cgroups import Memory
from contest import NAMES, PLANNED
from network import own_pids
from scenario import HOOKS, NO_CHANGE, ONE, scenario, steady
from waiting import now, until


CONTAINER = own_pids()
SLOW_DEMOTION = {HOOKS: {"demote": ["--takes", 300]}}


def next_network(leader, pid):
    def another():
        new = leader.process_of("network")
        return new and new.pid != pid and new.pid
    return until(another, 5, "another network process")


@scenario("S15", "SIGKILL of the network process", NO_CHANGE, times=steady)
def test_s15(contest):
    leader = contest.begin()
    pid = leader.pid_of("network")
    leader.kill("network")
    next_network(leader, pid)
    contest.nothing_happens(contest.times.lease + 1)


@scenario("S16", "SIGKILL of the network process, 20 times", NO_CHANGE, times=steady)
def test_s16(contest):
    leader = contest.begin()
    pid = leader.pid_of("network")
    for _ in range(20):
        processes.kill(pid)
        pid = next_network(leader, pid)
        time.sleep(0.2)
    contest.nothing_happens(contest.times.lease + 1)


@scenario("S17", "SIGKILL of the supervisor", ONE, times=steady)
def test_s17_supervisor(contest):
    leader = contest.begin(program=["--child"], **SLOW_DEMOTION.get(contest.mode, {}))
    contest.next_lead(leader.kill("supervisor"), PLANNED, but=leader)
    leader.all_gone(2)


@scenario("S17", "SIGKILL of the keeper", ONE, times=steady)
def test_s17_keeper(contest):
    leader = contest.begin(program=["--child"], **SLOW_DEMOTION.get(contest.mode, {}))
    contest.next_lead(leader.kill("keeper"), PLANNED, but=leader)
    assert leader.wait(5) == 75
    leader.all_gone()


@scenario("S18", "SIGKILL of a container's PID 1", ONE)
def test_s18(contest):
    leader = contest.begin(program=["--child"], enter=CONTAINER)
    contest.next_lead(leader.kill("supervisor"), contest.times.killed, but=leader)
    leader.all_gone()


@scenario("S18", "SIGKILL of a container's PID 1, and it is started again", ONE)
def test_s18_again(contest):
    def start(name, place):
        contest.start(name, "--instance", place, "--state-dir", contest.world.path(place), program=["--child"],
                      enter=CONTAINER)
    for name in NAMES:
        os.mkdir(contest.world.path(name))
        start(name, name)
    leader = contest.settle()
    killed = leader.kill("supervisor")
    leader.wait(5)
    start(leader.name + "-again", leader.name)
    contest.next_lead(killed, 2 * contest.times.ttl + contest.times.lock_delay - 1)


@scenario("S19", "SIGKILL of network process and supervisor, the program is deaf", ONE)
def test_s19_two(contest):
    leader = contest.begin(program=["--deaf", "--child"])
    supervisor, keeper, network = [leader.pid_of(which) for which in ("supervisor", "keeper", "network")]
    killed = now()
    for pid in (supervisor, network):
        processes.kill(pid)
    contest.next_lead(killed, contest.times.killed, but=leader)
    until(lambda: not processes.alive(keeper), 2 * contest.times.ttl, "the keeper has done its work")
    leader.all_gone()


@scenario("S19", "SIGKILL of all three processes; a child of the program's acts on", ONE, fenced=True)
def test_s19_three(contest):
    leader = contest.begin(program=["--child"])
    ours = [leader.pid_of(which) for which in ("supervisor", "keeper", "network")]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in ours:
            processes.kill(pid, number)
    contest.next_lead(now(), contest.times.killed, but=leader)
    time.sleep(1)
    leader.close()  # nobody is left to end the child


@scenario("S20", "the kernel kills the network process for want of memory", NO_CHANGE, times=steady)
def test_s20(contest):
    leader = contest.begin()
    supervisor, pid = leader.pid_of("supervisor"), leader.pid_of("network")
    group = Memory(limit=1500000)
    contest.afterwards.callback(group.close)
    # The next network process is born into the group, and all of its memory counts there.
    group.add(supervisor)
    contest.undo.callback(group.give_back, supervisor)
    processes.kill(pid)
    until(lambda: group.kills() > 0, 5, "a kill for want of memory")
    group.give_back(supervisor)
    contest.nothing_happens(contest.times.lease + 1)
    assert leader.pid_of("supervisor") == supervisor
