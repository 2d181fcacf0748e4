"""The interactions of SECMP0024 Option 1, as data (design section 3).

A01 to A12 are the sources' table (preliminary assessment, section 3); the X rows come from the business requirements. A
row says what an interaction is and who hears of it by email. How else it goes out is declared with each alert
(`duis.alerts`) and each message for partners (their interfaces); what begins it is declared at its handler.
"""

from __future__ import annotations

from dataclasses import dataclass

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.parties.records import PartyKind

SUPPLIER, CSP, DCC = PartyKind.SUPPLIER, PartyKind.CSP, PartyKind.DCC


@dataclass(frozen=True, slots=True)
class Outbound:
    """One way out: a DCC Alert (by code), a message (by body name), or an email ("email")."""

    recipient: PartyKind
    name: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """One row: what happens, about what (`grain`), and how it is sent to whom."""

    id: str
    what: str
    grain: str
    out: tuple[Outbound, ...]


def _row(row_id: str, what: str, grain: str, *by_email: PartyKind) -> Interaction:
    out = [Outbound(kind, "email") for kind in by_email]
    out += [Outbound(SUPPLIER, kind.code) for kind in ALERTS.values() if row_id in kind.rows]
    for recipient, interface in ((CSP, csp.INTERFACE), (DCC, esi.INTERFACE)):
        out += [Outbound(recipient, name) for name, rows in interface.rows.items() if row_id in rows]
    return Interaction(row_id, what, grain, tuple(out))


INTERACTIONS: tuple[Interaction, ...] = (
    _row("A01", "Initial notification", "release", SUPPLIER, CSP),
    _row("A02", "Default Pilot List", "GUIDs"),
    _row("A03", "Default Pilot Schedule", "groups"),
    _row("A04", "Preferred Pilot List", "GUIDs"),
    _row("A05", "Preferred Pilot Schedule", "groups"),
    _row("A06", "Pilot success", "process", SUPPLIER),
    _row("A07", "Pilot failure", "process", SUPPLIER),
    _row("A08", "Safe Launch Schedule", "groups"),
    _row("A09", "Safe Launch success", "process"),
    _row("A10", "Safe Launch failure", "process"),
    _row("A11", "Closure", "process", SUPPLIER),
    _row("A12", "Supersession", "process", SUPPLIER),
    _row("X01", "Activation at one hub", "hub"),
    _row("X02", "Distribution or activation failed at one hub", "hub"),
    _row("X03", "Roll-out decision", "release"),
    _row("X04", "Incident", "release"),
    _row("X05", "Stage begins or ends", "release", SUPPLIER),
    _row("X06", "Second supplier's instruction known", "GUIDs"),
    _row("X07", "CSP's final decision on a preferred schedule", "group"),
    # DCC hears of missed obligations by email, which is when it chooses on a supplier's behalf (PIA-A9). The supplier
    # that missed one does, too; not of each choice, so that an older DUIS is told by email of what N72 says.
    _row("X08", "DCC instructs a batch, or chooses hubs on a supplier's behalf", "GUIDs", DCC),
    _row("X09", "The plan for hubs: made, changed, void", "GUIDs"),
    _row("X10", "A hub moved outside its plan, or its period passed without an outcome", "GUIDs"),
    _row("X11", "Failures reach the release's threshold: a pause is proposed", "release"),
)

_WAYS_OUT = frozenset(out for row in INTERACTIONS for out in row.out)


def goes_out(out: Outbound) -> bool:
    """Whether some row uses this alert, message or email for this kind of party."""
    return out in _WAYS_OUT
