"""Mutants of the keeper, in builds of their own: the soak has to find every one by what it says. Run by `make soak-mutants`."""
import os
import re
import subprocess
import sys

BUILD = os.environ["BUILD"]
COMPILE = os.environ["COMPILE"].split()
LINK = os.environ["LINK"].split()
OBJECTS = os.environ["OBJECTS"].split()
HOOKS = "1000"

# (what is broken, the words that it is found by, file, what stands there once, what stands there instead)
MUTANTS = [
    ("a hook's output is never closed", "the keeper has .* descriptors", "common/process/output.c",
     "    close_end(&output->fd);\n    output->used = 0;", "    output->fd = -1;\n    output->used = 0;"),
    ("a program's report is never closed", "the keeper has .* descriptors", "common/process/child.c",
     "    close_end(&child->gate);\n    close_end(&child->report);\n    *child", "    close_end(&child->gate);\n    *child"),
    ("memory of each hook is kept", "memory has grown", "keeper/hook.c",
     "    hook->state = HOOK_RUNNING;\n", "    hook->state = HOOK_RUNNING;\n    memset(malloc(1024), 1, 1024);\n"),
    ("orphans are not reaped", "zombies", "keeper/turn.c",
     "        waitpid(info.si_pid, NULL, 0);",
     "        if (getpgid(info.si_pid) != info.si_pid)\n            return;\n        waitpid(info.si_pid, NULL, 0);"),
    ("what is left is not killed", "not everything is gone", "keeper/conduct.c", "            sweep(0);", "            (void)0;"),
    ("a hook that left its group is not signalled", "without an answer", "common/process/child.c",
     "    if (getpgid(child->pid) != child->pid)\n        kill(child->pid, number);\n", ""),
    ("the lock is kept after a demotion", "still has the lock", "keeper/demotion.c",
     "    if (keeper->lock_fd >= 0)\n        close(keeper->lock_fd);\n    keeper->lock_fd = -1;\n    guard_disarm(&keeper->guard);\n    keeper->led",
     "    guard_disarm(&keeper->guard);\n    keeper->led"),
    ("a hook that fails counts as done", "cannot have succeeded", "keeper/hook.c",
     "    } else if (WEXITSTATUS(wait_status) != 0) {", "    } else if (false) {"),
]


def compile_mutated(number, source, before, after):
    with open(source) as file:
        text = file.read()
    if text.count(before) != 1:
        sys.exit(f"soak-mutants: {text.count(before)} places in {source} for\n{before}")
    name = os.path.join(BUILD, "soak-mutants", f"{number}.c")
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w") as file:
        file.write("#include <stdlib.h>\n" + text.replace(before, after))
    subprocess.run(COMPILE + ["-Wno-error", "-w", "-c", "-o", name[:-2] + ".o", name], check=True)
    return name[:-2] + ".o"


def find(number, what, words, source, before, after):
    original = os.path.join(BUILD, "objects", source[:-2] + ".o")
    assert original in OBJECTS, original
    mutated = compile_mutated(number, source, before, after)
    program = mutated[:-2]
    subprocess.run(LINK + ["-o", program] + [mutated if one == original else one for one in OBJECTS], check=True)
    output = subprocess.run([program, HOOKS, "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found = next((line for line in output.splitlines() if re.search(words, line)), None)
    print(f"{what}\n    {f'found: {found}' if found else 'NOT FOUND; it said:' + output}", flush=True)
    return found is not None


missed = sum(not find(number, *mutant) for number, mutant in enumerate(MUTANTS))
print(f"{len(MUTANTS)} mutants, {missed} missed")
sys.exit(1 if missed else 0)
