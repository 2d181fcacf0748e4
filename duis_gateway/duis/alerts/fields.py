"""The elements that several alerts have, as they are read."""

from __future__ import annotations

from duis_gateway.duis.eui import Eui
from duis_gateway.duis.times import format_date_time, parse_date_time
from duis_gateway.partners.xml import COUNT, TEXT, Field, Inline, Record, Scalar
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import HubCounts

TIME = Scalar(parse_date_time, format_date_time)
RELEASE = Field("FirmwareReleaseID", "release_id", TEXT)
VERSION = Field("FirmwareVersion", "firmware_version", TEXT)
REGION = Field("CSPRegion", "csp_region", TEXT)
DEVICE = Field("DeviceID", "device_id", Scalar(Eui, str))
DEVICES = Field(
    "DeviceIDList",
    "device_ids",
    Scalar(lambda text: tuple(map(Eui, text.split(","))), lambda ids: ",".join(map(str, map(Eui, ids)))),
    optional=True,
)
REASON = Field("Reason", "reason", TEXT, optional=True)
COMMENTARY = Field("Commentary", "commentary", TEXT, optional=True)
PERIOD = Inline("period", Record(Period, Field("EarliestStart", "start", TIME), Field("LatestEnd", "end", TIME)))
GROUPS = Field(
    "DeploymentGroup",
    "groups",
    Record(DefaultGroup, Field("GroupID", "group_id", TEXT), DEVICES, PERIOD),
    many=True,
)
CONSTRAINTS = Field(
    "OfferedConstraint",
    "constraints",
    Record(
        OfferedConstraint,
        Field("Code", "code", TEXT),
        Field("Description", "description", TEXT, optional=True),
        given={"description": ""},
    ),
    many=True,
)
COUNTS = Inline(
    "counts",
    Record(
        HubCounts,
        Field("HubsTargeted", "targeted", COUNT),
        Field("HubsActivated", "activated", COUNT),
        Field("HubsFailed", "failed", COUNT),
    ),
)
