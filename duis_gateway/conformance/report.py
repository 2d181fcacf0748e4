"""The completion report of a test phase: HTML for people, JUnit XML for machines, judged by a defect mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from pathlib import Path

from lxml import etree

from duis_gateway.conformance.defects import SEVERITIES, Defect, DefectMask


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: the suite it stands in, its name there, how it ended, and the requirements that it shows.

    `promise` is what it holds the gateway to, in words, where the suite's name does not say it all.
    """

    suite: str
    name: str
    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    requirements: tuple[str, ...] = ()
    promise: str = ""

    @property
    def full_name(self) -> str:
        """The name by which a defect names it."""
        return f"{self.suite}::{self.name}"


@dataclass(frozen=True)
class Completion:
    """What a phase came to. It is complete when no case fails but by a known defect, and the mask is met.

    `about` says in words what was tested, where the phase's name does not.
    """

    phase: str
    results: Sequence[CaseResult]
    mask: DefectMask = field(default_factory=DefectMask)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    about: str = ""

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


def write_reports(directory: Path, completion: Completion) -> tuple[Path, Path]:
    """Write `<phase>.html` and `<phase>.xml` into a directory, which is made if need be, and return them."""
    directory.mkdir(parents=True, exist_ok=True)
    html, junit = directory / f"{completion.phase}.html", directory / f"{completion.phase}.xml"
    html.write_text(_html(completion), encoding="utf-8")
    junit.write_bytes(_junit(completion))
    return html, junit


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


_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem;max-width:75rem}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top}pre{white-space:pre-wrap}"
    ".passed,.met{color:#06610f}.failed,.missed{color:#a40000;font-weight:bold}.skipped{color:#666}"
)


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole HTML page; the parts are HTML already, the title is not."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; the cells are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def marked(outcome: str) -> str:
    """Return a word in its colour."""
    return f'<span class="{escape(outcome)}">{escape(outcome)}</span>'


def _html(completion: Completion) -> str:
    counts = ", ".join(f"{completion.count(outcome)} {outcome}" for outcome in Outcome)
    verdict = "met" if completion.is_met else "missed"
    return page(
        f"Completion report: {completion.phase}",
        (
            f"<p>{escape(completion.about)}</p>" if completion.about else "",
            f"<p>{completion.at:%Y-%m-%d %H:%M} UTC. {len(completion.results)} cases: {counts}. ",
            f"Exit criteria: {marked(verdict)}.</p>",
            "<h2>Defect mask</h2>",
            _mask_table(completion),
            "<h2>Known defects</h2>" + _defects_table(completion.mask.defects) if completion.mask.defects else "",
            _cases("Failed", (one for one in completion.results if one.outcome is Outcome.FAILED), completion.mask),
            _cases("Cases", completion.results, completion.mask),
        ),
    )


def _mask_table(completion: Completion) -> str:
    found = completion.mask.open_by_severity()
    rows = [
        (str(level), str(found[level]), str(allowed), marked("met" if found[level] <= allowed else "missed"))
        for level in SEVERITIES
        for allowed in (completion.mask.allowed(completion.phase, level),)
    ]
    unexplained = len(completion.unexplained)
    rows.append(
        ("failures that no known defect explains", str(unexplained), "0", marked("missed" if unexplained else "met"))
    )
    return table(("severity", "open", "allowed", ""), rows)


def _defects_table(defects: Iterable[Defect]) -> str:
    return table(
        ("id", "severity", "what"), ((escape(one.id), str(one.severity), escape(one.title)) for one in defects)
    )


def _cases(title: str, cases: Iterable[CaseResult], mask: DefectMask) -> str:
    """A table of cases under its title; nothing where there are none. What failed is told in full where it is first."""
    every = list(cases)
    if not every:
        return ""
    columns = ("case", *(("promise",) if any(one.promise for one in every) else ()), "requirements", "outcome")
    rows = (_case_row(one, mask, title == "Failed") for one in every)
    return f"<h2>{escape(title)}</h2>" + table(columns, (row[:1] + row[-len(columns) + 1 :] for row in rows))


def _case_row(one: CaseResult, mask: DefectMask, whole: bool) -> tuple[str, str, str, str]:
    known = mask.explanation(one.full_name) if one.outcome is Outcome.FAILED else None
    told = f" (known: {escape(known.id)})" if known else ""
    opened = " open" if whole else ""
    detail = f"<details{opened}><summary>why</summary><pre>{escape(one.detail)}</pre></details>" if one.detail else ""
    return (
        escape(one.full_name),
        escape(one.promise),
        escape(" ".join(one.requirements)),
        marked(one.outcome) + told + detail,
    )
