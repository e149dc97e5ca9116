"""What all measurements need: the world of the tests without its judgement, and tables in Markdown."""
import contextlib
import os
import statistics
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path[1:1] = [os.path.join(ROOT, "tests", "integration"), os.path.join(ROOT, "docs", "examples")]

from world import World  # noqa: E402


@contextlib.contextmanager
def a_world():
    """What it says at its end only says with SHOW=1, on stderr."""
    world = World()
    world.judged = False
    try:
        yield world
    finally:
        with contextlib.redirect_stdout(sys.stderr if os.environ.get("SHOW") else open(os.devnull, "w")):
            world.close(True)


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"


def median_and_maximum(took, format_one=milliseconds):
    return [format_one(statistics.median(took)), format_one(max(took))]


def line_of(cells):
    return "|" + "".join(f" {cell} |" if cell != "" else " |" for cell in cells)


def print_table(title, head, rows):
    print(f"### {title}\n\n{line_of(head)}\n{'|---' * len(head)}|")
    for row in rows:
        print(line_of(row))
    print(flush=True)
