"""A01, its inbound half: DCC announces a release, and each CSP is told of it with the hubs of its own regions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from duis_gateway.operations import flags
from tests.support.play import DAY, NOW, Play
from tests.support.wire_client import devices, only, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("A01")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


@pytest.mark.requirement("BR-1.1", "BR-0.1")
def test_both_csps_get_the_notice_with_the_marked_hubs_of_their_regions(play: Play) -> None:
    lot = play.lot
    proving, excluded = lot["marked"][:3], lot["marked"][3:]
    marks = devices("esi:ProvingDeviceIDList", proving) + devices("esi:ExcludedDeviceIDList", excluded)
    answer = play.announce(marks=marks, minimum=3)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    for csp in ("north", "south"):
        (notice,) = play.received(csp)
        assert notice.kind == "FirmwareReleaseNotice"
        assert (notice.text("FirmwareReleaseID"), notice.text("Revision")) == (lot.release, "1")
        assert (notice.text("Model"), notice.text("FirmwareVersion")) == (lot.model, "9002")
        assert (notice.text("Limit"), notice.text("Minimum")) == ("100", "3")
        assert notice.listed("ProvingDeviceIDList") == lot.of_csp(csp, proving)
        assert notice.listed("ExcludedDeviceIDList") == lot.of_csp(csp, excluded)


@pytest.mark.requirement("BR-1.2")
def test_the_automatic_date_is_six_months_after_the_notice_unless_given(play: Play) -> None:
    assert play.announce().code == "Accepted"
    assert play.announce(release=f"{play.lot.release}-b", automatic=NOW + 100 * DAY).code == "Accepted"
    dates = {
        notice.text("FirmwareReleaseID"): datetime.fromisoformat(notice.text("AutomaticDate"))
        for notice in play.received("north")
    }
    assert dates == {
        play.lot.release: datetime(2027, 9, 30, 9, tzinfo=UTC),
        f"{play.lot.release}-b": NOW + 100 * DAY,
    }


def test_marked_hubs_that_are_none_of_the_model_are_listed_back_and_the_release_stands(play: Play) -> None:
    known, other = play.lot["marked"][0], play.installation.lot()["marked"][0]
    marks = devices("esi:ProvingDeviceIDList", [known, UNKNOWN, other]) + devices(
        "esi:ExcludedDeviceIDList", play.lot["no_hub"]
    )
    answer = play.announce(marks=marks)
    assert answer.code == "PartlyAccepted"
    assert answer.refused_items == {
        UNKNOWN: "unknown to the inventory",
        other: "of another device model",
        play.lot["no_hub"][0]: "unknown to the inventory",
    }
    told = [hub for csp in ("north", "south") for hub in play.received(csp)[0].listed("ProvingDeviceIDList")]
    assert told == [known]
    assert not any(play.received(csp)[0].listed("ExcludedDeviceIDList") for csp in ("north", "south"))
    assert play.pilot_list("main", play.lot["own"][:1]).code == "I99"
    assert sorted(play.received("dcc")[0].listed()) == sorted([known, play.lot["own"][0]])


def test_a_release_for_a_model_that_nobody_has_is_said_to_reach_no_supplier(play: Play) -> None:
    """It is recorded, as its hubs may come; whoever misspelt the model learned of it from nothing before."""
    answer = play.announce(release=f"{play.lot.release}-X", model="433200XX")
    assert answer.code == "Accepted"
    assert "No supplier is responsible for a hub of the model" in only(answer.root, "Text")
    with play.installation.store.read() as conn:
        raised = [one.kind for one in flags.newest(conn) if one.subject == f"{play.lot.release}-X"]
    assert raised == ["no hub of the model"]
    assert not texts(play.announce().root, "Text")


@pytest.mark.parametrize(
    ("notice", "reason"),
    [
        ({"automatic": NOW - DAY, "pilot": None}, "not in the future"),
        ({"kind": "Security"}, "has no pilot"),
        ({"kind": "Operational"}, "has no pilot"),
        ({"automatic": NOW + 30 * DAY}, "before the automatic date"),
        ({"pilot": (NOW, NOW)}, "end after its start"),
        ({"pilot": (NOW - 200 * DAY, NOW + DAY)}, "longer than 6 months"),
        ({"limit": 5, "minimum": 6}, "minimum"),
    ],
)
def test_a_notice_that_cannot_be_is_refused_and_nobody_is_told(play: Play, notice: dict[str, Any], reason: str) -> None:
    answer = play.announce(**notice)
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "NoticeRefused")
    assert reason in only(answer.root, "Text")
    assert not any(play.everything().values())
    assert play.pilot_list("main", play.lot["own"][:1]).code == "E110501"


@pytest.mark.requirement("BR-1.4")
def test_a_revision_replaces_the_notice_and_is_told_again(play: Play) -> None:
    play.announce(limit=1)
    assert play.pilot_list("main", play.lot["own"][:2]).code == "E110504"
    assert play.announce(revision=2, limit=2).code == "Accepted"
    assert play.pilot_list("main", play.lot["own"][:2]).code == "I99"
    notices = play.received("south", "FirmwareReleaseNotice")
    assert [(one.text("Revision"), one.text("Limit")) for one in notices] == [("1", "1"), ("2", "2")]


def test_a_revision_below_the_one_that_stands_is_refused(play: Play) -> None:
    play.announce(revision=3)
    for revision in (2, 3):
        answer = play.announce(revision=revision)
        assert answer.code == "Refused"
        assert "revision 3, the current one" in only(answer.root, "Text")
    assert play.announce(revision=4, firmware="9003").code == "Refused"
    assert play.announce(revision=4, model="ANOTHER").code == "Refused"
    assert len(play.received("north")) == 1


def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play) -> None:
    """T39."""
    play.check_repeat(play.announce())


def test_notices_wait_for_a_csp_that_is_down_and_come_in_order(play: Play) -> None:
    """F13."""
    with play.down("north"):
        for revision in range(1, 6):
            assert play.announce(revision=revision).code == "Accepted"
        play.settle("north")
        assert len(play["south"].received()) == 5, "the other CSP is not held up"
        assert not play["north"].received()
    assert [one.text("Revision") for one in play.received("north")] == ["1", "2", "3", "4", "5"]


def test_the_acknowledgement_names_the_message_and_the_gateway(play: Play) -> None:
    answer = play.announce()
    assert texts(answer.root, "MessageID")[1] in play.sent.signed.decode()
    assert only(answer.root, "SenderID") == "90-B3-D5-1F-30-00-00-02"
    assert datetime.fromisoformat(only(answer.root, "CreatedAt")) - NOW == timedelta(0)
