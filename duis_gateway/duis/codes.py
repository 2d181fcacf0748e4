"""The response codes that the gateway answers with, and since which DUIS version each may be used.

Source: DUIS V5.4 for the common codes; design section 5 for those of 11.5 and 11.6, which are provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from duis_gateway.namespaces import DUIS_5_0, DUIS_6_0

SUCCESS = "I0"
ACKNOWLEDGED = "I99"
NO_SUCH_ROLE = "E1"
ROLE_NOT_ENTITLED = "E2"
USER_SUSPENDED = "E3"
NOT_RESPONSIBLE = "E4"
DEVICE_STATUS = "E5"
COMMAND_VARIANT = "E12"
WRONG_URL = "E13"
NO_SUCH_DEVICE = "E19"

LIST_PARTLY_ACCEPTED = "W110501"
LIST_RELEASE_NOT_LIVE = "E110501"
LIST_NO_HUB_ACCEPTABLE = "E110502"
LIST_WINDOW_CLOSED = "E110503"
LIST_TOO_MANY_HUBS = "E110504"
LIST_TOO_LATE = "E110505"
LIST_CONSTRAINT_NOT_OFFERED = "E110506"
LIST_NO_PILOT = "E110507"
LIST_TOO_FEW_HUBS = "E110510"

SCHEDULE_PARTLY_ACCEPTED = "W110601"
SCHEDULE_RELEASE_NOT_LIVE = "E110601"
SCHEDULE_NO_HUB_ACCEPTABLE = "E110602"
SCHEDULE_WINDOW_CLOSED = "E110603"
SCHEDULE_TOO_MANY_HUBS = "E110604"
SCHEDULE_BAD_PERIOD = "E110605"
SCHEDULE_CONSTRAINT_NOT_OFFERED = "E110606"
SCHEDULE_NO_PILOT = "E110607"
SCHEDULE_NOT_ON_PREFERRED_LIST = "E110608"
SCHEDULE_HUB_IN_TWO_GROUPS = "E110609"


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """A response code: what it says, and the first DUIS version whose schema has it."""

    code: str
    meaning: str
    since: Decimal = DUIS_5_0


_COMMON = {
    SUCCESS: "success",
    ACKNOWLEDGED: "accepted; there is nothing specific to return",
    NO_SUCH_ROLE: "the user has no such role",
    ROLE_NOT_ENTITLED: "the role may not send this Service Request, or it is not served here",
    USER_SUSPENDED: "the user is suspended",
    NOT_RESPONSIBLE: "the user is not responsible for the device",
    DEVICE_STATUS: "the status of the device does not permit the Service Request",
    COMMAND_VARIANT: "the command variant does not apply to the Service Request",
    WRONG_URL: "the Service Request was sent to the URL of another service",
    NO_SUCH_DEVICE: "the device does not exist, or the target is not this gateway",
}

_OPTION_1 = {
    LIST_PARTLY_ACCEPTED: "accepted for some hubs; the others are listed",
    LIST_RELEASE_NOT_LIVE: "the release is unknown, revoked, withdrawn, superseded, stopped or closed",
    LIST_NO_HUB_ACCEPTABLE: "no hub is acceptable; they are listed",
    LIST_WINDOW_CLOSED: "the pilot window is closed",
    LIST_TOO_MANY_HUBS: "the pilot group is larger than the release allows",
    LIST_TOO_LATE: "received later than one month before the automatic date, or hubs already under way would be "
    "stopped",
    LIST_CONSTRAINT_NOT_OFFERED: "a constraint was not offered",
    LIST_NO_PILOT: "the release has no pilot",
    LIST_TOO_FEW_HUBS: "the pilot group is smaller than the release's minimum",
    SCHEDULE_PARTLY_ACCEPTED: "accepted for some hubs; the others are listed",
    SCHEDULE_RELEASE_NOT_LIVE: "the release is unknown, revoked, withdrawn, superseded, stopped or closed",
    SCHEDULE_NO_HUB_ACCEPTABLE: "no hub is acceptable (they are listed), or there is no such group to cancel",
    SCHEDULE_WINDOW_CLOSED: "the pilot window is closed",
    SCHEDULE_TOO_MANY_HUBS: "the pilot group is larger than the release allows",
    SCHEDULE_BAD_PERIOD: (
        "received too late, or a period is wrong or outside what the CSP offered, or hubs already under way would be "
        "stopped (they are listed)"
    ),
    SCHEDULE_CONSTRAINT_NOT_OFFERED: "a scheduling constraint was not offered",
    SCHEDULE_NO_PILOT: "the release has no pilot",
    SCHEDULE_NOT_ON_PREFERRED_LIST: "a pilot group names hubs that are not on the supplier's preferred list",
    SCHEDULE_HUB_IN_TWO_GROUPS: "a hub is in two groups",
}

RESPONSE_CODES: dict[str, ResponseCode] = {
    **{code: ResponseCode(code, meaning) for code, meaning in _COMMON.items()},
    **{code: ResponseCode(code, meaning, DUIS_6_0) for code, meaning in _OPTION_1.items()},
}
"""Every code of the Service Requests served; all but those of `NEVER_RAISED` are emitted."""

NEVER_RAISED = frozenset({DEVICE_STATUS, LIST_CONSTRAINT_NOT_OFFERED})
"""Codes that stand in the table and that nothing here answers with.

None of the Service Requests served looks at the status of a single device (E5), and 11.5 carries no constraints
(E110506).
"""
