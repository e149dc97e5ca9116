"""--demote-ack: the program says itself that it acts no more, and the lock is given away then, not before."""
import os
import signal

import processes
from instance import hook, program
from test_hooks import SHORT, variables
from waiting import holds, now, until

OPTIONS = [*SHORT, "--promote-signal", "USR1", "--demote-signal", "USR2", "--demote-ack"]
WORD = ["--led-by-signals", "--ack", "demoted"]


def leads(world, *options, command):
    one = world.file("one", *OPTIONS, *options, command=command)
    world.events.wait("signal-10", 5)
    return one


def test_the_word_completes_the_demotion(world):
    one = leads(world, command=program(*WORD))
    one.wait_for_line("leading", 2)
    os.unlink(world.lock)
    told = world.events.wait("signal-12", 2)
    demoted = one.wait_for_line("demoted", 2)
    assert demoted.at - told.at < 0.3, "it is not waited for longer"
    holds(lambda: one.process.poll() is None, 0.3, "the program goes on")
    one.stop()


def test_a_plain_shell_can_say_the_word(world):
    """As docs/operating.md shows it."""
    script = "trap : USR1; trap 'echo demoted >&$CONSUL_LEADER_ACK_FD' USR2; while :; do sleep 0.05; done"
    one = world.file("one", *OPTIONS, command=["sh", "-c", script])
    one.wait_for_line("leading", 5)
    os.unlink(world.lock)
    one.wait_for_line("demoted key", 2)
    assert one.process.poll() is None


def test_a_stop_gives_the_lock_away_at_the_word_and_then_ends_the_program(world):
    one = leads(world, command=program(*WORD, "--term-takes", 1000))
    two = world.file("two", *OPTIONS, command=program(*WORD))
    two.wait_for_line("follower|waiting", 5)
    one.signal(signal.SIGTERM)
    promoted = world.events.wait("signal-10", 2, name="two")
    assert promoted.at < world.events.wait("stop", 3, name="one").at
    assert one.wait(5) == 0


def test_another_word_is_none(world):
    for text in ("demote", "not demoted", "demoted ", "demoted\\ndemote"):
        lock = world.path("lock-" + str(len(world.instances)))
        one = world.start("one", "--store", "file:" + lock, *OPTIONS, "--", *program("--led-by-signals", "--ack", text))
        begun = world.events.wait("signal-10", 5, after=one.began)
        one.wait_for_line("leading", 2)
        os.unlink(lock)
        told = world.events.wait("signal-12", 2, after=begun.at)
        said = one.wait_for_line("has not said in time", 2)
        assert said.at - told.at > 0.4, "it had its demote timeout"
        assert one.wait(3) == 137
        assert not processes.alive(begun.pid)
    world.judged = False


def test_the_lock_is_kept_until_the_word_or_the_end(world):
    one = leads(world, command=program("--led-by-signals", "--children", 1, "--ignore-term"))
    two = world.file("two", *OPTIONS, command=program(*WORD))
    two.wait_for_line("follower|waiting", 5)
    one.signal(signal.SIGTERM)
    promoted = world.events.wait("signal-10", 5, name="two")
    start = world.events.all("start", name="one")[0]
    assert world.events.last_alive(start.pid) < promoted.at
    assert one.wait(5) == 137
    one.all_gone()


def test_a_word_before_it_is_asked_counts_nothing(world):
    said = world.path("said", "early")
    script = f"trap : USR1 USR2; printf 'demoted\\n' >&$CONSUL_LEADER_ACK_FD; touch {said}; while :; do sleep 0.1; done"
    one = world.file("one", *OPTIONS, command=["sh", "-c", script])
    until(lambda: os.path.exists(said), 5)
    one.wait_for_line("leading", 5)
    os.unlink(world.lock)
    one.wait_for_line("has not said in time", 3)
    one.wait(3)


def test_hook_and_word_are_both_needed(world):
    one = leads(world, "--on-demote", hook("demote", "--exit-after", 100), command=program(*WORD))
    one.wait_for_line("leading", 2)
    os.unlink(world.lock)
    one.wait_for_line("demoted", 2)
    assert world.events.all("demote-end"), "the hook has ended"
    one.stop()

    begun = now()
    two = world.start("two", "--store", "file:" + world.path("lock-2"), *OPTIONS, "--on-demote", hook("demote"), "--",
                      *program("--led-by-signals"))
    world.events.wait("signal-10", 5, name="two", after=begun)
    two.wait_for_line("leading", 2)
    os.unlink(world.path("lock-2"))
    world.events.wait("demote-end", 2, name="two")
    two.wait_for_line("has not said in time", 2)
    two.wait(3)
    world.judged = False


def test_who_closes_its_end_never_answers(world):
    script = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; trap : USR1 USR2; while :; do sleep 0.1; done"
    one = world.file("one", *OPTIONS, command=["bash", "-c", script])
    one.wait_for_line("leading", 5)
    os.unlink(world.lock)
    one.wait_for_line("has not said in time", 3)
    one.wait(3)


def test_the_descriptor_is_the_programs_alone(world):
    up, down = world.path("up"), world.path("down")
    one = world.file("one", *OPTIONS, "--on-promote", hook("promote", "--environment", up), command=program(
        *WORD, "--environment", down))
    world.events.wait("promote-end", 5)
    start = world.events.all("start")[0]
    descriptor = variables(down)["CONSUL_LEADER_ACK_FD"]
    assert os.readlink(f"/proc/{start.pid}/fd/{descriptor}").startswith("pipe:")
    assert "CONSUL_LEADER_ACK_FD" not in variables(up)
    one.stop()
