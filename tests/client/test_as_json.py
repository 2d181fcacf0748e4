"""JSON and XML are one message in two forms: every example goes there and back, whatever the order of its members."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from duis_gateway.client import CannotSend
from duis_gateway.client.as_json import from_json, to_json
from duis_gateway.namespaces import CSP, ESI, SR
from tests.support.examples import signed_examples
from tests.support.examples_duis import Example

pytestmark = pytest.mark.requirement("EX-8")

EXAMPLES = signed_examples()
BODIES = [one for one in EXAMPLES if etree.fromstring(one.content).tag != f"{{{SR}}}Response"]


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


@pytest.mark.parametrize("example", BODIES, ids=lambda one: one.name)
def test_a_body_becomes_json_and_the_same_body_again(example: Example) -> None:
    root = etree.fromstring(example.content)
    (body,) = root.iterfind("{*}Body/*")
    (whole,) = to_json(root).values()
    assert isinstance(whole, dict)
    told = json.loads(json.dumps(whole["Body"], sort_keys=True))  # and in another order
    again = from_json(told, etree.QName(body).namespace or "")
    assert etree.tostring(again, method="c14n") == canonical(body)


def test_an_alert_as_json() -> None:
    (n64,) = (one for one in EXAMPLES if one.name == "duis-N64")
    found: Any = to_json(etree.fromstring(n64.content))
    message = found["Response"]["Body"]["DCCAlertMessage"]
    assert found["Response"]["schemaVersion"] == "6.0"
    assert message["DCCAlertCode"] == "N64"
    assert message["DCCAlert"]["CommsHubFirmwareActivation"]["FirmwareVersion"] == "9002"


def test_lists_numbers_and_booleans_are_those_of_json() -> None:
    by_name = {one.name: to_json(etree.fromstring(one.content)) for one in EXAMPLES}
    request: Any = by_name["duis-11.6-request"]
    (group,) = request["Request"]["Body"]["PreferredPilotSchedule"]["DeploymentGroup"]
    assert group["DeviceIDList"][0] == "00-DB-12-34-56-00-00-02"
    assert group["SchedulingConstraint"] == ["NIGHT"], "what may come again is an array"
    incident: Any = by_name["esi-Incident"]
    assert incident["Message"]["Body"]["Incident"]["EmergencyStopRequested"] is True
    release: Any = by_name["esi-FirmwareRelease"]
    assert release["Message"]["Body"]["FirmwareRelease"]["Revision"] == 1


@pytest.mark.parametrize(
    ("value", "namespace", "reason"),
    [
        ([], SR, "one member"),
        ({"NoSuch": {}}, SR, "no message 'NoSuch'; there are .*ReadInventory"),
        ({"ReadInventor": {}}, SR, r"no message 'ReadInventor'; did you mean ReadInventory\?"),
        ({"DefaultPilotList": {}}, ESI, "no message 'DefaultPilotList'; "),
        ({"ReadInventory": {"DeviceIDs": "x"}}, SR, "ReadInventory has no member 'DeviceIDs'; it has UPRN, DeviceID"),
        ({"ReadInventory": {"DeviceID": None}}, SR, "ReadInventory.DeviceID must be a string"),
        ({"ReadInventory": "x"}, SR, "ReadInventory must be an object"),
        ({"DefaultPilotList": {"DeviceIDList": {"DeviceID": []}}}, CSP, "DeviceIDList must be an array of EUI-64s"),
        ({"DefaultPilotList": {"DeviceIDList": [1]}}, CSP, "DefaultPilotList.DeviceIDList must be an array of EUI-64s"),
        (
            {"PreferredPilotSchedule": {"DeploymentGroup": [{}, {"Group": 1}]}},
            SR,
            r"PreferredPilotSchedule.DeploymentGroup\[1\] has no member 'Group'",
        ),
    ],
)
def test_what_no_message_can_carry_is_named(value: object, namespace: str, reason: str) -> None:
    with pytest.raises(CannotSend, match=reason):
        from_json(value, namespace)
