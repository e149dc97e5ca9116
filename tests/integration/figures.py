"""Figures that tests measure and the run's summary shows: for a conftest.py to import."""
import statistics

import pytest


@pytest.fixture
def figure(request):
    """figure(NAME, SECONDS): a measurement that the run's summary shows."""
    return lambda name, seconds: request.node.user_properties.append((name, f"{seconds * 1000:.1f} ms"))


@pytest.fixture
def figures(figure):
    """figures(NAME, [SECONDS, ...]): what was measured several times, by its median and maximum."""
    def tell(name, seconds):
        figure(f"{name}: median of {len(seconds)}", statistics.median(seconds))
        figure(f"{name}: maximum", max(seconds))
    return tell


def pytest_terminal_summary(terminalreporter):
    figures = [pair for reports in terminalreporter.stats.values() for report in reports
               if getattr(report, "when", "") == "call" for pair in report.user_properties]
    if figures:
        terminalreporter.section("measured")
        for name, value in figures:
            terminalreporter.line(f"{name}: {value}")
