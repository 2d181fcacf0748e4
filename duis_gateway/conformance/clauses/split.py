"""N73: the two suppliers of a hub learn of each other's instruction, and never who the other is."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from duis_gateway.conformance.clause import Clause, Era, brings
from duis_gateway.conformance.clauses.said import group, schedule
from duis_gateway.conformance.notices import Release, Terms
from duis_gateway.conformance.profile import MOST_SHARED, Actor
from duis_gateway.conformance.subject import Reply, Subject, expect

_LAUNCHING = Terms(days=(-30, -1))


def _parties(subject: Subject) -> tuple[Actor, Actor, tuple[str, ...]]:
    """Return the two suppliers, and hubs that they have in common."""
    second = subject.profile["second"]
    return subject.supplier("6.0"), second, second.hubs[:MOST_SHARED]


def _instruct(
    subject: Subject, by: Actor, release: Release, hubs: Sequence[str], days: tuple[int, int] = (2, 9)
) -> Reply:
    return schedule(subject, release, group(subject, "G1", hubs, "SafeLaunch", days), by=by)


def _news(subject: Subject, to: Actor, release: Release, word: str, hubs: Sequence[str]) -> None:
    """This supplier learns this of the other, for exactly these hubs, and nothing that says who it is."""
    alert = subject.alert(to, ">N73<", f">{release.id}<", f">{word}<", f">{','.join(hubs)}<")
    (other,) = {one.eui for one in _parties(subject)[:2]} - {to.eui}
    said = etree.tostring(alert, encoding="unicode").lower()
    expect([name for name in (other, other.replace("-", "")) if name.lower() in said], [], "what says who it is")


@brings("N73")
def _each_learns_of_the_other(subject: Subject, _: str) -> None:
    first, second, hubs = _parties(subject)
    with subject.release(_LAUNCHING) as release:
        _instruct(subject, first, release, hubs).is_code("I99")
        _news(subject, second, release, "Instructed", hubs)
        _news(subject, first, release, "NotInstructed", hubs)
        _instruct(subject, second, release, hubs[:1]).is_code("I99")
        _news(subject, first, release, "Instructed", hubs[:1])
        _news(subject, second, release, "Instructed", hubs[:1])


@brings("N73", "E110605")
def _refused_is_no_news(subject: Subject, _: str) -> None:
    """When the news of what was accepted has come, that of what was refused before it would be there too."""
    first, second, hubs = _parties(subject)
    with subject.release(_LAUNCHING) as release:
        _instruct(subject, first, release, hubs, (9, 2)).is_code("E110605")
        _instruct(subject, first, release, hubs).is_code("I99")
        _news(subject, second, release, "Instructed", hubs)
        expect(len(subject.came(second, ">N73<", f">{release.id}<")), 1, "alerts about one instruction")


@brings("N73")
def _no_supplier_is_named(subject: Subject, _: str) -> None:
    """Nor does the answer to an instruction say whose hub it is, too."""
    first, second, hubs = _parties(subject)
    with subject.release(_LAUNCHING) as release:
        reply = _instruct(subject, second, release, hubs)
        reply.is_code("I99")
        _news(subject, first, release, "Instructed", hubs)
        expect(first.eui.encode() in reply.body, False, "the answer names the other supplier")


@brings("W110601", "N73")
def _others_hub_is_not_said_to_be(subject: Subject, _: str) -> None:
    """A hub that is no hub of the sender's at all is listed as such; what is told to its supplier is nothing."""
    first, second, hubs = _parties(subject)
    foreign = subject.supplier("6.0").hubs[0]
    with subject.release(_LAUNCHING) as release:
        reply = _instruct(subject, second, release, (*hubs, foreign))
        reply.is_code("W110601")
        expect(reply.listed("NotResponsibleDeviceIDList"), [foreign], "hubs that are not the sender's")
        _news(subject, first, release, "Instructed", hubs)


CLAUSES = (
    Clause("n73", "X06; N73", Era.NEW, _each_learns_of_the_other, _refused_is_no_news, ("6.0",),
           ("X06", "BR-3.3"), ("second",)),
    Clause("n73_silence", "X06; never who the other supplier is", Era.NEW, _no_supplier_is_named,
           _others_hub_is_not_said_to_be, ("6.0",), ("X06", "BR-3.3"), ("second",)),
)  # fmt: skip
"""The suppliers of split hubs."""
