"""Every DCC Alert that the gateway raises; N66 to N77 are provisional numbers."""

from __future__ import annotations

from enum import StrEnum

from duis_gateway.duis.alerts.comms_hub_firmware_activation import N64
from duis_gateway.duis.alerts.comms_hub_firmware_failure import N71
from duis_gateway.duis.alerts.default_pilot_list import N66
from duis_gateway.duis.alerts.default_pilot_schedule import N67
from duis_gateway.duis.alerts.duis_version_mismatch import N999
from duis_gateway.duis.alerts.firmware_deployment_plan import N77
from duis_gateway.duis.alerts.firmware_rollout_decision import N72
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.pilot_outcome import N75, N76
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import N74
from duis_gateway.duis.alerts.safe_launch_outcome import N69, N70
from duis_gateway.duis.alerts.safe_launch_schedule import N68
from duis_gateway.duis.alerts.split_supplier_instruction import N73

ALERTS: dict[str, AlertKind] = {
    kind.code: kind for kind in (N64, N66, N67, N68, N69, N70, N71, N72, N73, N74, N75, N76, N77, N999)
}


class AlertCode(StrEnum):
    """The codes, for programs to name them by."""

    N64 = "N64"
    """A hub now runs a firmware version."""
    N66 = "N66"
    """A CSP's default pilot list."""
    N67 = "N67"
    """A CSP's default pilot schedule."""
    N68 = "N68"
    """A CSP's safe launch schedule."""
    N69 = "N69"
    """Safe launch succeeded."""
    N70 = "N70"
    """Safe launch failed."""
    N71 = "N71"
    """Distribution to a hub, or activation there, failed."""
    N72 = "N72"
    """A roll-out decision, or hubs that DCC instructs itself."""
    N73 = "N73"
    """What the second supplier of hubs has done."""
    N74 = "N74"
    """The CSP's final decision on a group in a preferred schedule."""
    N75 = "N75"
    """The pilot succeeded."""
    N76 = "N76"
    """The pilot failed."""
    N77 = "N77"
    """The plan for the recipient's hubs: made, void, or departed from."""
    N999 = "N999"
    """Something that the recipient's DUIS version cannot express."""


VERSION_MISMATCH = N999.code

_OF_CLASS: dict[type, tuple[AlertKind, ...]] = {}
for _kind in ALERTS.values():
    _OF_CLASS[_kind.record.kind] = (*_OF_CLASS.get(_kind.record.kind, ()), _kind)


def kind_of(body: AlertBody) -> AlertKind:
    """Return the alert that this body is raised as."""
    kinds = _OF_CLASS[type(body)]
    return kinds[0] if len(kinds) == 1 else next(kind for kind in kinds if kind.tells(body))


def code_of(body: AlertBody) -> str:
    """Return the code of the alert that this body is raised as."""
    return kind_of(body).code
