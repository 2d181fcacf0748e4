"""What CSPs, suppliers and DCC are sent about the plan of hubs: each about its own (X09, X10; PIA-D1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.flow.reply import Alert, PartnerSend, Send
from duis_gateway.flow.tx import Moment
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.bodies import PlanOfHubs, Remaining
from duis_gateway.partners.portions import in_parts
from duis_gateway.rollout.audience import registered
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import OF_DCC, Happened, HubEvent
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.records import Deployment, GroupName, ToldHub, ToldPlan, VoidPlan, VoidReason
from duis_gateway.rollout.releases.records import Release

News = ToldPlan | VoidReason
"""What a party hears of hubs: what they are planned for, or why for nothing."""

_Entry = Deployment | VoidPlan


class Listeners:
    """The parties that hear of plans: the CSPs by region, DCC, and the suppliers that are registered."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self.partners = {
            party.eui: party for kind in (PartyKind.CSP, PartyKind.DCC) for party in moment.registered(kind)
        }
        self._by_region: defaultdict[str, set[int]] = defaultdict(set)
        self._everywhere = {eui for eui, party in self.partners.items() if party.kind is PartyKind.DCC}
        for eui, party in self.partners.items():
            for region in party.regions:
                self._by_region[region].add(eui)

    def of(self, hub: ToldHub | Hub) -> frozenset[int]:
        """Return who hears of a hub: the CSPs of its region, its suppliers, and DCC.

        `OF_DCC` for one that is no supplier's: nobody is told more, and what was told is noted for its history.
        """
        return self.partners_in(hub.csp_region) | (hub.suppliers or {OF_DCC})

    def partners_in(self, csp_region: str) -> frozenset[int]:
        """Return who hears of every hub of a region: its CSPs, and DCC."""
        return frozenset(self._by_region[csp_region] | self._everywhere)

    def suppliers(self, euis: Iterable[int], release: Release) -> list[Party]:
        """Return those of the suppliers that are registered, in the order of their EUIs."""
        return list(registered({*euis} - {OF_DCC}, release.release_id, self._moment).values())


@dataclass
class Bulletin:
    """What each party is to be told of the plan of hubs under one release.

    `groups`: by supplier and hub, the supplier's own group to be named where the hub's plan is void.
    `proceeds`: a pause ends, so that what is planned is noted for the hubs' history, too: the last was that it is held.
    """

    found: defaultdict[int, defaultdict[News, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    groups: defaultdict[int, dict[int, GroupName | None]] = field(default_factory=lambda: defaultdict(dict))
    proceeds: bool = False

    def add(self, told_to: Mapping[int, News], device_ids: Sequence[int]) -> None:
        """Add that these parties are told this of these hubs."""
        for party, news in told_to.items():
            self.found[party][news] += device_ids

    def sends(self, release: Release, listeners: Listeners, moment: Moment) -> Iterator[Send]:
        """Yield what is sent: to CSPs and DCC first, in the order of their EUIs, then to suppliers.

        What is void is noted for the hubs' history, also where its supplier is not registered and is told nothing, or
        where it has none.
        """
        for eui in sorted(self.found.keys() - listeners.partners.keys()):
            self._note(eui, release, moment)
        for eui in sorted(self.found.keys() & listeners.partners.keys()):
            yield from plan_messages(listeners.partners[eui], release, tuple(self._entries(eui)), None, moment)
        for supplier in listeners.suppliers(self.found.keys() - listeners.partners.keys(), release):
            entries = tuple(self._entries(supplier.eui))
            body = FirmwareDeploymentPlan(
                release.release_id,
                release.firmware_version,
                tuple(one for one in entries if isinstance(one, Deployment)),
                tuple(one for one in entries if isinstance(one, VoidPlan)),
            )
            yield Alert(supplier, body, release.release_id)

    def _note(self, supplier: int, release: Release, moment: Moment) -> None:
        told = HubEvent(release.release_id, supplier, Happened.PLANNED, moment.now, moment.now)
        for one in self._entries(supplier):
            if isinstance(one, VoidPlan):
                stage, name = (one.group.stage, one.group.group_id) if one.group else (None, None)
                void = replace(told, what=Happened.VOID, stage=stage, group_id=name, word=one.reason)
                events.note(moment.conn, void, one.device_ids)
            elif self.proceeds:
                events.note(moment.conn, replace(told, stage=one.stage, period=one.period), one.device_ids)

    def _entries(self, party: int) -> Iterator[_Entry]:
        """Yield what is planned, the earliest first, then what is void."""
        news, groups = self.found[party], self.groups.get(party, {})
        plans = [one for one in news if isinstance(one, ToldPlan)]
        for one in sorted(plans, key=lambda plan: (plan.period.start, plan.period.end, plan.stage, plan.standing)):
            yield Deployment(one.stage, one.basis, one.standing, one.period, tuple(sorted(news[one])))
        for reason in sorted(one for one in news if isinstance(one, VoidReason)):
            by_group: defaultdict[GroupName | None, list[int]] = defaultdict(list)
            for device_id in sorted(news[reason]):
                by_group[groups.get(device_id)].append(device_id)
            yield from (VoidPlan(reason, tuple(ids), group) for group, ids in by_group.items())


def plan_messages(
    party: Party, release: Release, entries: Sequence[_Entry], remaining: Remaining | None, moment: Moment
) -> Iterator[PartnerSend]:
    """Yield the messages that tell a CSP or DCC: one, or parts where the hubs are more than a message holds."""
    kind: type[PlanOfHubs] = csp.PlannedDeployment if party.kind is PartyKind.CSP else esi.PlannedDeploymentReport
    revision = told.next_revision(moment.conn, release.release_id, party.eui)
    for portion, part in in_parts(entries):
        body = kind(
            release.release_id,
            release.firmware_version,
            revision,
            tuple(one for one in portion if isinstance(one, Deployment)),
            tuple(one for one in portion if isinstance(one, VoidPlan)),
            remaining,
            part,
        )
        yield PartnerSend(party, body, release.release_id)
