"""Service Requests that the kit builds are what DUIS has, and what the gateway reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.client import (
    CannotSend,
    Eui,
    FileCounter,
    Gateway,
    Group,
    Identity,
    PartyDoor,
    PreferredPilotList,
    PreferredPilotSchedule,
    ReadInventory,
    ServiceRequest,
    SetupWrong,
    Stage,
    TimeCounter,
    Trust,
)
from duis_gateway.client.requests import service_request
from duis_gateway.duis.service_requests import preferred_pilot_list, preferred_pilot_schedule, read_inventory
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.releases.records import Stage as RolloutStage
from tests.support import duis
from tests.support.parties import GATEWAY, SUPPLIER, Parties

pytestmark = pytest.mark.requirement("EX-6")

HUB, OTHER_HUB = "00-DB-12-34-56-00-00-01", "00-db-12-34-56-00-00-02"
START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=7)
REQUEST_ID = f"{SUPPLIER}:{GATEWAY}:1"


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return Parties.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def gateway(parties: Parties) -> Gateway:
    return Gateway("http://127.0.0.1:1", identity=parties.supplier, trust=parties.trust)


def read(request: ServiceRequest) -> object:
    document = service_request(REQUEST_ID, "6.0", request.reference, request.body())
    assert duis.canonical(document) == document, "it is signed as it stands"
    return duis.read(document).body


BOTH = (Eui(HUB), Eui(OTHER_HUB))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ReadInventory(HUB), read_inventory.ReadInventory(Eui(HUB))),
        (
            PreferredPilotList("R-1", "9002", devices=[HUB, OTHER_HUB, Eui(HUB)]),
            preferred_pilot_list.PreferredPilotList("R-1", "9002", BOTH),
        ),
        (
            PreferredPilotList("R", "9002", add=iter([HUB]), remove=[OTHER_HUB]),
            preferred_pilot_list.PreferredPilotList("R", "9002", None, BOTH[:1], BOTH[1:]),
        ),
        (PreferredPilotList("R", "9002"), preferred_pilot_list.PreferredPilotList("R", "9002")),
        (
            PreferredPilotSchedule("R", "9002", [Group("G", [HUB], START, END, Stage.SAFE_LAUNCH, ["NIGHT"])]),
            preferred_pilot_schedule.PreferredPilotSchedule(
                "R",
                "9002",
                (
                    preferred_pilot_schedule.DeploymentGroup(
                        "G", RolloutStage.SAFE_LAUNCH, BOTH[:1], Period(START, END), ("NIGHT",)
                    ),
                ),
            ),
        ),
    ],
    ids=["8.2", "whole list", "amendments", "as it is", "schedule"],
)
def test_the_gateway_reads_what_was_meant(request_: ServiceRequest, expected: object) -> None:
    assert read(request_) == expected


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30),
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30),
)
def test_whatever_text_and_devices_it_is_canonical_and_says_the_same(release: str, devices: list[int]) -> None:
    """U+FFFE and U+FFFF are the two that XML cannot carry and that are no control characters."""
    if {"\ufffe", "\uffff"} & set(release):
        with pytest.raises(ValueError, match="XML cannot carry"):
            PreferredPilotList(release, "9002", devices).body()
        return
    document = service_request(REQUEST_ID, "6.0", "11.5", PreferredPilotList(release, "9002", devices).body())
    assert duis.canonical(document) == document
    assert duis.text_of(document, "FirmwareReleaseID") == release
    assert duis.text_of(document, "DeviceIDList") == ",".join(str(Eui(one)) for one in dict.fromkeys(devices))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (PreferredPilotList("R", "9002", devices=[]), "1 to 50000 devices, not 0"),
        (PreferredPilotList("R", "9002", devices=range(50_001)), "not 50001"),
        (PreferredPilotList("R", "9002", devices=[HUB], add=[HUB]), "nothing to add"),
        (PreferredPilotList("R\0", "9002", devices=[HUB]), "XML cannot carry"),
        (ReadInventory("00-DB"), "not an EUI-64"),
        (ReadInventory(-1), "not an EUI-64"),
        (PreferredPilotSchedule("R", "9002", []), "at least one group"),
        (PreferredPilotSchedule("R", "9002", [Group("G", [HUB], START.replace(tzinfo=None), END)]), "without a zone"),
    ],
)
def test_what_a_request_cannot_carry_is_said_before_anything_is_sent(
    gateway: Gateway, request_: ServiceRequest, reason: str
) -> None:
    with pytest.raises(CannotSend, match=reason) as caught:
        gateway.send(request_)
    assert "nothing was sent" in str(caught.value)


def test_devices_from_a_generator_are_there_for_a_second_try() -> None:
    request = PreferredPilotList("R", "9002", devices=(one for one in [HUB]))
    assert request.body() == request.body()
    group = Group("G", (one for one in [HUB]), START, END)
    assert group.element() == group.element()


def test_counters_never_repeat_in_one_process_or_in_several(tmp_path: Path) -> None:
    by_time = TimeCounter()
    numbers = [by_time() for _ in range(1000)]
    assert sorted(set(numbers)) == numbers
    assert 0 < numbers[-1] < 2**64
    path = tmp_path / "counter"
    first, second = FileCounter(path, last=8), FileCounter(path)
    assert [first(), second(), first(), FileCounter(path)()] == [9, 10, 11, 12]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("held", ["", "\n", "1 2\n", "garbage", "-5", "18446744073709551615", "9" * 70])
def test_a_counter_whose_file_was_spoiled_gives_no_number_that_may_have_been_used(tmp_path: Path, held: str) -> None:
    path = tmp_path / "counter"
    path.write_text(held)
    with pytest.raises(SetupWrong, match=r"counter, the file of RequestIDs, holds"):
        FileCounter(path)()
    assert path.read_text() == held
    with pytest.raises(SetupWrong, match="No such file"):
        FileCounter(tmp_path / "nowhere" / "counter")()


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\n\n"])
def test_a_number_that_was_written_into_the_counters_file_by_hand_is_followed(tmp_path: Path, end: str) -> None:
    """As the advice says: `echo` and editors end the line. It goes on past the digits of what was there."""
    path = tmp_path / "counter"
    for written, follow in (("9000000000000000000", 9000000000000000001), ("9", 10), ("99", 100), ("0", 1)):
        path.write_bytes(f"{written}{end}".encode())
        assert [FileCounter(path)(), FileCounter(path)()] == [follow, follow + 1]


def test_the_files_of_a_party_are_checked_when_they_are_read(parties: Parties, tmp_path: Path) -> None:
    pki = parties.folder
    with pytest.raises(SetupWrong, match=r"other\.key: the key does not fit"):
        Identity.load(pki / "other.key", pki / "supplier.pem")
    with pytest.raises(SetupWrong, match="No such file"):
        Trust.folder(tmp_path / "none")
    with pytest.raises(SetupWrong, match="not a certificate"):
        Trust.certificate(pki / "other.key")
    with pytest.raises(SetupWrong, match="no trusted certificate"):
        Gateway("http://127.0.0.1:1", identity=parties.supplier, trust=Trust.folder(tmp_path))
    for url in ("127.0.0.1:1", "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://", "ftp://x", ""):
        with pytest.raises(SetupWrong, match="not an http or https URL"):
            Gateway(url, identity=parties.supplier, trust=parties.trust)
        with pytest.raises(SetupWrong, match="not an http or https URL"):
            PartyDoor(url, "token")
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(SetupWrong, match="timeout="):
            Gateway("http://127.0.0.1:1", identity=parties.supplier, trust=parties.trust, timeout=seconds)


def test_an_eui_is_a_number_that_reads_as_duis_writes_it() -> None:
    assert (str(Eui(OTHER_HUB)), f"{Eui(1)}", repr(Eui(1))) == (
        OTHER_HUB.upper(),
        "00-00-00-00-00-00-00-01",
        "Eui('00-00-00-00-00-00-00-01')",
    )
    assert Eui(HUB) == 0x00DB123456000001
