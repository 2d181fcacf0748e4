"""The completion report of a test phase: HTML for people, JUnit XML for machines, judged by a defect mask."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile

from lxml import etree

from duis_gateway.conformance.defects import SEVERITIES, DefectMask
from duis_gateway.conformance.wire import Wire
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import ConfigurationError, NotSafeXml
from duis_gateway.machine.files import put_whole, read_bytes
from duis_gateway.text.pages import render

PART = "conformance-part"
"""What the report of a run of some of the pack's cases is called, so that it leaves that of all as it is."""


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: the suite it stands in, its name there, how it ended, and the requirements that it shows.

    `promise` is what it holds the gateway to, in words, where the suite's name does not say it all; `expected` has the
    codes that must come, and the HTTP statuses of refusals; `wire` is what was sent and what came.
    """

    suite: str
    name: str
    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    requirements: tuple[str, ...] = ()
    promise: str = ""
    expected: str = ""
    wire: tuple[Wire, ...] = ()

    @property
    def full_name(self) -> str:
        """The name by which a defect names it."""
        return f"{self.suite}::{self.name}"


@dataclass(frozen=True)
class Completion:
    """What a phase came to. It is complete when no case fails but by a known defect, and the mask is met.

    `about` says in words what was tested, where the phase's name does not; `facts` are names and values for the head of
    the report. `before` is how cases ended in an earlier run, by their full names.
    """

    phase: str
    results: Sequence[CaseResult]
    mask: DefectMask = field(default_factory=DefectMask)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    about: str = ""
    facts: Sequence[tuple[str, str]] = ()
    before: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long the cases took together."""
        return sum(one.seconds for one in self.results)

    @property
    def changed(self) -> list[tuple[CaseResult, str]]:
        """The cases that ended otherwise than in the earlier run, with how they did then."""
        known = ((one, self.before.get(one.full_name)) for one in self.results)
        return [(one, then) for one, then in known if then is not None and then != one.outcome]

    def count(self, outcome: Outcome) -> int:
        """Return how many cases ended so."""
        return sum(one.outcome is outcome for one in self.results)

    @property
    def unexplained(self) -> list[CaseResult]:
        """The failed cases that no known defect explains."""
        failed = (one for one in self.results if one.outcome is Outcome.FAILED)
        return [one for one in failed if self.mask.explanation(one.full_name) is None]

    @property
    def is_met(self) -> bool:
        """Whether the phase may end."""
        return bool(self.results) and not self.unexplained and self.mask.is_met(self.phase)


def expect_room_for_reports(directory: Path) -> None:
    """See that the directory can be written to, or be made, before cases are played for it; nothing is left there.

    Raises:
        OSError: it cannot be made, or not be written to.
    """
    there = next(one for one in (directory, *directory.absolute().parents) if one.exists())
    with TemporaryFile(dir=there):
        pass


def latest_report(directory: Path) -> Path:
    """Return the XML report of the conformance pack that was written last there, of all cases or of some.

    Where there is none, it is where that of all would be.
    """
    whole, part = directory / "conformance.xml", directory / f"{PART}.xml"
    return max((one for one in (whole, part) if one.exists()), key=lambda one: one.stat().st_mtime_ns, default=whole)


def write_reports(directory: Path, completion: Completion, name: str | None = None) -> tuple[Path, Path]:
    """Write `<name>.html` and `<name>.xml` into a directory, and return them; None: the phase's name."""
    directory.mkdir(parents=True, exist_ok=True)
    name = name or completion.phase
    html, junit = directory / f"{name}.html", directory / f"{name}.xml"
    evidence = _write_wire(directory / f"{name}-messages", completion.results)
    put_whole(html, _html(completion, evidence).encode())
    put_whole(junit, _junit(completion))
    return html, junit


def read_outcomes(junit: Path) -> dict[str, str]:
    """Return how the cases of an earlier report ended, by their full names.

    Raises:
        ConfigurationError: it cannot be read, or is no report.
    """
    try:
        root = parse_trusted(read_bytes(junit))
    except OSError as error:
        raise ConfigurationError(f"{junit}: {error.strerror}") from None
    except NotSafeXml as error:
        raise ConfigurationError(f"{junit} is no report: {error.detail}") from None
    if root.tag not in ("testsuites", "testsuite") or root.find(".//testcase") is None:
        raise ConfigurationError(f"{junit} is no report of the pack: it has no cases (<testcase>)")
    found = {}
    for case in root.iter("testcase"):
        ended = Outcome.FAILED if case.find("failure") is not None else Outcome.PASSED
        ended = Outcome.SKIPPED if case.find("skipped") is not None else ended
        found[f"{case.get('classname')}::{case.get('name')}"] = str(ended)
    return found


Links = list[tuple[str, str, str]]
"""Of each message of a case: which way it went, what it was, and where its bytes are, beside the report."""


def _write_wire(folder: Path, results: Sequence[CaseResult]) -> dict[str, Links]:
    """Write what went over the wire, a file a message, and return the links to it by the cases' full names."""
    if folder.exists():
        shutil.rmtree(folder)
    links: dict[str, Links] = {}
    for case in results:
        if case.wire:
            folder.mkdir(exist_ok=True)
        stem = re.sub(r"[^A-Za-z0-9.]+", "-", case.full_name).strip("-")
        for number, one in enumerate(case.wire, 1):
            file = folder / f"{stem}-{number}-{one.way}.{'xml' if one.content.lstrip()[:1] == b'<' else 'bin'}"
            put_whole(file, one.content)
            links.setdefault(case.full_name, []).append((one.way, one.what, f"{folder.name}/{file.name}"))
    return links


def _junit(completion: Completion) -> bytes:
    """JUnit's XML as continuous integration servers read it: one suite a file of tests or clause."""
    root = etree.Element("testsuites", {"name": completion.phase, **_totals(completion.results)})
    by_suite: dict[str, list[CaseResult]] = {}
    for one in completion.results:
        by_suite.setdefault(one.suite, []).append(one)
    for name, results in sorted(by_suite.items()):
        suite = etree.SubElement(root, "testsuite", {"name": name, **_totals(results)})
        suite.set("timestamp", completion.at.replace(microsecond=0, tzinfo=None).isoformat())
        for one in results:
            _junit_case(suite, one)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _junit_case(suite: etree._Element, one: CaseResult) -> None:
    case = etree.SubElement(suite, "testcase", classname=one.suite, name=_plain(one.name), time=f"{one.seconds:.3f}")
    told = [("requirement", each) for each in one.requirements] + [("promise", one.promise)] * bool(one.promise)
    if told:
        properties = etree.SubElement(case, "properties")
        for name, value in told:
            etree.SubElement(properties, "property", name=name, value=_plain(value))
    if one.outcome is Outcome.FAILED:
        failure = etree.SubElement(case, "failure", message=_plain(one.detail.strip().rpartition("\n")[2])[:500])
        failure.text = _plain(one.detail)
    elif one.outcome is Outcome.SKIPPED:
        etree.SubElement(case, "skipped", message=_plain(one.detail)[:500])


def _totals(results: Sequence[CaseResult]) -> dict[str, str]:
    counts = Counter(one.outcome for one in results)
    return {
        "tests": str(len(results)),
        "failures": str(counts[Outcome.FAILED]),
        "errors": "0",
        "skipped": str(counts[Outcome.SKIPPED]),
        "time": f"{sum(one.seconds for one in results):.3f}",
    }


def _plain(text: str) -> str:
    """The text without what XML cannot carry."""
    return "".join(one for one in text if one in "\t\n" or (" " <= one < "\ufffe" and not 0xD800 <= ord(one) <= 0xDFFF))


@dataclass(frozen=True, slots=True)
class _Criterion:
    """One line of the defect mask: what is counted, how often it was found, and how often it may be."""

    what: str
    found: int
    allowed: int

    @property
    def is_met(self) -> bool:
        """Whether the phase may end with so many."""
        return self.found <= self.allowed


def _html(completion: Completion, evidence: Mapping[str, Links]) -> str:
    mask = completion.mask
    found = mask.open_by_severity()
    by_severity = [_Criterion(str(level), found[level], mask.allowed(completion.phase, level)) for level in SEVERITIES]
    unexplained = _Criterion("failures that no known defect explains", len(completion.unexplained), 0)
    return render(
        "duis_gateway.conformance/completion.html",
        completion=completion,
        failed=[one for one in completion.results if one.outcome is Outcome.FAILED],
        outcomes=list(Outcome),
        evidence=evidence,
        criteria=[*by_severity, unexplained],
    )
