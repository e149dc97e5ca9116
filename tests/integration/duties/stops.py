"""How the program and all that it has started is ended."""
import os
import signal
import subprocess
import time

import processes
from duties.duty import duty


UNTIL_GO = "until test -e $SAID.go; do sleep 0.01; done"
STUBBORN = "trap '' TERM INT; echo ready >> $SAID; while :; do sleep 0.01; done"
DRAINS = "(trap 'echo told >> $SAID; sleep 0.3; echo drained >> $SAID; exit' TERM; echo worker >> $SAID;" \
         " while :; do sleep 0.01; done)"


@duty()
def kills_at_last(trial):
    """kills a program that ignores TERM, in time"""
    trial.script(STUBBORN)
    trial.says("ready")
    return trial.ends_after(signal.SIGTERM, 5) == 137


@duty()
def second_stop_hurries(trial):
    """a second TERM ends the waiting"""
    trial.script(STUBBORN, option="long stop")
    trial.says("ready")
    trial.signal(signal.SIGTERM)
    time.sleep(0.3)
    return trial.ends_after(signal.SIGTERM, 5) is not None


@duty()
def stop_of_a_stopped_program(trial):
    """a program that somebody has stopped ends at TERM, and with its own status"""
    trial.program("--status", 7)
    processes.kill(trial.pid_of("test-program"), signal.SIGSTOP)
    return trial.ends_after(signal.SIGTERM, 5) == 7


@duty()
def only_the_program_is_told(trial):
    """tells the program alone, so that a master may end its workers as it likes"""
    trial.script(f"trap 'echo main >> $SAID; sleep 0.2; exit 7' TERM; {DRAINS} & echo ready >> $SAID; while :; do sleep 0.01; done")
    trial.says("worker")
    trial.signal(signal.SIGTERM)
    trial.says("main")
    return not trial.says("told", 0.1)


@duty()
def the_group_can_be_told(trial):
    """can tell all of the program's group"""
    trial.script(f"trap 'wait; exit 7' TERM; {DRAINS} & echo ready >> $SAID; wait; wait", option="group")
    trial.says("worker")
    trial.signal(signal.SIGTERM)
    return trial.says("told", 3)


@duty()
def leftovers_may_drain(trial):
    """what a program leaves that ends by itself gets TERM, and time to drain"""
    trial.script(f"{DRAINS} & {UNTIL_GO}; exit 5")
    trial.says("worker")
    trial.go()
    return trial.wait() == 5 and trial.says("drained", 0.1)


def nothing_left(trial, left, end="exit 5", status=5):
    """Whether a program that leaves such a process has left nothing when its init has ended."""
    trial.script(f"{left} & {UNTIL_GO}; {end}")
    trial.says("ready")
    trial.go()
    return trial.wait() == status and trial.in_time(lambda: not trial.all, 0.2)


@duty()
def leftovers_are_killed(trial):
    """nothing is left at its end: children that ignore TERM"""
    return nothing_left(trial, f"({STUBBORN})")


@duty()
def daemons_are_killed(trial):
    """nothing is left at its end: daemons with a session of their own"""
    quoted = STUBBORN.replace("$", "\\$")
    return nothing_left(trial, f'(setsid bash -c "{quoted}" & exit 0)')


@duty()
def stopped_leftovers(trial):
    """nothing is left at its end: processes that have stopped themselves"""
    return nothing_left(trial, "(echo ready >> $SAID; kill -STOP $BASHPID)")


@duty()
def leftovers_of_a_crash(trial):
    """nothing is left at its end: children of a program that was killed"""
    return nothing_left(trial, f"({STUBBORN})", "kill -KILL $$", 137)


@duty()
def neighbours_live(trial):
    """nobody outside is told or killed: a neighbour in its process group"""
    trial.program(start_new_session=False, preexec_fn=lambda: os.setpgid(0, 0))
    with subprocess.Popen(["sleep", "1000"], preexec_fn=lambda: os.setpgid(0, trial.process.pid)) as neighbour:
        trial.signal(signal.SIGHUP)
        trial.ends_after(signal.SIGTERM)
        lives = neighbour.poll() is None
        neighbour.kill()
    return lives


@duty()
def killed_itself(trial):
    """SIGKILL to it ends the program"""
    trial.program("--ignore-term")
    pid = trial.pid
    processes.kill(pid)
    return trial.in_time(lambda: not [one for one in trial.all if one.name == "test-program"], 2)


@duty()
def killed_with_daemons(trial):
    """SIGKILL to it ends all that the program has started, daemons too"""
    trial.program("--daemon", "--children", 2)
    trial.event("daemon")
    processes.kill(trial.pid)
    return trial.in_time(lambda: not trial.all, 2)
