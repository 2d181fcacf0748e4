"""ESI `BatchInstruction` and `PilotSelection` (X08): hubs that DCC instructs, or chooses on a supplier's behalf."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import uuid4

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis import alert_bodies as alerts
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.context import Context, accepted, refused
from duis_gateway.flow.parts import Gathered, gather
from duis_gateway.flow.reply import Alert, Decision, PartnerSend, Send, Write
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.bodies import Batch, Selection
from duis_gateway.partners.messages import Part, PartnerBody, PartnerMessage, split_list
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.device_lists import HubFindings
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.direct_instructions.rules import DirectJudgement, judge_batch, judge_selection
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.change import NOT_KNOWN, UNKNOWN_RELEASE
from duis_gateway.rollout.releases.effects import Current, current
from duis_gateway.rollout.releases.records import Period, Release
from duis_gateway.rollout.rollout_decisions.records import DirectGroup, Standing
from duis_gateway.rollout.second_suppliers.handle import alerts_on_choice

DECIDED_BY = "DCC"

UNTOUCHED = "Instructions of the hubs' suppliers stand, and count before DCC's."

BodyOf = Callable[[tuple[int, ...], Part | None], PartnerBody]


def receive_batch(message: PartnerMessage, context: Context) -> Decision:
    """Keep a batch, and tell the CSPs of the hubs' regions and the suppliers responsible for them (N72)."""
    body = message.body
    assert isinstance(body, esi.BatchInstruction)
    found = _Found.of(context, body, None)
    if found.release is None or found.gathered.missing:
        return found.early_answer(message)
    release, named, newest = found.release, found.named, found.newest_live
    judgement = judge_batch(found.gathered.ids, named, release, newest, body.period, context.now)
    if judgement.refusal is not None:
        return _refusal(message, found, judgement)
    good = judgement.device_ids
    period = body.period or Period(context.now, release.automatic_date)
    group = DirectGroup(release.release_id, period, context.now, good, body.group_id)

    def to_csp(ids: tuple[int, ...], part: Part | None) -> PartnerBody:
        return csp.BatchInstruction(release.release_id, body.group_id, ids, body.period, part)

    alert = _alert(release, alerts.DirectInstruction.BATCH, body.period, f"batch {body.group_id}")
    own = _by_supplier(good, named)
    return _accepted(
        message,
        found,
        judgement,
        partial(direct.put_batch, group=group),
        (*_to_csps(release, good, named, to_csp, context), *_to_suppliers(alert, own, context)),
    )


def receive_selection(message: PartnerMessage, context: Context) -> Decision:
    """Keep what DCC chose on a supplier's behalf; tell that supplier (N72), and the CSPs of the hubs' regions.

    That DCC had to choose for it is no affair of a hub's second supplier, which hears that the first has instructed
    (N73).
    """
    body = message.body
    assert isinstance(body, esi.PilotSelection)
    party = parties.find(context.conn, body.supplier)
    if party is None or party.kind is not PartyKind.SUPPLIER:
        return Decision(refused(message, "UnknownSupplier", "No such supplier is registered with this gateway."))
    found = _Found.of(context, body, body.supplier)
    if found.release is None or found.gathered.missing:
        return found.early_answer(message)
    release, named, newest = found.release, found.named, found.newest_live
    ids, now = found.gathered.ids, context.now
    judgement = judge_selection(ids, named, release, body.supplier, newest, body.period, now)
    if judgement.refusal is not None:
        return _refusal(message, found, judgement)
    good = judgement.device_ids
    period = body.period or _rest_of_the_pilot(release, now)
    group = DirectGroup(release.release_id, period, now, good, supplier=body.supplier)

    def to_csp(ids: tuple[int, ...], part: Part | None) -> PartnerBody:
        return csp.PilotSelection(release.release_id, body.supplier, ids, period, part)

    alert = _alert(release, alerts.DirectInstruction.PILOT_SELECTION, period, "chosen on your behalf")
    sends: tuple[Send, ...] = (
        *_to_csps(release, good, named, to_csp, context),
        *_to_suppliers(alert, {body.supplier: good}, context),
        *alerts_on_choice(release, body.supplier, good, named, context),
    )
    return _accepted(message, found, judgement, partial(direct.put_selection, group=group), sends)


def _rest_of_the_pilot(release: Release, now: datetime) -> Period:
    assert release.pilot is not None
    return Period(max(release.pilot.period.start, now), release.pilot.period.end)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a list of DCC's is judged by."""

    current: Current
    gathered: Gathered
    named: Mapping[int, NamedHub]
    newest_live: bool

    @classmethod
    def of(cls, context: Context, body: Batch | Selection, supplier: int | None) -> _Found:
        """Load it; the hubs only once every part of the list is in."""
        now = current(context.moment, body.release_id)
        release, conn = now.release, context.conn
        if release is None:
            return cls(now, gather(context, None, ()), {}, newest_live=False)
        name = body.group_id if isinstance(body, Batch) else format_eui(body.supplier)
        gathered = gather(context, body.part, body.device_ids, release.release_id, name)
        named = {} if gathered.missing else hubs.named(conn, gathered.ids, release.release_id, supplier)
        newest = releases.newest_live(conn, release.manufacturer, release.model) == release.release_id
        return cls(now, gathered, named, newest)

    @property
    def release(self) -> Release | None:
        """The release as it stands now."""
        return self.current.release

    def early_answer(self, message: PartnerMessage) -> Decision:
        """Answer where the release is unknown, or parts of the list are to come."""
        if self.release is None:
            return Decision(refused(message, UNKNOWN_RELEASE, NOT_KNOWN))
        since = self.current.since
        answer = accepted(message, text=self.gathered.text)
        return Decision(answer, (*since.writes, self.gathered.write), since.sends, bool(since.writes))


def _refusal(message: PartnerMessage, found: _Found, judgement: DirectJudgement) -> Decision:
    """The parts of a list that is refused are dropped, as DCC has to send all of it again."""
    answer = refused(message, "NotAcceptable", _sentence(judgement.refusal or ""), _items(judgement.findings))
    since = found.current.since
    return Decision(answer, (*since.writes, found.gathered.write), since.sends, bool(since.writes))


def _accepted(
    message: PartnerMessage, found: _Found, judgement: DirectJudgement, put: Write, sends: tuple[Send, ...]
) -> Decision:
    since = found.current.since
    return Decision(
        accepted(message, _items(judgement.findings)),
        (*since.writes, found.gathered.write, put),
        (*since.sends, *sends),
        bool(since.writes),
    )


_REASONS = {
    "invalid": "no Communications Hub of the inventory",
    "not_responsible": "the supplier is not responsible for it",
    "not_commissioned": "not commissioned",
    "not_applicable": "of another device model, or runs the version already",
    "excluded": "excluded from the pilot",
    "in_progress": "another release is in progress for it",
}


def _items(findings: HubFindings) -> tuple[RefusedItem, ...]:
    return tuple(
        RefusedItem(format_eui(hub), reason) for name, reason in _REASONS.items() for hub in getattr(findings, name)
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _alert(
    release: Release, decision: alerts.DirectInstruction, period: Period | None, reason: str
) -> alerts.FirmwareRolloutDecision:
    return alerts.FirmwareRolloutDecision(
        release.release_id, decision, Standing.CONFIRMED, DECIDED_BY, reason, effect_on_pending=UNTOUCHED, period=period
    )


def _by_supplier(ids: Iterable[int], named: Mapping[int, NamedHub]) -> dict[int, list[int]]:
    own: dict[int, list[int]] = {}
    for device_id in ids:
        hub = named[device_id]
        for supplier in {hub.import_supplier, hub.gas_supplier}:
            if supplier is not None:
                own.setdefault(supplier, []).append(device_id)
    return own


def _to_suppliers(
    alert: alerts.FirmwareRolloutDecision, own: Mapping[int, Sequence[int]], context: Context
) -> tuple[Alert, ...]:
    """Each supplier is told of its own hubs alone."""
    known = parties.find_many(context.conn, own)
    return tuple(
        Alert(known[supplier], replace(alert, device_ids=tuple(own[supplier])), alert.release_id)
        for supplier in sorted(known)
    )


def _to_csps(
    release: Release, ids: Iterable[int], named: Mapping[int, NamedHub], body: BodyOf, context: Context
) -> tuple[PartnerSend, ...]:
    """Each CSP is told of the hubs in its regions (PIA-D1)."""
    good = tuple(ids)
    return tuple(
        PartnerSend(party, body(cut, part), release.release_id)
        for party in context.registered(PartyKind.CSP)
        for part, cut in split_list(str(uuid4()), [d for d in good if named[d].csp_region in party.regions])
        if cut
    )
