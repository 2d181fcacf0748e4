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
from duis_gateway.text.counts import counted

LONGEST_LIST = 50_000
UNKNOWN_HUBS = (0x00DB123400000001, 0x00DB123400000002)
GROUP, SHARED_GROUP = "WEEK-1", "SHARED"


def _choose(play: Play) -> None:
    first = play.world.suppliers[0]
    mine, foreign = _preferred(play), [h.device_id for h in play.hubs if first.eui not in h.suppliers][:3]
    answer = play.request(first, requests.pilot_list(PILOTED, [*mine, *foreign, *UNKNOWN_HUBS]))
    told = f"{len(foreign)} foreign and {len(UNKNOWN_HUBS)} unknown hubs are listed"
    right = listed(answer, "NotResponsibleDeviceIDList") == len(foreign)
    right &= listed(answer, "InvalidDeviceIDList") == len(UNKNOWN_HUBS)
    play.answered(f"11.5 by {first.name} over plain XML: {counted(len(mine), 'hub')}; {told}", code(answer), right)


def _preferred(play: Play) -> list[int]:
    return play.own(play.world.suppliers[0])[:100]


def _choose_shared(play: Play) -> None:
    first, _second, _third, fourth, *_ = play.world.suppliers
    mine = set(_preferred(play))
    split = [h.device_id for h in play.hubs if {first.eui, fourth.eui} <= h.suppliers and h.device_id in mine]
    answer = play.request(fourth, requests.pilot_list(PILOTED, split), door="soap")
    play.answered(f"11.5 by {fourth.name} over SOAP: the {counted(len(split), 'hub')} it shares", code(answer))


def _amend(play: Play) -> None:
    first = play.world.suppliers[0]
    own = play.own(first)
    of_first = set(own)
    by_csps = [d for d in play.listed_by_csps() if d in of_first]
    add = [d for d in own if d not in by_csps][:5]
    answer = play.request(first, requests.pilot_amendments(PILOTED, add, by_csps[-2:]))
    play.answered(f"11.5 by {first.name} as amendments: {len(add)} added, 2 removed", code(answer))
    play.deliver("preferred lists to the CSPs and to DCC")


def _choose_large(play: Play) -> None:
    fourth = play.world.suppliers[3]
    everything = (h.device_id for h in cast.hubs(play.world.hubs, play.world.suppliers) if h.model == LARGE.model)
    own = [device_id for _, device_id in zip(range(LONGEST_LIST), everything, strict=False)]
    before = time.monotonic()
    answer = play.request(fourth, requests.pilot_list(LARGE, own))
    seconds = time.monotonic() - before
    name = f"11.5 by {fourth.name}: {len(own):,} hubs of {LARGE.release_id}, answered in {seconds:.1f} s"
    play.answered(name, code(answer))


def _instruct(play: Play) -> None:
    first = play.world.suppliers[0]
    mine = play.preferred(first)
    answer = play.request(first, requests.schedule(PILOTED, GROUP, mine, _next_week(play)))
    play.answered(f"11.6 by {first.name}: {counted(len(mine), 'hub')} in one group", code(answer))


def _instruct_shared(play: Play) -> None:
    fourth = play.world.suppliers[3]
    body = requests.schedule(PILOTED, SHARED_GROUP, play.preferred(fourth), _later(_next_week(play), 2))
    answer = play.request(fourth, body, door="soap")
    play.answered(f"11.6 by {fourth.name} over SOAP: the shared hubs, two days later", code(answer))
    play.deliver("lists and schedules to both CSPs and to DCC, N73 to the suppliers of shared hubs")


def _next_week(play: Play) -> Period:
    """The week from tomorrow: the clock stands until four days pass."""
    tomorrow = play.now + timedelta(days=1)
    return Period(tomorrow, tomorrow + timedelta(days=7))


def _later(period: Period, days: int) -> Period:
    return Period(period.start + timedelta(days=days), period.end + timedelta(days=days))


def _accept(play: Play) -> None:
    north = next(iter(cast.REGIONS))
    yes = csp.ScheduleDecision(PILOTED.release_id, play.world.suppliers[0].eui, GROUP, GroupDecision.ACCEPTED)
    play.csp_says(north, f"CSP North accepts {GROUP}", yes)


def _amend_group(play: Play) -> None:
    _north, south = cast.REGIONS
    period = _later(_next_week(play), 1)
    first, why = play.world.suppliers[0].eui, "no engineers on the first day"
    amended = csp.ScheduleDecision(
        PILOTED.release_id, first, GROUP, GroupDecision.AMENDED, period.start, period.end, why
    )
    play.csp_says(south, f"CSP Central and South amends {GROUP}", amended)
    play.deliver("N74 to the supplier")


def _choose_for_others(play: Play) -> None:
    """Who cannot instruct is served by DCC; of a hub that two share it has to choose for both."""
    for supplier in play.world.suppliers[1:3]:
        listed_ones = set(play.listed_by_csps())
        chosen = tuple(d for d in play.own(supplier) if d in listed_ones)
        selection = esi.PilotSelection(PILOTED.release_id, supplier.eui, chosen, _next_week(play))
        hubs = counted(len(chosen), "hub")
        told = f"DCC chooses {hubs} for {supplier.name}, which cannot (DUIS {supplier.duis_version})"
        play.dcc_says(told, selection)
    play.deliver("the instructions to deploy to the CSPs, N72 and N77 to the suppliers")


def _report_incident(play: Play) -> None:
    first = play.world.suppliers[0]
    incident = esi.Incident("INC-4711", first.eui, PILOTED.release_id, "High", emergency_stop_requested=True)
    play.dcc_says("A supplier's incident reaches DCC; it suspends nothing by itself", incident)


def _pause(play: Play) -> None:
    _decide(play, RolloutAction.PAUSE, Standing.PROVISIONAL, "DCC", "incident INC-4711 is looked into")


def _proceed(play: Play) -> None:
    _decide(play, RolloutAction.PROCEED, Standing.CONFIRMED, "SEC Panel", "the incident is not of this firmware")
    play.deliver("N72 to the suppliers and the decisions to the CSPs")


def _decide(play: Play, action: RolloutAction, standing: Standing, who: str, why: str) -> None:
    decision = esi.RolloutDecision(PILOTED.release_id, action, why, standing, who)
    play.dcc_says(f"{who} decides: {action} ({standing})", decision)


def _distribute(play: Play) -> None:
    """The CSPs do what they were told by `PlannedDeployment`, and nothing else."""
    play.distribute(set(sorted(play.planned())[3:4]))


def _activate(play: Play) -> None:
    ready = play.ready()
    play.activate(ready - _failing(play, ready), set())


def _fail(play: Play) -> None:
    left = play.ready() - play.activated
    play.activate(left, left)
    play.deliver("N64, N71 and N999 to the suppliers, progress to DCC")


def _failing(play: Play, ready: set[int]) -> set[int]:
    """Some hubs of each CSP."""
    return {device for csp in cast.REGIONS for device in sorted(play.of_csp(csp, ready))[3::40]}


def _read(play: Play) -> None:
    first = play.world.suppliers[0]
    hub = min(set(play.own(first)) & play.activated)
    answer = play.request(first, ReadInventory(hub))
    version = answer.findtext(f".//{sr('DeviceFirmwareVersion')}")
    told = f"8.2 by {first.name}: hub {format_eui(hub)} runs {version}"
    play.answered(told, code(answer), version == PILOTED.released)


def _read_of_another(play: Play) -> None:
    first, second = play.world.suppliers[:2]
    foreign = min(set(play.own(first)) - set(play.own(second)))
    answer = play.request(second, ReadInventory(foreign))
    play.answered(f"8.2 by {second.name} for another's hub", code(answer))
    _refuse(play)


def _refuse(play: Play) -> None:
    """What no command of the sandbox does: requests that are forged, unsigned, repeated, and of a used identity."""
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
    outcome = esi.PilotOutcome(PILOTED.release_id, True, play.counts(), "a few hubs need a visit")
    play.dcc_says(f"DCC: the pilot of {PILOTED.release_id} is a success", outcome)


def _report_failure(play: Play) -> None:
    failure = esi.PilotOutcome(LARGE.release_id, False, HubCounts(10, 0, 10), "the image is too large for this model")
    play.dcc_says(f"DCC: the pilot of {LARGE.release_id} has failed", failure)
    play.deliver("N75 and N76, and the emails beside them")


PILOTING = {
    "whole-list": _choose,
    "shared-list": _choose_shared,
    "amendments": _amend,
    "long-list": _choose_large,
    "week": _instruct,
    "shared-week": _instruct_shared,
    "north-accepts": _accept,
    "south-amends": _amend_group,
    "chosen-by-dcc": _choose_for_others,
    "incident": _report_incident,
    "pause": _pause,
    "proceed": _proceed,
    "four-days": lambda play: play.days_pass(4),
    "no-image": _distribute,
    "activation": _activate,
    "failed-activation": _fail,
    "read": _read,
    "read-of-another": _read_of_another,
    "good-pilot": _report,
    "bad-pilot": _report_failure,
}
