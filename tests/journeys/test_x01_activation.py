"""X01: a hub runs new firmware; every supplier responsible for it at that moment is told, and DCC (N64, N999)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree

from duis_gateway.namespaces import SR
from duis_gateway.operations import flags
from tests.support.databases import KINDS
from tests.support.dcc_play import planned_now
from tests.support.installation import Delivery
from tests.support.play import NOW, RELEASED, RUNNING, Outcome, Play
from tests.support.published import published_schema
from tests.support.wire_client import only, texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X01")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


def told(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    """Return each alert's meant code and its hub."""
    return sorted((texts(one.root, "DCCAlertCode")[-1], one.text("DeviceID")) for one in deliveries)


def activate(play: Play, *hubs: str) -> None:
    """Register CS06 for hubs that may go, and report the success of all, each by the CSP of its region."""
    for csp in ("north", "south"):
        own = play.lot.of_csp(csp, hubs)
        if own:
            assert play.requested(csp, own, named=False).code != "Refused"
            assert play.responded(csp, *map(Outcome, own)).code == "Accepted"


def flagged(play: Play, hub: str) -> set[str]:
    with play.installation.store.read() as conn:
        return {one.kind for one in flags.newest(conn) if one.subject == hub}


@pytest.mark.requirement("FIA-1", "FIA-2", "PIA-6", "BR-5.6")
def test_every_responsible_supplier_is_told_once_about_each_of_its_hubs(play: Play) -> None:
    lot = play.lot
    hubs = [hub for hub in lot.owners if hub not in lot["no_hub"]]
    planned_now(play, hubs)
    activate(play, *hubs)
    everyone = [hub for hub in hubs if hub not in lot["updated"]]
    for supplier in ("main", "gas", "on54", "suspended"):
        alerts = play.received(supplier)
        assert told(alerts) == sorted(("N64", hub) for hub in lot.of_supplier(supplier, everyone))
        assert {one.kind for one in alerts} == {"N64"}
        assert {one.text("FirmwareVersion") for one in alerts} == {RELEASED}
    assert not play.received("idle")
    assert all(play.version(hub) == RELEASED for hub in everyone)


@pytest.mark.requirement("FIA-2")
def test_both_suppliers_of_a_split_hub_get_n64(play: Play) -> None:
    hub = play.lot["split"][0]
    activate(play, hub)
    for supplier in ("main", "gas"):
        assert told(play.received(supplier)) == [("N64", hub)]


@pytest.mark.requirement("FIA-3")
def test_a_supplier_on_5_0_gets_n999_with_the_firmware_version(play: Play) -> None:
    activate(play, play.lot["on50"][0])
    (alert,) = play.received("on50")
    assert alert.kind == "N999"
    body = alert.root.find(f".//{{{SR}}}DCCAlertVersionMismatch")
    assert body is not None
    assert [(etree.QName(one).localname, one.text) for one in body] == [
        ("DCCAlertCode", "N64"),
        ("DeviceID", play.lot["on50"][0]),
        ("FirmwareVersion", RELEASED),
    ]
    assert alert.text("ServiceUserDUISVersion") == "5.0" == alert.root.get("schemaVersion")


@pytest.mark.requirement("FIA-3", "FIA-4")
def test_a_supplier_that_wants_the_published_schema_gets_the_published_n999(play: Play) -> None:
    activate(play, play.lot["published"][0])
    (alert,) = play.received("published50")
    assert texts(alert.root, "DCCAlertCode") == ["N999", "N64"]
    assert not texts(alert.root, "FirmwareVersion")
    published_schema().assertValid(etree.fromstring(alert.raw))


def test_the_two_suppliers_of_a_hub_each_get_the_alert_of_their_version(play: Play) -> None:
    hub = play.lot["mixed"][0]
    activate(play, hub)
    assert [one.kind for one in play.received("main")] == ["N64"]
    assert [one.kind for one in play.received("on50")] == ["N999"]


@pytest.mark.requirement("FIA-4")
def test_n64_is_valid_by_the_published_schema(play: Play) -> None:
    activate(play, play.lot["on54"][0])
    (alert,) = play.received("on54")
    assert alert.root.get("schemaVersion") == "5.4"
    published_schema().assertValid(etree.fromstring(alert.raw))


@pytest.mark.requirement("PIA-3", "PIA-A11", "BR-2.4")
def test_dcc_gets_the_progress_by_release_and_version(play: Play) -> None:
    hubs = play.lot.of_csp("north", play.lot["own"])
    planned_now(play, hubs)
    activate(play, *hubs)
    (progress,) = play.received("dcc", "PilotProgress")
    assert (progress.text("FirmwareReleaseID"), progress.text("FirmwareVersion")) == (play.lot.release, RELEASED)
    assert texts(progress.root, "DeviceID") == hubs
    assert set(texts(progress.root, "Outcome")) == {"Success"}
    assert set(texts(progress.root, "Stage")) == {"Activation"}


def test_the_same_version_again_raises_nothing(play: Play) -> None:
    hub = play.lot["own"][0]
    activate(play, hub)
    play.forget()
    assert play.responded("north", Outcome(hub, at=NOW)).code == "Accepted"
    assert not play.received("main")
    assert play.responded("north", Outcome(hub, version="9003", at=NOW + timedelta(minutes=1))).code == "Accepted"
    assert told(play.received("main")) == [("N64", hub)]
    assert play.version(hub) == "9003"


def test_an_older_completion_than_recorded_changes_nothing(play: Play) -> None:
    hub = play.lot["own"][0]
    activate(play, hub)
    play.forget()
    answer = play.responded("north", Outcome(hub, version=RUNNING, at=NOW - timedelta(hours=3)))
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    assert not any(play.everything().values())
    assert play.version(hub) == RELEASED


@pytest.mark.requirement("FIA-2")
def test_a_hub_without_a_release_or_cs06_is_told_like_any_other_and_flagged(play: Play) -> None:
    hub = play.lot["own"][0]
    assert play.responded("north", Outcome(hub, version="7777")).code == "Accepted"
    assert told(play.received("main")) == [("N64", hub)]
    assert flagged(play, hub) == {"unmatched", "unknown_release"}
    (progress,) = play.received("dcc", "PilotProgress")
    assert not texts(progress.root, "FirmwareReleaseID")


def test_a_registered_cs06_of_a_known_release_raises_no_flag(play: Play) -> None:
    planned_now(play, play.lot["own"][:1])
    activate(play, play.lot["own"][0])
    assert flagged(play, play.lot["own"][0]) == set()


def test_a_hub_that_nobody_is_responsible_for_is_updated_and_nobody_is_told(play: Play) -> None:
    hub = play.lot["nobody"][0]
    activate(play, hub)
    assert play.version(hub) == RELEASED
    assert {name for name, bodies in play.everything().items() if bodies} == {"dcc"}


def test_unknown_and_foreign_hubs_are_refused_as_items_and_the_others_told(play: Play) -> None:
    """A CSP speaks for its own regions only."""
    good = play.lot.of_csp("north", play.lot["own"])[0]
    foreign = play.lot.of_csp("south", play.lot["own"])[0]
    future = play.lot.of_csp("north", play.lot["own"])[1]
    no_hub = play.lot["no_hub"][0]
    answer = play.responded(
        "north",
        Outcome(UNKNOWN),
        Outcome(foreign),
        Outcome(good),
        Outcome(future, at=NOW + timedelta(days=2)),
        Outcome(no_hub),
    )
    assert answer.code == "PartlyAccepted"
    assert answer.refused_items.keys() == {UNKNOWN, foreign, future, no_hub}
    assert "outside this CSP's regions" in answer.refused_items[foreign]
    assert told(play.received("main")) == [("N64", good)]
    assert play.version(foreign) == RUNNING


def test_a_message_without_a_good_item_is_refused_and_nothing_happens(play: Play) -> None:
    foreign = play.lot.of_csp("south", play.lot["own"])[0]
    no_hub = play.lot["no_hub"][0]
    for answer in (play.responded("north", Outcome(foreign)), play.requested("north", [foreign, UNKNOWN, no_hub])):
        assert answer.code == "Refused"
        assert foreign in answer.refused_items
    assert not any(play.everything().values())
    assert play.version(foreign) == RUNNING


def test_cs06_for_some_foreign_hubs_is_registered_for_the_others(play: Play) -> None:
    planned_now(play, play.lot["own"])
    good, foreign = (play.lot.of_csp(csp, play.lot["own"])[0] for csp in ("north", "south"))
    answer = play.requested("north", [good, foreign, UNKNOWN])
    assert (answer.code, set(answer.refused_items)) == ("PartlyAccepted", {foreign, UNKNOWN})
    play.responded("north", Outcome(good))
    play.responded("south", Outcome(foreign))
    assert (flagged(play, good), flagged(play, foreign)) == (set(), {"unmatched"})


def test_a_hub_that_stands_twice_in_a_message_is_told_of_each_new_version_once(play: Play) -> None:
    hub = play.lot["own"][0]
    answer = play.responded(
        "north",
        Outcome(hub, version="9002", at=NOW - timedelta(minutes=9)),
        Outcome(hub, version="9002", at=NOW - timedelta(minutes=8)),
        Outcome(hub, version="9003", at=NOW - timedelta(minutes=7)),
    )
    assert answer.code == "Accepted"
    alerts = play.received("main")
    assert sorted(one.text("FirmwareVersion") for one in alerts) == ["9002", "9003"]
    assert play.version(hub) == "9003"


def test_an_exact_repeat_gets_the_first_answer_and_nobody_is_told_again(play: Play) -> None:
    """T39."""
    hubs = play.lot.of_csp("south", (*play.lot["own"], *play.lot["split"], *play.lot["on50"]))
    answer = play.responded("south", *map(Outcome, hubs))
    assert answer.code == "Accepted"
    play.check_repeat(answer)


def test_alerts_wait_for_a_supplier_that_is_down_and_none_is_lost(play: Play) -> None:
    """F13; the other suppliers and DCC are not held up."""
    lot = play.lot
    with play.down("main"):
        activate(play, *lot["own"], *lot["split"])
        play.settle("main")
        assert told(play["gas"].received()) == sorted(("N64", hub) for hub in lot["split"])
        assert not play["main"].received()
    alerts = play.received("main")
    assert told(alerts) == sorted(("N64", hub) for hub in (*lot["own"], *lot["split"]))
    assert len({one.text("ResponseID") for one in alerts}) == len(alerts)


def test_a_repeat_on_the_way_has_the_same_response_id(play: Play) -> None:
    """F03: what was sent and not recorded as accepted comes again as the same bytes."""
    supplier = play["main"]
    before = len(supplier.receiver.arrivals)
    supplier.receiver.mode = "500"
    try:
        activate(play, play.lot["own"][0])
        supplier.receiver.wait_for_arrivals(before + 2)
    finally:
        supplier.receiver.mode = "ok"
    play.settle()
    attempts = [arrival.body for arrival in supplier.receiver.arrivals[before:]]
    assert len(attempts) > 2
    assert len(set(attempts)) == 1
    assert only(etree.fromstring(attempts[0]), "DeviceID") == play.lot["own"][0]
