"""Service Responses: valid in the request's own DUIS version, canonical as written, and true to what was sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.duis.rendering import leaf
from duis_gateway.duis.responses import (
    MAX_DEVICES,
    PilotListWarning,
    ServiceResponse,
    render_service_response,
    response_to,
)
from duis_gateway.duis.times import format_date_time, parse_date_time
from duis_gateway.envelope.signature import sign_canonical
from duis_gateway.namespaces import DUIS_6_0, DUIS_SCHEMA_FOLDERS, SR, sr
from tests.support.duis import (
    AT,
    HUB,
    HUB_TEXT,
    OTHER_TEXT,
    PILOT_LIST,
    REQUEST_ID,
    canonical,
    hub,
    read,
    request_xml,
    schema_of,
    text_of,
    texts_of,
)
from tests.support.signing import KEY, check

ALL_LISTS = PilotListWarning(*((HUB + number,) for number in range(12)))


def answer(code: str = "I99", version: str = "6.0", **changes: Any) -> ServiceResponse:
    """An answer to the sample 8.2 request of this version."""
    request = replace(read(request_xml()), schema_version=Decimal(version))
    return replace(response_to(request, code, AT), **changes)


def list_answer(code: str, warning: PilotListWarning | None = None) -> ServiceResponse:
    return response_to(read(request_xml(PILOT_LIST, "11.5")), code, AT, warning=warning)


def test_the_whole_of_an_acknowledgement() -> None:
    assert (
        render_service_response(list_answer("I99"))
        == (
            f'<sr:Response xmlns:sr="{SR}" schemaVersion="6.0"><sr:Header><sr:RequestID>{REQUEST_ID}</sr:RequestID>'
            "<sr:ResponseCode>I99</sr:ResponseCode><sr:ResponseDateTime>2026-11-21T08:30:15.250Z</sr:ResponseDateTime>"
            "</sr:Header><sr:Body><sr:ResponseMessage><sr:ServiceReference>11.5</sr:ServiceReference>"
            "<sr:ServiceReferenceVariant>11.5</sr:ServiceReferenceVariant></sr:ResponseMessage></sr:Body></sr:Response>"
        ).encode()
    )


def test_the_answer_has_no_response_id() -> None:
    """DUIS gives one only where the answer comes from a device."""
    assert text_of(render_service_response(answer()), "ResponseID") is None


def test_an_inventory_shows_the_hub_in_the_order_of_duis() -> None:
    document = render_service_response(answer("I0", inventory=(hub(),)))
    schema_of(DUIS_6_0).check(document)
    device = next(etree.fromstring(document).iter(sr("Device")))
    assert [(etree.QName(each).localname, each.text) for each in device] == [
        ("DeviceID", HUB_TEXT),
        ("DeviceType", "CHF"),
        ("DeviceStatus", "Commissioned"),
        ("DeviceManufacturer", "106C"),
        ("DeviceModel", "433100AC"),
        ("DeviceFirmwareVersion", "9001"),
        ("CSPRegion", "North"),
    ]


def test_the_device_is_echoed_as_it_was_sent() -> None:
    body = f"<sr:ReadInventory><sr:DeviceID>{HUB_TEXT.lower()}</sr:DeviceID></sr:ReadInventory>"
    response = response_to(read(request_xml(body)), "I0", AT, inventory=(hub(),))
    assert text_of(render_service_response(response), "DeviceID") == HUB_TEXT.lower()


@pytest.mark.parametrize("version", sorted(DUIS_SCHEMA_FOLDERS))
@pytest.mark.parametrize("code", ["I0", "E1", "E2", "E3", "E4", "E5", "E12", "E13", "E19"])
def test_answers_are_valid_in_every_version(version: Decimal, code: str) -> None:
    inventory = (hub(), hub("4G South"), hub("Atlantis", status="Lost")) if code == "I0" else None
    schema_of(version).check(render_service_response(answer(code, str(version), inventory=inventory)))


@pytest.mark.parametrize(("version", "shown"), [("5.0", None), ("5.2", None), ("5.3", "4G South"), ("6.0", "4G South")])
def test_4g_regions_are_shown_to_those_whose_duis_has_them(version: str, shown: str | None) -> None:
    """They came after 5.1 (duis-facts, section 9); the element is optional."""
    assert text_of(render_service_response(answer("I0", version, inventory=(hub("4G South"),))), "CSPRegion") == shown


@pytest.mark.parametrize("changes", [{"csp_region": "Atlantis"}, {"status": "Lost"}, {"firmware_version": "123456789"}])
def test_what_duis_cannot_say_of_a_hub_is_left_out(changes: dict[str, Any]) -> None:
    document = render_service_response(answer("I0", inventory=(replace(hub(), **changes),)))
    schema_of(DUIS_6_0).check(document)
    assert not any(value in document.decode() for value in changes.values())


def test_an_answer_holds_no_more_devices_than_duis_allows() -> None:
    schema_of(DUIS_6_0).check(render_service_response(answer("I0", inventory=(hub(),) * MAX_DEVICES)))
    for hubs in ((), (hub(),) * (MAX_DEVICES + 1)):
        with pytest.raises(ValueError, match="devices"):
            render_service_response(answer("I0", inventory=hubs))


def test_a_warning_lists_each_hub_under_its_reason_as_it_was_sent() -> None:
    warning = PilotListWarning(invalid=(HUB + 1,), not_responsible=(HUB, 0xFF))
    document = render_service_response(list_answer("W110501", warning))
    schema_of(DUIS_6_0).check(document)
    assert text_of(document, "InvalidDeviceIDList") == OTHER_TEXT
    assert text_of(document, "NotResponsibleDeviceIDList") == f"{HUB_TEXT},00-00-00-00-00-00-00-FF"


def test_all_lists_of_a_warning_are_in_the_order_of_the_schema() -> None:
    document = render_service_response(list_answer("E110502", ALL_LISTS))
    schema_of(DUIS_6_0).check(document)
    warning = next(etree.fromstring(document).iter(sr("DSPPilotListWarning")))
    assert len(warning) == len(ALL_LISTS.lists()) == 12


@pytest.mark.parametrize("warning", [None, PilotListWarning()])
def test_there_is_no_warning_where_nothing_is_wrong(warning: PilotListWarning | None) -> None:
    """An empty list would not be valid."""
    document = render_service_response(list_answer("I99", warning))
    schema_of(DUIS_6_0).check(document)
    assert text_of(document, "DSPPilotListWarning") is None


@pytest.mark.parametrize("version", [version for version in DUIS_SCHEMA_FOLDERS if version < DUIS_6_0])
@pytest.mark.parametrize(
    "changes",
    [
        {"code": "W110501"},
        {"code": "E110610"},
        {"service_reference": "11.5", "service_reference_variant": "11.5"},
        {"warning": ALL_LISTS},
    ],
)
def test_what_a_version_does_not_have_is_never_sent_under_it(version: Decimal, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="has no"):
        render_service_response(answer(version=str(version), **changes))


def test_every_code_of_ours_is_in_the_schema_from_its_version_on() -> None:
    for code, entry in RESPONSE_CODES.items():
        assert entry.meaning
        for version in DUIS_SCHEMA_FOLDERS:
            if version >= entry.since:
                schema_of(version).check(render_service_response(answer(code, str(version))))


# Text as it can come out of a document or the inventory: anything that XML can carry.
xml_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]).filter(
        lambda c: c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff")
    )
)


@given(xml_text, xml_text.filter(bool))
def test_answers_are_their_own_canonical_form_whatever_text_they_hold(manufacturer: str, model: str) -> None:
    """What is signed is digested over its inclusive C14N; nothing re-parses it in between."""
    document = render_service_response(answer("I0", inventory=(hub(manufacturer=manufacturer, model=model),)))
    assert canonical(document) == document
    assert text_of(document, "DeviceManufacturer") == manufacturer
    assert text_of(document, "DeviceModel") == model


def test_warnings_are_their_own_canonical_form() -> None:
    document = render_service_response(list_answer("W110501", ALL_LISTS))
    assert canonical(document) == document


def test_a_signed_answer_verifies() -> None:
    document = render_service_response(answer("I0", inventory=(hub(manufacturer="A & B\r<C>"),)))
    signed = sign_canonical(document, KEY)
    assert check(signed).content == document
    schema_of(DUIS_6_0).check(signed)


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\uffff"])
def test_a_character_that_xml_cannot_carry_is_never_written(character: str) -> None:
    with pytest.raises(ValueError, match="XML cannot carry"):
        leaf("A", f"a{character}b")


def test_texts_are_escaped() -> None:
    assert leaf("A", "<&>\r\"'") == "<sr:A>&lt;&amp;&gt;&#xD;\"'</sr:A>"
    assert texts_of(f'<x xmlns:sr="{SR}">{leaf("A", "]]>")}</x>'.encode(), "A") == ["]]>"]


@given(st.datetimes(datetime(2000, 1, 2), datetime(2999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_times_keep_their_instant(at: datetime, offset: int) -> None:
    """T47: whatever the zone, the instant is the same, and what is written is UTC."""
    local = at.replace(tzinfo=timezone(timedelta(minutes=offset)))
    read_back = parse_date_time(local.isoformat())
    assert read_back == local
    assert read_back.tzinfo is UTC
    written = format_date_time(local)
    assert written.endswith("Z")
    assert timedelta(0) <= local - parse_date_time(written) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12-31T24:00:00.00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-06-01T00:30:00+01:00", datetime(2026, 5, 31, 23, 30, tzinfo=UTC)),
        ("2999-12-31T23:59:59Z", datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1999-12-31T14:00:00-10:00", datetime(2000, 1, 1, tzinfo=UTC)),
        (" 2026-06-01T00:00:00.1234567-14:00\n", datetime(2026, 6, 1, 14, 0, 0, 123_456, UTC)),
    ],
)
def test_times_in_the_forms_of_xsd(text: str, at: datetime) -> None:
    assert parse_date_time(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T24:00:00.5Z",
        "2026-06-01T00:00:00+15:00",
        "2026-06-01T00:00:00-14:01",
        "2026-01-01",
        "now",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-06-01T00:00:00",
        "2026-06-01T00:00:00+25:00",
        "2999-12-31T23:59:59-14:00",
        "2999-12-31T24:00:00Z",
        "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "2000-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """T46."""
    with pytest.raises(ValueError, match=r"."):
        parse_date_time(text)


def test_a_time_without_a_zone_is_never_sent() -> None:
    with pytest.raises(ValueError, match="zone"):
        format_date_time(datetime(2026, 1, 1))
