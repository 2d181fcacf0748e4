"""ESI `FirmwareRelease` (interaction A01): DCC announces or revises a release; suppliers and CSPs hear of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.parts import in_parts
from duis_gateway.flow.reply import Email
from duis_gateway.flow.tx import Tx, accepted, refused, to_each
from duis_gateway.operations import flags
from duis_gateway.outbox.emails.announcement import announcement
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.audience import registered, suppliers_of_model, within_regions
from duis_gateway.rollout.deadlines.dates import put_into_the_past
from duis_gateway.rollout.deadlines.view import csp_standing
from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.held import held_plans
from duis_gateway.rollout.plans.remaining import follow_the_date
from duis_gateway.rollout.plans.replan import replan_all
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.effects import caught_up, current
from duis_gateway.rollout.releases.records import HubMark, Release, VoidSchedule
from duis_gateway.rollout.releases.rules import ReleaseNotice, receive_notice
from duis_gateway.rollout.releases.voiding import drop_what_is_void, instructed_hubs
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.rollout.schedules.csp_voiding import Dropped
from duis_gateway.rollout.schedules.csp_voiding import drop_what_is_void as drop_what_is_void_of_csps


@handles(Door.ESI, esi.FirmwareRelease, "A01")
def receive_release(message: PartnerMessage[esi.FirmwareRelease], tx: Tx) -> Acknowledgement:
    """Record the release as the notice gives it, and tell the CSPs and the suppliers with hubs of the model.

    What a revision makes void is told to those whom it concerns, and stands no more.
    Hubs that it marks and that are no Communications Hubs of the model are named in the answer.
    """
    body = message.body
    if (refusal := in_parts(message, body.part)) is not None:
        return refusal
    standing = current(tx, body.release_id)
    judgement = receive_notice(_notice(body), standing, tx.now)
    if judgement.release is None:
        return refused(message, "NoticeRefused", judgement.refusal or "")
    marks = {HubMark.PROVING: body.proving, HubMark.FRIENDLY: body.friendly, HubMark.EXCLUDED: body.excluded}
    release = judgement.release
    found = hubs.get_many(tx.conn, {d for ids in marks.values() for d in ids})
    wrong = {d: reason for ids in marks.values() for d in ids if (reason := _mark_problem(found.get(d), release))}
    regions = {d: hub.csp_region for d, hub in found.items() if d not in wrong}
    known = {mark: tuple(d for d in ids if d in regions) for mark, ids in marks.items()}
    unknown = tuple(RefusedItem(format_eui(d), reason) for d, reason in wrong.items())

    def notice_for(party: Party) -> csp.FirmwareReleaseNotice:
        own = {mark: within_regions(((d, regions[d]) for d in ids), party.regions) for mark, ids in known.items()}
        return _csp_notice(release, own)

    revised = standing is not None
    held = held_plans(tx, standing, instructed_hubs(standing, tx)) if standing is not None and standing.paused else {}
    releases.put(tx.conn, release=release, marks=known)
    history.record(tx.conn, _line(release, tx, standing))
    history.note_past_dates(tx.conn, release.release_id, put_into_the_past(standing, release, tx.now), tx.now)
    freshness.of_model(tx.conn, release.manufacturer, release.model, tx.now)
    tx.release_changed = True
    tx.send(to_each(tx.registered(PartyKind.CSP), notice_for, release.release_id))
    dropped = drop_what_is_void_of_csps(release, tx) if revised else Dropped()
    tx.send(dropped.alerts)
    tx.send(_emails(release, dropped.void, tx, revised=revised))
    if standing is not None and standing.failure_threshold != release.failure_threshold:
        thresholds.changed(tx.conn, release)
    if standing is not None:
        replan_all(tx, release, drop_what_is_void(release, tx), held=held)
        follow_the_date(standing, release, tx)
    caught_up(release, tx, not_before=tx.now)
    return accepted(message, unknown, _for_nobody(release, tx))


NO_HUB_OF_THE_MODEL = "no hub of the model"


def _for_nobody(release: Release, tx: Tx) -> str | None:
    """Say that a release is for a model that nobody has hubs of, as where it is misspelt; the operator is shown it."""
    if suppliers_of_model(tx.conn, release.manufacturer, release.model):
        return None
    text = (
        f"No supplier is responsible for a hub of the model {release.manufacturer} {release.model}: "
        "at present the release reaches no supplier."
    )
    flags.raise_once(tx.conn, NO_HUB_OF_THE_MODEL, release.release_id, tx.now, text)
    return text


def _line(release: Release, tx: Tx, standing: Release | None) -> ReleaseEvent:
    event = history.NOTIFIED if standing is None else history.revision_event(release.revision)
    moved = history.with_moved_date(None, standing or release, release)
    return ReleaseEvent(release.release_id, tx.now, event, release.state, release.paused, tx.party.name, moved)


def _mark_problem(hub: Hub | None, release: Release) -> str | None:
    """A proving hub is in the pilot without being asked about again, so that it must be one that can be updated."""
    if hub is None or not is_hub(hub):
        return "unknown to the inventory"
    if (hub.manufacturer, hub.model) != (release.manufacturer, release.model):
        return "of another device model"
    return None


def _emails(release: Release, void: Sequence[VoidSchedule], tx: Tx, *, revised: bool) -> Iterator[Email]:
    concerned = suppliers_of_model(tx.conn, release.manufacturer, release.model)
    suppliers = registered(concerned, release.release_id, tx)
    for party in (*tx.registered(PartyKind.CSP), *suppliers.values()):
        spoken_for = party.regions if party.kind is PartyKind.CSP else frozenset()
        own = [one for region in sorted(spoken_for) for one in void if one.csp_region == region]
        csp_facts = csp_standing(tx.conn, release, party) if party.kind is PartyKind.CSP else None
        yield announcement(release, party, tx.now, revised=revised, void=own, csp=csp_facts)


def _notice(body: esi.FirmwareRelease) -> ReleaseNotice:
    return ReleaseNotice(
        release_id=body.release_id,
        revision=body.revision,
        release_type=body.release_type,
        manufacturer=body.manufacturer,
        model=body.model,
        firmware_version=body.firmware_version,
        release_note=body.release_note,
        severity=body.severity,
        priority=body.priority,
        automatic_date=body.automatic_date,
        pilot=body.pilot,
        proving=body.proving,
        friendly=body.friendly,
        excluded=body.excluded,
        obligations=body.obligations,
        failure_threshold=body.failure_threshold,
        permitted_predecessors=body.permitted_predecessors,
    )


def _csp_notice(release: Release, marks: dict[HubMark, tuple[int, ...]]) -> csp.FirmwareReleaseNotice:
    return csp.FirmwareReleaseNotice(
        release_id=release.release_id,
        revision=release.revision,
        release_type=release.release_type,
        manufacturer=release.manufacturer,
        model=release.model,
        firmware_version=release.firmware_version,
        release_note=release.release_note,
        severity=release.severity,
        priority=release.priority,
        automatic_date=release.automatic_date,
        pilot=release.pilot,
        proving=marks[HubMark.PROVING],
        friendly=marks[HubMark.FRIENDLY],
        excluded=marks[HubMark.EXCLUDED],
        permitted_predecessors=tuple(sorted(release.permitted_predecessors)),
    )
