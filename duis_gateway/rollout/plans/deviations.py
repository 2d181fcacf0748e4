"""Hubs that were moved outside their plan, or missed their period: found, and told (X10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.flow.reply import Alert, PartnerSend, Send
from duis_gateway.flow.tx import Moment
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.bodies import OffThePlan
from duis_gateway.partners.portions import portions
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import Happened, HubEvent
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.departures import Departure, departure
from duis_gateway.rollout.plans.records import Deviation, DeviationKind, PlanFacts
from duis_gateway.rollout.plans.telling import Listeners
from duis_gateway.rollout.releases.records import Period, Release


def departed(moment: Moment, release: Release, moved: Mapping[int, datetime]) -> Deviations:
    """Return what is told of hubs that were activated at the time given for each, where that departs from the plan.

    Call it before the inventory is told of their new version.
    """
    found = Deviations(release, Listeners(moment))
    for hub, one, device_ids in departures(moment, release, moved):
        found.add(hub, one.kind, one.period, device_ids)
    return found


def departures(
    moment: Moment, release: Release, moved: Mapping[int, datetime]
) -> Iterator[tuple[Hub, Departure, list[int]]]:
    """Yield hubs that depart alike if they are activated at these times, with a hub that stands for all of them."""
    shared = plans.of_release(moment.conn, release, moment.now)
    for facts, device_ids in plans.kinds(moment.conn, shared, moved, ended=True):
        for at, members in _by_time(device_ids, moved).items():
            found = departure(facts, at)
            if found is not None:
                yield facts.hub, found, members


def _by_time(device_ids: Iterable[int], moved: Mapping[int, datetime]) -> Mapping[datetime, list[int]]:
    found: defaultdict[datetime, list[int]] = defaultdict(list)
    for device_id in device_ids:
        found[moved[device_id]].append(device_id)
    return found


@dataclass
class Deviations:
    """What each party is to be told of hubs off the plan of one release: each of its own."""

    release: Release
    listeners: Listeners
    found: defaultdict[int, defaultdict[tuple[DeviationKind, Period | None], list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, hub: Hub, kind: DeviationKind, period: Period | None, device_ids: Sequence[int]) -> None:
        """Add hubs; `hub` says for all of them where they are and whose."""
        for party in self.listeners.of(hub):
            self.found[party][kind, period] += device_ids

    def sends(self) -> Iterator[Send]:
        """Yield what is sent: to CSPs and DCC first, then to suppliers."""
        release = self.release
        for eui in sorted(self.found.keys() & self.listeners.partners.keys()):
            party = self.listeners.partners[eui]
            kind: type[OffThePlan] = csp.PlanDeviation if party.kind is PartyKind.CSP else esi.PlanDeviation
            for portion in portions(self._entries(eui)):
                body = kind(release.release_id, release.firmware_version, tuple(portion))
                yield PartnerSend(party, body, release.release_id)
        for supplier in self.listeners.suppliers(self.found.keys() - self.listeners.partners.keys(), release):
            entries = tuple(self._entries(supplier.eui))
            alert = FirmwareDeploymentPlan(release.release_id, release.firmware_version, deviations=entries)
            yield Alert(supplier, alert, release.release_id)

    def tell(self, moment: Moment) -> None:
        """Send it, and note it for the hubs' history: what each supplier is told of its own."""
        moment.send(self.sends())
        for supplier in sorted(self.found.keys() - self.listeners.partners.keys()):
            for one in self._entries(supplier):
                event = HubEvent(
                    self.release.release_id,
                    supplier,
                    Happened.OFF_PLAN,
                    moment.now,
                    moment.now,
                    period=one.period,
                    word=one.kind,
                )
                events.note(moment.conn, event, one.device_ids)

    def _entries(self, party: int) -> Iterator[Deviation]:
        for (kind, period), device_ids in self.found[party].items():
            yield Deviation(kind, tuple(sorted(device_ids)), period)


def missed(moment: Moment, release: Release, period: Period, device_ids: Sequence[int]) -> Deviations:
    """Return what is told of hubs whose period has ended, and of which nothing was reported."""
    found = Deviations(release, Listeners(moment))
    shared = plans.of_release(moment.conn, release, moment.now)
    kinds: list[tuple[PlanFacts, list[int]]] = plans.kinds(moment.conn, shared, device_ids)
    for facts, members in kinds:
        found.add(facts.hub, DeviationKind.PERIOD_MISSED, period, members)
    return found
