"""The messages of the CSP Management Gateway: what is written is read back, canonical and valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.identifiers import MessageId
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import NotSafeXml, NotValid
from duis_gateway.namespaces import CSP
from duis_gateway.partners.messages import (
    Acknowledgement,
    AcknowledgementStatus,
    Direction,
    Part,
    PartnerBody,
    split_list,
)
from duis_gateway.rollout.activations.records import ActivationRequest, OutcomeStage
from duis_gateway.rollout.releases.records import DefaultGroup, DefaultSchedule, OfferedConstraint, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from schemas import schema_path
from tests.support.partner_bodies import CSP_BODIES, NOW, many_outcomes

SENDER = 0x90B3D51F30000007
HUB, OTHER = 0x90B3D51F30010001, 0xFFFFFFFFFFFFFFFE
SCHEMA = Schema(schema_path(csp.SCHEMA))

HAND_WRITTEN = """<?xml version="1.0" encoding="UTF-8"?>
<c:Message xmlns:c="urn:csp-mgmt-gw:1">
  <c:Header>
    <c:MessageID>CSP-North:2026-03-02.1</c:MessageID>
    <c:SenderID>90-b3-d5-1f-30-00-00-07</c:SenderID>
    <c:CreatedAt>2026-03-02T10:00:00+01:00</c:CreatedAt>
  </c:Header>
  <c:Body>
    {}
  </c:Body>
</c:Message>"""


def read(body: str) -> PartnerBody:
    return csp.read_message(SCHEMA.check(HAND_WRITTEN.format(body).encode())).body


@pytest.mark.parametrize("name", sorted(csp.DIRECTIONS))
@settings(max_examples=30)
@given(data=st.data())
def test_every_body_is_canonical_valid_and_read_back(name: str, data: st.DataObject) -> None:
    body = data.draw(CSP_BODIES[name])
    raw = csp.render_message("m-1", SENDER, NOW, body)
    root = SCHEMA.check(raw)
    assert etree.tostring(root, method="c14n") == raw
    message = csp.read_message(root)
    assert (message.message_id, message.sender, message.created_at) == ("m-1", SENDER, NOW)
    assert message.body == body
    assert message.body_name == name


@pytest.mark.parametrize("name", sorted(csp.DIRECTIONS))
@settings(max_examples=30)
@given(data=st.data())
def test_a_body_alone_is_the_same_element(name: str, data: st.DataObject) -> None:
    body = data.draw(CSP_BODIES[name])
    raw = csp.render_body(body)
    assert etree.tostring(etree.fromstring(raw), method="c14n") == raw
    inside = raw.replace(f' xmlns="{CSP}"'.encode(), b"", 1)
    assert b"<Body>" + inside + b"</Body>" in csp.render_message("m-1", SENDER, NOW, body)


def test_a_hand_written_list_is_read_with_its_duplicates_once() -> None:
    body = read(
        "<c:DefaultPilotList><c:Part ListID='L1' Number='2' Of='3'/><c:FirmwareReleaseID>R1</c:FirmwareReleaseID>"
        "<c:CSPRegion>4G North</c:CSPRegion><c:DeviceIDList>90-B3-D5-1F-30-01-00-01,FF-FF-FF-FF-FF-FF-FF-FE,"
        "90-b3-d5-1f-30-01-00-01</c:DeviceIDList></c:DefaultPilotList>"
    )
    assert body == csp.DefaultPilotList("R1", "4G North", (HUB, OTHER), Part("L1", 2, 3))


def test_a_hand_written_schedule_is_read() -> None:
    body = read(
        "<c:DefaultPilotSchedule><c:FirmwareReleaseID>R1</c:FirmwareReleaseID><c:CSPRegion>South</c:CSPRegion>"
        "<c:DeploymentGroup><c:GroupID>G 1</c:GroupID><c:EarliestStart>2026-03-02T10:00:00+01:00</c:EarliestStart>"
        "<c:LatestEnd> 2026-03-03T09:00:00Z </c:LatestEnd></c:DeploymentGroup>"
        "<c:OfferedConstraint><c:Code>NIGHT</c:Code><c:Description>0 to 5 &amp; quiet</c:Description>"
        "</c:OfferedConstraint></c:DefaultPilotSchedule>"
    )
    assert isinstance(body, csp.DefaultPilotSchedule)
    group = DefaultGroup("G 1", Period(NOW, NOW + timedelta(days=1)))
    constraint = OfferedConstraint("NIGHT", "0 to 5 & quiet")
    assert body.schedule == DefaultSchedule("R1", "South", Stage.PILOT, (group,), (constraint,))


def test_a_message_says_who_sent_it_and_when_in_utc() -> None:
    raw = HAND_WRITTEN.format(
        "<c:Acknowledgement><c:MessageID>x</c:MessageID><c:Status>Refused</c:Status>"
        "<c:Code>NotServed</c:Code></c:Acknowledgement>"
    ).encode()
    message = csp.read_message(SCHEMA.check(raw))
    assert (message.message_id, message.sender, message.created_at) == ("CSP-North:2026-03-02.1", SENDER, NOW)
    assert message.body == Acknowledgement("x", AcknowledgementStatus.REFUSED, "NotServed")


def test_cs06_is_registered_for_each_hub() -> None:
    body = csp.ActivateFirmwareRequests("00000002", (HUB, OTHER), NOW, "R1")
    assert body.requests == (
        ActivationRequest(HUB, "00000002", NOW, "R1"),
        ActivationRequest(OTHER, "00000002", NOW, "R1"),
    )


@pytest.mark.parametrize(
    ("body", "stage"),
    [("ActivateFirmwareResponses", OutcomeStage.ACTIVATION), ("DistributionOutcomes", OutcomeStage.DISTRIBUTION)],
)
def test_the_body_says_of_which_stage_an_outcome_is(body: str, stage: OutcomeStage) -> None:
    message = read(
        f"<c:{body}><c:Hub><c:DeviceID>90-B3-D5-1F-30-01-00-01</c:DeviceID><c:Outcome>Failure</c:Outcome>"
        "<c:FirmwareVersion>00000002</c:FirmwareVersion><c:CompletedAt>2026-03-02T09:00:00Z</c:CompletedAt>"
        f"<c:FailureReason>noImageHeld</c:FailureReason></c:Hub></c:{body}>"
    )
    assert isinstance(message, csp.ActivateFirmwareResponses | csp.DistributionOutcomes)
    (outcome,) = message.outcomes
    assert (outcome.device_id, outcome.stage, outcome.success) == (HUB, stage, False)
    assert (outcome.failure_reason, outcome.commentary) == ("noImageHeld", None)


REQUESTS = (
    "<c:ActivateFirmwareRequests>{part}<c:FirmwareVersion>{version}</c:FirmwareVersion>"
    "<c:DeviceIDList>{devices}</c:DeviceIDList><c:IssuedAt>{at}</c:IssuedAt></c:ActivateFirmwareRequests>"
)
GOOD = {"part": "", "version": "2", "devices": "90-B3-D5-1F-30-01-00-01", "at": "2026-03-02T09:00:00Z"}


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2026-03-02T09:00:00"},
        {"at": "2026-02-30T09:00:00Z"},
        {"at": "0000-03-02T09:00:00Z"},
        {"at": "9999-12-31T23:00:00-02:00"},
        {"at": "2026-03-02T24:00:00Z"},
        {"at": "2026-03-02T09:00:60Z"},
        {"at": "2000-01-01T00:00:00+14:00"},
        {"at": "2999-12-31T23:59:59-14:00"},
        {"version": ""},
        {"version": "123456789"},
        {"devices": ""},
        {"devices": "90-B3-D5-1F-30-01-00-01,"},
        {"devices": "90-B3-D5-1F-30-01-00-01, 90-B3-D5-1F-30-01-00-02"},
        {"devices": "90-B3-D5-1F-30-01-00"},
        {"part": "<c:Part ListID='L1' Number='4' Of='3'/>"},
        {"part": "<c:Part ListID='L1' Number='0' Of='3'/>"},
        {"part": "<c:Part ListID='' Number='1' Of='3'/>"},
        {"part": "<c:Part ListID='L1' Number='1'/>"},
    ],
)
def test_what_no_message_may_say_is_refused_with_its_place(change: dict[str, str]) -> None:
    """T46: times without a zone or outside the calendar, lists that are none, parts beyond the last."""
    assert isinstance(read(REQUESTS.format(**GOOD)), csp.ActivateFirmwareRequests)
    with pytest.raises(NotValid) as refused:
        read(REQUESTS.format(**{**GOOD, **change}))
    (finding, *_) = refused.value.findings
    assert "ActivateFirmwareRequests" in finding.path
    assert finding.line is not None


def test_a_part_beyond_the_last_says_so() -> None:
    with pytest.raises(NotValid, match=r"ActivateFirmwareRequests/Part: there is no part 4 of 3"):
        read(REQUESTS.format(**{**GOOD, "part": "<c:Part ListID='L1' Number='4' Of='3'/>"}))


@pytest.mark.parametrize("index", [0, 1])
def test_a_body_with_none_or_two_elements_is_refused(index: int) -> None:
    with pytest.raises(NotValid):
        read(REQUESTS.format(**GOOD) * (2 * index))


def test_the_identity_is_read_before_any_schema_has_seen_the_message() -> None:
    assert csp.read_identity(etree.fromstring(HAND_WRITTEN.format("").encode())) == MessageId(
        SENDER, "CSP-North:2026-03-02.1"
    )


@pytest.mark.parametrize(
    "document",
    [
        f'<Message xmlns="{CSP}"/>',
        f'<Message xmlns="{CSP}"><Header/></Message>',
        f'<Message xmlns="{CSP}"><Header><MessageID>1</MessageID></Header></Message>',
        f'<Message xmlns="{CSP}"><Header><MessageID/><SenderID>90-B3-D5-1F-30-00-00-07</SenderID></Header></Message>',
        f'<Message xmlns="{CSP}"><Header><MessageID>a b</MessageID><SenderID>90-B3-D5-1F-30-00-00-07</SenderID>'
        "</Header></Message>",
        f'<Message xmlns="{CSP}"><Header><MessageID>{"1" * 65}</MessageID>'
        "<SenderID>90-B3-D5-1F-30-00-00-07</SenderID></Header></Message>",
        f'<Message xmlns="{CSP}"><Header><MessageID>1</MessageID><SenderID>90-B3</SenderID></Header></Message>',
        f'<Message xmlns="{CSP}"><Header><SenderID>90-B3-D5-1F-30-00-00-07</SenderID><MessageID>1</MessageID>'
        "</Header></Message>",
        '<Message xmlns="urn:esi:1"><Header><MessageID>1</MessageID><SenderID>90-B3-D5-1F-30-00-00-07</SenderID>'
        "</Header></Message>",
        f'<Other xmlns="{CSP}"/>',
    ],
)
def test_a_message_without_an_identity_is_refused(document: str) -> None:
    with pytest.raises(NotValid):
        csp.read_identity(etree.fromstring(document))


@pytest.mark.once
def test_10000_outcomes_pass_the_caps_and_are_read_whole() -> None:
    """T07: the element cap is the message type's own; one hub more is refused, and other bodies keep the default."""
    raw = csp.render_message("m-1", SENDER, NOW, many_outcomes(10_000))
    root = SCHEMA.check(raw)
    message = csp.read_message(root)
    assert message.body == many_outcomes(10_000)
    parse_document(raw, ShapeLimits(), csp.ELEMENT_CAPS)
    with pytest.raises(NotValid):
        SCHEMA.check(csp.render_message("m-1", SENDER, NOW, many_outcomes(10_001)))


def test_as_many_elements_in_another_body_are_refused() -> None:
    raw = csp.render_message("m-1", SENDER, NOW, many_outcomes(10_000)).replace(
        b"ActivateFirmwareResponses", b"DefaultPilotSchedule"
    )
    with pytest.raises(NotSafeXml, match="10000 elements"):
        parse_document(raw, ShapeLimits(), csp.ELEMENT_CAPS)


def test_a_list_of_50000_hubs_is_one_message_and_one_more_makes_parts() -> None:
    hubs = range(50_001)
    assert split_list("L1", hubs[:50_000]) == [(None, tuple(hubs[:50_000]))]
    parts = split_list("L1", hubs)
    assert [(part, len(ids)) for part, ids in parts] == [(Part("L1", 1, 2), 50_000), (Part("L1", 2, 2), 1)]
    for part, ids in parts:
        body = csp.DefaultPilotList("R1", "North", ids, part)
        assert csp.read_message(SCHEMA.check(csp.render_message("m-1", SENDER, NOW, body))).body == body


@pytest.mark.parametrize(
    "body",
    [
        csp.DefaultPilotList("R1", "North", ()),
        csp.DefaultPilotList("R1", "North", tuple(range(50_001))),
        csp.ScheduleDecision("R1", HUB, "G1", GroupDecision.REFUSED, reason="a \x00 in it"),
        csp.ActivateFirmwareRequests("2", (HUB,), datetime(2026, 3, 2)),
    ],
)
def test_what_a_message_cannot_carry_is_never_written(body: PartnerBody) -> None:
    with pytest.raises(ValueError, match=r"hubs|character|zone"):
        csp.render_message("m-1", SENDER, NOW, body)


def test_times_are_written_in_utc() -> None:
    west = datetime(2026, 3, 2, 4, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=-5)))
    raw = csp.render_message("m-1", SENDER, west, csp.ActivateFirmwareRequests("2", (HUB,), NOW))
    assert b"<CreatedAt>2026-03-02T09:00:00.500000Z</CreatedAt>" in raw
    assert b"<IssuedAt>2026-03-02T09:00:00Z</IssuedAt>" in raw
    assert csp.read_message(etree.fromstring(raw)).created_at == west.astimezone(UTC)


def test_the_table_says_which_way_every_body_of_the_schema_goes() -> None:
    xs = "{http://www.w3.org/2001/XMLSchema}"
    tree = etree.parse(str(schema_path(csp.SCHEMA)))
    body = tree.find(f"{xs}complexType[@name='Body']/{xs}choice")
    assert body is not None
    assert [element.get("name") for element in body.findall(f"{xs}element")] == list(csp.DIRECTIONS)
    assert csp.DIRECTIONS["DefaultPilotList"] is Direction.IN
    assert csp.DIRECTIONS["PreferredPilotList"] is Direction.OUT
