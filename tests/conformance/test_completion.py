"""Completion reports: what a phase came to, by the defect mask, as HTML and JUnit XML."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from duis_gateway.conformance.defects import Defect, DefectMask, read_defects
from duis_gateway.conformance.report import CaseResult, Completion, Outcome, write_reports
from duis_gateway.conformance.wire import Wire
from duis_gateway.errors import ConfigurationError
from tests.support.browsers import chromium
from tests.support.completion import PHASES, Collector, phases_of

pytestmark = pytest.mark.requirement("FIA-11")

GOOD = CaseResult("tests/a.py", "test_good", Outcome.PASSED, 0.5, requirements=("A01", "BR-1.1"))
BAD = CaseResult("tests/a.py", "test_bad[<&\x01]", Outcome.FAILED, 0.1, "line one\nE   it is <broken> \x02")
SKIPPED = CaseResult("tests/b.py", "test_skipped", Outcome.SKIPPED, detail="no schema here")
KNOWN = Defect("D-1", 4, "a <known> defect", ("tests/a.py::test_bad",))


def test_a_phase_is_complete_when_nothing_fails() -> None:
    assert Completion("pit", [GOOD, SKIPPED]).is_met
    assert not Completion("pit", [GOOD, BAD]).is_met
    assert not Completion("pit", []).is_met, "a phase in which nothing ran is not complete"


@pytest.mark.parametrize(("allowed", "met"), [(0, False), (1, True)])
def test_a_known_defect_counts_against_the_threshold_of_its_severity(allowed: int, met: bool) -> None:
    mask = DefectMask((KNOWN,), {"pit": {4: allowed}})
    assert Completion("pit", [GOOD, BAD], mask).is_met is met
    assert not Completion("sit", [GOOD], mask).is_met, "each phase has its own thresholds, none unless told"


def test_the_reports_say_the_same(tmp_path: Path) -> None:
    html, junit = write_reports(tmp_path / "new", Completion("sit", [GOOD, BAD, SKIPPED], DefectMask((KNOWN,))))
    assert (html.name, junit.name) == ("sit.html", "sit.xml")
    root = etree.parse(junit).getroot()
    assert [root.get(name) for name in ("tests", "failures", "skipped")] == ["3", "1", "1"]
    assert [suite.get("name") for suite in root] == ["tests/a.py", "tests/b.py"]
    (failure,) = root.iter("failure")
    assert "it is <broken>" in (failure.text or "")
    assert [one.get("value") for one in root.iter("property")] == ["A01", "BR-1.1"]
    text = html.read_text(encoding="utf-8")
    assert "1 passed, 1 failed, 1 skipped" in text
    assert "known: D-1" in text
    assert "<broken>" not in text
    assert "a &lt;known&gt; defect" in text
    assert 'class="missed">missed' in text


def test_what_a_case_promises_is_said_and_what_failed_stands_first(tmp_path: Path) -> None:
    told = [replace(GOOD, promise="it is <so>"), replace(BAD, promise="or so")]
    html, junit = write_reports(tmp_path, Completion("conformance", told))
    text = html.read_text(encoding="utf-8")
    assert (
        text.index("<h2>Failed</h2>") < text.index("test_bad") < text.index("<h2>Cases</h2>") < text.index("test_good")
    )
    assert ">it is &lt;so&gt;</td>" in text
    found = [one.get("value") for one in etree.parse(junit).getroot().iter("property") if one.get("name") == "promise"]
    assert found == ["it is <so>", "or so"]
    plain, _ = write_reports(tmp_path / "plain", Completion("pit", [GOOD]))
    assert "promise" not in plain.read_text(encoding="utf-8")
    assert "Failed" not in plain.read_text(encoding="utf-8")


def test_nothing_is_cut_off_on_paper(tmp_path: Path) -> None:
    """Before, the links to the messages made rows of half a page, and pushed what follows them off it."""
    wire = tuple(Wire("sent", f"a-long-name-of-what-was-sent-{number}", b"<a/>") for number in range(30))
    long = replace(
        GOOD, name="test_good" * 5, promise="it is so " * 9, requirements=("BR-1.1",) * 9, expected="E110501"
    )
    html, _ = write_reports(tmp_path, Completion("conformance", [replace(long, wire=wire)] * 3))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 718, "height": 1046})  # A4 between Chromium's margins
        page.emulate_media(media="print")
        page.goto(html.as_uri())
        table = page.locator("[aria-label=Cases]")
        needed, there = table.evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert needed <= there
        assert table.evaluate("one => one.clientHeight") < 300
        page.close()


def test_the_defects_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "defects.toml"
    path.write_text(
        '[thresholds.pit]\nseverity_4 = 2\n[[defect]]\nid = "D-1"\nseverity = 4\ntitle = "t"\ncases = ["a::b"]\n',
        encoding="utf-8",
    )
    mask = read_defects(path)
    assert mask.defects == (Defect("D-1", 4, "t", ("a::b",)),)
    assert (mask.allowed("pit", 4), mask.allowed("pit", 1), mask.allowed("sit", 4)) == (2, 0, 0)
    assert mask.explanation("a::b[1]") == mask.defects[0]
    assert mask.explanation("x") is None


TOLD = '[[defect]]\nid = "D-1"\nseverity = 3\ntitle = "t"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not TOML"),
        ('title = "x"', "line 1: title: there is no such key; there are thresholds, defect"),
        ("[[defects]]", "defects: there is no such key; did you mean defect?"),
        ("defect = 1", "line 1: defect: must be tables, each [[defect]]"),
        ("[defect]", "defect: must be tables, each [[defect]]"),
        ("defect = [1]", "defect 1: must be a table, [[defect]]"),
        ("[[defect]]\nseverity = 3", "defect 1: id: is missing"),
        ('[[defect]]\nid = "D-1"\nseverity = 3', "defect 'D-1': title: is missing"),
        ('[[defect]]\nid = "D-1"\ntitle = "t"', "defect 'D-1': severity: is missing: a whole number from 1 to 5"),
        ("[[defect]]\nid = 1", "defect 1: id: must be a text that is not empty"),
        ('[[defect]]\nid = "D-1"\nseverity = true', "defect 'D-1': severity: must be a whole number from 1 to 5"),
        ('[[defect]]\nid = "D-1"\nseverity = 6', "defect 'D-1': severity: must be a whole number from 1 to 5"),
        (TOLD + 'cases = "existing/x"', "defect 'D-1': cases: must be a list of texts"),
        (TOLD + 'cases = [""]', "defect 'D-1': cases: must be a list of texts"),
        (TOLD + "cases = [1]", "defect 'D-1': cases: must be a list of texts"),
        (TOLD + 'case = ["existing/x"]', "defect 'D-1': case: there is no such key; did you mean cases?"),
        ("thresholds = 1", "line 1: thresholds: must be a table, [thresholds]"),
        ("[thresholds]\npit = 1", "line 2: [thresholds] pit: must be a table, [thresholds.pit]"),
        ("[thresholds.pit]\nworst = 1", "line 2: [thresholds.pit] worst: there is no such key"),
        ("[thresholds.pit]\nseverity_9 = 1", "line 2: [thresholds.pit] severity_9: there is no such key; did you mean"),
        ("[thresholds.pit]\nseverity_1 = 1.5", "line 2: [thresholds.pit] severity_1: must be a whole number from 0"),
        ('[thresholds.pit]\nseverity_1 = "1"', "line 2: [thresholds.pit] severity_1: must be a whole number from 0"),
    ],
)
def test_what_is_wrong_in_a_defects_file_is_said_with_the_defect_and_the_key(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "defects.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_defects(path)
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)


def test_our_own_defects_file_is_one() -> None:
    mask = read_defects(Path(__file__).parents[1] / "defects.toml")
    assert all(mask.is_met(phase) for phase in PHASES), "we ship within our own mask"


@pytest.mark.parametrize(
    ("nodeid", "phases"),
    [
        ("tests/envelope/test_parse.py::test_x", ("pit",)),
        ("tests/journeys/test_a02_default_pilot_list.py::test_x", ("sit",)),
        ("tests/journeys/test_a04_preferred_pilot_list.py::test_x", ("sit", "uit")),
        ("tests/regression/test_clauses.py::test_clause[new-n64-accepts-5.0]", ("pit", "uit")),
        ("tests/journeys/features/test_n64.py::test_x", ("sit", "fat")),
    ],
)
def test_the_phase_of_a_test_follows_from_its_place(nodeid: str, phases: tuple[str, ...]) -> None:
    assert phases_of(nodeid) == phases


def report(name: str, **more: Any) -> pytest.TestReport:
    told = {"when": "call", "outcome": "passed", "longrepr": None, **more}
    properties = [("requirements", "A01"), ("phases", "pit uit")]
    where = ("tests/a.py", 1, name)
    return pytest.TestReport(f"tests/a.py::{name}", where, {}, user_properties=properties, **told)


@pytest.mark.requirement("FIA-7")
def test_a_run_writes_its_phases_and_the_matrix(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    collector.pytest_runtest_logreport(report("test_good", when="setup"))
    collector.pytest_runtest_logreport(report("test_good"))
    collector.pytest_runtest_logreport(report("test_lost", when="setup", outcome="failed", longrepr="no database"))
    collector.pytest_runtest_logreport(
        report("test_skipped", when="setup", outcome="skipped", longrepr=("f", 1, "why"))
    )
    collector.pytest_sessionfinish()
    root = etree.parse(tmp_path / "uit.xml").getroot()
    assert [root.get(name) for name in ("tests", "failures", "skipped")] == ["3", "1", "1"]
    assert etree.parse(tmp_path / "sit.xml").getroot().get("tests") == "0"
    with (tmp_path / "traceability.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["id"] in ("A01", "A02", "FIA-10")]
    assert [(row["id"], row["test"].rpartition(":")[2], row["outcome"]) for row in rows] == [
        ("A01", "test_good", "passed"),
        ("A01", "test_lost", "failed"),
        ("A01", "test_skipped", "skipped"),
        ("A02", "", "not run"),
        ("FIA-10", "", "record only"),
    ]
    assert "test_lost" in (tmp_path / "traceability.html").read_text(encoding="utf-8")
