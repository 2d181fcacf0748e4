"""The whole pack, and how it is run against a gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from duis_gateway.client import NoAnswer
from duis_gateway.conformance.clause import Clause, Era
from duis_gateway.conformance.clauses import alerts, endings, groups, lists, outcomes, requests, soap, split
from duis_gateway.conformance.report import CaseResult, Outcome
from duis_gateway.conformance.subject import NotConformant, Subject

_MODULES = (requests, soap, lists, groups, endings, alerts, outcomes, split)
CLAUSES: dict[str, Clause] = {one.id: one for module in _MODULES for one in module.CLAUSES}
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
    missing = [party for party in clause.needs if party not in subject.profile]
    if missing:
        outcome, detail = Outcome.SKIPPED, f"the profile has no parties.{missing[0]}"
    else:
        detail = _failure(subject, clause, version, play)
        outcome = Outcome.FAILED if detail else Outcome.PASSED
    return CaseResult(
        suite=f"{clause.era}/{clause.id}",
        name=f"{name}[{version}]",
        outcome=outcome,
        seconds=time.monotonic() - started,
        detail=detail,
        requirements=clause.requirements,
        promise=clause.source,
    )


def _failure(subject: Subject, clause: Clause, version: str, play: Callable[[Subject, str], None]) -> str:
    """Play a case, and say why it failed; "" where it did not."""
    try:
        play(subject, version)
    except NotConformant as found:
        return str(found)
    except NoAnswer as error:
        return f"the gateway could not be reached: {error.detail}"
    return ""
