"""A turn of the sandbox: what a command says for its parties, and what it looks up on the way."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from duis_gateway.client.requests import ServiceRequest
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.direct_instructions import store as direct_instructions
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.sandbox.cast import Member
from duis_gateway.sandbox.mocks.partner import Exchange
from duis_gateway.sandbox.parameters import CannotBeDone, WrongCommand
from duis_gateway.sandbox.players import Player, summary
from duis_gateway.sandbox.standing import newest_approved, under_next
from duis_gateway.sandbox.world import World


@dataclass
class Turn:
    """One command under way: what its parties have said, and what the gateway answered."""

    world: World
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    again: set[int] = field(default_factory=set)
    """What is delivered again, by the rows of the outbox: it counts as brought about, too."""

    @property
    def now(self) -> datetime:
        """Business time."""
        return self.world.clock.now()

    def say(self, name: str, body: ServiceRequest | PartnerBody, door: str | None = None) -> Exchange:
        """Let a party send a message."""
        player = self.world.players[name]
        if isinstance(body, ServiceRequest):
            kind, release = f"SR{body.reference}", getattr(body, "release", None)
        else:
            kind, release = type(body).__name__, getattr(body, "release_id", None)
        exchange = player.send(body, door)
        self.keep(exchange, player, kind, release)
        self.world.traffic.look()
        return exchange

    def keep(self, exchange: Exchange, player: Player, kind: str, release: str | None = None) -> None:
        """Keep what a party's message was answered: in the words that the gateway has for this request, if any."""
        told = summary(exchange, player, kind, release)
        if exchange.answer is not None and player.member.kind is PartyKind.SUPPLIER:
            told["text"] = self.world.traffic.explanation(exchange.message_id) or told["text"]
        self.exchanges.append(told)

    def note(self, text: str) -> None:
        """Keep something that the person should know."""
        self.notes.append(text)

    # --- what is looked up -----------------------------------------------------------------------------------------

    def release(
        self, named: str | None, device_ids: Sequence[int] = (), *, meant: Sequence[Callable[[Release], bool]] = ()
    ) -> Release:
        """Return a release by its id; without one, of those that are not over, the newest that is meant.

        `meant`: conditions, the first of which that any of them meets counts. Where none is meant it is, of those in
        flight for these hubs, the newest that is approved, and where none is, the newest.

        Raises:
            WrongCommand: no release of that name was announced.
            CannotBeDone: none is in flight.
        """
        if named is not None:
            with self.world.store.read() as conn:
                found = releases.find(conn, named)
            if found is None:
                raise WrongCommand(f"no release {named[:60]!r} was announced")
            return found
        with self.world.store.read() as conn:
            running = [one for one in releases.all_releases(conn) if not one.state.is_over]
        chosen = next((one for is_meant in meant for one in running if is_meant(one)), None)
        live = self._in_flight(device_ids)
        found = chosen or newest_approved(live) or next(iter(live), None)
        if found is None:
            these = " for these hubs" if self.hubs(device_ids) else ""
            raise CannotBeDone(f"no release is in flight{these}: announce one, or name a release")
        return found

    def follows(self, successor: str) -> Callable[[Release], bool]:
        """Return whether a release is an approved one whose place this successor can take."""
        with self.world.store.read() as conn:
            new = releases.find(conn, successor)
        return lambda one: (
            new is not None
            and (one.manufacturer, one.model) == (new.manufacturer, new.model)
            and one.release_id != successor
            and one.state is not ReleaseState.NOTIFIED
        )

    def of_hubs(self, named: str | None, device_ids: Sequence[int]) -> Release:
        """Return a release by its id; without one the one that runs for these hubs, and note which that is.

        It is the approved one that has all of them next, if one has; else it is chosen as `release` does.

        Raises:
            WrongCommand: no release of that name was announced.
            CannotBeDone: none is in flight.
        """
        if named is not None:
            return self.release(named)
        has_next = self._has_next(device_ids)
        found = self.release(None, device_ids, meant=[has_next])
        if len(self._in_flight(device_ids)) > 1:
            runs = "the newest approved one" if found.state is not ReleaseState.NOTIFIED else "the newest"
            why = "which has these hubs next" if has_next(found) else runs
            self.note(f"the release is {found.release_id}, {why}; `release` names another")
        return found

    def approved(self, named: str | None, device_ids: Sequence[int]) -> Release:
        """Return a release as `of_hubs` does; without a name only one that is approved.

        Raises:
            WrongCommand: no release of that name was announced.
            CannotBeDone: none is in flight, or none is approved.
        """
        found = self.of_hubs(named, device_ids)
        if named is None and found.state is ReleaseState.NOTIFIED:
            yet = f"{found.release_id} is not approved yet"
            raise CannotBeDone(
                f"{yet}: `sandbox approve --release {shlex.quote(found.release_id)}` lets DCC approve it"
            )
        return found

    def _in_flight(self, device_ids: Sequence[int]) -> list[Release]:
        """Return the releases in flight that are for these hubs (without hubs: all of them), the newest first."""
        with self.world.store.read() as conn:
            models = {(one.manufacturer, one.model) for one in hubs.get_many(conn, device_ids).values()}
            return [one for one in releases.live(conn) if not models or (one.manufacturer, one.model) in models]

    def _has_next(self, device_ids: Sequence[int]) -> Callable[[Release], bool]:
        """Return whether a release is approved and is the one that has all of these hubs next."""
        with self.world.store.read() as conn:
            known = hubs.get_many(conn, device_ids)
            chosen = under_next(conn, releases.live(conn), list(known.values()), self.now)
        names = {one.release.release_id for one in chosen.values()}
        return lambda one: names == {one.release_id} and one.state is not ReleaseState.NOTIFIED

    def release_of_group(self, supplier: Member, group: str) -> Release:
        """Return the newest release in flight for which the supplier asked for this group; without one as `release`."""
        with self.world.store.read() as conn:
            live = releases.live(conn)
            having = [one for one in live if schedules.instructions(conn, one.release_id, supplier.eui, group)]
        return having[0] if having else self.release(None)

    def free_batch(self, release: Release) -> str:
        """Return a name that no batch of DCC's has in this release: one of the same name would take its place."""
        with self.world.store.read() as conn:
            taken = {one.group_id for one in direct_instructions.batches(conn, release.release_id)}
        return next(name for name in (f"DCC-{number}" for number in count(1)) if name not in taken)

    def hubs(self, device_ids: Sequence[int]) -> dict[int, Hub]:
        """Return what the gateway's inventory has of these hubs."""
        with self.world.store.read() as conn:
            return hubs.get_many(conn, device_ids)

    def outcomes(self, device_ids: Sequence[int]) -> dict[int, activations.RecordedOutcome]:
        """Return what was reported last of each of these hubs."""
        with self.world.store.read() as conn:
            return activations.newest_outcomes(conn, device_ids)
