"""A party's whole estate hub by hub: how each stands, why, and what came of the last attempt (BR-5.3).

The hubs are read and planned a few thousand at a time, so that memory does not grow with the estate. A supplier sees
its own hubs alone, and of a second supplier what the plan says by role, never who it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox.not_arrived import NotArrived
from duis_gateway.parties.records import Party
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.audience import who_can_instruct
from duis_gateway.rollout.deadlines.not_told import (
    cannot_decide,
    first_step,
    in_words,
    not_told_of_hub,
    outcomes_of_hub,
    said_of_hubs,
)
from duis_gateway.rollout.deadlines.scopes import given_way, live_releases, scope_of, viewer_of
from duis_gateway.rollout.deadlines.turns import AskedOfHub, asked_of_hub
from duis_gateway.rollout.eligibility import in_use, is_hub
from duis_gateway.rollout.estate import changes
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.next_step import next_step
from duis_gateway.rollout.estate.other_models import OtherModels
from duis_gateway.rollout.estate.over import ReleasesOver
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import (
    HubState,
    Prospect,
    and_more,
    next_prospect,
    state_of,
    why_of,
    why_off_plan,
    why_void,
)
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import ToldDeviation
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.releases.records import Release

ESTATE_COLUMNS = (
    "device_id",
    "manufacturer",
    "model",
    "firmware_version",
    "status",
    "csp_region",
    "import",
    "gas",
    "release",
    "state",
    "stage",
    "earliest_start",
    "latest_end",
    "due",
    "indicative",
    "held",
    "why",
    "outcome",
    "outcome_of",
    "outcome_version",
    "failure_reason",
    "commentary",
    "completed_at",
    "reported_at",
    "gpf_device_id",
    "void",
    "off_plan",
)

DEPARTED = "departed"
"""The state in which a hub is shown once more that has left the party's estate."""

PAGE_COLUMNS = ("release_state", "automatic_date", "paused", "reason", "last_failure", "next_step")
"""What more is known of a hub that somebody looks at on a page: about its release, its failure, and what to do."""


def estate_rows(
    conn: Connection, party: Party, now: datetime, since: datetime | None = None
) -> Iterator[Mapping[str, object]]:
    """Yield every hub of a party's estate as a row of `ESTATE_COLUMNS`.

    With `since` only those that may have changed since then, and first those that have left the estate, as `DEPARTED`.
    """
    scope = scope_of(party)
    if since is not None:
        yield from map(_departed_row, changes.departed(conn, scope, since))
    reader = EstateReader(conn, party, now)
    found = estate.all_hubs(conn, scope) if since is None else changes.changed(conn, scope, since, now)
    for chunk in found:
        yield from reader.rows(chunk)


def _departed_row(device_id: int) -> Mapping[str, object]:
    """Return what a party is told of a hub that is its own no longer: nothing of how the hub is now."""
    why = "no longer one of this party's hubs"
    return {**dict.fromkeys(ESTATE_COLUMNS), "device_id": format_eui(device_id), "state": DEPARTED, "why": why}


def hub_row(conn: Connection, party: Party, device_id: int, now: datetime) -> Mapping[str, object] | None:
    """Return one hub as a row of `ESTATE_COLUMNS`; None if it is no hub of the party's.

    `why` says here, too, where its CSP or a supplier was not told of it, or a supplier of its outcome: for a whole
    estate, that would take too long.
    """
    return _of_one(conn, party, device_id, now, lambda reader, hub, _: reader.rows([hub]))


def hub_on_a_page(conn: Connection, party: Party, device_id: int, now: datetime) -> Row | None:
    """Return the same with `PAGE_COLUMNS`."""

    def read(reader: EstateReader, hub: Hub, late: Sequence[NotArrived]) -> Iterator[Row]:
        return reader.page_rows([hub], {device_id: asked_of_hub(conn, hub, now)}, late)

    return _of_one(conn, party, device_id, now, read)


def _of_one(
    conn: Connection,
    party: Party,
    device_id: int,
    now: datetime,
    read: Callable[[EstateReader, Hub, Sequence[NotArrived]], Iterator[Row]],
) -> Row | None:
    hub = hubs.get(conn, device_id)
    if hub is None or not is_hub(hub) or not scope_of(party).has(hub):
        return None
    reader, viewer = EstateReader(conn, party, now), viewer_of(party)
    every = not_told_of_hub(conn, hub, reader.live_for(hub), viewer)
    (row,) = read(reader, hub, every)
    late = [one for one in every if one.release_id == row["release"]] if _is_told(row) else []
    late += outcomes_of_hub(conn, hub, viewer)
    said, first = in_words(late, hub, viewer), first_step(late, hub, viewer)
    row = _saying(row, said)
    if first and "next_step" in row:
        then = re.sub("^Nothing: ", "Nothing else: ", str(row["next_step"] or ""))
        row = {**row, "next_step": " ".join(filter(None, (first, then)))}
    return row


def with_not_told(conn: Connection, party: Party, shown: Sequence[tuple[Hub, Row]]) -> list[Row]:
    """Return rows for a list on a page: `why` says of each, too, who was not told of it; for some hundred hubs."""
    under = [(hub, str(row["release"])) for hub, row in shown if _is_told(row)]
    said = said_of_hubs(conn, under, viewer_of(party))
    return [_saying(row, said.get((hub.device_id, str(row["release"])), "")) for hub, row in shown]


def _is_told(row: Row) -> bool:
    """Whether anybody has to know of a hub what moves it."""
    return row["release"] is not None and row["state"] != HubState.ACTIVATED


def _saying(row: Row, said: str) -> Row:
    return {**row, **{name: f"{row[name]}; {said}" for name in ("why", "reason") if said and name in row}}


Row = Mapping[str, object]
_ByModel = defaultdict[tuple[str, str], list[plans.ReleaseFacts]]
_NOT_LOOKED_AT: Mapping[int, AskedOfHub] = {}


class EstateReader:
    """How a party sees its hubs: what is the same for all of them is read once."""

    def __init__(self, conn: Connection, party: Party, now: datetime) -> None:
        self._conn = conn
        self._party = party
        self._viewer = viewer_of(party)
        self._now = now
        self._shared = self._by_model(live_releases(conn))
        self._over = ReleasesOver(conn)
        self._told: dict[str, Mapping[int, ToldDeviation]] = {}

    def _by_model(self, releases: Sequence[Release]) -> _ByModel:
        found: _ByModel = defaultdict(list)
        for release in releases:
            found[release.manufacturer, release.model].append(plans.of_release(self._conn, release, self._now))
        return found

    def live_for(self, hub: Hub) -> list[str]:
        """Return the names of the releases in flight that are for a hub's model."""
        return [one.release.release_id for one in self._shared.get((hub.manufacturer, hub.model), ())]

    def rows(self, chunk: Sequence[Hub]) -> Iterator[Mapping[str, object]]:
        """Yield the rows of some thousand hubs, in their order."""
        for hub, live, gone, last in self._looked_at(chunk):
            yield self._row(hub, live, gone, last)

    def page_rows(
        self,
        chunk: Sequence[Hub],
        asked: Mapping[int, AskedOfHub] = _NOT_LOOKED_AT,
        late: Sequence[NotArrived] = (),
    ) -> Iterator[Mapping[str, object]]:
        """Yield the rows of some thousand hubs with `PAGE_COLUMNS`, in their order.

        `asked`: what is asked for of each, by which the next step agrees with the tasks; `late`: of one hub, what its
        CSP and its suppliers were not told.
        """
        for hub, live, gone, last in self._looked_at(chunk):
            more = self._more(hub, next_prospect(live), (*live, *gone), last, asked.get(hub.device_id), late)
            yield {**self._row(hub, live, gone, last), **more}

    def _looked_at(
        self, chunk: Sequence[Hub]
    ) -> Iterator[tuple[Hub, Sequence[Prospect], Sequence[Prospect], RecordedOutcome | None]]:
        """Yield each hub with what live releases plan, what is planned no more, and its last outcome.

        The second is what those that gave way had planned, or those for a model that it had before.
        """
        prospects, before = (self._prospects(chunk, under) for under in (self._shared, self._gone))
        others = self._others.prospects(chunk)
        outcomes = activations.newest_outcomes(self._conn, (hub.device_id for hub in chunk))
        for hub in chunk:
            device_id = hub.device_id
            gone = (*before.get(device_id, ()), *others.get(device_id, ()))
            yield hub, prospects.get(device_id, ()), gone, outcomes.get(device_id)

    @cached_property
    def _gone(self) -> _ByModel:
        return self._by_model(given_way(self._conn))

    @cached_property
    def _others(self) -> OtherModels:
        return OtherModels(self._conn, self._now, self._viewer)

    @cached_property
    def _suppliers(self) -> Mapping[int, bool]:
        """The suppliers that are registered, and whether each can instruct."""
        return who_can_instruct(self._conn)

    def _more(
        self,
        hub: Hub,
        chosen: Prospect | None,
        every: Sequence[Prospect],
        last: RecordedOutcome | None,
        asked: AskedOfHub | None,
        late: Sequence[NotArrived],
    ) -> Mapping[str, object]:
        unable = frozenset(one for one in hub.suppliers if not self._suppliers.get(one, False))
        unregistered = unable - self._suppliers.keys()
        elsewhere = _failed_elsewhere(hub, chosen, last)
        of_it = chosen and replace(chosen, failed=chosen.failed or elsewhere)
        under = None if chosen is None else chosen.release.release_id
        step = next_step(
            hub,
            of_it,
            self._now,
            viewer=self._viewer,
            unable=unable,
            unregistered=unregistered,
            asked=asked,
            csp_is_told=not cannot_decide((one for one in late if one.release_id == under), hub),
        )
        failed = elsewhere or (chosen is not None and state_of(chosen) is HubState.FAILED)
        failure = _failure(last, elsewhere) if failed and last is not None else None
        if chosen is None:
            why = f"{self._over.why_nothing(hub)}{and_more(chosen, every)}"
            return {**dict.fromkeys(PAGE_COLUMNS), "reason": why, "last_failure": failure, "next_step": step}
        release = chosen.release
        return {
            "release_state": release.state.value,
            "automatic_date": release.automatic_date,
            "paused": release.paused,
            "reason": f"{chosen.plan.reason}{and_more(chosen, every)}",
            "last_failure": failure,
            "next_step": step,
        }

    def _prospects(self, chunk: Sequence[Hub], under: _ByModel) -> Mapping[int, list[Prospect]]:
        by_model: defaultdict[tuple[str, str], list[Hub]] = defaultdict(list)
        for hub in chunk:
            by_model[hub.manufacturer, hub.model].append(hub)
        found: defaultdict[int, list[Prospect]] = defaultdict(list)
        for model, own in by_model.items():
            for shared in under.get(model, ()):
                told = self._deviations(shared.release.release_id)
                judged = judged_prospects(self._conn, shared, own, self._viewer, told)
                for hub, one in zip(own, judged, strict=True):
                    found[hub.device_id].append(one)
        return found

    def _deviations(self, release_id: str) -> Mapping[int, ToldDeviation]:
        if release_id not in self._told:
            self._told[release_id] = events.deviations(self._conn, release_id)
        return self._told[release_id]

    def _row(
        self, hub: Hub, live: Sequence[Prospect], gone: Sequence[Prospect], last: RecordedOutcome | None
    ) -> Mapping[str, object]:
        chosen = next_prospect(live)
        plan = chosen and chosen.plan
        outcome = last and last.outcome
        state = state_of(chosen) if chosen else HubState.NOT_PLANNED
        every = (*live, *gone)
        why = f"{why_of(chosen) if chosen else self._over.why_nothing(hub)}{and_more(chosen, every)}"
        if last is not None and _failed_elsewhere(hub, chosen, last):
            why = f"its last attempt{_under(last)} failed; {why}"
        void, off_plan = why_void(chosen, every), why_off_plan(live, gone)
        return {
            "device_id": format_eui(hub.device_id),
            "manufacturer": hub.manufacturer,
            "model": hub.model,
            "firmware_version": hub.firmware_version,
            "status": hub.status,
            "csp_region": hub.csp_region,
            "import": self._role(hub.import_supplier),
            "gas": self._role(hub.gas_supplier),
            "release": chosen and chosen.release.release_id,
            "state": state.value,
            "stage": plan and plan.stage and plan.stage.value,
            "earliest_start": plan and plan.period and plan.period.start,
            "latest_end": plan and plan.period and plan.period.end,
            "due": plan and plan.due,
            "indicative": plan and plan.indicative,
            "held": plan and plan.held,
            "why": why,
            "outcome": outcome and outcome_word(outcome.success),
            "outcome_of": outcome and outcome.stage.value,
            "outcome_version": outcome and outcome.firmware_version,
            "failure_reason": outcome and outcome.failure_reason,
            "commentary": outcome and outcome.commentary,
            "completed_at": outcome and outcome.completed_at,
            "reported_at": last and last.received_at,
            "gpf_device_id": None if hub.gpf is None else format_eui(hub.gpf),
            "void": void and void.value,
            "off_plan": off_plan and off_plan.value,
        }

    def _role(self, supplier: int | None) -> object:
        """Return for a supplier whether the role is its own, for the others who has it."""
        if self._viewer is not None:
            return supplier == self._viewer
        return None if supplier is None else format_eui(supplier)


def _failed_elsewhere(hub: Hub, chosen: Prospect | None, last: RecordedOutcome | None) -> bool:
    """Whether a hub's last attempt failed, and it does not count as failed: another release has it next, or none has.

    As there, a failure counts as long as there is something to try again.
    """
    if last is None or last.outcome.success or hub.firmware_version == last.outcome.firmware_version:
        return False
    if chosen is None:
        return in_use(hub)
    to_come = state_of(chosen) not in (HubState.ACTIVATED, HubState.NOT_PLANNED)
    return to_come and last.release_id != chosen.release.release_id


def _failure(last: RecordedOutcome, elsewhere: bool) -> str:
    """Return how the last attempt failed, in a sentence; `elsewhere`: under another release than the hub is next."""
    outcome = last.outcome
    more = f" ({outcome.commentary})" if outcome.commentary else ""
    return f"The last attempt{_under(last) if elsewhere else ''} failed: {outcome.failure_reason or NO_REASON}{more}."


def _under(last: RecordedOutcome) -> str:
    return f", under {last.release_id}," if last.release_id else ""


NO_REASON = "no reason given"


def outcome_word(success: bool) -> str:
    """Return how an attempt went, in one word."""
    return "Success" if success else "Failure"
