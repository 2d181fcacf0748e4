"""CS06 registered, and what became of it: the hubs' outcomes and who is told (interactions X01 and X02)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.reply import Alert, PartnerSend
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.operations import flags
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import ActivationRequest, HubOutcome, OutcomeStage, RefusedItem
from duis_gateway.rollout.activations.rules import JudgedOutcome, judge_outcomes, may_be_old
from duis_gateway.rollout.audience import registered
from duis_gateway.rollout.failure_thresholds.proposals import count_outcomes, propose_pauses
from duis_gateway.rollout.failure_thresholds.records import Failures
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.deviations import Deviations, departed
from duis_gateway.rollout.plans.replan import lock_releases_of, replan_hubs
from duis_gateway.rollout.plans.stops import stopped
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release

PROGRESS_LIMIT = 10_000


@handles(Door.CSP, csp.ActivateFirmwareRequests, "X01")
def register_requests(message: PartnerMessage[csp.ActivateFirmwareRequests], tx: Tx) -> Acknowledgement:
    """Record that the CSP has sent CS06 to these hubs, so that their answers can be matched (FIA-2).

    Those that are not to be activated now are refused, each with its reason, so that the CSP stops (BR-3.5). Unlike
    other lists, a part of this one counts by itself: hubs of it may answer before the next part is there.
    """
    body = message.body
    regions = hubs.regions(tx.conn, body.device_ids)
    own = [d for d in body.device_ids if regions.get(d) in tx.party.regions]
    stops = _stopped(body, own, tx)
    bad = [
        RefusedItem(format_eui(device_id), reason)
        for device_id in body.device_ids
        if (reason := _region_problem(regions.get(device_id), tx.party) or stops.get(device_id)) is not None
    ]
    good = [d for d in own if d not in stops]
    if not good:
        return refused(message, "NoHubAcceptable", "No hub in the message may be activated now.", bad)
    requests = [ActivationRequest(d, body.firmware_version, body.issued_at, body.release_id) for d in good]
    activations.record_requests(tx.conn, csp=tx.party.eui, requests=requests)
    return accepted(message, bad)


def _region_problem(region: str | None, party: Party) -> str | None:
    if region is None:
        return "UnknownHub: it is unknown to the inventory"
    return None if region in party.regions else "OtherRegion: it is not in a region of this CSP"


def _stopped(body: csp.ActivateFirmwareRequests, device_ids: Collection[int], tx: Tx) -> dict[int, str]:
    """Return the hubs that are not to be activated now, with the reason.

    The release is the one that the message names: it brings the version, or nothing may be activated. Where the message
    names none, it is the newest of each model that brings the version; where no release brings it, nothing is planned,
    and there is nothing to check.
    """
    models = hubs.models_of(tx.conn, device_ids)
    lock_releases_of(tx, models)
    if body.release_id is not None:
        named = releases.find(tx.conn, body.release_id)
        if named is None:
            return dict.fromkeys(device_ids, "UnknownRelease: the release that you name is not known to the gateway")
        if named.firmware_version != body.firmware_version:
            return dict.fromkeys(device_ids, f"OtherVersion: the release brings version {named.firmware_version}")
        return stopped(tx, named, device_ids, of_model=False)
    bringing = [one for one in releases.all_releases(tx.conn) if one.firmware_version == body.firmware_version]
    newest = {(one.manufacturer, one.model): one for one in reversed(bringing)}
    found: dict[int, str] = {}
    for model in sorted(models & newest.keys()):
        found |= stopped(tx, newest[model], device_ids, of_model=True)
    return found


@handles(Door.CSP, csp.DistributionOutcomes, "X02")
@handles(Door.CSP, csp.ActivateFirmwareResponses, "X01", "X02")
def receive_outcomes(
    message: PartnerMessage[csp.DistributionOutcomes | csp.ActivateFirmwareResponses], tx: Tx
) -> Acknowledgement:
    """Judge each outcome; a new version updates the inventory and is told to the hub's suppliers of now.

    One that contradicts what is recorded is refused, so that its CSP learns that it was not believed.
    """
    body = message.body
    outcomes = body.outcomes
    ids = {outcome.device_id for outcome in outcomes}
    models = hubs.models_of(tx.conn, ids)
    lock_releases_of(tx, models)
    # Two messages about one hub are not judged side by side: each has to see what the other told.
    found = hubs.get_many(tx.conn, ids, for_update=True)
    by_version = {(r.manufacturer, r.model, r.firmware_version): r for r in reversed(releases.all_releases(tx.conn))}
    requests, distributed = activations.matching_requests(tx.conn, found), activations.distributed_at(tx.conn, found)
    old = may_be_old(outcomes, found, distributed)
    judged = judge_outcomes(
        outcomes,
        found,
        tx.party.regions,
        by_version,
        requests,
        tx.now,
        distributed,
        activations.reported(tx.conn, old) if old else (),
    )
    bad = [
        RefusedItem(format_eui(j.outcome.device_id), j.judgement.refused)
        for j in judged
        if j.judgement.refused is not None
    ]
    if len(bad) == len(judged):
        return refused(message, "NoItemAcceptable", "No outcome in the message is acceptable.", bad)
    news = [j for j in judged if j.judgement.recorded]
    failures = _failures(news, by_version.values(), tx)
    if news:
        activations.record_outcomes(tx.conn, csp=tx.party.eui, outcomes=news, at=tx.now, registered=requests)
    activated = {j.hub.device_id: j.hub for j in news if j.hub and j.outcome.stage is OutcomeStage.ACTIVATION}
    departed = _departed(news, by_version, tx)
    if activated:
        hubs.record_activations(tx.conn, after=list(activated.values()))
    raised = [(flag, format_eui(j.outcome.device_id)) for j in news for flag in j.judgement.flags]
    if raised:
        flags.raise_flags(tx.conn, raised=raised, at=tx.now)
    tx.send(_alerts(news, tx))
    tx.send(_progress(news, tx))
    for deviations in departed:
        deviations.tell(tx)
    _replan(news, models, found, tx)
    propose_pauses(tx, failures)
    return accepted(message, bad)


def _failures(news: Sequence[JudgedOutcome], known: Iterable[Release], tx: Tx) -> dict[str, Failures]:
    """Count what is news, before it is recorded; return the releases whose failure threshold is reached."""
    by_release: defaultdict[str, list[HubOutcome]] = defaultdict(list)
    for j in news:
        by_release[j.release_id or ""].append(j.outcome)
    counted = {
        one.release_id: count_outcomes(tx, one, by_release[one.release_id])
        for one in known
        if one.release_id in by_release
    }
    return {release_id: failures for release_id, failures in counted.items() if failures is not None}


def _departed(
    news: Sequence[JudgedOutcome], releases_by_version: Mapping[tuple[str, str, str], Release], tx: Tx
) -> list[Deviations]:
    """Find the activations that are news and were not planned so, by release; the inventory is as it was before."""
    moved: defaultdict[str, dict[int, datetime]] = defaultdict(dict)
    for j in news:
        if j.judgement.tell and j.release_id is not None:
            moved[j.release_id][j.outcome.device_id] = j.outcome.completed_at
    by_id = {release.release_id: release for release in releases_by_version.values()}
    return [departed(tx, by_id[release_id], found) for release_id, found in sorted(moved.items())]


def _replan(
    news: Sequence[JudgedOutcome], models: Collection[tuple[str, str]], before: Mapping[int, Hub], tx: Tx
) -> None:
    """Hubs that run another version now are planned anew; the plan that brought what is told by N64 has come true."""
    told: defaultdict[str, list[int]] = defaultdict(list)
    moved: set[int] = set()
    for j in news:
        if j.judgement.new_version:
            moved.add(j.outcome.device_id)
        if j.judgement.tell:
            told[j.outcome.firmware_version].append(j.outcome.device_id)
    if moved:
        replan_hubs(tx, models, moved, told, before={one: before[one] for one in moved})


def _alerts(news: Sequence[JudgedOutcome], tx: Tx) -> Iterator[Alert]:
    told = [j for j in news if j.judgement.tell or j.judgement.failed]
    known: dict[int, Party] = {}
    for release_id in dict.fromkeys(j.release_id for j in told):
        concerned = {supplier for j in told if j.release_id == release_id for supplier in j.judgement.suppliers}
        known |= registered(concerned, release_id, tx)
    for j in told:
        outcome = j.outcome
        body: AlertBody = CommsHubFirmwareActivation(outcome.device_id, outcome.firmware_version)
        if j.judgement.failed:
            body = _failure(outcome)
        for supplier in j.judgement.suppliers:
            if supplier in known:
                yield Alert(known[supplier], body, j.release_id, outcome.device_id)


def _failure(outcome: HubOutcome) -> CommsHubFirmwareFailure:
    return CommsHubFirmwareFailure(
        outcome.device_id,
        outcome.firmware_version,
        outcome.stage,
        outcome.failure_reason or "not stated",
        outcome.commentary,
    )


def _progress(news: Sequence[JudgedOutcome], tx: Tx) -> Iterator[PartnerSend]:
    """DCC gets every outcome that counts, by release and version (PIA-A11)."""

    def key(j: JudgedOutcome) -> tuple[str, str]:
        return (j.release_id or "", j.outcome.firmware_version)

    for (release_id, version), group in groupby(sorted(news, key=key), key):
        outcomes = tuple(j.outcome for j in group)
        for start in range(0, len(outcomes), PROGRESS_LIMIT):
            body = esi.PilotProgress(release_id or None, version, outcomes[start : start + PROGRESS_LIMIT])
            for party in tx.registered(PartyKind.DCC):
                yield PartnerSend(party, body, release_id or None, ordered=False)
