"""What is forwarded."""
import signal
import time

import processes
from duties.duty import duty
from waiting import holds


ORDINARY = {signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGALRM, 16,
            signal.SIGURG, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGVTALRM, signal.SIGPROF, signal.SIGWINCH, signal.SIGIO,
            signal.SIGPWR}
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}
TERMINALS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT}
REAL_TIME = set(range(34, 65))


def forwarded(trial, numbers, pause=0.0):
    """Whether they are. pause: how long the next waits for one to arrive."""
    trial.program()
    for number in sorted(numbers):
        trial.signal(number)
        trial.event(f"signal-{number}", pause)
    trial.in_time(lambda: numbers <= set(trial.signals()), 2)
    got = trial.signals()
    if set(got) == numbers and len(got) == len(numbers):
        return True
    return "twice" if set(got) == numbers else f"{len(set(got) & numbers)} of {len(numbers)}" if set(got) & numbers else False


@duty()
def forwards_ordinary(trial):
    """forwards HUP, QUIT, USR1, USR2, WINCH and all others that a program may wait for, once"""
    return forwarded(trial, ORDINARY)


@duty()
def forwards_real_time(trial):
    """forwards the real-time signals 34 to 64, once"""
    return forwarded(trial, REAL_TIME)


@duty()
def forwards_faults(trial):
    """forwards SEGV, ABRT, BUS, FPE, ILL, TRAP and SYS that somebody sends"""
    return forwarded(trial, FAULTS)


@duty()
def forwards_terminal_signals(trial):
    """forwards TSTP, TTIN, TTOU and CONT"""
    return forwarded(trial, TERMINALS, 0.3)  # the kernel lets CONT cancel the others that wait


@duty()
def queues_real_time(trial):
    """a real-time signal that is sent three times at once arrives three times"""
    trial.program()
    for _ in range(3):
        trial.signal(40)
    trial.in_time(lambda: len(trial.signals()) == 3, 2)
    return trial.signals() == [40] * 3


@duty()
def child_from_outside(trial):
    """a CHLD that somebody sends harms nothing, and is not forwarded"""
    trial.program()
    trial.signal(signal.SIGCHLD)
    trial.signal(signal.SIGUSR1)
    return trial.event("signal-10") and trial.signals() == [signal.SIGUSR1]


@duty()
def forwards_to_the_stopped(trial):
    """what it forwards to a program that is stopped arrives when that goes on"""
    trial.program()
    program = trial.pid_of("test-program")
    processes.kill(program, signal.SIGSTOP)
    trial.signal(signal.SIGUSR1)
    assert not trial.event("signal-10", 0.1)
    processes.kill(program, signal.SIGCONT)
    return trial.event("signal-10", 2)


@duty()
def goes_on(trial):
    """goes on after a STOP and a CONT"""
    trial.program()
    trial.signal(signal.SIGSTOP)
    time.sleep(0.1)
    trial.signal(signal.SIGCONT)
    trial.signal(signal.SIGUSR1)
    return trial.event("signal-10", 2)


@duty()
def never_stops(trial):
    """never stops itself at TSTP, TTIN or TTOU"""
    trial.program()
    for number in TERMINALS - {signal.SIGCONT}:
        trial.signal(number)
    try:
        holds(lambda: processes.read(trial.pid).state != "T", 0.2)
    except AssertionError:
        return False
    return True


@duty()
def forwards_term(trial):
    """tells the program of TERM, and exits with its status"""
    trial.program("--status", 7)
    return trial.ends_after(signal.SIGTERM) == 7 and trial.signals().count(signal.SIGTERM) == 1


@duty()
def term_twice(trial):
    """a TERM that comes twice at once, as timeout(1) sends it, leaves the program its time"""
    trial.program("--term-takes", 300, "--status", 7)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):  # the kernel may make one of two TERMs
        trial.signal(number)
    return trial.wait() == 7


@duty("as the stop signal")
def forwards_int(trial):
    """tells the program of INT, as that or as a stop"""
    trial.program("--status", 7)
    trial.signal(signal.SIGINT)
    trial.in_time(trial.signals, 3)
    return {signal.SIGINT: "as INT", signal.SIGTERM: "as the stop signal"}.get((trial.signals() or [0])[0], False)


@duty()
def rewrites(trial):
    """can make one signal of another on its way"""
    trial.program(option="HUP as USR1")
    trial.signal(signal.SIGHUP)
    trial.in_time(trial.signals, 3)
    return trial.signals() == [signal.SIGUSR1]


@duty()
def drops(trial):
    """can drop a signal"""
    trial.program(option="no HUP")
    trial.signal(signal.SIGHUP)
    trial.signal(signal.SIGUSR2)
    return trial.event("signal-12") and trial.signals() == [signal.SIGUSR2]
