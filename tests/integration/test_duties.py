"""Each duty of a good parent, as PID 1 of a PID namespace and as an ordinary child."""
import os

import pytest

from duties import DUTIES
from duties.trial import SETTINGS

PLAIN = {"forwards_faults"}  # with the sanitizers a fault is theirs
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "operating.md")


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("duty", [pytest.param(duty, id=duty.name, marks=[pytest.mark.plain] * (duty.name in PLAIN))
                                  for duty in DUTIES])
def test_duty(duty, setting):
    assert duty.outcome("consul-leader", setting) == duty.wanted


@pytest.mark.plain
def test_the_table_in_the_documentation_has_them_all():
    text = open(DOCUMENT).read()
    rows = [line.split(" | ") for line in text.partition("<!-- the duties -->")[2].partition("<!-- end of ")[0].splitlines()
            if line.startswith("| ")][1:]
    assert [(row[0].removeprefix("| "), row[1]) for row in rows] == [(duty.what, duty.wanted) for duty in DUTIES]
