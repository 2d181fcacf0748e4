"""The pack: what its clauses cover, the command that runs it, and a gateway that does not conform."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from duis_gateway.conformance.clause import VERSIONS, Clause, Era, brings
from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.pack import run as play
from duis_gateway.conformance.profile import Profile, read_profile
from duis_gateway.conformance.report import Outcome
from duis_gateway.conformance.subject import Subject, opened
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.duis.codes import NEVER_RAISED, RESPONSE_CODES
from duis_gateway.errors import ConfigurationError
from tests.support.cli import run
from tests.support.conformance import started


def _not_what_was_said(subject: Subject, _: str) -> None:
    subject.post("/api/v1/serviceD", b"<a/>").is_refused(200)


@pytest.mark.requirement("FIA-6")
def test_what_existed_is_run_on_every_version() -> None:
    assert {clause.versions for clause in CLAUSES.values() if clause.era is Era.EXISTING} == {VERSIONS}
    assert {version for clause in CLAUSES.values() if clause.era is Era.NEW for version in clause.versions} == set(
        VERSIONS
    )


@pytest.mark.requirement("FIA-6", "PIA-5")
def test_every_code_and_every_alert_is_brought_out_by_a_clause() -> None:
    """A clause that names a code fails where the code does not come, so that the names are what was seen."""
    brought = frozenset().union(*(clause.codes for clause in CLAUSES.values()))
    assert brought == (RESPONSE_CODES.keys() | ALERTS.keys()) - NEVER_RAISED


@pytest.mark.processes
def test_a_clause_fails_where_a_code_that_it_names_does_not_come(subject: Subject) -> None:
    known = CLAUSES["command_variant"]
    wrong = Clause("wrong", "a code", Era.EXISTING, brings("I0", "E4")(known.accepts), known.refuses, ("5.0",))
    first, second = play(subject, [wrong], VERSIONS)
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.PASSED)
    assert "codes that did not come: expected [], found ['E4']" in first.detail


def test_without_a_second_supplier_its_clauses_are_left_out(tmp_path: Path) -> None:
    """Profiles of before N73 was played are still read."""
    profile = profile_without("second", tmp_path)
    with opened("http://127.0.0.1:1", profile) as alone:
        results = list(play(alone, [CLAUSES["n73"]], VERSIONS))
    assert [(one.outcome, one.detail) for one in results] == [
        (Outcome.SKIPPED, "the profile has no parties.second")
    ] * 2


def test_a_profile_without_a_party_that_is_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'csp' is missing"):
        profile_without("csp", tmp_path)


def profile_without(party: str, directory: Path) -> Profile:
    """What `conformance init` makes, but for one party."""
    assert run("conformance", "init", directory / "gateway").code == 0
    path = directory / "gateway" / "conformance.toml"
    sections = path.read_text(encoding="utf-8").split("\n\n")
    kept = [one for one in sections if f"[parties.{party}]" not in one]
    path.write_text("\n\n".join(kept), encoding="utf-8")
    assert len(kept) == len(sections) - 1
    return read_profile(path)


@pytest.mark.processes
def test_a_gateway_that_does_otherwise_fails_the_clause_with_what_was_found(subject: Subject) -> None:
    known = CLAUSES["command_variant"]
    wrong = Clause("wrong", "the other way round", Era.EXISTING, known.refuses, known.accepts, ("5.0",))
    also = Clause("code", "another code", Era.EXISTING, _not_what_was_said, known.refuses, ("5.0",))
    outcomes = [(one.name, one.outcome, one.detail) for one in play(subject, [wrong, also], VERSIONS)]
    assert [outcome for _, outcome, _ in outcomes] == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]
    assert "HTTP status" in outcomes[2][2]
    assert "expected 200, found 401" in outcomes[2][2]


@pytest.mark.processes
@pytest.mark.requirement("FIA-6", "FIA-11")
def test_the_command_plays_the_pack_and_writes_its_reports(tmp_path: Path) -> None:
    gateway, reports = tmp_path / "gateway", tmp_path / "reports"
    with started(gateway) as process:
        words = (
            "--profile",
            gateway / "conformance.toml",
            "--reports",
            reports,
            "--version",
            "5.1",
            "--era",
            "existing",
        )
        ran = run("conformance", "--url", process.url, *words)
    assert ran.code == 0, ran.error
    root = etree.parse(reports / "conformance.xml").getroot()
    assert root.get("failures") == "0"
    assert int(root.get("tests") or 0) == 2 * sum(clause.era is Era.EXISTING for clause in CLAUSES.values())
    report = (reports / "conformance.html").read_text(encoding="utf-8")
    assert "Exit criteria" in report
    assert f"Played against {process.url}, on DUIS 5.1: existing." in report


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--era", "new"), "--url"),
        (("--url", "ftp://x"), "--url"),
        (("--url", "http://127.0.0.1:1", "--profile", "none.toml"), "conformance init"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(words: tuple[str, ...], reason: str) -> None:
    ran = run("conformance", *words)
    assert (ran.code, len(ran.error.splitlines())) == (2, 1)
    assert reason in ran.error


def test_a_gateway_that_is_away_fails_every_case(tmp_path: Path) -> None:
    assert run("conformance", "init", tmp_path / "gateway").code == 0
    profile = tmp_path / "gateway" / "conformance.toml"
    words = ("--url", "http://127.0.0.1:1", "--profile", profile, "--reports", tmp_path, "--era", "existing")
    ran = run("conformance", *words)
    assert ran.code == 1
    assert "could not be reached" in ran.error
    assert "0 of " in ran.output
