"""Act 3: the pilot period ends and safe launch begins by itself; batches follow; a release gives way to another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import Stage
from duis_gateway.rollout.releases.records import DefaultGroup, Period, PilotTerms
from duis_gateway.rollout.rollout_decisions.records import HubCounts, RolloutAction, Standing
from duis_gateway.sandbox.demo import cast, requests
from duis_gateway.sandbox.demo.cast import LARGE, PILOTED, SUCCESSOR
from duis_gateway.sandbox.demo.play import Play, code
from duis_gateway.text.counts import counted

BATCH = 60
TAKEN_BACK, FEW = "BATCH-2", 2
LEFT_OF_THE_PILOT = timedelta(days=1)


def _shorten(play: Play) -> None:
    notice = requests.release_notice(PILOTED, play.now, 300)
    assert notice.pilot is not None
    ends = play.now + LEFT_OF_THE_PILOT
    revised = replace(notice, revision=2, pilot=PilotTerms(Period(notice.pilot.period.start, ends), 300))
    play.dcc_says(f"DCC revises {PILOTED.release_id}: the pilot ends tomorrow", revised)
    play.deliver("the revision")


def _end_the_pilot(play: Play) -> None:
    north = next(iter(cast.REGIONS))
    changes = len(play.world.recorded(north, "StageChange"))
    play.world.put_clock(play.now + LEFT_OF_THE_PILOT)
    told = "The pilot ends and safe launch begins by itself"
    play.wait_for(told, lambda: len(play.world.recorded(north, "StageChange")) > changes)


def _schedule(play: Play) -> None:
    for eui, regions in cast.REGIONS.items():
        for region in regions[:2]:
            body = csp.SafeLaunchSchedule(PILOTED.release_id, region, (DefaultGroup("ALL", _from_next_week(play)),))
            play.csp_says(eui, f"The CSP of {region} uploads its Safe Launch Schedule", body)
    play.deliver("N68 to the suppliers")


def _instruct(play: Play) -> None:
    _instruct_batch(play, "BATCH-1", _own(play)[FEW:][:BATCH])


def _instruct_another(play: Play) -> None:
    _instruct_batch(play, TAKEN_BACK, _own(play)[:FEW])


def _own(play: Play) -> list[int]:
    """Return the hubs left that are the first supplier's alone."""
    first = play.world.suppliers[0]
    mine = {h.device_id for h in play.hubs if h.suppliers == {first.eui}}
    return [d for d in _left(play) if d in mine]


def _instruct_batch(play: Play, name: str, own: list[int]) -> None:
    first = play.world.suppliers[0]
    answer = play.request(first, requests.schedule(PILOTED, name, own, _from_next_week(play), Stage.SAFE_LAUNCH))
    play.answered(f"11.6 by {first.name}: a safe-launch batch of {counted(len(own), 'hub')}", code(answer))


def _take_back(play: Play) -> None:
    first = play.world.suppliers[0]
    answer = play.request(first, requests.cancellation(PILOTED, TAKEN_BACK, Stage.SAFE_LAUNCH))
    play.answered(f"11.6 by {first.name}: {TAKEN_BACK} is taken back", code(answer))


def _instruct_by_dcc(play: Play) -> None:
    batch = esi.BatchInstruction(PILOTED.release_id, "DCC-1", tuple(_left(play)[-BATCH:]), _from_next_week(play))
    play.dcc_says(f"DCC instructs a batch of {BATCH} hubs", batch)
    play.deliver("the batches to the CSPs, N72 and N73 to the suppliers")


def _from_next_week(play: Play) -> Period:
    next_week = play.now + timedelta(days=7)
    return Period(next_week, next_week + timedelta(days=30))


def _left(play: Play) -> list[int]:
    done = play.activated | play.failed
    return [h.device_id for h in play.hubs if h.status == "Commissioned" and h.device_id not in done]


def _activate(play: Play) -> None:
    play.activate(play.ready(), set())
    play.deliver("N64 and N999 of the safe launch")


def _report(play: Play) -> None:
    outcome = esi.SafeLaunchOutcome(PILOTED.release_id, True, play.counts(), None)
    play.dcc_says(f"DCC: the safe launch of {PILOTED.release_id} is a success", outcome)


def _announce_successor(play: Play) -> None:
    play.dcc_says(f"DCC announces {SUCCESSOR.release_id}", requests.release_notice(SUCCESSOR, play.now, 300))
    approval = esi.ReleaseApproval(SUCCESSOR.release_id, play.now, None)
    play.dcc_says(f"DCC approves it: the pilot of {LARGE.release_id} is invalidated", approval)


def _go_on(play: Play) -> None:
    reason = "those who took part in the pilot want it all the same"
    proceeds = esi.RolloutDecision(
        LARGE.release_id, RolloutAction.PROCEED, reason, Standing.CONFIRMED, "SEC Panel", None
    )
    play.dcc_says(f"DCC decides: {LARGE.release_id} goes on to safe launch", proceeds)


def _report_failure(play: Play) -> None:
    failed = esi.SafeLaunchOutcome(LARGE.release_id, False, HubCounts(10, 0, 10), "every hub failed, as in the pilot")
    play.dcc_says(f"DCC: the safe launch of {LARGE.release_id} has failed", failed)


def _supersede(play: Play) -> None:
    why = "the successor carries the correction"
    gives_way = esi.Supersession(LARGE.release_id, SUCCESSOR.release_id, play.now, why)
    play.dcc_says(f"{LARGE.release_id} is superseded by {SUCCESSOR.release_id}", gives_way)
    play.deliver("N69, N70 and N72, stage changes, and the supersession by email")


SAFE_LAUNCH = {
    "shorter-pilot": _shorten,
    "pilot-ends": _end_the_pilot,
    "safe-launch-schedule": _schedule,
    "batch": _instruct,
    "second-batch": _instruct_another,
    "taken-back": _take_back,
    "batch-of-dcc": _instruct_by_dcc,
    "eight-days": lambda play: play.days_pass(8),
    "batches-active": _activate,
    "good-safe-launch": _report,
    "successor": _announce_successor,
    "going-on": _go_on,
    "bad-safe-launch": _report_failure,
    "gives-way": _supersede,
}
