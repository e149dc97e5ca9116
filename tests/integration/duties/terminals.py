"""In a terminal without a shell; for one with a shell there is test_terminal.py."""
import fcntl
import os
import pty
import signal
import termios
import time

from duties.duty import duty
from instance import TEST_PROGRAM


class Terminal:
    """A terminal whose session the init leads."""

    def __init__(self, trial, *words, before=()):
        self.ours, theirs = pty.openpty()
        trial.start(*words, stdin=theirs, stdout=theirs, stderr=theirs, before=["setsid", "--ctty", *before],
                    start_new_session=False)
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.ours)


@duty()
def has_the_foreground(trial):
    """the program has the terminal"""
    with Terminal(trial, TEST_PROGRAM, "run", "--state", trial.path("state")):
        found = trial.state()
        return found["Foreground"] == found["Group"]


@duty()
def input_from_elsewhere(trial):
    """a stdin that is not its terminal is no fault"""
    with Terminal(trial, "sh", "-c", "exit 9", before=["sh", "-c", 'exec "$@" </dev/null', "sh"]):
        return trial.wait() == 9


@duty()
def nothing_uncalled_for(trial):
    """the program gets no signal that nobody has sent"""
    with Terminal(trial, TEST_PROGRAM, "run"):
        trial.event("start")
        time.sleep(0.2)
        return trial.signals() == []


@duty()
def ctrl_c(trial):
    """Ctrl-C reaches the program, once"""
    with Terminal(trial, TEST_PROGRAM, "run", "--state", trial.path("state")) as terminal:
        trial.event("start")
        os.write(terminal.ours, b"\x03")
        trial.in_time(trial.signals, 3)
        time.sleep(0.05)
        return trial.signals() == [signal.SIGINT]


@duty()
def ctrl_z(trial):
    """Ctrl-Z stops nothing for good where no shell is above"""
    with Terminal(trial, TEST_PROGRAM, "run", "--stoppable", "--state", trial.path("state")) as terminal:
        trial.event("start")
        os.write(terminal.ours, b"\x1a")
        time.sleep(0.1)
        return trial.in_time(lambda: not [process for process in trial.all if process.state == "T"], 2)


@duty()
def terminal_hangs_up(trial):
    """HUP reaches the program when its terminal is gone"""
    with Terminal(trial, TEST_PROGRAM, "run", "--state", trial.path("state")):
        trial.event("start")
    return trial.event("signal-1", 3)


@duty()
def window(trial):
    """WINCH reaches the program when the terminal has another size"""
    with Terminal(trial, TEST_PROGRAM, "run", "--state", trial.path("state")) as terminal:
        trial.event("start")
        fcntl.ioctl(terminal.ours, termios.TIOCSWINSZ, b"\x11\0\x22\0\0\0\0\0")
        return trial.event("signal-28", 3)
