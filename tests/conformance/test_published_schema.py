"""What the gateway emits and accepts under DUIS 5.x is DUIS as published (design section 5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.prepare import prepare
from duis_gateway.duis.responses import render_service_response, response_to
from duis_gateway.envelope.signature import sign_canonical
from duis_gateway.namespaces import DUIS_6_0, DUIS_SCHEMA_FOLDERS, SR
from schemas import schema_path
from tests.support.duis import (
    ACTIVATION,
    AT,
    HUB_TEXT,
    OPTION_1_BODIES,
    RESPONSE_ID,
    hub,
    read,
    request_xml,
    supplier,
)
from tests.support.published import XS, Outline, published_schema, published_schema_path
from tests.support.signing import KEY

VERSIONS = sorted(version for version in DUIS_SCHEMA_FOLDERS if version < DUIS_6_0)


def check(document: bytes) -> None:
    """Hold a message, signed, against the published schema."""
    published_schema().assertValid(etree.fromstring(sign_canonical(document, KEY)))


def alert(body: AlertBody, version: Decimal, *, published_schema_only: bool = False) -> bytes:
    party = supplier(str(version), published_schema_only=published_schema_only)
    (prepared,) = prepare(body, party)
    return prepared.render(RESPONSE_ID, AT)


@pytest.mark.requirement("FIA-4")
@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= Decimal("5.1")])
def test_n64(version: Decimal) -> None:
    check(alert(ACTIVATION, version))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", OPTION_1_BODIES)
def test_n999_in_place_of_an_alert_of_option_1(code: str, version: Decimal) -> None:
    check(alert(OPTION_1_BODIES[code], version))


def test_n999_in_place_of_n64_has_the_published_shape_where_the_user_asks_for_it() -> None:
    check(alert(ACTIVATION, Decimal("5.0"), published_schema_only=True))


def test_n999_with_the_firmware_version_is_more_than_the_published_schema_has() -> None:
    """FIA-3 against the published schema: the conflict that `published_schema_only` is there for."""
    document = alert(ACTIVATION, Decimal("5.0"))
    assert not published_schema().validate(etree.fromstring(document))


@pytest.mark.parametrize("version", VERSIONS)
def test_inventory_answers(version: Decimal) -> None:
    request = replace(read(request_xml()), schema_version=version)
    for found in (hub(), hub("4G North"), hub("Atlantis", status="Lost")):
        check(render_service_response(response_to(request, "I0", AT, inventory=(found,))))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", ["I99", "E1", "E2", "E3", "E4", "E5", "E12", "E13", "E19"])
def test_answers_with_a_code_alone(code: str, version: Decimal) -> None:
    request = replace(read(request_xml("<sr:UpdateFirmware/>", "11.1")), schema_version=version)
    check(render_service_response(response_to(request, code, AT)))


# What both schemas say of the same thing is compared below, declaration by declaration.


def both(folder: str = "5.1") -> tuple[Outline, Outline]:
    return Outline(published_schema_path()), Outline(schema_path(f"duis/{folder}"))


@pytest.mark.parametrize(
    "type_name",
    [
        "CommandVariant",
        "ServiceReference",
        "ServiceReferenceVariant",
        "ResponseCode",
        "DeviceType",
        "DeviceStatus",
        "FirmwareVersionStatus",
        "CPLStatus",
        "CSPRegion",
        "Connectivity",
        "ESMEVariant",
        "DCCAlertMessage",
    ],
)
def test_enumerations(type_name: str) -> None:
    published, ours = both()
    assert ours.enumeration(ours.type_named(type_name)) == published.enumeration(published.type_named(type_name))


@pytest.mark.parametrize(
    "type_name",
    [
        "Request",
        "Response",
        "ReadInventory",
        "PropertyFilter",
        "DSPInventory",
        "Device",
        "ResponseMessage",
        "DCCAlert",
        "DCCAlertMessage",
        "CommsHubFirmwareActivation",
        "ServiceResponseVersionMismatch",
        "DUISVersionMismatch",
    ],
)
def test_names_order_and_cardinalities(type_name: str) -> None:
    published, ours = both()
    assert ours.elements(ours.type_named(type_name)) == published.elements(published.type_named(type_name))


def test_the_version_mismatch_is_the_published_one_and_the_firmware_version() -> None:
    published, ours = both()
    name = "DCCAlertVersionMismatch"
    assert ours.elements(ours.type_named(name)) == [
        *published.elements(published.type_named(name)),
        ("FirmwareVersion", "0", "1"),
    ]


@pytest.mark.parametrize(
    "type_name",
    [
        "EUI",
        "FirmwareVersion",
        "DeviceManufacturer",
        "DeviceModel",
        "ImportMPxN",
        "UPRN",
        "PostCode",
        "SMETSCHTSVersion",
    ],
)
def test_base_types_and_lengths(type_name: str) -> None:
    published, ours = both()

    def facets(outline: Outline) -> set[tuple[str, str | None]]:
        declaration = outline.type_named(type_name)
        restriction = next(declaration.iter(f"{XS}restriction"))
        lengths = {(etree.QName(each).localname, each.get("value")) for each in restriction.iterchildren(f"{XS}*")}
        return {("base", restriction.get("base")), *(each for each in lengths if each[0] != "pattern")}

    assert facets(ours) == facets(published)


@given(
    st.one_of(
        st.integers(0, 2**64 + 10**6).map(str),
        st.sampled_from([10**power + off for power in range(20) for off in (-1, 0)]).map(str),
        st.sampled_from([str(2**64 - 1 + off) for off in range(-20, 20)]),
        st.sampled_from(["00", "01", "-1", "+1", " 1", "1 ", "", "1.0", "18446744073709551615 "]),
    )
)
def test_counters(counter: str) -> None:
    """T43: written in other words, the pattern of the RequestID accepts the same counters as the published one."""
    document = etree.fromstring(request_xml(version="5.4", request_id=f"{HUB_TEXT}:{HUB_TEXT.lower()}:{counter}"))
    ours = etree.XMLSchema(etree.parse(str(schema_path("duis/5.1"))))
    assert ours.validate(document) == published_schema().validate(document)


@pytest.mark.parametrize(
    "body",
    [
        f"<sr:ReadInventory><sr:DeviceID>{text}</sr:DeviceID></sr:ReadInventory>"
        for text in (HUB_TEXT, HUB_TEXT.lower(), f" {HUB_TEXT}\n", HUB_TEXT[:-1], HUB_TEXT.replace("-", ":"), "")
    ]
    + [
        f"<sr:ReadInventory><sr:UPRN>{text}</sr:UPRN></sr:ReadInventory>"
        for text in ("1", "123456789012", "1234567890123", "0", "-1", "x")
    ]
    + [f"<sr:ReadInventory><sr:MPxN>{text}</sr:MPxN></sr:ReadInventory>" for text in ("1", "1" * 13, "1" * 14, "")]
    + [
        "<sr:ReadInventory/>",
        "<sr:ReadInventory><sr:UPRN>1</sr:UPRN><sr:MPxN>1</sr:MPxN></sr:ReadInventory>",
        "<sr:PreferredPilotList/>",
        "<sr:ReadFirmwareVersion/>",
        "",
    ],
)
def test_requests_are_accepted_and_refused_alike(body: str) -> None:
    document = etree.fromstring(request_xml(body, version="5.4"))
    ours = etree.XMLSchema(etree.parse(str(schema_path("duis/5.1"))))
    assert ours.validate(document) == published_schema().validate(document)


def test_the_comparison_reads_the_right_schemas() -> None:
    for outline in both():
        assert outline.root.get("targetNamespace") == SR
