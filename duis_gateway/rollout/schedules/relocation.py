"""Hubs that the inventory moves into another region: what each CSP has of suppliers' requests follows (A04, A05).

A CSP has lists and schedules cut down to its regions. Where one of their hubs comes into its regions or leaves them, it
gets them anew: with what is requested of a hub before its other supplier has instructed it, too, which no plan tells,
and without the hubs that are no longer the supplier's. What it has said of a group is not about a hub that comes later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import csp_mgmt_gw.messages as csp
from duis_gateway.flow.reply import PartnerSend
from duis_gateway.flow.tx import Moment
from duis_gateway.machine.identities import new_identity
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import split_list
from duis_gateway.rollout.audience import within_regions
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.forwarding import forward_anew


def tell_csps(moved: Sequence[tuple[Hub, Hub]], moment: Moment) -> Iterator[PartnerSend]:
    """Yield what CSPs are told where hubs have left their regions, each given as it was and as it is now.

    The inventory has them as they are now. Nobody else may decide about the live releases for their models until the
    transaction ends.
    """
    for release in sorted(releases.live(moment.conn), key=lambda one: one.release_id):
        model = release.manufacturer, release.model
        here = [(was, now) for was, now in moved if (was.manufacturer, was.model) == model]
        for party in moment.registered(PartyKind.CSP) if here else ():
            crossing = {now.device_id: now.csp_region for was, now in here if _crosses(was, now, party)}
            yield from _lists(party, release, crossing, moment)
            yield from _schedules(party, release, crossing, moment)


def _crosses(was: Hub, now: Hub, party: Party) -> bool:
    return (was.csp_region in party.regions) is not (now.csp_region in party.regions)


def _lists(party: Party, release: Release, crossing: Collection[int], moment: Moment) -> Iterator[PartnerSend]:
    for supplier in sorted(pilots.preferring(moment.conn, release.release_id, crossing)):
        listed = pilots.preferred(moment.conn, release.release_id, supplier) or []
        own = hubs.regions(moment.conn, (hub.device_id for hub in listed), supplier)
        for part, ids in split_list(new_identity(), within_regions(own.items(), party.regions)):
            body = csp.PreferredPilotList(release.release_id, release.firmware_version, supplier, ids, part)
            yield PartnerSend(party, body, release.release_id)


def _schedules(party: Party, release: Release, crossing: Mapping[int, str], moment: Moment) -> Iterator[PartnerSend]:
    coming = {device_id: region for device_id, region in crossing.items() if region in party.regions}
    instructing = schedules.instructing(moment.conn, release.release_id, crossing)
    for supplier in sorted({one for suppliers in instructing.values() for one in suppliers}):
        around = schedules.instructions_around(moment.conn, release.release_id, supplier, crossing)
        groups = [group for group in around if any(device_id in crossing for device_id in group.device_ids)]
        for group in groups:
            come = {device_id: coming[device_id] for device_id in group.device_ids if device_id in coming}
            says.reopen(moment.conn, group, come, moment.now)
        yield from forward_anew(party, release, supplier, groups, moment)
