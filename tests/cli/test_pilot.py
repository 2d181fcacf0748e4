"""`pilot select`: a supplier's rules, the list that comes of them, and the Service Request for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from duis_gateway.duis.identifiers import RequestId, format_eui, parse_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.request import read_service_request
from duis_gateway.envelope.schema import Schema
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.engine import Store
from schemas import schema_path
from tests.support.cli import GATEWAY, OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run
from tests.support.planned_estate import RELEASE, at_the_door, fill, hub, ids, store_of


@pytest.fixture
def store(installation: Installation) -> Iterator[Store]:
    with store_of(installation) as opened:
        fill(opened)
        yield opened


def chosen(installation: Installation, *rules: object) -> list[int]:
    said = done("pilot", "select", "--release", "REL-1", "--party", SUPPLIER, *rules, *installation.config)
    return [parse_eui(line) for line in said.splitlines()]


@pytest.mark.requirement("BR-2.1", "BR-2.2", "PIA-A5")
@pytest.mark.usefixtures("store")
def test_every_hub_that_fits_is_chosen_up_to_the_limit_of_the_release(installation: Installation) -> None:
    """Not the excluded one (5), the proving one (6, always in), or what is not commissioned (10); the limit is 5."""
    found = chosen(installation)
    assert len(found) == 5
    assert set(found) < set(ids(1, 2, 3, 4, 7, 8))
    assert ids(4)[0] in found, "friendly customers' hubs come first"


@pytest.mark.usefixtures("store")
def test_the_rules_narrow_the_choice(installation: Installation, tmp_path: Path) -> None:
    assert chosen(installation, "--region", "South") == list(ids(2, 4, 8))
    assert chosen(installation, "--region", "South", "--region", "North", "--number", "1") == list(ids(4))
    assert len(chosen(installation, "--share", "34")) == 3
    assert "fits the rules" in refused_select(installation, "--model", "CH-9")
    assert "fits the rules" in refused_select(installation, "--version", "9")
    vulnerable = tmp_path / "vulnerable.txt"
    vulnerable.write_text("".join(f"{format_eui(one).lower()}\n" for one in ids(4, 2)), encoding="ascii")
    assert chosen(installation, "--region", "South", "--exclude", vulnerable) == list(ids(8))


@pytest.mark.usefixtures("store")
def test_a_region_is_one_that_there_is(installation: Installation) -> None:
    """Before, a typo beside another region left its hubs out without a word."""
    asked = ("pilot", "select", "--release", "REL-1", "--party", SUPPLIER, *installation.config)
    for typo in ("Suoth", "north"):
        said = refused(2, *asked, "--region", "North", "--region", typo)
        assert f"'{typo}' is not one of 'North', '4G North', 'Central', 'South'" in said
    assert "0 is not a whole number from 1 to 100" in refused(2, *asked, "--share", "0")


@pytest.mark.usefixtures("store")
def test_the_list_and_the_request_are_two_files(installation: Installation, tmp_path: Path) -> None:
    """Before, the request stood there, and the list was gone."""
    one, other = tmp_path / "same", tmp_path / "." / "x" / ".." / "same"
    asked = ("pilot", "select", "--release", "REL-1", "--party", SUPPLIER, *installation.config)
    for again in (one, other):
        said = refused(2, *asked, "--list", one, "--request", again)
        assert f"--list and --request both name {one}: give each a file of its own" in said
        assert not one.exists()


def refused_select(installation: Installation, *rules: object) -> str:
    return refused(1, "pilot", "select", "--release", "REL-1", "--party", SUPPLIER, *rules, *installation.config)


@pytest.mark.usefixtures("store")
def test_a_customer_register_can_say_whom_to_leave_out(installation: Installation, tmp_path: Path) -> None:
    register = tmp_path / "customers.csv"
    register.write_text(f"customer,device_id\nJones,{format_eui(ids(4)[0])}\n\n", encoding="utf-8")
    assert chosen(installation, "--region", "South", "--exclude", register) == list(ids(2, 8))
    words = ("pilot", "select", "--release", "REL-1", "--party", SUPPLIER, "--exclude", register)
    for line, why in (
        ("Jones,4711", "not an EUI-64"),
        ("Smith,", "line 2: its device_id is empty"),
        (f"Smith,{format_eui(ids(4)[0])},{format_eui(ids(2)[0])}", "line 2 has 3 fields where the header has 2"),
    ):
        register.write_text(f"customer,device_id\n{line}\n", encoding="utf-8")
        assert why in refused(2, *words, *installation.config)


def test_the_same_rules_choose_the_same_and_another_seed_others(installation: Installation, store: Store) -> None:
    with store.write() as conn:
        hubs.upsert(conn, [hub(number) for number in range(100, 300)])
    first = chosen(installation, "--number", "5")
    assert first == chosen(installation, "--number", "5")
    assert first != chosen(installation, "--number", "5", "--seed", "autumn")


@pytest.mark.requirement("BR-2.3")
@pytest.mark.usefixtures("store")
def test_the_request_is_valid_and_ready_to_be_signed(installation: Installation, tmp_path: Path) -> None:
    request, listed = tmp_path / "11.5.xml", tmp_path / "hubs.txt"
    ran = run(
        "pilot", "select", "--release", "REL-1", "--party", SUPPLIER, "--region", "South", "--counter", "77",
        "--request", request, "--list", listed, *installation.config,
    )  # fmt: skip
    assert (ran.code, ran.output) == (0, "")
    assert "Chose 3 of 3 hubs" in ran.error
    document = request.read_bytes()
    read = read_service_request(Schema(schema_path("duis/6.0")).check(document))
    assert read.request_id == RequestId(SUPPLIER, GATEWAY, 77)
    assert read.body == PreferredPilotList("REL-1", "01020305", ids(2, 4, 8))
    assert listed.read_text(encoding="ascii").splitlines() == [format_eui(one) for one in ids(2, 4, 8)]
    key, certificate = installation.make_certificate(SUPPLIER)
    signed = tmp_path / "signed.xml"
    done("sign", request, "--key", key, "--certificate", certificate, "--out", signed)
    assert done("verify", signed, "--trust", installation.pki)


@pytest.mark.usefixtures("store")
def test_counters_made_from_the_time_rise(installation: Installation, tmp_path: Path) -> None:
    counters = []
    for name in ("one.xml", "two.xml"):
        request = ("pilot", "select", "--release", "REL-1", "--party", SUPPLIER, "--request", tmp_path / name)
        done(*request, *installation.config)
        read = read_service_request(Schema(schema_path("duis/6.0")).check((tmp_path / name).read_bytes()))
        counters.append(read.request_id.counter)
    assert 0 < counters[0] < counters[1] < 2**64


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_supplier_without_the_database_chooses_from_the_party_door(
    installation: Installation, store: Store, tmp_path: Path, form: str
) -> None:
    """The same choice; nothing of the gateway is needed but what the door gave."""
    file = tmp_path / f"eligible.{form}"
    file.write_text(at_the_door(store, "eligible-hubs", SUPPLIER, f"format={form}"), encoding="utf-8", newline="")
    request = tmp_path / "11.5.xml"
    done(
        "pilot", "select", "--release", "REL-1", "--party", SUPPLIER, "--hubs", file, "--firmware-version", "01020305",
        "--gateway", GATEWAY, "--number", "5", "--request", request, "--config", tmp_path / "absent.toml",
    )  # fmt: skip
    read = read_service_request(Schema(schema_path("duis/6.0")).check(request.read_bytes()))
    assert isinstance(read.body, PreferredPilotList)
    assert read.body.device_ids == tuple(chosen(installation))


def test_files_that_are_no_lists_of_hubs_are_refused(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "hubs"
    asked = (
        "pilot", "select", "--release", "R", "--party", SUPPLIER, "--hubs", file, "--firmware-version", "1",
        "--gateway", GATEWAY,
    )  # fmt: skip
    for content, said in (
        ("model,region\n", "no column device_id"),
        ("[{]", "not JSON"),
        ("[1]", "a list of objects"),
        ('[{"model": "CH-1"}]', "it has no device_id"),
        ("device_id\n\n12-34\n", "line 3: not an EUI-64"),
        ("device_id\n00-DB-12-34-56-00-00-01,00-DB-12-34-56-00-00-02\n", "line 2 has 2 fields where one EUI-64"),
        ("device_id,import,mark\n00-DB-12-34-56-00-00-01,true\n", "line 2 has 2 fields where the header has 3"),
        ('device_id\n"12', "line 2: it is not CSV"),
    ):
        file.write_text(content, encoding="utf-8")
        assert said in refused(2, *asked)
    assert "--firmware-version" in refused(2, *asked[:8], "--gateway", GATEWAY)


def test_what_cannot_be_piloted_is_said(installation: Installation, store: Store) -> None:
    with store.write() as conn:
        releases.put(conn, replace(RELEASE, release_id="REL-2", pilot=None), {})
    asked = ("pilot", "select", "--party", SUPPLIER, *installation.config)
    assert "no release 'R'" in refused(1, *asked, "--release", "R")
    assert "has no pilot" in refused(1, *asked, "--release", "REL-2")
    stranger = ("pilot", "select", "--party", OTHER_SUPPLIER + 1, "--release", "REL-1", *installation.config)
    assert "is not registered" in refused(1, *stranger)


@pytest.mark.usefixtures("store")
def test_nothing_is_written_over(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "11.5.xml").write_text("mine", encoding="ascii")
    asked = ("pilot", "select", "--release", "REL-1", "--party", SUPPLIER, "--request", tmp_path / "11.5.xml")
    assert "is not overwritten" in refused(2, *asked, *installation.config)
