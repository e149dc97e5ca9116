"""The program's end, and that of what it leaves to be reaped."""
import os
import re
import sys

from duties.duty import duty
from waiting import now


def file(trial, name, text="", mode=0o644):
    with open(trial.path(name), "w") as it:
        it.write(text)
    os.chmod(trial.path(name), mode)
    return trial.path(name)


@duty()
def exit_status(trial):
    """exits with the program's status"""
    return all(trial.run("sh", "-c", f"exit {status}") == status for status in range(256))


@duty()
def death_by_a_signal(trial):
    """exits with 128 + n when signal n ended the program"""
    return all(trial.run("sh", "-c", f"ulimit -c 0; kill -{number} $$") == 128 + number
               for number in (1, 2, 3, 6, 9, 10, 11, 15, 34, 64))


@duty("127")
def not_found(trial):
    """a command that is not there: exits with"""
    return str(trial.run("no-such-command-anywhere"))


@duty("126")
def not_executable(trial):
    """a command that is not executable: exits with"""
    return str(trial.run(file(trial, "plain")))


@duty("126")
def not_a_directory(trial):
    """a command with a file for a folder in its path: exits with"""
    return str(trial.run(file(trial, "plain") + "/command"))


@duty()
def relative_command(trial):
    """finds a command relative to where it was started"""
    file(trial, "script", "#!/bin/sh\nexit 9\n", 0o755)
    return trial.run("./script") == 9


@duty()
def no_interpreter(trial):
    """runs a script that names no interpreter by sh, as execvp(3) does"""
    return trial.run(file(trial, "script", "exit 9\n", 0o755)) == 9


@duty()
def ends_of_options(trial):
    """what stands behind -- is the command, even if it looks like an option"""
    file(trial, "--help", "#!/bin/sh\nexit 9\n", 0o755)
    return trial.run("--help", environment={"PATH": f"{trial.folder}:{os.environ['PATH']}"}) == 9


@duty()
def failure_is_said(trial):
    """says on stderr, and there alone, which command it could not start"""
    trial.run("no-such-command-anywhere")
    return trial.process.stdout.read() == b"" and b"no-such-command-anywhere" in trial.process.stderr.read()


@duty()
def arguments(trial):
    """hands on all words as they are: the program's name, options behind it, empty ones, spaces"""
    words = ["bash", "-c", "cat /proc/$$/cmdline; exit", "--help", "-v", "", "a b", "--", "$HOME", "*"]
    trial.run(*words)
    return trial.process.stdout.read().decode() == "".join(word + "\0" for word in words)


@duty()
def stdout_is_the_programs(trial):
    """writes nothing to stdout"""
    trial.run("echo", "word")
    return trial.process.stdout.read() == b"word\n"


@duty()
def lines_are_marked(trial):
    """each line that it says begins with its name or the time"""
    said = b""
    for command in ("true", "no-such-command-anywhere"):
        trial.run(command)
        said += trial.process.stderr.read()
    return all(re.match(rf"\d{{4}}-\d\d-\d\dT|\[?(\w+ +\(?)?{trial.init}\b", line) for line in said.decode().splitlines())


@duty()
def end_of_an_orphan(trial):
    """an orphan that ends later or earlier does not change the status"""
    return trial.run("bash", "-c", "(sleep 0.05; exit 9) & (exit 8) & sleep 0.15; exit 3") == 3


@duty()
def deaths_of_others(trial):
    """nor does a child or an orphan that is killed"""
    return trial.run("bash", "-c", "ulimit -c 0; (setsid bash -c 'kill -SEGV $$' & exit 0); bash -c 'kill -KILL $$'; "
                     "sleep 0.1; exit 3") == 3


WITH_A_DEAD_CHILD = [sys.executable, "-c", "import os, sys\n"
                     "child = os.fork() or os._exit(4)\n"
                     "os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)\n"
                     "os.execvp(sys.argv[1], sys.argv[1:])"]


@duty()
def child_from_before(trial):
    """a child that died before its start is reaped, and not taken for the program"""
    trial.script("sleep 0.2; echo alive >> $SAID; exec sleep 1000", before=WITH_A_DEAD_CHILD)
    return trial.says("alive") and trial.process.poll() is None and trial.in_time(lambda: not trial.zombies, 1)


@duty()
def output_held_open(trial):
    """ends soon after the program although what it left keeps stdout open"""
    begun = now()
    status = trial.run("bash", "-c", "trap '' TERM; sleep 1000 & exit 3", timeout=6)
    return status == 3 and now() - begun < 5


def reaps(trial, orphans):
    """Whether such a number of orphans is reaped when they have ended."""
    trial.script(f"for i in $(seq {orphans}); do (sleep 0.05 & exit 0) & done; wait; echo left >> $SAID; exec sleep 1000")
    assert trial.says("left", 10) and trial.in_time(lambda: len(trial.named("sleep")) == 1, 5)
    return trial.in_time(lambda: not trial.zombies, 3)


@duty()
def reaps_while_it_runs(trial):
    """reaps orphans while the program runs"""
    return reaps(trial, 1)


@duty()
def reaps_hundreds(trial):
    """reaps two hundred of them at once"""
    return reaps(trial, 200)


@duty()
def is_their_parent(trial):
    """is the parent of orphans, so that nothing of the program escapes"""
    trial.script("(setsid sleep 1000 & exit 0); exec sleep 1000")
    assert trial.in_time(lambda: len(trial.named("sleep")) == 2, 5)
    return not trial.adopted


@duty()
def reaped_at_the_end(trial):
    """leaves none of a hundred orphans to whoever started it, dead or alive"""
    return trial.run("bash", "-c", "for i in {1..100}; do setsid sleep 1000 & done; exit 5") == 5 and not trial.adopted
