"""What CSPs say of schedules beside the default ones: their own for safe launch, and their say on suppliers' groups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from duis_gateway.namespaces import SR
from tests.support.installation import NOW, Delivery
from tests.support.play import Group, Play, when
from tests.support.wire_client import Answer, devices, element, fill, listed, only


def header(play: Play, name: str) -> dict[str, str]:
    """Return what the header of a party's next message says."""
    return {
        "message_id": play.installation.message_id(),
        "sender": play[name].eui,
        "created_at": when(NOW),
    }


def safe_launch(
    play: Play,
    csp: str,
    region: str,
    groups: Iterable[Group],
    *,
    constraints: Iterable[str] = (),
    part: str = "",
    release: str | None = None,
) -> Answer:
    """A CSP uploads its schedule for safe launch in a region (A08)."""
    document = fill(
        "csp_mgmt_gw/SafeLaunchSchedule.xml",
        **header(play, csp),
        part=part,
        release=release or play.lot.release,
        region=region,
        groups="".join(
            element(
                "csp:DeploymentGroup",
                element("csp:GroupID", group.name),
                devices("csp:DeviceIDList", group.devices),
                element("csp:EarliestStart", when(group.start)),
                element("csp:LatestEnd", when(group.end)),
            )
            for group in groups
        ),
        constraints="".join(
            element("csp:OfferedConstraint", element("csp:Code", code), element("csp:Description", f"{code}, please"))
            for code in constraints
        ),
    )
    return play.send(csp, document, "csp")


def say(
    play: Play,
    csp: str,
    supplier: str,
    group: str,
    decision: str = "Accepted",
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    reason: str = "",
    release: str | None = None,
    hubs: Iterable[str] = (),
) -> Answer:
    """A CSP has its say on a supplier's group, or on these hubs of it (X07)."""
    document = fill(
        "csp_mgmt_gw/ScheduleDecision.xml",
        **header(play, csp),
        release=release or play.lot.release,
        supplier=play[supplier].eui,
        group=group,
        decision=decision,
        rest="".join(
            element(f"csp:{name}", text)
            for name, text in (
                ("EarliestStart", start and when(start)),
                ("LatestEnd", end and when(end)),
                ("Reason", reason),
            )
            if text
        )
        + devices("csp:DeviceIDList", hubs),
    )
    return play.send(csp, document, "csp")


def groups_of(alert: Delivery) -> dict[str, tuple[list[str], str, str]]:
    """Return each group of an N67 or N68: its hubs and its period."""
    found = alert.root.iterfind(f".//{{{SR}}}DeploymentGroup")
    return {
        only(group, "GroupID"): (
            listed(group, "DeviceIDList"),
            only(group, "EarliestStart"),
            only(group, "LatestEnd"),
        )
        for group in found
    }
