"""The table of a run: what each test wrote into the results, by scenario. Prints Markdown.

    table.py RESULTS
"""
import json
import statistics
import sys

MODES = ["signal+ack", "hooks", "lease page", "leader-only"]


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def interval(low, high):
    return str(low) if low == high else f"{low} to {high}"


def modes(rows):
    def named(chosen):
        ran = {row["mode"] for row in chosen}
        return "all" if ran == set(MODES) else ", ".join(mode for mode in MODES if mode in ran)
    shipped = [row for row in rows if row["times"] == "defaults"]
    others = [row for row in rows if row["times"] != "defaults"]
    return ", ".join(filter(None, [named(others), shipped and named(shipped) + " with the defaults"]))


def overlap(rows):
    worst = max(row["overlap"] for row in rows)
    if worst == 0:
        return "0"
    if not rows[0]["fenced"]:
        return f"**{worst * 1000:.3f} ms**"
    return f"{seconds(worst)}; {sum(row['stale'] for row in rows)} late writes, all refused"


def line(rows):
    first = rows[0]
    gaps = [row["gap"] for row in rows]
    changes = [row["changes"] for row in rows]
    failed = sum(row["failed"] for row in rows)
    gap = f"{seconds(statistics.median(gaps))} / {seconds(max(gaps))}" if max(gaps) > 0 else "none"
    return f"| {first['scenario']} | {first['what']} | {modes(rows)} | {overlap(rows)} | {gap} | " \
           f"{interval(min(changes), max(changes))}{f' **{failed} failed**' if failed else ''} |"


def table(rows):
    scenarios = {}
    for row in rows:
        scenarios.setdefault((row["scenario"], row["what"]), []).append(row)
    lines = ["| | what is done | modes | overlap | gap, median / longest | changes of leader |",
             "|---|---|---|---|---|---|"]
    lines += [line(scenarios[name]) for name in sorted(scenarios)]
    left_out = {}
    for row in rows:
        for mode, why in row["left_out"].items():
            left_out.setdefault((mode, why), set()).add(row["scenario"])
    lines += [""] + [f"Not in the mode `{mode}`: {', '.join(sorted(names))}: {why}."
                     for (mode, why), names in sorted(left_out.items())]
    return "\n".join(lines + ["", f"{len(rows)} tests, {sum(row['failed'] for row in rows)} failed."])


with open(sys.argv[1]) as results:
    print(table([json.loads(row) for row in results]))
