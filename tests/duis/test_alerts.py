"""DCC Alerts: who gets which, in a form that the recipient's DUIS version knows and its receiver takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.duis.alerts.content import MAX_REMARK, DoesNotFit
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.firmware_rollout_decision import DirectInstruction, FirmwareRolloutDecision
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.duis.alerts.prepare import MAX_SIGNED_OCTETS, prepare
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier, SplitSupplierInstruction
from duis_gateway.duis.alerts.table import ALERTS, code_of
from duis_gateway.duis.device_lists import parse_device_list
from duis_gateway.envelope.signature import SigningKey, sign_canonical
from duis_gateway.namespaces import DUIS_6_0, DUIS_SCHEMA_FOLDERS, SR, sr
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, Standing
from schemas import schema_path
from tests.support.duis import (
    ACTIVATION,
    AT,
    FAILURE,
    HUB,
    HUB_TEXT,
    OPTION_1_BODIES,
    PERIOD,
    RESPONSE_ID,
    canonical,
    many_hubs,
    schema_of,
    supplier,
    text_of,
    texts_of,
)
from tests.support.signing import KEY, PRIVATE_KEY, check

ALL_BODIES = {"N64": ACTIVATION, **OPTION_1_BODIES}
OLD_VERSIONS = [version for version in DUIS_SCHEMA_FOLDERS if version < DUIS_6_0]


def rendered(body: AlertBody, version: str = "6.0", **party: bool) -> bytes:
    """The one alert that a supplier on this version gets."""
    (alert,) = prepare(body, supplier(version, **party))
    return alert.render(RESPONSE_ID, AT)


def rendered_parts(body: AlertBody, octets: int = MAX_SIGNED_OCTETS) -> list[bytes]:
    return [alert.render(RESPONSE_ID, AT) for alert in prepare(body, supplier("6.0"), octets)]


def devices_in(documents: list[bytes]) -> tuple[int, ...]:
    return tuple(
        device
        for document in documents
        for text in texts_of(document, "DeviceIDList")
        for device in parse_device_list(text).ids
    )


def test_the_whole_of_an_n64() -> None:
    """FIA-1: the version now active. It has a ResponseID, no RequestID, and the code I0."""
    assert (
        rendered(ACTIVATION, "5.1")
        == (
            f'<sr:Response xmlns:sr="{SR}" schemaVersion="5.1"><sr:Header>'
            "<sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-00:7</sr:ResponseID>"
            "<sr:ResponseCode>I0</sr:ResponseCode><sr:ResponseDateTime>2026-11-21T08:30:15.250Z</sr:ResponseDateTime>"
            "</sr:Header><sr:Body><sr:DCCAlertMessage><sr:DCCAlertCode>N64</sr:DCCAlertCode><sr:DCCAlert>"
            f"<sr:CommsHubFirmwareActivation><sr:DeviceID>{HUB_TEXT}</sr:DeviceID>"
            "<sr:FirmwareVersion>9002</sr:FirmwareVersion></sr:CommsHubFirmwareActivation></sr:DCCAlert>"
            "</sr:DCCAlertMessage></sr:Body></sr:Response>"
        ).encode()
    )


@pytest.mark.parametrize("code", ALL_BODIES)
def test_every_alert_is_valid_and_its_own_canonical_form(code: str) -> None:
    document = rendered(ALL_BODIES[code])
    schema_of(DUIS_6_0).check(document)
    assert canonical(document) == document
    assert text_of(document, "DCCAlertCode") == code == code_of(ALL_BODIES[code])
    assert text_of(document, ALERTS[code].element) is not None


@pytest.mark.parametrize("version", [version for version in DUIS_SCHEMA_FOLDERS if version >= Decimal("5.1")])
def test_n64_goes_to_everyone_from_5_1_on(version: Decimal) -> None:
    """FIA-2."""
    (alert,) = prepare(ACTIVATION, supplier(str(version)))
    assert (alert.sent_code, alert.kind.code) == ("N64", "N64")
    root = schema_of(version).check(alert.render(RESPONSE_ID, AT))
    assert root.get("schemaVersion") == str(version)


@pytest.mark.requirement("FIA-3")
def test_a_user_on_5_0_gets_n999_with_the_firmware_version_in_place_of_n64() -> None:
    """FIA-3; the added element is the last one."""
    document = rendered(ACTIVATION, "5.0")
    root = schema_of(Decimal("5.0")).check(document)
    mismatch = next(root.iter(sr("DCCAlertVersionMismatch")))
    assert [(etree.QName(each).localname, each.text) for each in mismatch] == [
        ("DCCAlertCode", "N64"),
        ("DeviceID", HUB_TEXT),
        ("FirmwareVersion", "9002"),
    ]
    assert text_of(document, "ServiceUserDUISVersion") == "5.0"
    assert canonical(document) == document


def test_a_user_with_the_published_schema_gets_n999_without_the_firmware_version() -> None:
    document = rendered(ACTIVATION, "5.0", published_schema_only=True)
    assert text_of(document, "FirmwareVersion") is None
    assert text_of(document, "DeviceID") == HUB_TEXT


@pytest.mark.parametrize("version", OLD_VERSIONS)
@pytest.mark.parametrize("code", OPTION_1_BODIES)
def test_what_a_5_x_user_does_not_know_comes_as_one_n999(code: str, version: Decimal) -> None:
    (alert,) = prepare(OPTION_1_BODIES[code], supplier(str(version)))
    document = alert.render(RESPONSE_ID, AT)
    schema_of(version).check(document)
    assert (alert.sent_code, alert.kind.code) == ("N999", code)
    assert texts_of(document, "DCCAlertCode") == ["N999", code]
    assert text_of(document, "ServiceUserDUISVersion") == str(version)
    assert text_of(document, "FirmwareVersion") is None
    assert text_of(document, "DeviceID") == (HUB_TEXT if OPTION_1_BODIES[code] == FAILURE else None)


def test_a_long_list_for_a_5_x_user_is_still_one_n999() -> None:
    body = DefaultPilotList("R-1", "9002", "North", many_hubs(50_000))
    assert len(prepare(body, supplier("5.4"))) == 1


@pytest.mark.requirement("FIA-5")
def test_the_table_of_alerts_is_that_of_the_design() -> None:
    assert {code: (kind.element, str(kind.since)) for code, kind in ALERTS.items()} == {
        "N64": ("CommsHubFirmwareActivation", "5.1"),
        "N66": ("DefaultPilotList", "6.0"),
        "N67": ("DefaultPilotSchedule", "6.0"),
        "N68": ("SafeLaunchSchedule", "6.0"),
        "N69": ("SafeLaunchOutcome", "6.0"),
        "N70": ("SafeLaunchOutcome", "6.0"),
        "N71": ("CommsHubFirmwareFailure", "6.0"),
        "N72": ("FirmwareRolloutDecision", "6.0"),
        "N73": ("SplitSupplierInstruction", "6.0"),
        "N74": ("PreferredPilotScheduleDecision", "6.0"),
        "N75": ("PilotOutcome", "6.0"),
        "N76": ("PilotOutcome", "6.0"),
        "N77": ("FirmwareDeploymentPlan", "6.0"),
        "N999": ("DUISVersionMismatch", "5.0"),
    }
    free = {code for code, kind in ALERTS.items() if not kind.ordered}
    assert free == {"N64", "N71", "N73", "N999"}


def test_every_alert_is_in_the_schema_from_its_version_on_and_not_before() -> None:
    for version, folder in DUIS_SCHEMA_FOLDERS.items():
        schema = etree.parse(str(schema_path(f"duis/{folder}")))
        for kind in ALERTS.values():
            known = bool(schema.xpath("//*[@name='DCCAlert']//*[@name=$name]", name=kind.element))
            code_known = bool(schema.xpath("//*[@name='DCCAlertCode']//*[@value=$code]", code=kind.code))
            assert (known, code_known) == (version >= kind.since,) * 2, (version, kind.code)


def test_a_list_of_50_000_hubs_comes_as_several_alerts_that_receivers_take() -> None:
    """BR-3.8; DCC's own receiver nodes take bodies below 100 kB, signature included."""
    wordy = SigningKey(PRIVATE_KEY, "CN=" + "A long name of an issuer " * 20 + ",OU=07", 2**127)
    hubs = many_hubs(50_000)
    documents = rendered_parts(DefaultPilotList("R-1", "9002", "North", hubs))
    assert devices_in(documents) == hubs
    assert [text_of(each, "PartNumber") for each in documents] == [str(n + 1) for n in range(len(documents))]
    assert {text_of(each, "PartCount") for each in documents} == {str(len(documents))}
    assert {text_of(each, "FirmwareReleaseID") for each in documents} == {"R-1"}
    assert len(documents) == 14
    for document in documents:
        schema_of(DUIS_6_0).check(document)
        assert len(sign_canonical(document, wordy)) <= MAX_SIGNED_OCTETS


def test_what_fits_says_nothing_of_parts() -> None:
    assert text_of(rendered(OPTION_1_BODIES["N66"]), "PartNumber") is None


sizes = st.lists(st.integers(0, 150), min_size=1, max_size=8)


@settings(max_examples=50)
@given(sizes, st.integers(0, 12), st.integers(4_200, 9_000))
def test_a_schedule_cut_into_parts_says_the_same_as_a_whole_one(groups: list[int], offered: int, octets: int) -> None:
    """Each group has its hubs, in order, under one GroupID, however many alerts it is spread over."""
    starts = [HUB + 1_000 * number for number in range(len(groups))]
    body = DefaultPilotSchedule(
        "R-1",
        "9002",
        "North",
        tuple(
            DefaultGroup(f"G{start}", PERIOD, tuple(range(start, start + size)))
            for start, size in zip(starts, groups, strict=True)
        ),
        tuple(OfferedConstraint(f"C{number}", "é & ü " * 20) for number in range(offered)),
    )
    documents = rendered_parts(body, octets)
    told: dict[str, tuple[int, ...]] = {}
    for document in documents:
        schema_of(DUIS_6_0).check(document)
        assert canonical(document) == document
        assert len(sign_canonical(document, KEY)) <= octets
        for group in etree.fromstring(document).iter(sr("DeploymentGroup")):
            listed = group.findtext(sr("DeviceIDList"))
            ids = parse_device_list(listed).ids if listed else ()
            name = group.findtext(sr("GroupID"), "")
            told[name] = told.get(name, ()) + ids
    assert told == {group.group_id: group.device_ids for group in body.groups}
    codes = [code for document in documents for code in texts_of(document, "Code")]
    assert codes == [constraint.code for constraint in body.constraints]


def test_parts_are_filled_before_another_is_begun() -> None:
    groups = tuple(DefaultGroup(f"G{number}", PERIOD, (HUB + number,)) for number in range(1_000))
    documents = rendered_parts(SafeLaunchSchedule("R-1", "9002", "North", groups))
    assert all(len(document) > 90_000 for document in documents[:-1])
    assert len(documents) == 3


@pytest.mark.parametrize(
    "body",
    [
        FirmwareRolloutDecision("R-1", DirectInstruction.PILOT_SELECTION, Standing.CONFIRMED),
        PreferredPilotScheduleDecision("R-1", "G1", GroupDecision.AMENDED, "x" * MAX_REMARK),
    ],
    ids=code_of,
)
def test_a_list_of_hubs_in_a_decision_is_cut_as_well(
    body: FirmwareRolloutDecision | PreferredPilotScheduleDecision,
) -> None:
    hubs = many_hubs(5_000)
    documents = rendered_parts(replace(body, device_ids=hubs, period=PERIOD))
    assert devices_in(documents) == hubs
    assert len(documents) == 2
    for document in documents:
        schema_of(DUIS_6_0).check(document)
        assert len(sign_canonical(document, KEY)) <= MAX_SIGNED_OCTETS
        assert text_of(document, "LatestEnd") == "2026-12-08T00:00:00.000Z"
    assert [text_of(document, "PartNumber") for document in documents] == ["1", "2"]


def test_a_decision_on_a_whole_group_lists_no_hubs() -> None:
    """X07: where it lists some, it is about these."""
    document = rendered(PreferredPilotScheduleDecision("R-1", "G1", GroupDecision.REFUSED, "no capacity"))
    schema_of(DUIS_6_0).check(document)
    assert text_of(document, "DeviceIDList") is None


@pytest.mark.parametrize("code", ["N66", "N67", "N73", "N74"])
def test_a_limit_below_one_hub_is_refused_and_not_looped_over(code: str) -> None:
    with pytest.raises(DoesNotFit):
        prepare(OPTION_1_BODIES[code], supplier("6.0"), 3_000)


def test_a_list_of_no_hubs_is_never_sent_but_as_a_default_list_that_names_none_any_more() -> None:
    with pytest.raises(ValueError, match="at least one"):
        prepare(SplitSupplierInstruction("R-1", OtherSupplier.INSTRUCTED, ()), supplier("6.0"))
    document = rendered(DefaultPilotList("R-1", "9002", "North"))
    schema_of(DUIS_6_0).check(document)
    assert text_of(document, "DeviceIDList") is None


def test_a_remark_is_cut_to_what_the_schema_takes() -> None:
    document = rendered(replace(FAILURE, reason="x" * (MAX_REMARK + 1), commentary=""))
    schema_of(DUIS_6_0).check(document)
    reason = text_of(document, "FailureReason")
    assert reason is not None
    assert (len(reason), reason[-1]) == (MAX_REMARK, "…")
    assert text_of(document, "Commentary") is None


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]).filter(lambda c: c not in "\ufffe\uffff")))
def test_a_commentary_arrives_as_it_was_given(commentary: str) -> None:
    document = rendered(replace(FAILURE, commentary=commentary))
    assert canonical(document) == document
    assert (text_of(document, "Commentary") or "") == commentary


def test_periods_are_told_in_utc_with_a_zone() -> None:
    period = Period(datetime(2026, 6, 1, tzinfo=UTC), AT)
    body = PreferredPilotScheduleDecision("R-1", "G1", GroupDecision.ACCEPTED, period=period)
    assert text_of(rendered(body), "EarliestStart") == "2026-06-01T00:00:00.000Z"


def test_a_signed_alert_verifies() -> None:
    document = rendered(OPTION_1_BODIES["N67"])
    signed = sign_canonical(document, KEY)
    assert check(signed).content == document
    schema_of(DUIS_6_0).check(signed)


@pytest.mark.requirement("BR-3.3", "X06")
def test_the_second_supplier_is_never_named() -> None:
    """BR-3.3: only that there is one, and whether it has instructed."""
    document = rendered(OPTION_1_BODIES["N73"])
    names = [
        etree.QName(each).localname for each in next(etree.fromstring(document).iter(sr("SplitSupplierInstruction")))
    ]
    assert names == ["FirmwareReleaseID", "OtherSupplier", "DeviceIDList"]
