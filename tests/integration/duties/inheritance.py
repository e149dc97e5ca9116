"""What the program is given."""
import os
import resource
import signal
import subprocess
import sys

import processes
from duties.duty import duty
from instance import TEST_PROGRAM


def masks(state):
    """Blocked and ignored, without the two signals that glibc keeps for itself."""
    return [processes.signal_set(state[name]) - {32, 33} for name in ("SigBlk", "SigIgn")]


def with_state(trial, *before, **popen):
    """What the test program says of what it was started with, in a moment's run."""
    trial.start(TEST_PROGRAM, "run", "--exit-after", "100", "--state", trial.path("state"), before=before, **popen)
    return trial.state()


def with_signals(ignored=(), blocked=()):
    """A command that becomes the init, with these signals so."""
    return [sys.executable, "-c", "import os, signal, sys\n"
            f"for number in {sorted(map(int, ignored))}: signal.signal(number, signal.SIG_IGN)\n"
            f"signal.pthread_sigmask(signal.SIG_BLOCK, {sorted(map(int, blocked))})\n"
            "os.execvp(sys.argv[1], sys.argv[1:])"]


@duty()
def child_ignored(trial):
    """does not hang when it was started with SIGCHLD ignored"""
    return trial.run("sh", "-c", "sleep 0.05; exit 5", timeout=5, before=with_signals([signal.SIGCHLD])) == 5


@duty()
def keeps_ignored(trial):
    """the program ignores what was ignored (nohup), SIGCHLD too"""
    numbers = {signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, 50}
    return numbers <= masks(with_state(trial, *with_signals(ignored=numbers)))[1]


@duty()
def keeps_blocked(trial):
    """the program blocks what was blocked"""
    numbers = {signal.SIGUSR2, signal.SIGTTIN, 40}
    return numbers <= masks(with_state(trial, *with_signals(blocked=numbers)))[0]


@duty()
def blocks_nothing_else(trial):
    """the program blocks and ignores nothing that was not"""
    before = masks(processes.status("self"))
    return masks(with_state(trial, restore_signals=False)) == before


@duty()
def closed_pipe(trial):
    """a program that writes into a closed pipe ends by PIPE, as it would alone"""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return trial.run("yes", stdout=writer) == 128 + signal.SIGPIPE
    finally:
        os.close(writer)


@duty()
def passes_descriptors(trial):
    """descriptors that were open are the program's"""
    with open(trial.path("text"), "w") as file:
        file.write("word")
    with open(trial.path("text")) as file:
        trial.run("bash", "-c", f"cat <&{file.fileno()} >> $SAID", pass_fds=[file.fileno()])
    return trial.said() == ["word"]


@duty()
def passes_none_of_its_own(trial):
    """the program has no descriptor of its parent's"""
    return with_state(trial)["Descriptors"].split() == ["0", "1", "2"]


@duty()
def keeps_none_open(trial):
    """none that it was started with is kept open: the other end hears that the program has closed it"""
    fifo = trial.path("fifo")
    os.mkfifo(fifo)
    trial.script("echo word >&7; exec 7>&-; exec sleep 1000", before=["sh", "-c", f'exec 7>{fifo}; exec "$@"', "sh"])
    return subprocess.run(["timeout", "-k", "1", "2", "cat", fifo], stdout=subprocess.DEVNULL).returncode == 0


@duty()
def passes_stdin(trial):
    """the program reads stdin from the first byte to its end"""
    trial.start("cat", stdin=subprocess.PIPE)
    out, _ = trial.process.communicate(b"word\n" * 20000, timeout=5)
    return out == b"word\n" * 20000


@duty()
def leaves_stdin(trial):
    """what the program has not read of stdin is left for the next"""
    reader, writer = os.pipe()
    os.write(writer, b"first\nsecond\n")
    os.close(writer)
    trial.run("sh", "-c", "read line", stdin=reader)
    with os.fdopen(reader) as rest:
        return rest.read() == "second\n"


def close_standard():
    for descriptor in (0, 1, 2):
        os.close(descriptor)


@duty()
def nothing_open(trial):
    """runs the program although stdin, stdout and stderr are closed"""
    return trial.run("sh", "-c", "exit 9", preexec_fn=close_standard) == 9


def names_the_program(trial, name):
    trial.start("sh", "-c", f"echo ${name} $$ >> $SAID", before=["sh", "-c", f'export {name}=$$; exec "$@"', "sh"],
                environment={"LISTEN_FDS": "1"})
    trial.wait()
    return len(trial.said()) == 2 and trial.said()[0] == trial.said()[1]


@duty()
def listen_pid(trial):
    """LISTEN_PID names the program: sockets of systemd reach it"""
    return names_the_program(trial, "LISTEN_PID")


@duty()
def watchdog_pid(trial):
    """WATCHDOG_PID names the program"""
    return names_the_program(trial, "WATCHDOG_PID")


@duty()
def listen_pid_of_another(trial):
    """a LISTEN_PID that names another stays"""
    trial.run("sh", "-c", "echo $LISTEN_PID >> $SAID", environment={"LISTEN_PID": "99999999", "LISTEN_FDS": "1"})
    return trial.said() == ["99999999"]


@duty()
def directory(trial):
    """the program works where it was started"""
    return with_state(trial)["Directory"] == trial.folder


@duty()
def own_directory(trial):
    """keeps no file system busy by its own working directory"""
    trial.program()
    return all(os.readlink(f"/proc/{process.pid}/cwd") == "/" for process in trial.all
               if process.name not in ("test-program", "unshare"))


@duty()
def environment(trial):
    """the environment is the program's, but for what is added to it"""
    given = {"ONE": "a=b c", "EMPTY": "", "NOMAD_X": "1", "CONSUL_HTTP_ADDR": "127.0.0.1:1"}
    trial.run("env", "-0", environment=given)
    found = dict(entry.split("=", 1) for entry in trial.process.stdout.read().decode().split("\0") if entry)
    return all(found.get(name) == value for name, value in given.items())


CPU = min(os.sched_getaffinity(0))
LIMITS = "[os.umask(0), os.nice(0), os.sched_getaffinity(0), os.sched_getscheduler(0)," \
         " *map(resource.getrlimit, [resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK])]"


def limits():
    os.umask(0o027)
    os.nice(3)
    os.sched_setaffinity(0, {CPU})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (345, 678))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 4096))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (8192, 65536))


@duty()
def keeps_limits(trial):
    """umask, niceness, limits, CPUs and scheduling are the program's"""
    trial.run(sys.executable, "-c", f"import os, resource; print({LIMITS})", preexec_fn=limits)
    wanted = [0o027, os.nice(0) + 3, {CPU}, os.SCHED_BATCH, (345, 678), (0, 4096), (8192, 65536)]
    return trial.process.stdout.read().decode().strip() == str(wanted)


@duty()
def keeps_oom_score(trial):
    """the OOM killer sees the program as it was started"""
    before = ["sh", "-c", 'echo 321 >/proc/self/oom_score_adj; exec "$@"', "sh"]
    trial.run("cat", "/proc/self/oom_score_adj", before=before)
    return trial.process.stdout.read().strip() == b"321"


def as_nobody(trial):
    """The state of a program whose init was started without root."""
    for folder in (trial.folder, trial.runtime):
        os.chmod(folder, 0o777)
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    return with_state(trial, *user)


@duty()
def without_root(trial):
    """works without root"""
    found = as_nobody(trial)
    return os.geteuid() != 0 or found["Uid"].split()[0] == "65534" and int(found["CapEff"], 16) == 0


@duty()
def no_new_privileges(trial):
    """without root no set-uid program becomes what it could not kill"""
    found = as_nobody(trial)
    return found["NoNewPrivs"] == "1" or found["Uid"].split()[0] == "0"  # a plain user's namespace has a root of its own


@duty()
def keeps_session(trial):
    """the program stays in the session that it was started in"""
    session = int(with_state(trial)["Session"])
    return session == (0 if trial.setting == "pid 1" else trial.process.pid)  # one outside of the namespace is 0


@duty()
def own_group(trial):
    """the program has a process group of its own: what it sends to its group does not hit its parent"""
    return trial.run("bash", "-c", "trap '' USR1; kill -USR1 0; exit 5") == 5
