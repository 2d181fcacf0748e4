"""A hub of a release that was stopped or withdrawn: why nothing is planned for it any more (BR-5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import esi.messages as esi
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page, hub_row
from duis_gateway.rollout.estate.over import ReleasesOver
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import last_word
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.text.times import show_time
from tests.support.databases import KINDS
from tests.support.rules import OURS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, NORTH, OWN_NORTH, Steering, steering

pytestmark = pytest.mark.requirement("BR-5.3", "X03")
NONE = "no release in flight is for this device model"


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    with steering(request.param, tmp_path) as made:
        made.piloting()
        yield made


def decide(dcc: Steering, action: RolloutAction, why: str) -> None:
    assert dcc.says(esi.RolloutDecision("R1", action, why, Standing.CONFIRMED, "DCC")).status == "Accepted"


def why(dcc: Steering, party: int) -> object:
    with dcc.store.read() as conn:
        row = hub_row(conn, PARTIES[party], OWN_NORTH, dcc.clock.now())
        page = hub_on_a_page(conn, PARTIES[party], OWN_NORTH, dcc.clock.now())
    assert row is not None
    assert page is not None
    assert page["reason"] == page["why"] == row["why"]
    assert page["state"] == "not_planned"
    return row["why"]


@pytest.mark.parametrize("action", [RolloutAction.STOP, RolloutAction.WITHDRAW])
def test_why_names_the_release_that_was_for_it_and_what_ended_it(dcc: Steering, action: RolloutAction) -> None:
    """Before, it said no more than that no release is for the model, once a release was stopped."""
    decide(dcc, action, "bad image")
    became = {RolloutAction.STOP: "stopped", RolloutAction.WITHDRAW: "withdrawn"}[action]
    when = show_time(dcc.clock.now())
    for party in (OURS, NORTH, DCC):
        assert why(dcc, party) == f"{NONE}; R1, which was for it, was {became} on {when} by DCC: bad image"


def test_the_releases_that_were_for_a_hub_are_listed_beside_what_is_in_flight(dcc: Steering) -> None:
    with dcc.store.read() as conn:
        hub = hubs.get(conn, OWN_NORTH)
        assert hub is not None
        assert ReleasesOver(conn).of(hub) == []
    decide(dcc, RolloutAction.STOP, "bad image")
    with dcc.store.read() as conn:
        (over,) = ReleasesOver(conn).of(hub)
    assert (over.release.release_id, over.by, over.why) == ("R1", "DCC", "bad image")


@pytest.mark.requirement("A12")
@pytest.mark.parametrize(("said", "reads"), [(None, ""), ("R2 has the fix", ": R2 has the fix")])
def test_a_superseded_release_says_by_which(dcc: Steering, said: str | None, reads: str) -> None:
    """In its history, and so on each page and in `release show`: all said no more than that it was superseded."""
    dcc.announces("R2")
    told = dcc.says(esi.Supersession("R1", "R2", dcc.clock.now(), said))
    assert told.body(NORTH, "Supersession").commentary == said, "DCC's own words"
    with dcc.store.read() as conn:
        one, events = releases.find(conn, "R1"), history.of_release(conn, "R1")
        hub = hubs.get(conn, OWN_NORTH)
        assert one is not None
        assert hub is not None
        word = last_word(one, events)
        (over,) = ReleasesOver(conn).of(hub)
    assert word is not None
    assert (word.what, word.by, word.why) == ("Superseded", "DCC", f"R2 takes its place{reads}")
    assert over.how.endswith(f"by DCC: R2 takes its place{reads}")
