"""DCC steers releases: a store with parties and hubs, messages decided and stored as the flow does, and time passing.

Every send of every decision is looked up in the table of interactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import esi.messages as esi
from duis_gateway.clock import Clock
from duis_gateway.duis.identifiers import MessageId, RequestId
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import PreferredPilotSchedule
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.handlers import interactions_of
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.interactions import INTERACTIONS
from duis_gateway.flow.message import Authorised
from duis_gateway.flow.reply import Email, Send, ServiceAnswer
from duis_gateway.flow.steps import decide
from duis_gateway.flow.steps import store as store_step
from duis_gateway.operations import flags
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.outbox.emails.outbox_rows import DEFAULT_TERMS
from duis_gateway.outbox.laying_in import name_of
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.partners.messages import Acknowledgement, PartnerBody, PartnerMessage
from duis_gateway.pki.signer import Signer
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Period, PilotTerms, Release, ReleaseState, ReleaseType
from duis_gateway.rollout.scheduler import Agenda
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import outbox
from tests.support.actors import OF_THE_PLAN
from tests.support.databases import fresh_database, opened
from tests.support.rules import AUTOMATIC, NEW, NOW, OLD, OURS, PILOT, THEIRS
from tests.support.signing import KEY

GATEWAY, DCC, NORTH, SOUTH = 0x90B3D51F30000002, 0x90B3D51F3000000A, 0x90B3D51F30000007, 0x90B3D51F30000008
IDLE = 0x90B3D51F30090000
"""A supplier without a hub of the model: it is told of nothing."""
OLDER = 0x90B3D51F30030000
"""A supplier on DUIS 5.0."""
MAKER, MODEL = "106C", "433100AC"

OWN_NORTH, OWN_SOUTH, SPLIT, THEIR_HUB, OLDER_HUB = 1, 2, 3, 4, 5
HUBS = (
    Hub(OWN_NORTH, "CHF", MAKER, MODEL, OLD, "Commissioned", "North", OURS, OURS),
    Hub(OWN_SOUTH, "CHF", MAKER, MODEL, OLD, "Commissioned", "South", OURS, OURS),
    Hub(SPLIT, "CHF", MAKER, MODEL, OLD, "Commissioned", "North", OURS, THEIRS),
    Hub(THEIR_HUB, "CHF", MAKER, MODEL, OLD, "Commissioned", "South", THEIRS, THEIRS),
    Hub(OLDER_HUB, "CHF", MAKER, MODEL, OLD, "Commissioned", "South", OLDER, OLDER),
    Hub(6, "CHF", MAKER, "OTHER", OLD, "Commissioned", "North", IDLE, IDLE),
)
BY_RULE = ("A05", "A08", "X03", "X05", "X06", "X09", "X10", "X11")
"""Interactions that the gateway begins itself; they may come of any message.

X03: a pilot invalidated, a revision, a plan held by the failure threshold; A05: what a revision leaves of a schedule;
A08: what is left of a CSP's schedule where hubs of it come into the pilot.
"""


def outside_the_table(sends: Sequence[Send], door: Door, body: str) -> list[tuple[str, str]]:
    """Return the sends that no row of a body's interactions (or of those by rule) has."""
    rows = [*interactions_of(door, body), *(row for row in INTERACTIONS if row.id in BY_RULE)]
    may = {(out.recipient, out.name) for row in rows for out in row.out}
    return [(send.recipient.kind, name_of(send)) for send in sends if (send.recipient.kind, name_of(send)) not in may]


@dataclass
class MovingClock:
    """Business time that a test sets."""

    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant


@dataclass(frozen=True)
class Told:
    """What one message brought: the answer, and what was sent to whom."""

    answer: Acknowledgement
    sends: tuple[Send, ...]

    @property
    def code(self) -> str:
        return self.answer.code

    @property
    def status(self) -> str:
        return str(self.answer.status)

    def to(self, party: int) -> list[str]:
        """The names of what this party is sent, in order, but what tells of plans."""
        names = [name_of(send) for send in self.sends if send.recipient.eui == party]
        return [name for name in names if name not in OF_THE_PLAN]

    def body(self, party: int, name: str) -> Any:
        """The one body of this name for this party."""
        (found,) = self.bodies(party, name)
        return found

    def bodies(self, party: int, name: str) -> list[Any]:
        """The bodies of this name for this party, in order."""
        return [
            send.body
            for send in self.sends
            if not isinstance(send, Email) and send.recipient.eui == party and name_of(send) == name
        ]

    def email(self, party: int) -> Email:
        """The one email to this party."""
        (found,) = [send for send in self.sends if isinstance(send, Email) and send.recipient.eui == party]
        return found


@dataclass
class Steering:
    """A store, a clock, and DCC at the wheel."""

    store: Store
    clock: MovingClock = field(default_factory=MovingClock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def build(self) -> None:
        url = "http://127.0.0.1:1/"
        both = frozenset(Role)
        with self.store.write() as conn:
            for eui, version in ((OURS, "6.0"), (THEIRS, "6.0"), (OLDER, "5.0"), (IDLE, "6.0")):
                mail = f"s{eui:016x}@example.org"
                parties.add(conn, Party(eui, PartyKind.SUPPLIER, url, mail, roles=both, duis_version=Decimal(version)))
            parties.add(conn, Party(NORTH, PartyKind.CSP, url, "north@example.org", regions=frozenset({"North"})))
            parties.add(conn, Party(SOUTH, PartyKind.CSP, url, "south@example.org", regions=frozenset({"South"})))
            parties.add(conn, Party(DCC, PartyKind.DCC, url, "dcc@example.org"))
            hubs.upsert(conn, HUBS)

    # --- messages --------------------------------------------------------------------------------------------------

    def says(self, body: PartnerBody, *, by: int = DCC, door: Door = Door.ESI, after: timedelta | None = None) -> Told:
        """Let a party say something, now or after a while; it is decided and stored, and looked up in the table."""
        if after is not None:
            self.clock.instant += after
        message = PartnerMessage(f"M-{next(self.numbers)}", by, self.clock.now(), body)
        with self.store.write() as conn:
            party = parties.find(conn, by)
            incoming = Incoming(door, "messages", b"<evidence/>", "test")
            identity = MessageId(by, message.message_id)
            authorised = Authorised(incoming, self.clock.now(), b"digest", identity, message, party)
            decided = decide(authorised, conn, self.store.lock_release)
            store_step(decided, conn, self.signer(), 95_000, DEFAULT_TERMS)
        sends = decided.sends
        assert not (wrong := outside_the_table(sends, door, message.body_name)), wrong
        answer = decided.reply
        assert isinstance(answer, Acknowledgement)
        return Told(answer, sends)

    def asks(self, supplier: int, reference: str, body: PreferredPilotSchedule | PreferredPilotList) -> str:
        """Let a supplier send a Service Request; return the response code."""
        request_id = RequestId(supplier, GATEWAY, next(self.numbers))
        request = ServiceRequest(request_id, str(request_id), Decimal("6.0"), 8, reference, reference, body, {})
        incoming = Incoming(Door.DUIS, "serviceD", b"<evidence/>", "test")
        with self.store.write() as conn:
            party = parties.find(conn, supplier)
            now, identity = self.clock.now(), str(request_id).encode()
            authorised = Authorised(incoming, now, identity, request_id, request, party)
            decided = decide(authorised, conn, self.store.lock_release)
            store_step(decided, conn, self.signer(), 95_000, DEFAULT_TERMS)
        assert isinstance(decided.reply, ServiceAnswer)
        return decided.reply.code

    def announces(self, release_id: str = "R1", revision: int = 1, **changes: Any) -> Told:
        """DCC announces or revises a release of the model, with a pilot from `PILOT.start` to `PILOT.end`."""
        notice = esi.FirmwareRelease(
            release_id,
            revision,
            ReleaseType.SEC_RELEASE,
            MAKER,
            MODEL,
            NEW,
            "https://notes.example/R1",
            "high",
            "normal",
            AUTOMATIC,
            PilotTerms(PILOT, limit=10),
        )
        return self.says(replace(notice, **changes))

    def approves(self, release_id: str = "R1", **more: Any) -> Told:
        return self.says(esi.ReleaseApproval(release_id, self.clock.now()), **more)

    def piloting(self, release_id: str = "R1", **changes: Any) -> None:
        """A release whose pilot has begun."""
        self.announces(release_id, **changes)
        self.approves(release_id)
        self.passes(PILOT.start)
        assert self.release(release_id).state is ReleaseState.PILOTING

    # --- time ------------------------------------------------------------------------------------------------------

    def passes(self, to: datetime) -> int:
        """Let time pass, and the scheduler look once; return how many things it did."""
        self.clock.instant = max(self.clock.instant, to)
        return self.agenda().run()

    def agenda(self, clock: Clock | None = None, signer: Callable[[], Signer | None] | None = None) -> Agenda:
        """What is due, done by this clock and signed by this signer; the play's own unless given."""
        return Agenda(Moments(self.store, clock or self.clock, signer or self.signer, 95_000))

    def signer(self) -> Signer:
        return Signer(GATEWAY, KEY)

    # --- what stands -----------------------------------------------------------------------------------------------

    def release(self, release_id: str = "R1") -> Release:
        with self.store.read() as conn:
            found = releases.find(conn, release_id)
        assert found is not None
        return found

    def state(self, release_id: str = "R1") -> ReleaseState:
        return self.release(release_id).state

    def history(self, release_id: str = "R1") -> list[str]:
        with self.store.read() as conn:
            return [line.event for line in history.of_release(conn, release_id)]

    def flags(self) -> list[OperatorFlag]:
        with self.store.read() as conn:
            return flags.newest(conn)

    def outbox(self, party: int, since: int = 0) -> list[tuple[str, str]]:
        """What lies in the outbox for a party after that row: channel and kind."""
        query = select(outbox.c.channel, outbox.c.kind).where(outbox.c.recipient == party, outbox.c.id > since)
        with self.store.read() as conn:
            return [(row[0], row[1]) for row in conn.execute(query.order_by(outbox.c.id))]

    def last_row(self) -> int:
        with self.store.read() as conn:
            return max(conn.execute(select(outbox.c.id)).scalars(), default=0)


@contextmanager
def steering(kind: str, directory: Path) -> Iterator[Steering]:
    """A fresh database of this kind, with parties and hubs."""
    with fresh_database(kind, directory) as url, opened(url) as store:
        made = Steering(store)
        made.build()
        yield made


WEEK = timedelta(days=7)
IN_PILOT = Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK)


@pytest.fixture
def dcc(tmp_path: Path) -> Iterator[Steering]:
    """DCC at the wheel, on SQLite; `tests/journeys/time` has it on both databases."""
    with steering("sqlite", tmp_path) as made:
        yield made
