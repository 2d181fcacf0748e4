"""A pytest plugin: each test belongs to its phases, and `--completion-report DIR` writes what they came to.

For each phase `DIR/<phase>.html` and `DIR/<phase>.xml`, and for all together the matrix of requirements and tests,
`DIR/traceability.html` and `DIR/traceability.csv`. It works with pytest-xdist: the workers' reports carry all of it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from duis_gateway.conformance import report as reports
from duis_gateway.conformance.defects import read_defects
from duis_gateway.conformance.report import CaseResult, Completion, Outcome
from duis_gateway.text.pages import render
from tests.support import traceability

PHASES = ("pit", "sit", "uit", "fat")
_HERE = Path(__file__).resolve().parents[1]
_PHASES_BY_PLACE = (
    # The first place that fits counts. What is in no list is the gateway alone.
    ("tests/journeys/features/", ("sit", "fat")),
    ("tests/regression/", ("pit", "uit")),
    ("tests/journeys/test_a04", ("sit", "uit")),
    ("tests/journeys/test_a05", ("sit", "uit")),
    ("tests/journeys/test_sr82", ("sit", "uit")),
    ("tests/journeys/test_x01", ("sit", "uit")),
    ("tests/journeys/test_access", ("sit", "uit")),
    ("tests/journeys/test_authentication", ("sit", "uit")),
    ("tests/journeys/", ("sit",)),
    ("tests/faults/", ("sit",)),
    ("tests/sandbox/test_demo.py", ("sit",)),
    ("tests/machine/", ("sit",)),
    ("tests/", ("pit",)),
)


def phases_of(nodeid: str) -> tuple[str, ...]:
    """Return the phases of a test, by where it stands."""
    return next((phases for place, phases in _PHASES_BY_PLACE if nodeid.startswith(place)), ("pit",))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--completion-report DIR`."""
    parser.addoption("--completion-report", metavar="DIR", type=Path, help="write a completion report of each phase")


def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> bool | None:
    """Let a tag that is an id of docs/requirements.md be the marker; other tags are markers by themselves."""
    if not traceability.ID.fullmatch(tag):
        return None
    pytest.mark.requirement(tag)(function)
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its phases, and let its reports carry them and its requirements."""
    for item in items:
        for phase in phases_of(item.nodeid):
            item.add_marker(phase)
        requirements = dict.fromkeys(one for mark in item.iter_markers(traceability.MARKER) for one in mark.args)
        phases = dict.fromkeys(mark.name for mark in item.iter_markers() if mark.name in PHASES)
        item.user_properties += [("requirements", " ".join(requirements)), ("phases", " ".join(phases))]


def pytest_configure(config: pytest.Config) -> None:
    """Collect results where they come together: in the process that was called, not in xdist's workers."""
    directory = config.getoption("--completion-report")
    if directory is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(directory))


class Collector:
    """Collects how every test ended, and writes the reports when the run is over."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._results: dict[str, CaseResult] = {}
        self._phases: dict[str, tuple[str, ...]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ended: by its call, unless it did not come to that or its clearing up failed."""
        outcome = _outcome(report)
        if report.when != "call" and outcome is Outcome.PASSED:
            return
        told = dict(report.user_properties)
        suite, _, name = report.nodeid.partition("::")
        result = CaseResult(
            suite,
            name,
            outcome,
            report.duration,
            _detail(report, outcome),
            tuple(str(told.get("requirements", "")).split()),
        )
        self._results[report.nodeid] = result
        self._phases[report.nodeid] = tuple(str(told.get("phases", "")).split())

    def pytest_sessionfinish(self) -> None:
        """Write what came in."""
        mask = read_defects(_HERE / "defects.toml")
        for phase in PHASES:
            results = [one for nodeid, one in sorted(self._results.items()) if phase in self._phases[nodeid]]
            reports.write_reports(self._directory, Completion(phase, results, mask))
        write_matrix(self._directory, self._results.values())


def _outcome(report: pytest.TestReport) -> Outcome:
    # A test that is expected to fail is one that a known defect stands behind.
    if report.failed or hasattr(report, "wasxfail"):
        return Outcome.FAILED
    return Outcome.SKIPPED if report.skipped else Outcome.PASSED


def _detail(report: pytest.TestReport, outcome: Outcome) -> str:
    if outcome is Outcome.PASSED:
        return ""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else report.longreprtext


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of docs/requirements.md, and how the tests ended that show it."""

    row: traceability.Row
    tests: list[CaseResult]


def write_matrix(directory: Path, results: Iterable[CaseResult]) -> None:
    """Write which tests show which requirement, and how they ended, as HTML and as CSV."""
    tests = defaultdict(list)
    for one in results:
        for requirement in one.requirements:
            tests[requirement].append(one)
    lines = [_Line(row, sorted(tests[row.id], key=lambda one: one.full_name)) for row in traceability.rows()]
    with (directory / "traceability.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "test", "outcome"))
        for line in lines:
            nothing = "record only" if line.row.is_for_the_record else "not run"
            requirement = line.row.id
            shown = [(requirement, one.full_name, one.outcome) for one in line.tests]
            writer.writerows(shown or [(requirement, "", nothing)])
    html = render("tests.support/traceability.html", lines=lines)
    (directory / "traceability.html").write_text(html, encoding="utf-8")
