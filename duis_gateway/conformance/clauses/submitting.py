"""What the clauses of 11.5 and 11.6 are made of: a release, something submitted for it, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from duis_gateway.conformance.clause import Case, Clause, Era, Play, brings
from duis_gateway.conformance.clauses.said import UNKNOWN, own, report
from duis_gateway.conformance.notices import Release, Terms
from duis_gateway.conformance.subject import Reply, Subject, expect

ON = ("6.0",)
Submit = Callable[[Subject, Release], Reply]

PLAIN = Terms()
LAUNCHING = Terms(days=(-30, -1))
WITHOUT_PILOT = Terms(kind="Security", days=None)


def case(terms: Terms, submit: Submit, code: str, *lists: str) -> Case:
    """A case: a release is announced, something submitted, and a code answered, with hubs in each list named."""

    def play(subject: Subject, _: str) -> None:
        with subject.release(terms) as release:
            reply = submit(subject, release)
            reply.is_code(code)
            for name in lists:
                expect(bool(reply.listed(name)), True, f"the answer has {name}")

    return brings(code)(play)


def each_in_its_list(
    terms: Terms, submit: Callable[[Subject, Release, Sequence[str]], Reply], code: str, good: int
) -> Case:
    """A case: hubs are submitted of which some are good, and of each kind of bad one, which each stands in its list."""

    def play(subject: Subject, _: str) -> None:
        with subject.release(terms) as release, _bad_hubs(subject, release) as bad:
            reply = submit(subject, release, (*own(subject, good), *bad.values()))
        reply.is_code(code)
        expect({name: reply.listed(name) for name in bad}, {name: [hub] for name, hub in bad.items()}, "the lists")

    return brings(code)(play)


def clause(name: str, source: str, accepts: Play, refuses: Play, *requirements: str) -> Clause:
    """A clause of 11.5 or 11.6, which are of DUIS 6.0."""
    return Clause(name, source, Era.NEW, accepts, refuses, ON, (*requirements, "PIA-5"))


@contextmanager
def _bad_hubs(subject: Subject, release: Release) -> Iterator[dict[str, str]]:
    """A hub for each list of `DSPPilotListWarning` that comes of what the hub is, while the block lasts.

    The second and third hub of the supplier are made unfit for it: one runs the release's version already, one is not
    commissioned.
    """
    updated, idle = own(subject, 3)[1:]
    report(subject, updated, release.firmware).is_code("Accepted")
    with subject.not_commissioned(subject.supplier("6.0"), idle):
        yield {
            "InvalidDeviceIDList": UNKNOWN,
            "NotResponsibleDeviceIDList": subject.supplier("5.0").hubs[0],
            "NotCommissionedDeviceIDList": idle,
            "NotApplicableFirmwareDeviceIDList": updated,
        }
