"""The hooks of promotion and demotion: what they are given, their order, their time, and what follows when they fail."""
import json
import os
import signal
import subprocess
import time

import pytest

import processes
from instance import hook, program
from waiting import holds, now, until


# A lock file that is removed is free for others after the lease that was in it.
SHORT = ["--ttl", "1s", "--lease", "2s", "--demote-timeout", "500ms"]


def variables(path):
    """The environment that a hook or program wrote."""
    return dict(entry.split("=", 1) for entry in open(path).read().split("\0") if "=" in entry)


def hooks(*promote, demote=()):
    return ["--on-promote", hook("promote", *promote), "--on-demote", hook("demote", *demote)]


def test_what_hooks_are_given(world):
    up, down = world.path("up"), world.path("down")
    one = world.file("one", "--service", "redis", *hooks("--environment", up, demote=("--environment", down)),
                     command=program(), environment={"CONSUL_LEADER_LOG_LEVEL": "debug", "PLAIN": "yes"})
    promoted = world.events.wait("promote-end", 5)
    start = world.events.wait("start", 5)
    assert one.stop() == 0
    demoted = world.events.wait("demote-end", 1)

    first = variables(up)
    assert (first["CONSUL_LEADER_ROLE"], first["CONSUL_LEADER_OLD_ROLE"]) == ("leader", "follower")
    assert first["CONSUL_LEADER_REASON"] == "acquired"
    assert first["CONSUL_LEADER_ELECTION"] == world.lock
    assert first["CONSUL_LEADER_PROGRAM_PID"] == str(start.pid)
    assert first["CONSUL_LEADER_FENCING_TOKEN"] == promoted.token and int(promoted.token) > 0
    assert json.loads(first["CONSUL_LEADER_HOLDER"])["pid"] > 0
    assert first["PLAIN"] == "yes" and "CONSUL_LEADER_LOG_LEVEL" not in first

    last = variables(down)
    assert (last["CONSUL_LEADER_ROLE"], last["CONSUL_LEADER_OLD_ROLE"]) == ("follower", "leader")
    assert last["CONSUL_LEADER_REASON"] == "shutdown"
    assert last["CONSUL_LEADER_FENCING_TOKEN"] == promoted.token == demoted.token


def test_hooks_are_split_like_words_and_run_without_a_shell(world):
    seen = world.path("seen")
    world.file("one", "--on-promote", f"""sh -c 'printf "%s\\n" "$@" > {seen}.new && mv {seen}.new {seen}' sh """
               r"""one "two words" 'three $HOME' four\ words "" $HOME '*'""", command=program())
    until(lambda: os.path.exists(seen), 5)
    assert open(seen).read().split("\n")[:-1] == ["one", "two words", "three $HOME", "four words", "", "$HOME", "*"]


def test_hooks_run_one_at_a_time_and_in_order(world):
    one = world.file("one", *SHORT, *hooks("--exit-after", 100, demote=("--exit-after", 100)), command=program())
    world.events.wait("promote-end", 5)
    for _ in range(3):
        unlinked = now()
        os.unlink(world.lock)
        at = world.events.wait("demote-begin", 2, after=unlinked).at
        world.events.wait("promote-end", 10, after=at)
    assert one.stop() == 0
    words = [event.what for event in world.events.all("*mote-*")]
    assert words == ["promote-begin", "promote-end", "demote-begin", "demote-end"] * 4


def test_a_hook_has_a_group_of_its_own(world):
    path = world.path("state")
    world.file("one", "--on-promote", hook("promote", "--state", path), command=program())
    promoted = world.events.wait("promote-end", 5)
    found = processes.parse_status(open(path).read())
    assert int(found["Group"]) == promoted.pid
    assert found["Descriptors"].split() == ["0", "1", "2"]


@pytest.mark.parametrize("stubborn, least, most", [(False, 0.0, 0.4), (True, 0.5, 0.9)])
def test_a_demotion_overtakes_a_running_promotion(world, stubborn, least, most):
    """TERM to the hook's group, KILL after half a second, then the demotion."""
    stubbornness = ["--ignore-term", "--children", 1] if stubborn else []
    one = world.file("one", *hooks("--exit-after", 20000, *stubbornness), command=program())
    promotion = world.events.wait("promote-begin", 5)
    begun = one.signal(signal.SIGTERM)
    demotion = world.events.wait("demote-begin", 3)
    assert least <= demotion.at - begun <= most
    assert not processes.alive(promotion.pid)
    world.events.wait("demote-end", 3)
    assert one.wait(5) == 0
    assert not world.events.all("promote-end")
    one.all_gone()


def test_a_hook_that_overtaken_ignores_all_ends_within_the_demote_timeout(world):
    world.file("one", "--demote-timeout", "1s", *hooks("--exit-after", 20000, "--ignore-term",
                                                       demote=("--exit-after", 20000, "--ignore-term")),
               command=program())
    world.events.wait("promote-begin", 5)
    lost = now()
    os.unlink(world.lock)
    start = world.events.wait("start", 1)
    until(lambda: not processes.alive(start.pid), 2, "the program is killed, which completes the demotion")
    assert now() - lost < 1.0 + 0.3


def test_a_second_stop_signal_hastens_a_hook_that_is_still_to_come(world):
    """The keeper is well, and is let do it: what hangs is the program, then the hook."""
    one = world.file("one", "--mode", "leader-only", "--demote-timeout", "6s", "--stop-timeout", "8s", "--lease", "20s",
                     "--on-demote", hook("demote", "--exit-after", 20000, "--ignore-term"),
                     command=program("--ignore-term"))
    one.wait_for_line("leading", 5)
    one.signal(signal.SIGTERM)
    one.wait_for_line("demoting", 2)
    time.sleep(0.3)  # two at once are one
    one.signal(signal.SIGTERM)
    one.wait(3)
    assert one.matching("demoted")
    assert not one.matching("the keeper .* is killed")


def test_a_promote_hook_that_is_late_is_ended_and_the_lead_given_up(world):
    one = world.file("one", "--promote-timeout", "1s", *hooks("--exit-after", 20000, "--ignore-term"),
                     command=program())
    promotion = world.events.wait("promote-begin", 5)
    two = world.file("two", *hooks(), command=program())
    two.wait_for_line("follower|waiting", 5)
    world.events.wait("promote-begin", 3, name="two")
    assert not processes.alive(promotion.pid)
    assert world.events.all("demote-end", name="one"), "what was half promoted is demoted"
    assert one.process.poll() is None, "it is a candidate again"
    world.events.judge(world.events.leading())


def test_a_promote_hook_that_fails_steps_down_and_backs_off(world):
    one = world.file("one", *hooks("--status", 3), command=program())
    failed = world.events.wait("promote-end", 5)
    two = world.file("two", *hooks(), command=program())
    world.events.wait("promote-begin", 3, name="two")
    assert world.events.all("demote-end", name="one")
    assert one.matching(r"promote.*(3|fail)"), one.text
    holds(lambda: len(world.events.all("promote-begin", name="one", after=failed.at + 0.001)) <= 1, 1)
    assert two.process.poll() is None
    world.events.judge(world.events.leading())


@pytest.mark.parametrize("what, demote", [("fails", ["--status", 1]),
                                          ("is late", ["--exit-after", 20000, "--ignore-term"])])
def test_a_demote_hook_that_does_not_answer_costs_the_program(world, what, demote):
    """It is killed, which completes the demotion; only then the next one leads."""
    one = world.file("one", "--demote-timeout", "1s", *hooks(demote=demote), command=program("--ignore-term"))
    world.events.wait("promote-end", 5)
    start = world.events.wait("start", 1, name="one")
    two = world.file("two", *hooks(), command=program())
    two.wait_for_line("follower|waiting", 5)
    one.signal(signal.SIGTERM)
    promotion = world.events.wait("promote-begin", 3, name="two")
    assert world.events.last_alive(start.pid) <= promotion.at
    assert one.wait(3) == 137
    one.all_gone()


def test_in_a_sidecar_a_demote_hook_that_does_not_answer_keeps_the_lock(world):
    """Nothing can be killed that would complete it: the lock is not given away but runs out, and we exit with 75."""
    one = world.file("one", "--demote-timeout", "1s", *hooks(demote=("--exit-after", 20000, "--ignore-term")))
    world.events.wait("promote-end", 5)
    begun = one.signal(signal.SIGTERM)
    assert one.wait(5) == 75
    assert now() - begun < 4
    one.all_gone()


def test_a_demote_signal_alone_is_complete_after_the_demote_timeout(world):
    world.file("one", *SHORT, "--demote-timeout", "1s", "--promote-signal", "USR1", "--demote-signal", "USR2",
               command=program("--led-by-signals"))
    promoted = world.events.wait("signal-10", 5)
    lost = now()
    os.unlink(world.lock)
    demoted = world.events.wait("signal-12", 1)
    assert demoted.at - lost < 0.5
    again = world.events.wait("signal-10", 5, after=demoted.at)
    assert again.at - demoted.at >= 1.0, "until then it may still act"
    assert again.pid == promoted.pid, "it is not killed for it"


def test_a_program_that_was_stopped_meanwhile_has_not_had_its_time_and_is_killed(world):
    one = world.file("one", *SHORT, "--demote-timeout", "1s", "--promote-signal", "USR1", "--demote-signal", "USR2",
                     command=program("--led-by-signals"))
    promoted = world.events.wait("signal-10", 5)
    processes.kill(promoted.pid, signal.SIGSTOP)
    one.wait_for_line("program stopped signal=19", 2)
    os.unlink(world.lock)
    lost = one.wait_for_line("demoting", 2)
    time.sleep(0.9)
    processes.kill(promoted.pid, signal.SIGCONT)
    assert one.wait(5) == 75
    assert one.wait_for_line("program ended signal=9", 1).at - lost.at < 1.5


@pytest.mark.parametrize("how", ["stop", "lead lost"])
def test_what_a_program_leaves_that_ends_during_the_hook_is_waited_for(world, how):
    said = world.path("drained")
    worker = f"(trap 'sleep 0.8; echo drained >> {said}; exit' TERM; echo ready >> {said}; while :; do sleep 0.02; done)"
    one = world.file("one", "--on-demote", "sh -c 'kill -TERM $CONSUL_LEADER_PROGRAM_PID; sleep 0.2'",
                     command=["bash", "-c", f"trap 'exit 7' TERM; {worker} & while :; do sleep 0.02; done"])
    one.wait_for_line("leading", 5)
    until(lambda: os.path.exists(said) and "ready" in open(said).read(), 5)
    if how == "stop":
        one.signal(signal.SIGTERM)
    else:
        os.unlink(world.lock)
    one.wait_for_line("hook done", 5)
    one.wait_for_line("demoted", 5)
    assert "drained" in open(said).read()
    one.wait(5)


def test_a_restarted_instance_that_led_runs_on_demote_before_it_stands(world):
    options = ["--instance", "web-1", "--state-dir", world.path("state"), *hooks(demote=("--exit-after", 100))]
    os.mkdir(world.path("state"))
    one = world.file("one", *options, command=program())
    world.events.wait("promote-end", 5)
    processes.end_at_once(one.all)
    one.all_gone(2)
    killed = now()

    world.file("again", *options, command=program())
    world.events.wait("promote-begin", 5, name="again")
    after = [event for event in world.events.all("*mote-*", after=killed)]
    assert [event.what for event in after][:3] == ["demote-begin", "demote-end", "promote-begin"]
    assert after[0].reason == "restart"


# What they print

def test_what_hooks_print_is_logged_line_by_line_with_their_name(world):
    one = world.file("one", "--log-level", "error", "--on-promote", "sh -c 'echo up; echo oops >&2; printf unfinished'",
                     "--on-demote", "echo down", command=program())
    for line in ("up", "oops", "unfinished"):
        one.wait_for_line(f"^2.*Z info on-promote: {line}$", 5)
    one.stop()
    one.wait_for_line("^2.*Z info on-demote: down$", 1)


def test_as_json_too(world):
    one = world.file("one", "--log-format", "json", "--on-promote", "echo 'a \"quoted\" word'", command=program())
    line = one.wait_for_line("quoted", 5).text
    assert json.loads(line)["message"] == 'on-promote: a "quoted" word'


def test_a_long_line_comes_in_pieces(world):
    one = world.file("one", "--on-promote", "sh -c 'head -c 2500 /dev/zero | tr \\\\0 x; echo; echo end'", command=program())
    one.wait_for_line("on-promote: end", 5)
    pieces = [line.text.rsplit(": ", 1)[1] for line in one.matching("on-promote: x+$")]
    assert "".join(pieces) == "x" * 2500 and len(pieces) == 3


def test_a_hook_that_prints_without_end_is_ended_in_time(world):
    one = world.file("one", "--on-promote", "yes", "--promote-timeout", "500ms", command=program(),
                     stderr=subprocess.DEVNULL)
    two = world.file("two", *hooks(), command=program())
    world.events.wait("promote-end", 10, name="two")
    world.events.wait("start", 5, name="one")
    assert one.stop() == 0
    two.stop()


def test_a_hook_that_closes_its_output_goes_on(world):
    closing = f"sh -c 'exec >&- 2>&-; exec {hook('promote', '--exit-after', 1000)}'"
    one = world.file("one", "--on-promote", closing, command=program())
    world.events.wait("promote-begin", 5)
    before = processor_time(one.pid_of("keeper"))
    world.events.wait("promote-end", 10)
    assert processor_time(one.pid_of("keeper")) - before < 0.3, "a closed pipe wakes nobody"
    one.stop()


def processor_time(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_daemon_that_a_hook_leaves_holds_nothing_up(world):
    one = world.file("one", *hooks("--children", 1), command=program())
    world.events.wait("promote-end", 5)
    one.wait_for_line("leading", 5)
    assert one.stop() == 0
    one.all_gone()


def test_a_hook_whose_file_was_replaced_or_vanished(world):
    path = world.path("up")

    def write(text):
        with open(path + ".new", "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)
    write("echo first; sleep 0.5; echo last")
    one = world.file("one", "--on-promote", path, "--on-demote", "true", "--restart", "on-failure", command=program())
    one.wait_for_line("on-promote: first", 5)
    write("echo second")
    one.wait_for_line("on-promote: last", 5)
    one.wait_for_line("leading", 5)
    processes.kill(world.events.wait("start", 5).pid)
    one.wait_for_line("on-promote: second", 10)
    os.unlink(path)
    one.wait_for_line("leading again", 5)
    processes.kill(world.events.wait("start", 5, count=2).pid)
    assert "No such file" in one.wait_for_line("hook failed hook=on-promote", 10).text


# When they fail

@pytest.mark.parametrize("how", [("--status", 3), ("--exit-after", 5000)])
def test_a_failure_can_be_ignored(world, how):
    one = world.file("one", "--on-hook-failure", "ignore", "--promote-timeout", "300ms", *hooks(*how), command=program())
    one.wait_for_line("hook failed hook=on-promote", 5)
    one.wait_for_line("leading", 5)
    assert one.stop() == 0


def test_a_failure_can_end_the_instance(world):
    one = world.file("one", "--on-hook-failure", "exit", *hooks("--exit-after", 300, "--status", 3), command=program())
    world.events.wait("promote-begin", 5)
    two = world.file("two", *hooks(), command=program())
    assert one.wait(10) == 75
    world.events.wait("promote-end", 5, name="two")
    two.stop()
