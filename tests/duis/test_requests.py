"""Service Requests: from a proven, schema-valid document to what the rules read, or a refusal that says where."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from lxml import etree

from duis_gateway.duis.identifiers import RequestId, format_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import PreferredPilotSchedule
from duis_gateway.duis.service_requests.read_inventory import ReadInventory
from duis_gateway.duis.service_requests.request import read_request_id, read_service_request, schema_version_of
from duis_gateway.duis.service_requests.service import Unserved
from duis_gateway.duis.service_requests.table import BODY_CHAPTERS, ELEMENT_CAPS, SERVED, body_belongs
from duis_gateway.errors import NotValid
from duis_gateway.namespaces import DUIS_5_0, DUIS_6_0, sr
from duis_gateway.parties.records import Role
from duis_gateway.rollout.releases.records import Period, Stage
from schemas import schema_path
from tests.support.duis import (
    GATEWAY,
    HUB,
    HUB_TEXT,
    OTHER_TEXT,
    PILOT_LIST,
    REQUEST_ID,
    SUPPLIER,
    duis_schema,
    group_xml,
    read,
    request_xml,
    schedule_xml,
)

RELEASE = "<sr:FirmwareReleaseID>R-1</sr:FirmwareReleaseID><sr:FirmwareVersion>9002</sr:FirmwareVersion>"


def root_of(document: bytes) -> etree._Element:
    return etree.fromstring(document)


def refused(document: bytes) -> NotValid:
    """The refusal of a document that the schema accepts."""
    with pytest.raises(NotValid) as caught:
        read(document)
    return caught.value


def test_the_header_is_read_and_the_request_id_kept_as_sent() -> None:
    request = read(request_xml())
    assert request.request_id == RequestId(SUPPLIER, GATEWAY, 1000)
    assert request.request_id_as_sent == REQUEST_ID
    assert (request.service_reference, request.service_reference_variant, request.command_variant) == ("8.2", "8.2", 8)
    assert request.schema_version == DUIS_6_0


def test_blanks_that_the_schema_allows_around_values_are_dropped() -> None:
    request = read(request_xml(request_id=f"\n {REQUEST_ID}\t", command_variant=" 08 ", version=" 6.00 "))
    assert request.request_id_as_sent == REQUEST_ID
    assert (request.command_variant, str(request.schema_version)) == (8, "6.0")


def test_8_2_by_device() -> None:
    request = read(request_xml(f"<sr:ReadInventory><sr:DeviceID> {HUB_TEXT.lower()} </sr:DeviceID></sr:ReadInventory>"))
    assert request.body == ReadInventory(HUB)
    assert request.as_sent == {HUB: HUB_TEXT.lower()}


@pytest.mark.parametrize(
    ("by", "content"),
    [
        ("UPRN", "123456789012"),
        ("MPxN", "1234567890123"),
        ("PropertyFilter", "<sr:PostCode>AB1 2CD</sr:PostCode><sr:AddressIdentifier>1</sr:AddressIdentifier>"),
    ],
)
def test_8_2_by_other_filters(by: str, content: str) -> None:
    request = read(request_xml(f"<sr:ReadInventory><sr:{by}>{content}</sr:{by}></sr:ReadInventory>"))
    assert request.body == ReadInventory(None, by)


def test_11_5_with_a_whole_list() -> None:
    request = read(request_xml(PILOT_LIST, "11.5"))
    assert request.body == PreferredPilotList("R-1", "9002", device_ids=(HUB, HUB + 1))
    assert request.as_sent == {HUB: HUB_TEXT, HUB + 1: OTHER_TEXT}


@pytest.mark.parametrize(
    ("amendments", "add", "remove"),
    [
        ("", (), ()),
        (f"<sr:AddDeviceIDList>{HUB_TEXT}</sr:AddDeviceIDList>", (HUB,), ()),
        (f"<sr:RemoveDeviceIDList>{OTHER_TEXT}</sr:RemoveDeviceIDList>", (), (HUB + 1,)),
        (
            f"<sr:AddDeviceIDList>{HUB_TEXT}</sr:AddDeviceIDList>"
            f"<sr:RemoveDeviceIDList>{OTHER_TEXT}</sr:RemoveDeviceIDList>",
            (HUB,),
            (HUB + 1,),
        ),
    ],
)
def test_11_5_with_amendments(amendments: str, add: tuple[int, ...], remove: tuple[int, ...]) -> None:
    request = read(request_xml(f"<sr:PreferredPilotList>{RELEASE}{amendments}</sr:PreferredPilotList>", "11.5"))
    assert request.body == PreferredPilotList("R-1", "9002", device_ids=None, add=add, remove=remove)


def test_11_5_takes_a_list_or_amendments_but_not_both() -> None:
    both = PILOT_LIST.replace("</sr:PreferredPilotList>", f"<sr:AddDeviceIDList>{HUB_TEXT}</sr:AddDeviceIDList>")
    with pytest.raises(NotValid):
        read(request_xml(both + "</sr:PreferredPilotList>", "11.5"))


@pytest.mark.requirement("PIA-A6", "BR-3.8")
def test_11_5_with_50_000_hubs_and_not_one_more() -> None:
    """BR-3.8."""
    texts = [format_eui(HUB + number) for number in range(50_001)]
    body = "<sr:PreferredPilotList>{}<sr:DeviceIDList>{}</sr:DeviceIDList></sr:PreferredPilotList>"
    request = read(request_xml(body.format(RELEASE, ",".join(texts[:-1])), "11.5"))
    assert isinstance(request.body, PreferredPilotList)
    assert request.body.device_ids == tuple(range(HUB, HUB + 50_000))
    with pytest.raises(NotValid):
        read(request_xml(body.format(RELEASE, ",".join(texts)), "11.5"))


@pytest.mark.requirement("BR-0.4")
def test_11_6_with_groups() -> None:
    more = (
        "<sr:SchedulingConstraint>NIGHT</sr:SchedulingConstraint><sr:SchedulingConstraint>C2</sr:SchedulingConstraint>"
    )
    document = request_xml(schedule_xml(group_xml(more=more), group_xml("G 2", OTHER_TEXT, stage="SafeLaunch")), "11.6")
    request = read(document)
    assert isinstance(request.body, PreferredPilotSchedule)
    first, second = request.body.groups
    period = Period(datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC))
    assert (first.group_id, first.stage, first.device_ids, first.period) == ("G1", Stage.PILOT, (HUB,), period)
    assert first.constraints == ("NIGHT", "C2")
    assert (second.group_id, second.stage, second.constraints) == ("G 2", Stage.SAFE_LAUNCH, ())
    assert request.as_sent == {HUB: HUB_TEXT, HUB + 1: OTHER_TEXT}


def test_11_6_keeps_a_hub_in_two_groups_for_the_rules_and_echoes_its_first_spelling() -> None:
    request = read(request_xml(schedule_xml(group_xml(), group_xml("G2", HUB_TEXT.lower())), "11.6"))
    assert isinstance(request.body, PreferredPilotSchedule)
    assert [group.device_ids for group in request.body.groups] == [(HUB,), (HUB,)]
    assert request.as_sent == {HUB: HUB_TEXT}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("\u202e1", "it has the control character U+202E"),
        ("G&#x2028;", "it has the control character U+2028"),
        ("&#10;", "it has the control character U+000A"),
        (" ", "it begins or ends with a space"),
    ],
)
def test_a_group_has_a_name_that_can_be_shown(name: str, said: str) -> None:
    """What stands under such a name already can be taken back by it."""
    (finding,) = refused(request_xml(schedule_xml(group_xml(), group_xml(name, OTHER_TEXT)), "11.6")).findings
    assert finding.path == "/sr:Request/sr:Body/sr:PreferredPilotSchedule/sr:DeploymentGroup[2]/sr:GroupID"
    assert finding.reason == said
    cancelled = f"<sr:CancelledGroup><sr:GroupID>{name}</sr:GroupID><sr:Stage>Pilot</sr:Stage></sr:CancelledGroup>"
    body = read(request_xml(schedule_xml(cancelled), "11.6")).body
    assert isinstance(body, PreferredPilotSchedule)
    assert len(body.cancelled) == 1


@pytest.mark.parametrize(
    "start",
    ["2026-12-01T00:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "12026-01-01T00:00:00Z"],
)
def test_a_time_without_a_zone_or_out_of_this_world_is_refused(start: str) -> None:
    """T46."""
    document = request_xml(schedule_xml(group_xml(), group_xml("G2", OTHER_TEXT, start=start)), "11.6")
    (finding,) = refused(document).findings
    assert finding.path == "/sr:Request/sr:Body/sr:PreferredPilotSchedule/sr:DeploymentGroup[2]/sr:EarliestStart"
    assert finding.line == 1


def test_no_more_than_ten_bad_times_are_reported() -> None:
    groups = [group_xml(f"G{number}", end="2026-12-08T00:00:00") for number in range(25)]
    assert len(refused(request_xml(schedule_xml(*groups), "11.6")).findings) == 10


def test_the_line_of_a_finding_is_that_of_the_document() -> None:
    document = request_xml(schedule_xml("\n", group_xml(end="2026-12-08T00:00:00")), "11.6")
    assert refused(document).findings[0].line == 2


def test_a_path_has_the_usual_prefix_whatever_the_sender_uses() -> None:
    document = request_xml(request_id=REQUEST_ID.replace(":1000", ":0"))
    document = document.replace(b"sr:", b"").replace(b"xmlns:sr=", b"xmlns=")
    assert refused(document).findings[0].path == "/sr:Request/sr:Header/sr:RequestID"


def test_counter_0_is_refused_though_the_schema_has_it() -> None:
    """T43."""
    assert "counter" in refused(request_xml(request_id=REQUEST_ID.replace(":1000", ":0"))).detail


def test_the_highest_counter_is_read() -> None:
    """T43."""
    highest = 2**64 - 1
    assert read(request_xml(request_id=REQUEST_ID.replace(":1000", f":{highest}"))).request_id.counter == highest


@pytest.mark.parametrize(
    ("reference", "body"),
    [
        ("11.5", "<sr:ReadInventory><sr:UPRN>1</sr:UPRN></sr:ReadInventory>"),
        ("8.2", PILOT_LIST),
        ("8.2", "<sr:UpdateInventory/>"),
        ("8.4", "<sr:ReadInventory><sr:UPRN>1</sr:UPRN></sr:ReadInventory>"),
        ("11.6", PILOT_LIST),
        ("11.1", PILOT_LIST),
        ("11.1", "<sr:ReadFirmwareVersion/>"),
        ("11.3", "<sr:EnableSupply/>"),
        ("8.2", "<sr:SignedPreCommand/>"),
    ],
)
def test_a_body_that_is_not_that_of_the_service_reference_is_refused(reference: str, body: str) -> None:
    """T44: the schema binds no body to a reference."""
    error = refused(request_xml(body, reference))
    assert error.findings[0].path.startswith("/sr:Request/sr:Body/sr:")


@pytest.mark.parametrize(
    ("reference", "variant", "body"),
    [("8.2", "8.3", "ReadInventory"), ("4.1", "4.10", "ReadNetworkData"), ("11.5", "11.6", "PreferredPilotList")],
)
def test_a_variant_of_another_service_reference_is_refused(reference: str, variant: str, body: str) -> None:
    content = {"ReadInventory": "<sr:UPRN>1</sr:UPRN>", "PreferredPilotList": RELEASE}.get(body, "")
    document = request_xml(f"<sr:{body}>{content}</sr:{body}>", reference, variant=variant)
    assert refused(document).findings[0].path == "/sr:Request/sr:Header/sr:ServiceReferenceVariant"


@pytest.mark.parametrize(
    ("reference", "variant", "body"),
    [
        ("11.1", "11.1", "UpdateFirmware"),
        ("4.1", "4.1.3", "ReadInstantaneousImportBlockCounters"),
        ("11.3", "11.3", "SignedPreCommand"),
        ("14.1", "14.1", "RecordNetworkDataGAS"),
    ],
)
def test_what_is_valid_and_not_served_is_read_as_such(reference: str, variant: str, body: str) -> None:
    assert read(request_xml(f"<sr:{body}/>", reference, variant=variant)).body == Unserved(body)


@pytest.mark.parametrize(
    ("text", "version"),
    [("5.0", "5.0"), ("5", "5.0"), ("5.10", "5.1"), ("5.4", "5.4"), ("+5.40", "5.4"), ("6.", "6.0"), (" 6.0\n", "6.0")],
)
def test_versions_are_compared_as_numbers(text: str, version: str) -> None:
    assert schema_version_of(root_of(request_xml(version=text))) == Decimal(version)


@pytest.mark.parametrize(
    "text",
    ["", "9.9", "5.5", "-5.0", "5.4.1", "6e0", "NaN", "Infinity", "٥.٤", "5_0", "1" * 5000],
)
def test_an_unknown_version_is_refused(text: str) -> None:
    """T44."""
    with pytest.raises(NotValid) as caught:
        schema_version_of(root_of(request_xml(version=text)))
    assert caught.value.findings[0].path == "/sr:Request"
    assert len(caught.value.detail) < 300


def test_a_missing_version_is_refused() -> None:
    with pytest.raises(NotValid):
        schema_version_of(root_of(request_xml().replace(b' schemaVersion="6.0"', b"")))


@pytest.mark.parametrize(
    "document",
    [
        request_xml(request_id="90-B3-D5-1F-30-01-00-00:1"),
        request_xml(request_id=""),
        request_xml(request_id=REQUEST_ID.replace(":1000", ":01")),
        request_xml(request_id=REQUEST_ID.replace(":1000", ":18446744073709551616")),
        request_xml(request_id=REQUEST_ID.replace(":1000", ":-1")),
        request_xml(request_id=REQUEST_ID.replace(":1000", ":١")),
        request_xml().replace(b"sr:RequestID", b"sr:ResponseID"),
        request_xml().replace(b"sr:Header>", b"sr:Kopf>"),
        request_xml().replace(b"sr:Request", b"sr:Response"),
        b"<Request/>",
    ],
)
def test_a_document_without_a_request_id_is_refused_before_its_schema_is_looked_at(document: bytes) -> None:
    """T43: the exact grammar, and a refusal of the sender's fault, never an error of ours."""
    with pytest.raises(NotValid):
        read_request_id(root_of(document))


def test_the_request_id_is_read_before_the_schema_is_looked_at() -> None:
    assert read_request_id(root_of(request_xml("<sr:Nonsense/>", "0.0"))) == RequestId(SUPPLIER, GATEWAY, 1000)


def test_even_a_document_that_skipped_its_schema_is_refused_in_the_sender_s_terms() -> None:
    for cut in (b"<sr:Body>", b"<sr:ServiceReference>8.2</sr:ServiceReference>"):
        document = request_xml().replace(cut, b"" if b"Reference" in cut else b"<sr:Body/><sr:Rumpf>")
        document = document.replace(b"</sr:Body>", b"</sr:Rumpf>") if b"Rumpf" in document else document
        with pytest.raises(NotValid):
            read_service_request(root_of(document))


def test_what_is_served_is_what_the_schemas_of_its_version_know() -> None:
    assert set(SERVED) == {"8.2", "11.5", "11.6"}
    for service in SERVED.values():
        assert service.roles == {Role.IMPORT_SUPPLIER, Role.GAS_SUPPLIER}
        assert service.command_variants == {8}
        assert ELEMENT_CAPS[sr("Request"), sr(service.body)] == service.elements
        assert body_belongs(service.reference, service.body)
    document = request_xml(PILOT_LIST, "11.5", version="5.4")
    assert SERVED["11.5"].since == DUIS_6_0
    assert SERVED["8.2"].since == DUIS_5_0
    with pytest.raises(NotValid):
        duis_schema("5.1").check(document)


def test_the_largest_ordinary_requests_stay_below_their_element_caps() -> None:
    """T07: the caps hold off floods, not users. A signature adds 15 elements."""
    groups = [group_xml(f"G{number}") for number in range(1_500)]
    for reference, document in {
        "8.2": request_xml(),
        "11.5": request_xml(PILOT_LIST, "11.5"),
        "11.6": request_xml(schedule_xml(*groups), "11.6"),
    }.items():
        assert sum(1 for _ in root_of(document).iter()) + 15 <= SERVED[reference].elements


def test_every_body_of_the_schema_has_a_chapter() -> None:
    schema = etree.parse(str(schema_path("duis/6.0")))
    names = schema.xpath(
        "//*[@name='Request']//*[@name='Body']//*[local-name()='choice']/*/@name",
    )
    assert isinstance(names, list)
    assert {str(name) for name in names} == {*BODY_CHAPTERS, "SignedPreCommand"}
