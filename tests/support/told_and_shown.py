"""What parties are told of hubs in one moment, held to what they are shown of them from then on (N77, X09, X10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree
from sqlalchemy import select

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.parties import store as parties
from duis_gateway.rollout.deadlines.scopes import scope_of
from duis_gateway.rollout.estate.eligible_hubs import all_hubs
from duis_gateway.rollout.estate.hub_by_hub import EstateReader
from duis_gateway.store.tables import outbox
from tests.support.steering import Steering

PLANNED = "planned"
"""The word for a hub of which a period is planned."""
_NEVER_TOLD = {"NotInstructed", "AwaitsSecondSupplier", "SecondSupplierTooLate", "RefusedByCSP"}
"""What is shown while a release is live of what nobody made void: taken back, or lacking the second supplier's half."""
_TAKEN_BACK = ("taken back", "took", "protect", "SafeLaunch group", "named it again")


@dataclass
class Heard:
    """The last word that each party was told of each hub since this was emptied."""

    words: dict[tuple[int, int], str] = field(default_factory=dict)
    missed: set[tuple[int, int]] = field(default_factory=set)
    could_move: bool = True
    """Whether the release was approved before the last step: else no CSP could move a hub."""

    def hears(self, party: int, root: etree._Element) -> None:
        """Add what a message says."""
        for element in root.iter("{*}Deployment"):
            for device_id in devices(element):
                self.words[party, device_id] = PLANNED
                self.missed.discard((party, device_id))
        for element in root.iter("{*}Void"):
            for device_id in devices(element):
                self.words[party, device_id] = element.findtext("{*}Reason") or ""
        for element in root.iter("{*}Deviation"):
            if element.findtext("{*}Kind") == "PeriodMissed":
                assert self.could_move, "no CSP could move a hub, and all are told that one has passed it over"
                self.missed.update((party, device_id) for device_id in devices(element))

    def is_shown(self, dcc: Steering) -> None:
        """Hold it to what each party is shown now, and begin anew."""
        rows = shown(dcc) if self.words or self.missed else {}
        for (party, device_id), word in self.words.items():
            row = rows.get((party, device_id))
            if row is None:
                assert word in ("ChangedSupplier", "ChangedRegion"), (f"{party:016X}", device_id, word)
                continue
            if word == "RunsVersion" or row["state"] == "activated":
                assert row["state"] == "activated", (f"{party:016X}", device_id, word, row["state"])
                continue
            said = row["void"] or (PLANNED if row["earliest_start"] else None)
            assert said == word, (f"{party:016X}", device_id, "was told", word, "and is shown", said, row["why"])
            if word == "NotInstructed":
                assert any(one in str(row["why"]) for one in _TAKEN_BACK), (f"{party:016X}", device_id, row["why"])
        for party, device_id in self.missed:
            row = rows.get((party, device_id))
            assert row is None or row["off_plan"] == "PeriodMissed", (f"{party:016X}", device_id, row["off_plan"])
        self.words.clear()
        self.missed.clear()

    def goes_on(self, before: Mapping[tuple[int, int], Mapping[str, object]], dcc: Steering) -> None:
        """Hold a change of the inventory to it: of the hubs shown before, whoever heard nothing is shown the same.

        A supplier that had not instructed a split hub is told by N73 alone what the other's half waits for.
        """
        rows = shown(dcc) if before else {}
        for key, row in before.items():
            if key in self.words or key not in rows or rows[key]["state"] == "activated":
                continue
            was, now = row["void"], rows[key]["void"]
            if was != now and not {was, now} <= {None, "AwaitsSecondSupplier", "SecondSupplierTooLate"}:
                raise AssertionError((f"{key[0]:016X}", key[1], "saw", was, "sees", now, rows[key]["why"]))

    def stays(self, before: Mapping[tuple[int, int], Mapping[str, object]], dcc: Steering) -> None:
        """Hold a release that has ended to it: whoever heard nothing is shown what it was shown before, of each hub."""
        for (party, device_id), row in shown(dcc).items():
            was, now = before[party, device_id]["void"], row["void"]
            silent = (party, device_id) not in self.words
            # With the other's half ends that one was awaited: what is left, if anything, is DCC's batch that was over.
            ended = now in (None, "PeriodEnded") and was in _NEVER_TOLD
            assert not silent or now == was or ended, (f"{party:016X}", device_id, "saw", was, "and sees", now)
            assert row["off_plan"] != "PeriodMissed", (f"{party:016X}", device_id, "its release plans it no more")
        self.is_shown(dcc)


def words_since(dcc: Steering, since: int) -> dict[tuple[int, int], str]:
    """The last word that each party was told of each hub after that row of the outbox; it is what it is shown."""
    heard = Heard()
    query = select(outbox.c.recipient, outbox.c.content).where(outbox.c.id > since, outbox.c.channel == "http")
    with dcc.store.read() as conn:
        for recipient, content in conn.execute(query.order_by(outbox.c.id)):
            heard.hears(recipient, etree.fromstring(content))
    found = dict(heard.words)
    heard.is_shown(dcc)
    return found


def shown(dcc: Steering) -> dict[tuple[int, int], Mapping[str, object]]:
    """What each party is shown of each of its hubs: its row, with why it is void or off the plan."""
    found = {}
    with dcc.store.read() as conn:
        for party in parties.all_parties(conn):
            own = [one for chunk in all_hubs(conn, scope_of(party)) for one in chunk]
            for hub, row in zip(own, EstateReader(conn, party, dcc.clock.now()).page_rows(own), strict=True):
                found[party.eui, hub.device_id] = row
    return found


def devices(element: etree._Element) -> Iterator[int]:
    """Yield the hubs that an element of a message lists."""
    text = element.findtext("{*}DeviceIDList")
    yield from (parse_eui(eui) for eui in (text or "").split(",") if eui)
