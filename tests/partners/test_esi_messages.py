"""The messages of the Enterprise Systems Interface: what is written is read back, canonical and valid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import NotValid
from duis_gateway.namespaces import DS
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs.records import NO_GPF, Hub, NoGpf
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from schemas import schema_path
from tests.support.partner_bodies import ESI_BODIES, NOW

DCC = 0x90B3D51F30000002
SUPPLIER = 0x90B3D51F30010000
HUB = 0x90B3D51F30010001
SCHEMA = Schema(schema_path(esi.SCHEMA))
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"

HAND_WRITTEN = """<Message xmlns="urn:esi:1">
  <Header>
    <MessageID>DCC.1</MessageID><SenderID>90-B3-D5-1F-30-00-00-02</SenderID>
    <CreatedAt>2026-03-02T09:00:00.000Z</CreatedAt>
  </Header>
  <Body>{}</Body>
</Message>"""

RELEASE = """<FirmwareRelease>
  <FirmwareReleaseID>R1</FirmwareReleaseID><Revision>2</Revision><ReleaseType>PlannedMaintenance</ReleaseType>
  <DeviceModel><Manufacturer>106C</Manufacturer><Model>433100AC</Model></DeviceModel>
  <FirmwareVersion>00000002</FirmwareVersion><ReleaseNote>https://notes.example/R1?a=1&amp;b=2</ReleaseNote>
  <Severity>High</Severity><Priority>Normal</Priority>
  {}
  <ProvingDeviceIDList>90-B3-D5-1F-30-01-00-01</ProvingDeviceIDList>
  <Obligations>1</Obligations>
</FirmwareRelease>"""

PILOT = """<Pilot><Start>2026-04-01T00:00:00Z</Start><End>2026-06-01T00:00:00+01:00</End><Limit>300</Limit>
<SharePercent>50</SharePercent><ShareBy>2026-05-01T00:00:00Z</ShareBy></Pilot>"""


def read(body: str) -> PartnerBody:
    return esi.read_message(SCHEMA.check(HAND_WRITTEN.format(body).encode())).body


@pytest.mark.parametrize("name", sorted(esi.DIRECTIONS))
@settings(max_examples=30)
@given(data=st.data())
def test_every_body_is_canonical_valid_and_read_back(name: str, data: st.DataObject) -> None:
    body = data.draw(ESI_BODIES[name])
    raw = esi.render_message("m-1", DCC, NOW, body)
    root = SCHEMA.check(raw)
    assert etree.tostring(root, method="c14n") == raw
    message = esi.read_message(root)
    assert (message.message_id, message.sender, message.created_at) == ("m-1", DCC, NOW)
    assert message.body == body
    assert message.body_name == name


def test_a_hand_written_release_is_read() -> None:
    assert read(RELEASE.format(PILOT)) == esi.FirmwareRelease(
        release_id="R1",
        revision=2,
        release_type=ReleaseType.PLANNED_MAINTENANCE,
        manufacturer="106C",
        model="433100AC",
        firmware_version="00000002",
        release_note="https://notes.example/R1?a=1&b=2",
        severity="High",
        priority="Normal",
        pilot=PilotTerms(
            Period(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 31, 23, tzinfo=UTC)),
            limit=300,
            share_percent=50,
            share_by=datetime(2026, 5, 1, tzinfo=UTC),
        ),
        proving=(HUB,),
        obligations=True,
    )


def test_a_release_may_have_no_pilot_and_leave_the_automatic_date_open() -> None:
    release = read(RELEASE.format(""))
    assert isinstance(release, esi.FirmwareRelease)
    assert (release.pilot, release.automatic_date, release.friendly) == (None, None, ())


@pytest.mark.requirement("BR-6.4")
def test_a_decision_says_how_firm_it_is_and_by_whom() -> None:
    """BR-6.4."""
    assert read(
        "<RolloutDecision><FirmwareReleaseID>R1</FirmwareReleaseID><Decision>Delay</Decision><Reason>slow</Reason>"
        "<NewDate>2026-10-01T00:00:00Z</NewDate><DecisionStatus>Provisional</DecisionStatus>"
        "<DecidedBy>the Panel</DecidedBy></RolloutDecision>"
    ) == esi.RolloutDecision(
        "R1", RolloutAction.DELAY, "slow", Standing.PROVISIONAL, "the Panel", datetime(2026, 10, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("said", "gpf"),
    [
        ("", None),
        ("<GPFDeviceID>90-B3-D5-1F-30-01-00-02</GPFDeviceID>", HUB + 1),
        ("<GPFDeviceID/>", NO_GPF),
    ],
    ids=["left out", "named", "none"],
)
def test_an_inventory_update_names_communications_hubs(said: str, gpf: int | NoGpf | None) -> None:
    hub = Hub(HUB, "CHF", "106C", "433100AC", "1", "Commissioned", "Central", None, SUPPLIER, gpf_device_id=gpf)
    assert read(
        "<InventoryUpdate><Hub><DeviceID>90-B3-D5-1F-30-01-00-01</DeviceID><DeviceModel>"
        "<Manufacturer>106C</Manufacturer><Model>433100AC</Model></DeviceModel><FirmwareVersion>1</FirmwareVersion>"
        "<CSPRegion>Central</CSPRegion><Status>Commissioned</Status>"
        f"<GasSupplierID>90-B3-D5-1F-30-01-00-00</GasSupplierID>{said}</Hub></InventoryUpdate>"
    ) == esi.InventoryUpdate((hub,))


@pytest.mark.parametrize("name", ["BatchInstruction", "PilotSelection"])
def test_a_period_has_both_its_ends(name: str) -> None:
    who = "<GroupID>B1</GroupID>" if name == "BatchInstruction" else "<SupplierID>90-B3-D5-1F-30-01-00-00</SupplierID>"
    start, end = "<EarliestStart>2026-04-01T00:00:00Z</EarliestStart>", "<LatestEnd>2026-04-02T00:00:00Z</LatestEnd>"
    body = (
        f"<{name}><FirmwareReleaseID>R1</FirmwareReleaseID>{who}"
        f"<DeviceIDList>90-B3-D5-1F-30-01-00-01</DeviceIDList>{{}}</{name}>"
    )
    for text, period in [
        ("", None),
        (start + end, Period(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))),
    ]:
        read_body = read(body.format(text))
        assert isinstance(read_body, esi.BatchInstruction | esi.PilotSelection)
        assert read_body.period == period
    with pytest.raises(NotValid):
        read(body.format(start))


@pytest.mark.once
def test_progress_of_10000_hubs_fits_one_message() -> None:
    hubs = tuple(
        HubOutcome(n, OutcomeStage.DISTRIBUTION, False, "00000002", NOW, "no room", "a word") for n in range(10_000)
    )
    body = esi.PilotProgress("R1", "00000002", hubs)
    raw = esi.render_message("m-1", DCC, NOW, body)
    parse_document(raw, ShapeLimits(), esi.INTERFACE.element_caps(esi.DIRECTIONS))
    assert esi.read_message(SCHEMA.check(raw)).body == body
    with pytest.raises(NotValid):
        SCHEMA.check(esi.render_message("m-1", DCC, NOW, esi.PilotProgress("R1", "00000002", (*hubs, hubs[0]))))


def test_the_door_makes_room_for_what_comes_in_alone() -> None:
    """T07: what the gateway only sends is no reason to look at more elements."""
    assert {name for _, name in esi.ELEMENT_CAPS} == {"{urn:esi:1}InventoryUpdate"}


def test_a_body_of_the_other_interface_is_none_of_ours() -> None:
    body = csp.DefaultPilotList("R1", "North", (HUB,))
    with pytest.raises(ValueError, match="DefaultPilotList is not a body of urn:esi:1"):
        esi.render_message("m-1", DCC, NOW, body)
    with pytest.raises(NotValid):
        SCHEMA.check(csp.render_message("m-1", DCC, NOW, body))


def test_the_table_says_which_way_every_body_of_the_schema_goes() -> None:
    xs = "{http://www.w3.org/2001/XMLSchema}"
    tree = etree.parse(str(schema_path(esi.SCHEMA)))
    body = tree.find(f"{xs}complexType[@name='Body']/{xs}choice")
    assert body is not None
    assert [element.get("name") for element in body.findall(f"{xs}element")] == list(esi.DIRECTIONS)


@pytest.mark.requirement("PIA-S4")
@pytest.mark.parametrize("name", [csp.SCHEMA, esi.SCHEMA])
def test_the_schemas_are_complete_by_themselves_and_xsd_1_0(name: str) -> None:
    """PIA-S4: they load in an XML appliance. A second engine loads them, with nothing from outside the folder."""
    schema = xmlschema.XMLSchema10(str(schema_path(name)), allow="sandbox", defuse="always")
    assert sorted(schema.maps.namespaces) == sorted({XS, XSI, XML, DS, schema.target_namespace})
    assert list(schema.elements) == ["Message"]


def test_what_both_schemas_say_is_the_same() -> None:
    """The two files stand alone, so what they share is written twice."""
    types: list[dict[str, bytes]] = []
    for name, prefix in ((csp.SCHEMA, "c:"), (esi.SCHEMA, "e:")):
        root = etree.parse(str(schema_path(name))).getroot()
        types.append(
            {
                str(child.get("name")): etree.tostring(child, method="c14n", exclusive=True).replace(
                    f'"{prefix}'.encode(), b'":'
                )
                for child in root
                if child.get("name") not in (None, "Body")
            }
        )
    shared = types[0].keys() & types[1].keys()
    assert {"Message", "Header", "Acknowledgement", "DeviceIDList", "Part", "PilotTerms", "Time"} <= shared
    assert {name for name in shared if types[0][name] != types[1][name]} == set()
