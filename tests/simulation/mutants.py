"""Mutants: the shipped code with one rule broken each, in builds of their own. The simulator has to find every one.

    mutants.py [NAME...]     all, or those that are named
    mutants.py --quick       the three that `make test` tries

Run by `make mutants`, which tells how to compile and link. A mutant is found when a rule of the judge's is broken in one
of its runs; a simulator that crashes has found nothing.
"""
import os
import re
import subprocess
import sys
import time

RUNS = int(os.environ.get("RUNS", "100000"))
BUILD = os.environ["BUILD"]
COMPILE = os.environ["COMPILE"].split()
LINK = os.environ["LINK"].split()
LIBRARIES = os.environ["LIBRARIES"].split()
SHIPPED = os.environ["SHIPPED"].split()
SIMULATION = os.environ["SIMULATION"].split()
QUICK = ("the keeper's timer left out", "release before the demotion is complete",
         "token read from LockIndex")


# What a mutant has to be found by: the beginnings of the judge's texts (judge.c).
TWO = ("two act", "one acts although", "one acts past")
AWAY = ("the lock is given away", "two act")
PAGE = ("a lease page says", *AWAY)
LATE = ("something is started", "a promotion is ordered")


class Mutant:
    def __init__(self, name, rules, *edits):
        self.name = name
        self.rules = (*rules, "one of ours aborts")  # an assertion of the shipped code may be first
        self.edits = edits  # (file, what stands there once, what stands there instead)


def forgotten(word, *rules):
    """The keeper sends a word as if there were always room for it."""
    return Mutant(f"{word} is sent and forgotten", rules,
                  ("keeper/conduct.c",
                   "    must_fit(outbox_say(&keeper->to_supervisor, keeper->supervisor_fd, &message));",
                   f"    if (type == KEEPER_{word})\n"
                   "        must_fit(channel_send(keeper->supervisor_fd, &message, -1) < 3);\n"
                   "    else\n"
                   "        must_fit(outbox_say(&keeper->to_supervisor, keeper->supervisor_fd, &message));"))


MUTANTS = [
    Mutant("lease counted from the answer", TWO,
           ("election/answers.c", "renewal_granted(election, sent, now, commands);",
            "renewal_granted(election, now, now, commands);")),
    Mutant("lease extended across terms", TWO + LATE,  # by renewals of the session of an earlier term
           ("election/election.c", "renewal->serial = request_add(election, commands, REQUEST_RENEW)->serial;",
            "struct lock_request *request = request_add(election, commands, REQUEST_RENEW);\n"
            "    renewal->serial = request->serial;\n"
            "    if (election->ghost.session.text[0] != '\\0')\n"
            "        request->session = election->ghost.session;")),
    Mutant("release before the demotion is complete", AWAY,
           ("election/transitions.c", "    demote(election, election->reason, commands);",
            "    demote(election, election->reason, commands);\n"
            "    request_add(election, commands, REQUEST_RELEASE);")),
    Mutant("release at the sending of the signal", AWAY,
           ("keeper/demotion.c", "demotion->answered_by = now + settings->demote_timeout_ns;",
            "demotion->answered_by = now;")),
    Mutant("release without ALL_GONE", AWAY,
           ("network/network.c", "    if (network->store)\n        network->operations->due(network->store);",
            "    if (network->supervisor_fd < 0)\n        execute_will(network);\n"
            "    if (network->store)\n        network->operations->due(network->store);")),
    Mutant("check-session instead of check-index", ("a write changes", *TWO),
           ("stores/consul_operation.c", "static void send_acquire(struct operation *operation)\n{",
            "static void guard(struct json_object *transaction, const char *key, const char *session)\n{\n"
            "    struct json_object *entry = json_object_new_object(), *kv = json_object_new_object();\n\n"
            "    json_set_text(kv, \"Verb\", \"check-session\");\n"
            "    json_set_text(kv, \"Key\", key);\n"
            "    json_set_text(kv, \"Session\", session);\n"
            "    json_object_object_add(entry, \"KV\", kv);\n"
            "    json_object_array_add(transaction, entry);\n}\n\n"
            "static void send_acquire(struct operation *operation)\n{"),
           ("stores/consul_operation.c",
            "    transaction_guard(transaction, key, request->index);\n    if (request->index == 0)",
            "    if (request->index == 0)\n        transaction_guard(transaction, key, 0);\n"
            "    else\n        guard(transaction, key, \"\");\n    if (request->index == 0)"),
           ("stores/consul_operation.c",
            "    transaction_guard(transaction, key, request->index);\n    transaction_set(",
            "    guard(transaction, key, request->session.text);\n    transaction_set("),
           ("stores/consul_operation.c",
            "    transaction_guard(transaction, key, request->index);\n    transaction_unlock(",
            "    guard(transaction, key, request->session.text);\n    transaction_unlock(")),
    Mutant("a session that gave a lock away reused", ("a session that gave", "nobody leads"),
           ("election/transitions.c", "        [EVENT_RELEASED]         = { STATE_IDLE,      end_session },",
            "        [EVENT_RELEASED]         = { STATE_WAITING,   go_on },")),
    Mutant("a late answer promotes", LATE,
           ("election/answers.c", "if (election->lease.hard < now + needed + margin)",
            "if (needed + margin == 0)")),
    Mutant("500 taken for a loss", ("the lead is given up",),
           ("consul/session.c", "response->answered && response->status == 404 && refusal_says(response, session->text);",
            "response->answered && (response->status == 404 || response->status == 500);")),
    Mutant("404 taken for noise", ("a loss that was told", "nobody leads"),
           ("consul/session.c", "return gone ? ANSWER_GONE : ANSWER_FAILED;",
            "return gone ? ANSWER_FAILED : ANSWER_FAILED;")),
    Mutant("the lock-delay lowered by 3 s", TWO,
           ("common/options/option_times.c", "#define LOCK_DELAY_MARGIN SECONDS(3)", "#define LOCK_DELAY_MARGIN SECONDS(0)")),
    Mutant("a free lock without release mark taken at once", TWO,
           ("election/candidacy.c", "    return (lease != 0 ? lease : candidacy->own_lease) + CANDIDACY_MARGIN;",
            "    return view->exists ? 0 : (lease != 0 ? lease : candidacy->own_lease) + CANDIDACY_MARGIN;")),
    Mutant("unknown outcome taken for failure", ("nobody leads",),
           ("election/answers.c", "    case ANSWER_UNKNOWN:\n        read_back_soon(election, now, commands);\n        break;\n",
            "")),
    Mutant("deadline not checked before go", LATE,
           ("keeper/promotion.c", "} else if (!guard_may_start(&keeper->guard, clock_now_ns())) {", "} else if (false) {"),
           ("keeper/hook.c", "if (spec->guard && !guard_may_start(spec->guard, clock_now_ns())) {", "if (false) {")),
    Mutant("deadline not checked before the signal", LATE,
           ("keeper/promotion.c", "    if (!guard_may_start(&keeper->guard, now)) {", "    if (false) {")),
    Mutant("no drift allowance", TWO,
           ("election/lease.c", "return terms->length - terms->length / 1000000 * terms->drift_ppm;",
            "return terms->length;")),
    Mutant("a keeper that hangs is let be", TWO,
           ("supervisor/losses.c", "    kill(supervisor->keeper.pid, SIGKILL);\n", "")),
    Mutant("the keeper's timer left out", TWO,
           ("election/guard.c", "return guard->armed ? guard->lease.hard - needed : 0;", "return needed * 0;")),
    Mutant("lock given away while an unkillable process lives", AWAY,
           ("keeper/conduct.c", "if (keeper_has_children()) {", "if (keeper_has_children() && keeper->sweeps < 20) {")),
    Mutant("token read from LockIndex", ("a token does not grow",),
           ("consul/transaction.c", 'json_number(kv, "ModifyIndex")', 'json_number(kv, "LockIndex")')),

    Mutant("what a predecessor has left is not demoted", TWO,
           ("supervisor/supervisor.c", "    if (supervisor->record.promoted) {\n        struct demotion_order",
            "    if (false) {\n        struct demotion_order")),
    Mutant("a predecessor's lock given back without proof", AWAY,
           ("supervisor/predecessor.c", "        if (remains_prove_death(&predecessor->left, &supervisor->record, &why) == DEATH_PROVED)",
            "        if (remains_prove_death(&predecessor->left, &supervisor->record, &why) <= DEATH_PROVED)")),
    Mutant("a predecessor's lock given back before its demotion", AWAY,
           ("supervisor/predecessor.c", "    if (!supervisor->record.promoted)\n        begin_release", "    begin_release")),
    Mutant("a predecessor's lock given back though its demotion failed", AWAY,
           ("supervisor/predecessor.c", "if (!succeeded && manner_of(supervisor->settings)->keeps_predecessors_lock) {", "if (false) {")),
    Mutant("a predecessor's lock not given back", ("nobody leads",),
           ("supervisor/predecessor.c", "    supervisor->predecessor.step = PREDECESSOR_READS;\n    supervisor->predecessor.due = now;\n",
            "    (void)now;\n")),
    Mutant("a session is not ended at the end", ("all have ended",),
           ("election/transitions.c", "    request_add(election, commands, REQUEST_DESTROY);\n    forget_term(election);",
            "    forget_term(election);")),
    Mutant("ALL_GONE never said", ("nobody leads",),
           ("keeper/demotion.c", "        keeper_say_all_gone(keeper);", "        (void)now;")),
    Mutant("ALL_GONE is sent and forgotten", ("nobody leads",),
           ("keeper/conduct.c", "    must_fit(outbox_say(&keeper->to_network, keeper->network_fd, &message));",
            "    must_fit(channel_send(keeper->network_fd, &message, -1) < 3);")),
    Mutant("the release mark ignored", ("nobody leads",),
           ("election/candidacy.c", "never_led || is_released(candidacy, view)", "never_led || !is_released")),

    Mutant("the lease page outlives the order to demote", PAGE,
           ("supervisor/lead.c", "    lease_page_clear(supervisor->lease_file.page);\n", "")),
    Mutant("the lease page outlives the keeper", PAGE,
           ("supervisor/losses.c", "    lease_page_clear(supervisor->lease_file.page);\n", "")),
    Mutant("the lease page outlives the supervisor", PAGE,
           ("keeper/conduct.c", "    lease_page_clear(keeper->start->lease_page);\n", "")),
    Mutant("a deadline in the lease page that is too late", TWO,
           ("supervisor/lead.c", "lease_page_extend(supervisor->lease_file.page, lease->hard);",
            "lease_page_extend(supervisor->lease_file.page, lease->hard + 1000000000);")),

    Mutant("a program that is told nothing taken for demoted at once", AWAY + TWO,
           ("keeper/demotion.c", "demotion->answered_by = keeper->guard.lease.hard;", "demotion->answered_by = now;")),

    # Queues have ends.
    forgotten("STARTED", "nobody leads"),
    forgotten("EXITED", "nobody leads", "all have ended"),
    forgotten("GONE", "nobody leads", "all have ended"),
    forgotten("PROMOTED", "nobody leads"),
    forgotten("PROMOTION_FAILED", "nobody leads", "all have ended"),
    forgotten("DEMOTING", "one of ours is killed"),
    forgotten("DEMOTED", "nobody leads", "all have ended", "one of ours is killed"),
    forgotten("DEMOTION_FAILED", "one of ours is killed", "nobody leads"),
    Mutant("a state is said as a list", ("one of ours aborts",),
           ("keeper/conduct.c", "outbox_say_state(&keeper->to_supervisor,", "outbox_say(&keeper->to_supervisor,")),

    # A network process that lies.
    Mutant("an answer to what was not asked is believed", ("one of ours aborts",),
           ("supervisor/network_link.c", "if (!fits(&open->request, answer, &supervisor->election)) {", "if (false) {")),

    # What the simulator found in our own code, put back.
    Mutant("a holder's renewal does not look at the lock", TWO,
           ("stores/consul_operation.c", "    if (is_held(store, session))\n        operation->look",
            "    if (false)\n        operation->look")),
    Mutant("a mark of an earlier leader counts", TWO,
           ("election/candidacy.c", "view->index >= candidacy->highest_index &&\n           view->token >= candidacy->highest_token;",
            "view->index >= candidacy->highest_index;")),
    Mutant("a sidecar's hook begins at the hard deadline", TWO,
           ("keeper/conduct.c", "guard_deadline(&keeper->guard, of_hook)", "guard_deadline(&keeper->guard, 0)")),
    Mutant("the rest of a lease taken for the demote timeout", AWAY + TWO,
           ("keeper/demotion.c", "bool is_over = now >= keeper->demotion.answered_by;",
            "bool is_over = now >= keeper->demotion.answered_by || now >= keeper->demotion.order.until;")),
    Mutant("a program that stood still taken for demoted", AWAY + TWO,
           ("keeper/demotion.c", "return now <= keeper->demotion.answered_by + KILL_BUDGET &&", "return true &&")),
    Mutant("a program that was stopped taken for demoted", AWAY + TWO,
           ("keeper/demotion.c", "!keeper->demotion.program_was_stopped && ", "")),
    Mutant("a demotion that ends before what an ended program has left", AWAY + TWO,
           ("keeper/demotion.c", "if (keeper->program.state != PROGRAM_ENDED) ", "")),
    Mutant("an absence that was not watched counts on", TWO,
           ("election/candidacy.c", "    if (candidacy->absent)\n        candidacy->free = false;", "")),
    Mutant("an absent lock acquired beside one that was just deleted", TWO,
           ("stores/consul_operation.c", "    if (request->index == 0)\n        consul_candidate_guard(store, transaction);\n", "")),
    Mutant("a second stop signal leaves the demotion its time", ("one of ours is killed",),
           ("supervisor/supervisor.c", "    if (supervisor->election.state == STATE_DEMOTING) /* a hook", "    if (false) /* a hook")),
    Mutant("a candidate without a keeper may lead", PAGE,
           ("supervisor/losses.c", "        lead_stop(supervisor, now);", "        (void)now;")),
]


def run(command, **arguments):
    subprocess.run(command, check=True, **arguments)


def compile_mutated(mutant, folder, source):
    """Returns the object of one source with the mutant's edits of it."""
    with open(source) as file:
        text = file.read()
    for _, before, after in (edit for edit in mutant.edits if edit[0] == source):
        if text.count(before) != 1:
            sys.exit(f"mutants: \"{mutant.name}\": {text.count(before)} places in {source} for\n{before}")
        text = text.replace(before, after)
    name = os.path.join(folder, source.replace("/", "_"))
    with open(name, "w") as file:
        file.write(text)
    flags = subprocess.run(["pkg-config", "--cflags", "json-c"], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.split()
    run(COMPILE + flags + ["-Wno-error", "-w", "-c", "-o", name[:-2] + ".o", name])
    return name[:-2] + ".o"


def original_object(source):
    return f"{BUILD}/objects/{source[:-2]}.o"


def build(mutant):
    folder = os.path.join(BUILD, "mutants", re.sub("[^a-z0-9]+", "-", mutant.name.lower()))
    os.makedirs(folder, exist_ok=True)
    replaced = {original_object(source): compile_mutated(mutant, folder, source)
                for source in {edit[0] for edit in mutant.edits}}
    assert replaced.keys() <= set(SHIPPED), replaced
    shipped, program = os.path.join(folder, "shipped.o"), os.path.join(folder, "simulate")
    run(["ld", "-r", "-o", shipped] + [replaced.get(name, name) for name in SHIPPED])
    run(["objcopy", "--redefine-syms=tests/simulation/symbols", shipped])
    run(LINK + ["-o", program, shipped] + SIMULATION + LIBRARIES)
    return program


def find(mutant):
    """Whether it is found; prints how."""
    begin = time.monotonic()
    output = subprocess.run([build(mutant), "--find", str(RUNS), *mutant.rules], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True).stdout
    found = sorted((int(match[1]), match[2]) for match in re.finditer(r"^seed (\d+) (at .*)$", output, re.MULTILINE))
    how = f"found: seed {found[0][0]} {found[0][1]}" if found else output.strip() or f"NOT FOUND in {RUNS} schedules"
    print(f"{mutant.name} ({time.monotonic() - begin:.0f} s)\n    {how}", flush=True)
    return bool(found)


def main(arguments):
    chosen = QUICK if arguments == ["--quick"] else arguments
    mutants = [mutant for mutant in MUTANTS if not chosen or mutant.name in chosen]
    if chosen and len(mutants) != len(chosen):
        sys.exit("mutants: there is no such mutant; all are: " + ", ".join(mutant.name for mutant in MUTANTS))
    found = sum(find(mutant) for mutant in mutants)
    print(f"{len(mutants)} mutants, {len(mutants) - found} missed")
    sys.exit(0 if found == len(mutants) else 1)


main(sys.argv[1:])
