"""Act 2: suppliers choose and instruct, the CSPs decide and activate, a hub fails, DCC pauses and proceeds."""

from __future__ import annotations

import time
from datetime import timedelta

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import ReadInventory, ServiceRequest
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.namespaces import sr
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing
from duis_gateway.sandbox.demo import cast, requests
from duis_gateway.sandbox.demo.cast import LARGE, PILOTED, Supplier
from duis_gateway.sandbox.demo.play import Play, code, listed

LONGEST_LIST = 50_000
UNKNOWN_HUBS = (0x00DB123400000001, 0x00DB123400000002)
GROUP, SHARED_GROUP = "WEEK-1", "SHARED"


def piloting(play: Play) -> None:
    """Play the pilot from the first preferred list to its outcome."""
    play.act("Act 2: piloting")
    _choose(play)
    _choose_large(play)
    period = _instruct(play)
    _decide_on_groups(play, period)
    _choose_for_others(play, period)
    _pause_and_proceed(play)
    play.days_pass(4)
    _activate(play)
    _read_inventory(play)
    _refuse(play)
    _report(play)


def _choose(play: Play) -> None:
    first, _second, _third, fourth, *_ = play.world.suppliers
    own = play.own(first)
    mine, foreign = own[:100], [h.device_id for h in play.hubs if first.eui not in h.suppliers][:3]
    answer = play.request(first, requests.pilot_list(PILOTED, [*mine, *foreign, *UNKNOWN_HUBS]))
    told = f"{len(foreign)} foreign and {len(UNKNOWN_HUBS)} unknown hubs are listed"
    right = listed(answer, "NotResponsibleDeviceIDList") == len(foreign)
    right &= listed(answer, "InvalidDeviceIDList") == len(UNKNOWN_HUBS)
    play.step(f"11.5 by {first.name} over plain XML: {len(mine)} hubs; {told}", "W110501", code(answer), right)
    split = [h.device_id for h in play.hubs if {first.eui, fourth.eui} <= h.suppliers and h.device_id in mine]
    answer = play.request(fourth, requests.pilot_list(PILOTED, split), door="soap")
    play.step(f"11.5 by {fourth.name} over SOAP: the {len(split)} hubs it shares", "I99", code(answer))
    of_first = set(own)
    by_csps = [d for d in play.listed_by_csps() if d in of_first]
    add = [d for d in own if d not in by_csps][:5]
    answer = play.request(first, requests.pilot_amendments(PILOTED, add, by_csps[-2:]))
    play.step(f"11.5 by {first.name} as amendments: {len(add)} added, 2 removed", "I99", code(answer))
    play.deliver("preferred lists to the CSPs and to DCC")


def _choose_large(play: Play) -> None:
    fourth = play.world.suppliers[3]
    everything = (h.device_id for h in cast.hubs(play.world.hubs, play.world.suppliers) if h.model == LARGE.model)
    own = [device_id for _, device_id in zip(range(LONGEST_LIST), everything, strict=False)]
    before = time.monotonic()
    answer = play.request(fourth, requests.pilot_list(LARGE, own))
    seconds = time.monotonic() - before
    name = f"11.5 by {fourth.name}: {len(own):,} hubs of {LARGE.release_id}, answered in {seconds:.1f} s"
    play.step(name, "I99", code(answer))


def _instruct(play: Play) -> Period:
    first, fourth = play.world.suppliers[0], play.world.suppliers[3]
    tomorrow = play.now + timedelta(days=1)
    period = Period(tomorrow, tomorrow + timedelta(days=7))
    mine = play.preferred(first)
    answer = play.request(first, requests.schedule(PILOTED, GROUP, mine, period))
    play.step(f"11.6 by {first.name}: {len(mine)} hubs in one group", "I99", code(answer))
    later = Period(tomorrow + timedelta(days=2), tomorrow + timedelta(days=9))
    body = requests.schedule(PILOTED, SHARED_GROUP, play.preferred(fourth), later)
    answer = play.request(fourth, body, door="soap")
    play.step(f"11.6 by {fourth.name} over SOAP: the shared hubs, two days later", "I99", code(answer))
    play.deliver("lists and schedules to both CSPs and to DCC, N73 to the suppliers of shared hubs")
    return period


def _decide_on_groups(play: Play, period: Period) -> None:
    north, south = cast.REGIONS
    first = play.world.suppliers[0].eui
    yes = csp.ScheduleDecision(PILOTED.release_id, first, GROUP, GroupDecision.ACCEPTED)
    play.csp_says(north, f"CSP North accepts {GROUP}", yes)
    amended = csp.ScheduleDecision(
        PILOTED.release_id,
        first,
        GROUP,
        GroupDecision.AMENDED,
        period.start + timedelta(days=1),
        period.end + timedelta(days=1),
        "no engineers on the first day",
    )
    play.csp_says(south, f"CSP Central and South amends {GROUP}", amended)
    play.deliver("N74 to the supplier")


def _choose_for_others(play: Play, period: Period) -> None:
    """Who cannot instruct is served by DCC; of a hub that two share it has to choose for both."""
    for supplier in play.world.suppliers[1:3]:
        listed_ones = set(play.listed_by_csps())
        chosen = tuple(d for d in play.own(supplier) if d in listed_ones)
        selection = esi.PilotSelection(PILOTED.release_id, supplier.eui, chosen, period)
        told = f"DCC chooses {len(chosen)} hubs for {supplier.name}, which cannot (DUIS {supplier.duis_version})"
        play.dcc_says(told, selection)
    play.deliver("the instructions to deploy to the CSPs, N72 and N77 to the suppliers")


def _pause_and_proceed(play: Play) -> None:
    first = play.world.suppliers[0]
    incident = esi.Incident("INC-4711", first.eui, PILOTED.release_id, "High", emergency_stop_requested=True)
    play.dcc_says("A supplier's incident reaches DCC; it suspends nothing by itself", incident)
    for action, standing, who, why in (
        (RolloutAction.PAUSE, Standing.PROVISIONAL, "DCC", "incident INC-4711 is looked into"),
        (RolloutAction.PROCEED, Standing.CONFIRMED, "SEC Panel", "the incident is not of this firmware"),
    ):
        decision = esi.RolloutDecision(PILOTED.release_id, action, why, standing, who)
        play.dcc_says(f"{who} decides: {action} ({standing})", decision)
    play.deliver("N72 to the suppliers and the decisions to the CSPs")


def _activate(play: Play) -> None:
    """The CSPs do what they were told by `PlannedDeployment`, and nothing else."""
    play.distribute(set(sorted(play.planned())[3:4]))
    play.activate(set(sorted(play.due() - play.failed)[7::40]))
    play.deliver("N64, N71 and N999 to the suppliers, progress to DCC")


def _read_inventory(play: Play) -> None:
    first, second = play.world.suppliers[:2]
    hub = min(set(play.own(first)) & play.activated)
    answer = play.request(first, ReadInventory(hub))
    version = answer.findtext(f".//{sr('DeviceFirmwareVersion')}")
    told = f"8.2 by {first.name}: hub {format_eui(hub)} runs {version}"
    play.step(told, "I0", code(answer), version == PILOTED.released)
    foreign = min(set(play.own(first)) - set(play.own(second)))
    answer = play.request(second, ReadInventory(foreign))
    play.step(f"8.2 by {second.name} for another's hub", "E4", code(answer))


def _refuse(play: Play) -> None:
    first = play.world.suppliers[0]
    own = play.own(first)
    for how in ("tampered", "unsigned"):
        seen, _ = _send(play, first, next(play.counters), requests.pilot_list(PILOTED, own[:1]), how)
        play.step(f"An 11.5 that is {how} is refused", "HTTP 401", f"HTTP {seen}")
    number, body = next(play.counters), ReadInventory(own[0])
    _, answer = _send(play, first, number, body, "signed")
    _, again = _send(play, first, number, body, "repeat")
    same = "the same bytes" if again == answer else "other bytes"
    play.step("An exact repeat gets the first answer", "the same bytes", same)
    seen, _ = _send(play, first, number, ReadInventory(own[1]), "reused")
    play.step("A used RequestID with other content is refused", "HTTP 409", f"HTTP {seen}")


def _send(play: Play, supplier: Supplier, number: int, request: ServiceRequest, how: str) -> tuple[int, bytes]:
    return play.world.send(supplier.eui, play.document(supplier, request, number), **{"as": how})


def _report(play: Play) -> None:
    good = HubCounts(len(play.activated | play.failed), len(play.activated), len(play.failed))
    outcome = esi.PilotOutcome(PILOTED.release_id, True, good, "a few hubs need a visit")
    play.dcc_says(f"DCC: the pilot of {PILOTED.release_id} is a success", outcome)
    failure = esi.PilotOutcome(LARGE.release_id, False, HubCounts(10, 0, 10), "the image is too large for this model")
    play.dcc_says(f"DCC: the pilot of {LARGE.release_id} has failed", failure)
    play.deliver("N75 and N76, and the emails beside them")
