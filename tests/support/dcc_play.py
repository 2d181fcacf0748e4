"""What DCC says on a release's way, each message from a fixture file filled in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.support.installation import MANUFACTURER, NOW, RUNNING
from tests.support.play import DAY, Play, when
from tests.support.schedules_play import header
from tests.support.wire_client import Answer, element, fill, only


def tell(play: Play, body: str, *, by: str = "dcc", release: str | None = None, **values: object) -> Answer:
    """DCC (or a party that may not) sends a message about the lot's release, or another."""
    filled = {
        "at": when(NOW),
        "rest": "",
        "activated": 197,
        "failed": 3,
        "release": release or play.lot.release,
        **values,
    }
    return play.send(by, fill(f"esi/{body}.xml", **header(play, by), **filled), "esi")


def approve(play: Play, release: str | None = None) -> Answer:
    return tell(play, "ReleaseApproval", release=release)


def threshold(*, share: int, least: int, hold: bool) -> str:
    """A FailureThreshold as `FirmwareRelease` has it, over a day."""
    return element(
        "esi:FailureThreshold",
        element("esi:SharePercent", str(share)),
        element("esi:WindowHours", "24"),
        element("esi:LeastHubs", str(least)),
        element("esi:Hold", "true" if hold else "false"),
    )


def piloting(play: Play, **terms: Any) -> None:
    """A release whose pilot has begun, told to everybody already."""
    play.announce(**terms)
    assert approve(play).code == "Accepted"
    play.forget()


def launching(play: Play) -> None:
    """A release in safe launch: its pilot is over at the time at which it is approved."""
    play.announce(pilot=(NOW - 30 * DAY, NOW - DAY))
    assert approve(play).code == "Accepted"
    play.forget()


def planned_now(play: Play, ids: Iterable[str]) -> None:
    """A release in its pilot, and hubs that DCC has instructed for a period that is open."""
    piloting(play)
    assert batch(play, ids, period=open_now()).code in ("Accepted", "PartlyAccepted")
    play.forget()


def outcome(play: Play, stage: str, success: bool, activated: int = 197, failed: int = 3) -> Answer:
    """DCC reports how the `Pilot` or the `SafeLaunch` of 200 hubs went."""
    went = "Success" if success else "Failure"
    return tell(play, f"{stage}Outcome", outcome=went, activated=activated, failed=failed)


def decide(
    play: Play,
    decision: str,
    standing: str = "Confirmed",
    new_date: datetime | None = None,
    release: str | None = None,
) -> Answer:
    date = element("esi:NewDate", when(new_date)) if new_date else ""
    return tell(play, "RolloutDecision", decision=decision, standing=standing, new_date=date, release=release)


def batch(play: Play, ids: Iterable[str], *, group: str = "B-1", part: str = "", period: str | None = None) -> Answer:
    return tell(
        play,
        "BatchInstruction",
        devices=",".join(ids),
        group=group,
        part=part,
        period=next_week() if period is None else period,
    )


def select(play: Play, supplier: str, ids: Iterable[str], period: str | None = None) -> Answer:
    """DCC chooses hubs on a supplier's behalf; `supplier` is a name of the cast, or an EUI-64."""
    eui = supplier if "-" in supplier else play[supplier].eui
    listed = ",".join(ids)
    return tell(play, "PilotSelection", devices=listed, supplier=eui, period=next_week() if period is None else period)


def next_week(end: datetime = NOW + 14 * DAY) -> str:
    return element("esi:EarliestStart", when(NOW + 7 * DAY)) + element("esi:LatestEnd", when(end))


def open_now() -> str:
    return element("esi:EarliestStart", when(NOW - DAY)) + element("esi:LatestEnd", when(NOW + 7 * DAY))


def update(play: Play, *hubs: str) -> Answer:
    return tell(play, "InventoryUpdate", hubs="".join(hubs))


def hub(
    play: Play,
    device: str,
    importer: str | None = "main",
    gas: str | None = "main",
    *,
    version: str = RUNNING,
    status: str = "Commissioned",
    region: str | None = None,
    gpf: str | None = None,
) -> str:
    """One hub of an InventoryUpdate; suppliers by their names. `gpf`: None says nothing of it, "" that it has none."""
    model = element("esi:Manufacturer", MANUFACTURER) + element("esi:Model", play.lot.model)
    return element(
        "esi:Hub",
        element("esi:DeviceID", device),
        element("esi:DeviceModel", model),
        element("esi:FirmwareVersion", version),
        element("esi:CSPRegion", region or play.lot.regions.get(device, "North")),
        element("esi:Status", status),
        element("esi:ImportSupplierID", play[importer].eui) if importer else "",
        element("esi:GasSupplierID", play[gas].eui) if gas else "",
        "" if gpf is None else element("esi:GPFDeviceID", gpf),
    )


def code(answer: Answer) -> str:
    """The Code of an Acknowledgement."""
    return only(answer.root, "Code")


CONCERNED = ("main", "gas", "on54", "on50", "published50", "suspended")
"""The suppliers with hubs in every lot."""
CSPS = ("north", "south")


def told(play: Play) -> dict[str, list[str]]:
    """The kinds of what each party has received for this lot, once everything is delivered."""
    play.settle()
    found = {name: [one.kind for one in actor.received()] for name, actor in play.installation.actors.items()}
    return {name: kinds for name, kinds in found.items() if kinds}


def expected(alert: str | None, message: str) -> dict[str, list[str]]:
    """What everybody concerned receives: suppliers an alert, or N999 where theirs is an older DUIS; CSPs a message.

    Of stages that begin and end DCC is told, too.
    """
    older = ("on54", "on50", "published50")
    suppliers = {} if alert is None else {name: ["N999" if name in older else alert] for name in CONCERNED}
    partners = (*CSPS, "dcc") if message == "StageChange" else CSPS
    return {**suppliers, **{name: [message] for name in partners}}
