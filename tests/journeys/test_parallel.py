"""Many at once, to two gateway processes on one database: one execution, and one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle, permutations
from threading import Barrier

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import hub, update
from tests.support.installation import Installation, installed
from tests.support.play import NOW, Group, Outcome, Play, Sent, playing
from tests.support.wire_client import Answer, element

pytestmark = pytest.mark.processes

COPIES = 50


@pytest.fixture(scope="module", params=KINDS)
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, str]]:
    """An installation with two gateway processes: the parties speak to the first, and here is the second's URL."""
    with (
        installed(request.param, tmp_path_factory.mktemp("two")) as installation,
        installation.running() as first,
        installation.running() as second,
    ):
        for actor in installation.actors.values():
            actor.url = first.url
        yield installation, second.url


@pytest.fixture
def play(two: tuple[Installation, str]) -> Iterator[Play]:
    """The parties, with hubs that no other test has touched."""
    with playing(two[0]) as play:
        yield play


@pytest.fixture
def second(two: tuple[Installation, str]) -> str:
    """The URL of the second gateway process."""
    return two[1]


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """Make all calls at the same moment."""
    barrier = Barrier(len(calls))

    def make(call: Callable[[], Answer]) -> Answer:
        barrier.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def copies(sent: Sent, url: str) -> list[Answer]:
    """Post copies of one message to both processes at once."""
    return at_once(*(partial(sent.through, to) for to in (sent.actor.url, url) * (COPIES // 2)))


def side_by_side(sent: list[Sent], url: str) -> list[Answer]:
    """Post different messages at once, to the two processes in turn."""
    return at_once(*(partial(one.through, to) for one, to in zip(sent, cycle((sent[0].actor.url, url)), strict=False)))


def test_copies_of_a_preferred_list_are_executed_once(play: Play, second: str) -> None:
    """T42."""
    play.announce()
    play.forget()
    answers = copies(play.prepare(lambda: play.pilot_list("main", play.lot["own"])), second)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.document for answer in answers}) == 1
    assert answers[0].code == "I99"
    assert [one.kind for one in play.received("dcc")] == ["PreferredPilotListReport"]
    assert [len(play.received(csp)) for csp in ("north", "south")] == [1, 1]


def test_copies_of_a_csps_message_are_executed_once(play: Play, second: str) -> None:
    """T42, for a MessageID."""
    hubs = play.lot.of_csp("north", play.lot["split"])
    answers = copies(play.prepare(lambda: play.responded("north", *map(Outcome, hubs))), second)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.document for answer in answers}) == 1
    for supplier in ("main", "gas"):
        assert sorted(one.text("DeviceID") for one in play.received(supplier)) == hubs
    assert [one.kind for one in play.received("dcc")] == ["PilotProgress"]


def test_of_two_contents_under_one_request_id_one_counts(play: Play, second: str) -> None:
    """T40, T42: everybody who sent the other gets 409."""
    request_id = play.new_request_id()
    sent = [
        play.prepare(partial(play.send, "main", play.reading("main", hub, request_id=request_id)))
        for hub in play.lot["own"][:2]
    ]
    urls = (sent[0].actor.url, second)
    answers = at_once(*(partial(one.through, url) for _ in range(6) for one in sent for url in urls))
    assert Counter(answer.status for answer in answers) == {200: 12, 409: 12}
    assert len({answer.document for answer in answers if answer.status == 200}) == 1


def test_one_hubs_new_version_is_told_once_however_many_messages_report_it(play: Play, second: str) -> None:
    """Two messages about one hub are not judged side by side."""
    device = play.lot.of_csp("north", play.lot["own"])[0]
    sent = [play.prepare(lambda: play.responded("north", Outcome(device, at=NOW))) for _ in range(12)]
    answers = side_by_side(sent, second)
    assert [answer.code for answer in answers] == ["Accepted"] * 12
    assert [one.kind for one in play.received("main")] == ["N64"]


def test_of_many_hubs_that_are_given_one_gpf_one_gets_it(play: Play, second: str) -> None:
    devices = play.lot.within("North", of=play.lot["own"])[:6]
    gpf = devices[0].replace("00-DB", "00-DC", 1)
    sent = [play.prepare(partial(update, play, hub(play, one, gpf=gpf))) for one in devices]
    assert sorted(answer.code for answer in side_by_side(sent, second)) == [
        "Accepted",
        *["Refused"] * (len(devices) - 1),
    ]
    assert play.read_inventory("main", gpf).code == "I0"


def test_the_parts_of_a_list_may_come_at_once(play: Play, second: str) -> None:
    play.announce()
    play.forget()
    hubs, list_id = play.lot.within("North", of=tuple(play.lot.owners)), play.installation.message_id()
    hubs = [hub for hub in hubs if "main" in play.lot.owners[hub] and hub not in play.lot["uncommissioned"]]
    hubs = [hub for hub in hubs if hub not in play.lot["no_hub"] + play.lot["updated"]]
    sent = []
    for number, one in enumerate(hubs, 1):
        part = element("Part", ListID=list_id, Number=str(number), Of=str(len(hubs)))
        sent.append(play.prepare(partial(play.default_list, "north", "North", [one], part=part)))
    assert len(sent) > 3
    answers = side_by_side(sent, second)
    assert [answer.code for answer in answers] == ["Accepted"] * len(sent)
    (alert,) = play.received("main", "N66")
    assert alert.listed() == hubs


def test_different_lists_of_one_supplier_are_told_in_the_order_in_which_they_stand(play: Play, second: str) -> None:
    """What the CSPs and DCC were told last is what stands."""
    play.announce()
    play.forget()
    hubs = play.lot.of_csp("south", play.lot["own"])
    sent = [play.prepare(partial(play.pilot_list, "main", ids)) for ids in permutations(hubs[:3], 2)]
    answers = side_by_side(sent, second)
    assert {answer.code for answer in answers} == {"I99"}
    told = {name: [sorted(one.listed()) for one in play.received(name)] for name in ("south", "dcc")}
    assert told["south"] == told["dcc"]
    assert len(told["dcc"]) == len(sent)
    out = next(hub for hub in hubs[:3] if hub not in told["dcc"][-1])
    assert play.pilot_schedule("main", Group("G", told["dcc"][-1])).code == "I99"
    assert play.pilot_schedule("main", Group("H", [out])).code == "E110608"
