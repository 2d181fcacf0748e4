"""The whole pack, and how it is run against a gateway."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from duis_gateway.client import NoAnswer
from duis_gateway.conformance.beforehand import is_there
from duis_gateway.conformance.clause import Case, Clause, Era, Play
from duis_gateway.conformance.clauses import (
    alerts,
    endings,
    groups,
    lists,
    outcomes,
    party_door,
    plans,
    requests,
    soap,
    split,
)
from duis_gateway.conformance.report import CaseResult, Outcome
from duis_gateway.conformance.subject import NotConformant, Subject

_MODULES = (requests, soap, lists, groups, endings, alerts, plans, outcomes, split, party_door)
CLAUSES: dict[str, Clause] = {one.id: one for module in _MODULES for one in module.CLAUSES}
"""Every clause by its id."""


def clauses_of(eras: Iterable[Era]) -> list[Clause]:
    """Return the clauses of these eras, in order."""
    wanted = frozenset(eras)
    return [one for one in CLAUSES.values() if one.era in wanted]


@dataclass(frozen=True)
class Playable:
    """One case of a clause on one version."""

    clause: Clause
    version: str
    name: str
    play: Play

    @property
    def full_name(self) -> str:
        """How the reports and `--case` call it."""
        return f"{self.clause.era}/{self.clause.id}::{self.name}[{self.version}]"


def cases_of(clauses: Iterable[Clause], versions: Iterable[str]) -> list[Playable]:
    """Return both cases of each clause on each of the versions that it is for."""
    wanted = tuple(versions)
    return [
        Playable(clause, version, name, play)
        for clause in clauses
        for version in clause.versions
        if version in wanted
        for name, play in (("accepts", clause.accepts), ("refuses", clause.refuses))
    ]


def run(subject: Subject, cases: Iterable[Playable]) -> Iterator[CaseResult]:
    """Play cases, and yield how they ended; from where nobody is there any more none is played."""
    gone = ""
    for one in cases:
        result = _played(subject, one, gone)
        if result.outcome is Outcome.FAILED and not gone and not is_there(subject):
            gone = f"the gateway is away since {one.full_name}"
        yield result


def _played(subject: Subject, case: Playable, gone: str) -> CaseResult:
    clause = case.clause
    subject.begin()
    started = time.monotonic()
    missing = [party for party in clause.needs if party not in subject.profile]
    if gone or missing:
        outcome, detail = Outcome.SKIPPED, gone or f"the profile has no parties.{missing[0]}"
    else:
        detail = _failure(subject, case)
        outcome = Outcome.FAILED if detail else Outcome.PASSED
    return CaseResult(
        suite=f"{clause.era}/{clause.id}",
        name=f"{case.name}[{case.version}]",
        outcome=outcome,
        seconds=time.monotonic() - started,
        detail=detail,
        requirements=clause.requirements,
        promise=clause.source,
        expected=", ".join(dict.fromkeys([*_codes(case.play), *subject.expected])),
        wire=subject.evidence(),
    )


def _codes(play: Play) -> list[str]:
    return sorted(play.codes) if isinstance(play, Case) else []


def _failure(subject: Subject, case: Playable) -> str:
    """Play a case, and say why it failed; "" where it did not."""
    try:
        case.play(subject, case.version)
    except NotConformant as found:
        return str(found)
    except NoAnswer as error:
        return f"the gateway could not be reached: {error.detail}"
    return ""
