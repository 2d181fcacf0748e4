"""Every message that begins an interaction (A01 to A12, X01 to X11): how it comes to be said, and what comes of it.

One table, so that what holds of all of them is tested on all of them: it is acknowledged, its repeat changes nothing,
and what it brings waits for recipients that are away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from duis_gateway.flow.handlers import bodies_of
from duis_gateway.flow.interactions import INTERACTIONS
from tests.support.actors import of_the_plan
from tests.support.dcc_play import (
    CONCERNED,
    CSPS,
    approve,
    batch,
    decide,
    expected,
    hub,
    open_now,
    outcome,
    select,
    tell,
    threshold,
    update,
)
from tests.support.installation import Delivery
from tests.support.mail_play import WITHOUT_ADDRESS
from tests.support.play import DAY, NOW, Group, Outcome, Play
from tests.support.schedules_play import safe_launch, say
from tests.support.wire_client import Answer

OLDER = ("on54", "on50", "published50")
"""Suppliers to whom N66 to N77 come as N999, and by email."""
OF_PLANS = ("X09", "X10")
"""The interactions that follow from others: what else is said changes the plan of hubs, or departs from it."""
_BY_EMAIL = tuple(name for name in CONCERNED if name != WITHOUT_ADDRESS)

By = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Message:
    """A message that begins an interaction.

    Attributes:
        row: the interaction in the table of interactions.
        body: the body, or what the gateway makes of it where the interaction has none of its own (X05, X06, X09
            to X11).
        before: what has to be said before it.
        say: the message itself.
        comes: the kinds of what each party gets by HTTP.
        emails: the kinds of the emails that each party gets.
        code: the answer's.
    """

    row: str
    body: str
    before: Callable[[Play], object]
    say: Callable[[Play], Answer]
    comes: By = field(default_factory=dict)
    emails: By = field(default_factory=dict)
    code: str = "Accepted"

    @property
    def name(self) -> str:
        return f"{self.row}-{self.body}"

    def tells_by(self, one: Delivery) -> bool:
        """Whether what came is of this interaction: the plan of hubs follows from several, and is one of its own."""
        return of_the_plan(one) is (self.row in OF_PLANS)


def _each(names: Sequence[str], *kinds: str) -> dict[str, Sequence[str]]:
    return dict.fromkeys(names, kinds)


def _announced(play: Play) -> None:
    assert play.announce().code == "Accepted"


def _bears_no_failure(play: Play) -> None:
    assert play.announce(marks=threshold(share=1, least=1, hold=False)).code == "Accepted"


def _piloting(play: Play) -> None:
    _announced(play)
    assert approve(play).code == "Accepted"


def _planned(play: Play) -> None:
    _piloting(play)
    assert batch(play, _northern(play), period=open_now()).code == "Accepted"


def _launching(play: Play) -> None:
    assert play.announce(pilot=(NOW - 30 * DAY, NOW - DAY)).code == "Accepted"
    assert approve(play).code == "Accepted"


def _listed(play: Play) -> None:
    _announced(play)
    assert play.pilot_list("main", play.lot["own"][:4]).code == "I99"


def _scheduled(play: Play) -> None:
    _listed(play)
    assert play.pilot_schedule("main", Group("G1", play.lot["own"][:4])).code == "I99"


def _succeeded(play: Play) -> None:
    _piloting(play)
    assert play.announce(release=_successor(play)).code == "Accepted"


def _successor(play: Play) -> str:
    return f"{play.lot.release}-B"


def _northern(play: Play) -> list[str]:
    return play.lot.within("North", of=play.lot["own"])


def _launch(name: str, hubs: Sequence[str]) -> Group:
    return Group(name, hubs, "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)


def _moved(play: Play) -> Answer:
    """A hub of the list and the group comes into the other CSP's regions."""
    return update(play, hub(play, play.lot.of_csp("north", play.lot["own"][:4])[0], region="South"))


def _activated(play: Play, *, success: bool) -> Answer:
    hub = _northern(play)[0]
    return play.responded("north", Outcome(hub, success=success, reason="" if success else "hashMismatch"))


def _distribution_failed(play: Play) -> Answer:
    return play.distributed("north", Outcome(_northern(play)[0], success=False, reason="hashMismatch"))


def _incident(play: Play) -> Answer:
    return tell(play, "Incident", reference=f"INC-{play.lot.number}", supplier=play["main"].eui)


_FORWARDED_LIST = _each(CSPS, "PreferredPilotList") | {"dcc": ["PreferredPilotListReport"]}
_FORWARDED_SCHEDULE = _each(CSPS, "PreferredPilotSchedule") | {"dcc": ["PreferredPilotScheduleReport"]}

EVERY = (
    Message("A01", "FirmwareRelease", lambda play: None, lambda play: play.announce(),
            _each(CSPS, "FirmwareReleaseNotice"), _each((*_BY_EMAIL, *CSPS), "A01")),
    Message("A02", "DefaultPilotList", _announced,
            lambda play: play.default_list("north", "North", _northern(play)), {"main": ["N66"]}),
    Message("A03", "DefaultPilotSchedule", _announced,
            lambda play: play.default_schedule("north", "North", [Group("D1", _northern(play))]), {"main": ["N67"]}),
    Message("A04", "PreferredPilotList", _announced, lambda play: play.pilot_list("main", play.lot["own"][:4]),
            _FORWARDED_LIST, code="I99"),
    Message("A05", "PreferredPilotSchedule", _listed,
            lambda play: play.pilot_schedule("main", Group("G1", play.lot["own"][:4])), _FORWARDED_SCHEDULE,
            code="I99"),
    Message("A04", "InventoryUpdate", _listed, _moved, _each(CSPS, "PreferredPilotList")),
    Message("A05", "InventoryUpdate", _scheduled, _moved,
            {name: ["PreferredPilotList", "PreferredPilotSchedule"] for name in CSPS}),
    Message("A06", "PilotOutcome", _piloting, lambda play: outcome(play, "Pilot", True),
            expected("N75", "PilotOutcome"), _each(_BY_EMAIL, "A06")),
    Message("A07", "PilotOutcome", _piloting, lambda play: outcome(play, "Pilot", False),
            expected("N76", "PilotOutcome"), _each(_BY_EMAIL, "A07")),
    Message("A08", "SafeLaunchSchedule", _launching,
            lambda play: safe_launch(play, "north", "North", [_launch("L1", _northern(play))]), {"main": ["N68"]}),
    Message("A09", "SafeLaunchOutcome", _launching, lambda play: outcome(play, "SafeLaunch", True),
            expected("N69", "SafeLaunchOutcome"), _each(OLDER, "N69")),
    Message("A10", "SafeLaunchOutcome", _launching, lambda play: outcome(play, "SafeLaunch", False),
            expected("N70", "SafeLaunchOutcome"), _each(OLDER, "N70")),
    Message("A11", "Closure", _piloting, lambda play: tell(play, "Closure"), expected(None, "Closure"),
            _each(_BY_EMAIL, "A11")),
    Message("A12", "Supersession", _succeeded, lambda play: tell(play, "Supersession", successor=_successor(play)),
            expected(None, "Supersession"), _each(_BY_EMAIL, "A12")),
    Message("X01", "ActivateFirmwareRequests", _planned, lambda play: play.requested("north", _northern(play))),
    Message("X01", "ActivateFirmwareResponses", _announced, lambda play: _activated(play, success=True),
            {"main": ["N64"], "dcc": ["PilotProgress"]}),
    Message("X02", "ActivateFirmwareResponses", _announced, lambda play: _activated(play, success=False),
            {"main": ["N71"], "dcc": ["PilotProgress"]}),
    Message("X02", "DistributionOutcomes", _announced, _distribution_failed,
            {"main": ["N71"], "dcc": ["PilotProgress"]}),
    Message("X03", "RolloutDecision", _piloting, lambda play: decide(play, "Pause"),
            expected("N72", "RolloutDecision"), _each(OLDER, "N72")),
    Message("X03", "Withdrawal", _piloting, lambda play: tell(play, "Withdrawal"),
            expected("N72", "RolloutDecision"), _each(OLDER, "N72")),
    Message("X04", "Incident", _piloting, _incident),
    Message("X05", "StageChange", _announced, approve, expected(None, "StageChange"), _each(_BY_EMAIL, "X05")),
    Message("X06", "SplitSupplierInstruction", _announced,
            lambda play: play.pilot_schedule("main", _launch("G1", play.lot["split"])),
            _FORWARDED_SCHEDULE | _each(("main", "gas"), "N73"), code="I99"),
    Message("X07", "ScheduleDecision", _scheduled, lambda play: say(play, "north", "main", "G1"), {"main": ["N74"]}),
    Message("X08", "BatchInstruction", _piloting, lambda play: batch(play, play.lot["own"][:4]),
            _each(CSPS, "BatchInstruction") | {"main": ["N72"]}),
    Message("X08", "PilotSelection", _piloting, lambda play: select(play, "main", play.lot["own"][:4]),
            _each(CSPS, "PilotSelection") | {"main": ["N72"]}),
    Message("X09", "PlannedDeployment", _listed,
            lambda play: play.pilot_schedule("main", Group("G1", play.lot["own"][:4])),
            _each(CSPS, "PlannedDeployment") | {"dcc": ["PlannedDeploymentReport"], "main": ["N77"]}, code="I99"),
    Message("X10", "PlanDeviation", _announced, lambda play: _activated(play, success=True),
            _each(("north", "dcc"), "PlanDeviation") | {"main": ["N77"]}),
    Message("X11", "PauseProposal", _bears_no_failure, lambda play: _activated(play, success=False),
            {"main": ["N71"], "dcc": ["PauseProposal", "PilotProgress"]}),
)  # fmt: skip
"""Every row and every body of the table of interactions."""


def missing() -> set[tuple[str, str]]:
    """Return the rows and bodies of the table of interactions that are not here."""
    wanted = {(row.id, body) for row in INTERACTIONS for _, body in bodies_of(row.id) or ((None, ""),)}
    here = {(one.row, one.body) for one in EVERY} | {(one.row, "") for one in EVERY}
    return wanted - here
