"""The interactions of SECMP0024 Option 1, as data (design section 3).

A01 to A12 are the sources' table (preliminary assessment, section 3); the X rows come from the business
requirements. The table stands here once: whatever routes a message reads it. A row says by which body on
which door an interaction comes in, who may send that body, and by what it goes out, to whom.
"""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.flow.incoming import Door
from duis_gateway.parties.records import PartyKind

SUPPLIER, CSP, DCC = PartyKind.SUPPLIER, PartyKind.CSP, PartyKind.DCC


@dataclass(frozen=True, slots=True)
class Outbound:
    """One way out: a DCC Alert (by code), a message (by body name), or an email ("email")."""

    recipient: PartyKind
    name: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """One row. `door` is None where the gateway itself begins the interaction, by a rule."""

    id: str
    what: str
    door: Door | None
    bodies: tuple[str, ...]
    sender: PartyKind | None
    out: tuple[Outbound, ...]
    grain: str


def _row(
    row_id: str,
    what: str,
    door: Door | None,
    bodies: str,
    sender: PartyKind | None,
    out: dict[PartyKind, str],
    grain: str,
) -> Interaction:
    ways = tuple(Outbound(kind, name) for kind, names in out.items() for name in names.split())
    return Interaction(row_id, what, door, tuple(bodies.split()), sender, ways, grain)


INTERACTIONS: tuple[Interaction, ...] = (
    _row("A01", "Initial notification", Door.ESI, "FirmwareRelease", DCC,
         {SUPPLIER: "email", CSP: "email FirmwareReleaseNotice"}, "release"),
    _row("A02", "Default Pilot List", Door.CSP, "DefaultPilotList", CSP, {SUPPLIER: "N66"}, "GUIDs"),
    _row("A03", "Default Pilot Schedule", Door.CSP, "DefaultPilotSchedule", CSP, {SUPPLIER: "N67"}, "groups"),
    _row("A04", "Preferred Pilot List", Door.DUIS, "PreferredPilotList", SUPPLIER,
         {CSP: "PreferredPilotList PreferredPilotSchedule",
          DCC: "PreferredPilotListReport PreferredPilotScheduleReport"}, "GUIDs"),
    _row("A05", "Preferred Pilot Schedule", Door.DUIS, "PreferredPilotSchedule", SUPPLIER,
         {CSP: "PreferredPilotSchedule", DCC: "PreferredPilotScheduleReport"}, "groups"),
    _row("A06", "Pilot success", Door.ESI, "PilotOutcome", DCC,
         {SUPPLIER: "email N75 N76", CSP: "PilotOutcome"}, "process"),
    _row("A07", "Pilot failure", Door.ESI, "PilotOutcome", DCC,
         {SUPPLIER: "email N75 N76", CSP: "PilotOutcome"}, "process"),
    _row("A08", "Safe Launch Schedule", Door.CSP, "SafeLaunchSchedule", CSP, {SUPPLIER: "N68"}, "groups"),
    _row("A09", "Safe Launch success", Door.ESI, "SafeLaunchOutcome", DCC,
         {SUPPLIER: "N69 N70", CSP: "SafeLaunchOutcome"}, "process"),
    _row("A10", "Safe Launch failure", Door.ESI, "SafeLaunchOutcome", DCC,
         {SUPPLIER: "N69 N70", CSP: "SafeLaunchOutcome"}, "process"),
    _row("A11", "Closure", Door.ESI, "Closure", DCC, {SUPPLIER: "email", CSP: "Closure"}, "process"),
    _row("A12", "Supersession", Door.ESI, "Supersession", DCC, {SUPPLIER: "email", CSP: "Supersession"}, "process"),
    _row("X01", "Activation at one hub", Door.CSP, "ActivateFirmwareRequests ActivateFirmwareResponses", CSP,
         {SUPPLIER: "N64", DCC: "PilotProgress"}, "hub"),
    _row("X02", "Distribution or activation failed at one hub", Door.CSP,
         "DistributionOutcomes ActivateFirmwareResponses", CSP, {SUPPLIER: "N71", DCC: "PilotProgress"}, "hub"),
    _row("X03", "Roll-out decision", Door.ESI, "RolloutDecision Withdrawal", DCC,
         {SUPPLIER: "N72", CSP: "RolloutDecision"}, "release"),
    _row("X04", "Incident", Door.ESI, "Incident", DCC, {}, "release"),
    _row("X05", "Stage begins or ends", None, "", None, {SUPPLIER: "email", CSP: "StageChange"}, "release"),
    _row("X06", "Second supplier's instruction known", None, "", None, {SUPPLIER: "N73"}, "GUIDs"),
    _row("X07", "CSP's final say on a preferred schedule", Door.CSP, "ScheduleDecision", CSP,
         {SUPPLIER: "N74"}, "group"),
    _row("X08", "DCC instructs a batch, or chooses hubs on a supplier's behalf", Door.ESI,
         "BatchInstruction PilotSelection", DCC,
         # By email DCC hears of missed obligations, which is when it chooses on a supplier's behalf (PIA-A9).
         {SUPPLIER: "N72", CSP: "BatchInstruction PilotSelection", DCC: "email"}, "GUIDs"),
)  # fmt: skip

BESIDE = frozenset({(Door.ESI, "ReleaseApproval"), (Door.ESI, "InventoryUpdate")})
"""Bodies that begin no interaction themselves. An approval may end a predecessor's pilot, which is X05."""


def interactions_of(door: Door, body: str) -> tuple[Interaction, ...]:
    """Return the rows that a body begins when it comes in by this door; none: the body is not served there."""
    return tuple(row for row in INTERACTIONS if row.door is door and body in row.bodies)


def is_served(door: Door, body: str) -> bool:
    """Whether a body is served when it comes in by this door."""
    return (door, body) in BESIDE or bool(interactions_of(door, body))


_WAYS_OUT = frozenset(out for row in INTERACTIONS for out in row.out)


def goes_out(out: Outbound) -> bool:
    """Whether some row tells this kind of party by this alert or message, or by email."""
    return out in _WAYS_OUT
