"""ESI `BatchInstruction` and `PilotSelection` (X08): hubs that DCC instructs, or chooses on a supplier's behalf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.firmware_rollout_decision import DirectInstruction, FirmwareRolloutDecision
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.parts import gather
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import Acknowledgement, AnyMessage, Part, PartnerBody, PartnerMessage
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.audience import Located, by_supplier, to_csps, to_suppliers
from duis_gateway.rollout.device_lists import OBJECTION, HubFindings
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.direct_instructions.rules import DirectJudgement, judge_batch, judge_selection
from duis_gateway.rollout.eligibility import Unfit, unfit
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.plans.held import held_plans
from duis_gateway.rollout.plans.replan import replan
from duis_gateway.rollout.plans.under_way import instructed_since
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.change import NOT_KNOWN, UNKNOWN_RELEASE
from duis_gateway.rollout.releases.effects import current, exclude_others_from_the_model
from duis_gateway.rollout.releases.records import Period, Release
from duis_gateway.rollout.rollout_decisions.records import BY_DCC, DirectGroup, Standing
from duis_gateway.rollout.schedules.csp_voiding import take_out_of_safe_launch
from duis_gateway.rollout.second_suppliers.handle import alerts_on_choice
from duis_gateway.text.controls import name_fault

UNTOUCHED = "Instructions by the hubs' suppliers stand, and take precedence over DCC's."


@handles(Door.ESI, esi.BatchInstruction, "X08")
def receive_batch(message: PartnerMessage[esi.BatchInstruction], tx: Tx) -> Acknowledgement:
    """Keep a batch, and tell the CSPs of the hubs' regions and the suppliers responsible for them (N72)."""
    body = message.body
    exclude_others_from_the_model(tx, body.release_id)
    release = current(tx, body.release_id)
    if release is None:
        return refused(message, UNKNOWN_RELEASE, NOT_KNOWN)
    if fault := name_fault(body.group_id):
        return refused(message, "NotAcceptable", f"The GroupID {fault}.")
    gathered = gather(tx, body.part, body.device_ids, body.release_id, body.group_id, _text(body.period))
    if gathered.waiting:
        return accepted(message, text=gathered.waiting)
    named = hubs.named(tx.conn, gathered.ids, release.release_id, None, tx.now)
    judgement = judge_batch(gathered.ids, named, release, body.period, tx.now)
    bad = _items(judgement.findings, named, release)
    if judgement.refusal is not None:
        return _not_acceptable(message, judgement, bad)
    good = judgement.device_ids

    def to_csp(ids: tuple[int, ...], part: Part | None) -> PartnerBody:
        return csp.BatchInstruction(release.release_id, body.group_id, ids, body.period, part)

    alert = _alert(release, DirectInstruction.BATCH, body.period, f"batch {body.group_id}")
    tx.send(to_csps(_located(good, named), to_csp, release.release_id, tx))
    tx.send(_to_suppliers(alert, by_supplier(named[d] for d in good), tx))
    before = direct.batch_hubs(tx.conn, release.release_id, body.group_id)
    held = held_plans(tx, release, {*before, *good})
    direct.put_batch(tx.conn, DirectGroup(release.release_id, body.period, tx.now, good, body.group_id))
    replan(tx, release, (*before, *good), held)
    return accepted(message, bad)


@handles(Door.ESI, esi.PilotSelection, "X08")
def receive_selection(message: PartnerMessage[esi.PilotSelection], tx: Tx) -> Acknowledgement:
    """Keep what DCC chose on a supplier's behalf; tell that supplier (N72), and the CSPs of the hubs' regions.

    That DCC had to choose is none of the second supplier's business; it hears that the first has instructed
    (N73).
    """
    body = message.body
    party = parties.find(tx.conn, body.supplier)
    if party is None or party.kind is not PartyKind.SUPPLIER:
        return refused(message, "UnknownSupplier", "No such supplier is registered with this gateway.")
    exclude_others_from_the_model(tx, body.release_id)
    release = current(tx, body.release_id)
    if release is None:
        return refused(message, UNKNOWN_RELEASE, NOT_KNOWN)
    gathered = gather(tx, body.part, body.device_ids, body.release_id, party.name, _text(body.period))
    if gathered.waiting:
        return accepted(message, text=gathered.waiting)
    named = hubs.named(tx.conn, gathered.ids, release.release_id, body.supplier, tx.now)
    kept_out = protection.protected(tx.conn, gathered.ids)
    judgement = judge_selection(gathered.ids, named, release, body.supplier, body.period, tx.now, kept_out)
    bad = _items(judgement.findings, named, release)
    if judgement.refusal is not None:
        return _not_acceptable(message, judgement, bad)
    good = judgement.device_ids
    period = body.period or _rest_of_the_pilot(release, tx.now)

    def to_csp(ids: tuple[int, ...], part: Part | None) -> PartnerBody:
        return csp.PilotSelection(release.release_id, body.supplier, ids, period, part)

    alert = _alert(release, DirectInstruction.PILOT_SELECTION, period, "chosen on your behalf")
    tx.send(to_csps(_located(good, named), to_csp, release.release_id, tx))
    tx.send(_to_suppliers(alert, {body.supplier: good}, tx))
    tx.send(alerts_on_choice(release, body.supplier, good, named, tx))
    before = direct.selected_for(tx.conn, release.release_id, body.supplier)
    since = instructed_since(tx, release, body.supplier, good)
    held = held_plans(tx, release, {*before, *good})
    direct.put_selection(tx.conn, DirectGroup(release.release_id, period, tx.now, good, supplier=body.supplier), since)
    tx.send(take_out_of_safe_launch(release, good, tx))
    replan(tx, release, (*before, *good), held)
    return accepted(message, bad)


def _text(period: Period | None) -> str:
    """What the parts of one list have in common: a part with another period belongs to another list."""
    return "" if period is None else f"{period.start.isoformat()}/{period.end.isoformat()}"


def _not_acceptable(message: AnyMessage, judgement: DirectJudgement, bad: Sequence[RefusedItem]) -> Acknowledgement:
    return refused(message, "NotAcceptable", _sentence(judgement.refusal or ""), bad)


def _rest_of_the_pilot(release: Release, now: datetime) -> Period:
    assert release.pilot is not None
    return Period(max(release.pilot.period.start, now), release.pilot.period.end)


_REASONS = {
    "invalid": "not a Communications Hub in the inventory",
    "not_responsible": "the supplier is not responsible for it",
    "not_commissioned": "not commissioned",
    "excluded": "excluded from the pilot",
    "in_progress": "another release is in progress for it",
    "protected": OBJECTION,
}


def _items(findings: HubFindings, named: Mapping[int, NamedHub], release: Release) -> tuple[RefusedItem, ...]:
    """Return what is refused, each with the one reason that holds for this hub."""
    given = {hub: reason for name, reason in _REASONS.items() for hub in getattr(findings, name)}
    given |= {hub: unfit(named.get(hub), release) or Unfit.NO_HUB for hub in findings.not_applicable}
    return tuple(RefusedItem(format_eui(hub), reason) for hub, reason in given.items())


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _alert(
    release: Release, decision: DirectInstruction, period: Period | None, reason: str
) -> FirmwareRolloutDecision:
    return FirmwareRolloutDecision(
        release.release_id, decision, Standing.CONFIRMED, BY_DCC, reason, effect_on_pending=UNTOUCHED, period=period
    )


def _located(ids: Iterable[int], named: Mapping[int, NamedHub]) -> Iterator[Located]:
    return ((device_id, named[device_id].csp_region) for device_id in ids)


def _to_suppliers(alert: FirmwareRolloutDecision, own: Mapping[int, Sequence[int]], tx: Tx) -> Iterator[Alert]:
    """Each supplier is told of its own hubs alone."""
    return to_suppliers(own, lambda ids: replace(alert, device_ids=ids), alert.release_id, tx)
