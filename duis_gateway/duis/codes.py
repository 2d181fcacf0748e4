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
    """A response code: what it says, the first DUIS version whose schema has it, and what the requester can do."""

    code: str
    meaning: str
    since: Decimal = DUIS_5_0
    remedy: str = ""


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
    LIST_RELEASE_NOT_LIVE: "the release is unknown or over, its pilot was invalidated, or it has another version",
    LIST_NO_HUB_ACCEPTABLE: "no hub is acceptable; they are listed",
    LIST_WINDOW_CLOSED: "the pilot window is closed",
    LIST_TOO_MANY_HUBS: "the pilot group is larger than the release allows",
    LIST_TOO_LATE: "received later than one month before the automatic date, or hubs already under way would be "
    "stopped",
    LIST_CONSTRAINT_NOT_OFFERED: "a constraint was not offered",
    LIST_NO_PILOT: "the release has no pilot",
    LIST_TOO_FEW_HUBS: "the pilot group is smaller than the release's minimum",
    SCHEDULE_PARTLY_ACCEPTED: "accepted for some hubs; the others are listed",
    SCHEDULE_RELEASE_NOT_LIVE: "the release is unknown or over, its pilot was invalidated, or it has another version",
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

_OVER = "check the FirmwareReleaseID; for a release that is over nothing can be chosen or instructed any more"
_OTHER_HUBS = "mend what is said of each hub, or name other hubs"
_LATER = "instruct the hubs in SafeLaunch groups (11.6), or leave them to the automatic date"
_LEFT = "leave the hubs to the automatic date; hubs under way stay in the groups that they are in"

_REMEDIES = {
    NO_SUCH_ROLE: "ask whoever runs the gateway in which roles you are registered",
    ROLE_NOT_ENTITLED: "send a Service Request that the role may send and that this gateway serves",
    USER_SUSPENDED: "ask whoever runs the gateway: nothing of yours is taken until the suspension ends",
    NOT_RESPONSIBLE: "ask about your own devices; if this is one, DCC's inventory has to be corrected",
    COMMAND_VARIANT: "send it with Command Variant 8",
    WRONG_URL: "send it to the URL of its own service",
    NO_SUCH_DEVICE: "check the device's EUI-64, and that the target in the RequestID is this gateway's",
    LIST_PARTLY_ACCEPTED: "nothing for the hubs that were accepted; for the others, " + _OTHER_HUBS,
    LIST_RELEASE_NOT_LIVE: _OVER,
    LIST_NO_HUB_ACCEPTABLE: _OTHER_HUBS,
    LIST_WINDOW_CLOSED: _LATER,
    LIST_TOO_MANY_HUBS: "name fewer hubs: the release says how many the pilot takes of each supplier",
    LIST_TOO_LATE: _LEFT,
    LIST_NO_PILOT: _LATER,
    LIST_TOO_FEW_HUBS: "name more hubs: the release says how many the pilot needs of each supplier",
    SCHEDULE_PARTLY_ACCEPTED: "nothing for the hubs that were accepted; for the others, " + _OTHER_HUBS,
    SCHEDULE_RELEASE_NOT_LIVE: _OVER,
    SCHEDULE_NO_HUB_ACCEPTABLE: _OTHER_HUBS + "; a group to be cancelled is named as it was sent",
    SCHEDULE_WINDOW_CLOSED: _LATER,
    SCHEDULE_TOO_MANY_HUBS: "instruct fewer hubs: the release says how many the pilot takes of each supplier",
    SCHEDULE_BAD_PERIOD: (
        "name a period that ends before the automatic date, and that lies within the pilot and what the CSPs offer "
        "(stage Pilot) or begins after the pilot (SafeLaunch); hubs under way stay in the groups that they are in"
    ),
    SCHEDULE_CONSTRAINT_NOT_OFFERED: "name constraints that the CSP of each hub's region offers",
    SCHEDULE_NO_PILOT: _LATER,
    SCHEDULE_NOT_ON_PREFERRED_LIST: "put the hubs on the preferred list first (11.5), or leave them out of the group",
    SCHEDULE_HUB_IN_TWO_GROUPS: "name each hub in one group; to move it, send the group that has it without it",
}

RESPONSE_CODES: dict[str, ResponseCode] = {
    code: ResponseCode(code, meaning, since, _REMEDIES.get(code, ""))
    for since, meanings in ((DUIS_5_0, _COMMON), (DUIS_6_0, _OPTION_1))
    for code, meaning in meanings.items()
}
"""Every code of the Service Requests served; all but those of `NEVER_RAISED` are emitted."""

NEVER_RAISED = frozenset({DEVICE_STATUS, LIST_CONSTRAINT_NOT_OFFERED})
"""Codes that stand in the table and that nothing here answers with.

None of the Service Requests served looks at the status of a single device (E5), and 11.5 carries no constraints
(E110506).
"""
