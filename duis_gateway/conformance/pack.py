"""The whole pack, and how it is run against a gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import urllib3

from duis_gateway.conformance.clause import Clause, Era
from duis_gateway.conformance.clauses import alerts, pilot, requests
from duis_gateway.conformance.report import CaseResult, Outcome
from duis_gateway.conformance.subject import NotConformant, Subject

CLAUSES: dict[str, Clause] = {one.id: one for one in (*requests.CLAUSES, *pilot.CLAUSES, *alerts.CLAUSES)}
"""Every clause by its id."""


def clauses_of(eras: Iterable[Era]) -> list[Clause]:
    """Return the clauses of these eras, in order."""
    wanted = frozenset(eras)
    return [one for one in CLAUSES.values() if one.era in wanted]


def run(subject: Subject, clauses: Iterable[Clause], versions: Iterable[str]) -> Iterator[CaseResult]:
    """Play both cases of each clause on each of the versions it is for, and yield how they ended."""
    wanted = tuple(versions)
    for clause in clauses:
        for version in clause.versions:
            if version in wanted:
                yield _played(subject, clause, version, "accepts", clause.accepts)
                yield _played(subject, clause, version, "refuses", clause.refuses)


def _played(
    subject: Subject, clause: Clause, version: str, name: str, play: Callable[[Subject, str], None]
) -> CaseResult:
    started = time.monotonic()
    detail = ""
    try:
        play(subject, version)
    except NotConformant as found:
        detail = f"{clause.source}: {found}"
    except urllib3.exceptions.HTTPError as error:
        detail = f"the gateway could not be reached: {error}"
    outcome = Outcome.FAILED if detail else Outcome.PASSED
    seconds = time.monotonic() - started
    return CaseResult(f"{clause.era}/{clause.id}", f"{name}[{version}]", outcome, seconds, detail, clause.requirements)
