"""A decision that was not told is somebody's turn until it is heard, and of the hubs alone that it names (X03, X08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.store.tables import outbox
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import AUTOMATIC, OURS, PILOT
from tests.support.status_of import PARTIES
from tests.support.steering import NORTH, OWN_NORTH, OWN_SOUTH, WEEK, Steering, steering

pytestmark = pytest.mark.requirement("BR-5.4", "BR-5.5", "X03", "X08")
DAY = timedelta(days=1)


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    """A release in its pilot, of which everybody has been told."""
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        becomes(dcc, "delivered")
        with pages_over(dcc) as made:
            yield made


def becomes(dcc: Steering, state: str, *to: int, kind: str | None = None, **values: Any) -> None:
    """What waits in the outbox, for these parties and of this kind if they are given, has come to this."""
    which = [outbox.c.state == "pending"]
    which += [outbox.c.recipient.in_(to)] if to else []
    which += [outbox.c.kind == kind] if kind else []
    with dcc.store.write() as conn:
        conn.execute(update(outbox).where(*which).values(state=state, **values))


def gives_up(dcc: Steering, *to: int, kind: str | None = None) -> None:
    becomes(dcc, "dead", *to, kind=kind, last_error="HTTP 404", attempts=12)


def instructs(dcc: Steering, hub: int, group_id: str) -> None:
    """DCC instructs a batch of one hub."""
    period = Period(PILOT.end + DAY, PILOT.end + WEEK)
    assert dcc.says(esi.BatchInstruction("R1", group_id, (hub,), period)).status == "Accepted"


def decides(dcc: Steering, action: RolloutAction) -> None:
    dcc.clock.instant += timedelta(minutes=1)
    date = AUTOMATIC + WEEK if action is RolloutAction.DELAY else None
    said = esi.RolloutDecision("R1", action, "looked into", Standing.CONFIRMED, "DCC", date)
    assert dcc.says(said).status == "Accepted"


def of_hub(hub: int) -> str:
    return f"/hubs/{format_eui(hub)}"


def turn(pages: Pages, hub: int) -> str:
    """Whose turn it is with a hub, as its page says, which says nothing where it is nobody's."""
    return " ".join(" ".join(one.text_content().split()) for one in pages.read(of_hub(hub)).xpath("//ul[@id='turn']"))


def own(dcc: Steering, party: int) -> list[tuple[object, object]]:
    """What a party is told by `deadlines` that it was not told."""
    with dcc.store.read() as conn:
        found = deadline_rows(conn, PARTIES[party], dcc.clock.now())
    return [(one["task"], one["state"]) for one in found if one["whose"] == "own" and one["state"] == "not_told"]


CARRY_OUT = ("carry_out_decision", "not_told")
TAKE_NOTE = ("take_note_of_plan", "not_told")
REPLAY = "Operator: replay N72 to supplier"


def test_a_batch_is_the_affair_of_the_hubs_that_it_names_alone(pages: Pages) -> None:
    """A hub's page named the N72 of another hub's batch, and had it replayed."""
    dcc = pages.dcc
    instructs(dcc, OWN_NORTH, "B1")
    gives_up(dcc, OURS, kind="N72")
    becomes(dcc, "delivered")
    assert REPLAY in turn(pages, OWN_NORTH)
    assert "N72" not in turn(pages, OWN_SOUTH)
    assert REPLAY in pages.words("/releases/R1")
    decides(dcc, RolloutAction.PAUSE)
    gives_up(dcc, OURS, kind="N72")
    becomes(dcc, "delivered")
    assert REPLAY in turn(pages, OWN_SOUTH), "a pause is about every hub of the release"


@pytest.mark.parametrize("later", [RolloutAction.DELAY, RolloutAction.PAUSE, "another batch"])
def test_what_was_given_up_is_somebodys_turn_whatever_is_decided_later(
    pages: Pages, later: RolloutAction | str
) -> None:
    """Once a later decision was delivered, nobody's turn was left, and the hub said to replay all the same."""
    dcc = pages.dcc
    instructs(dcc, OWN_NORTH, "B1")
    gives_up(dcc, OURS)
    becomes(dcc, "delivered")
    if isinstance(later, RolloutAction):
        decides(dcc, later)
    else:
        instructs(dcc, OWN_SOUTH, "B2")
    becomes(dcc, "delivered")
    assert "First replay what was given up" in pages.words(of_hub(OWN_NORTH), part="//div[@id='standing']")
    assert REPLAY in turn(pages, OWN_NORTH)
    assert REPLAY in pages.words("/releases/R1")
    assert CARRY_OUT in own(dcc, OURS)
    with dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.state == "dead").values(state="delivered"))
    assert "N72" not in turn(pages, OWN_NORTH)
    assert own(dcc, OURS) == []


def test_news_of_a_plan_is_somebodys_turn_where_it_alone_was_given_up(pages: Pages) -> None:
    """The hub's page said to replay what was given up, and whose turn it is said nothing."""
    dcc = pages.dcc
    instructs(dcc, OWN_NORTH, "B1")
    gives_up(dcc, OURS, kind="N77")
    becomes(dcc, "delivered")
    said = f"Operator: replay N77 to supplier {format_eui(OURS)}"
    for path in (of_hub(OWN_NORTH), "/releases/R1"):
        assert said in pages.words(path)
        assert "it does not know how hubs of its own are planned" in pages.words(path)
    assert "N77" not in turn(pages, OWN_SOUTH)
    assert own(dcc, OURS) == [TAKE_NOTE]
    dcc.clock.instant += timedelta(minutes=1)
    instructs(dcc, OWN_SOUTH, "B1")
    assert said in turn(pages, OWN_NORTH), "what says otherwise of it is on its way"
    becomes(dcc, "delivered")
    assert "N77" not in turn(pages, OWN_NORTH)
    assert own(dcc, OURS) == []


def test_a_batch_that_a_csp_does_not_take_is_said_in_a_pause_too(pages: Pages) -> None:
    """In a pause no plan is told that would have made it somebody's turn: the batch itself is."""
    dcc = pages.dcc
    decides(dcc, RolloutAction.PAUSE)
    becomes(dcc, "delivered")
    instructs(dcc, OWN_NORTH, "B1")
    becomes(dcc, "pending", NORTH, last_error="Connection refused", attempts=3)
    first = "First see why the message to its CSP does not arrive"
    assert first in pages.words(of_hub(OWN_NORTH), part="//div[@id='standing']")
    said = f"Gateway: delivering BatchInstruction to CSP North {format_eui(NORTH)}"
    for path in (of_hub(OWN_NORTH), "/releases/R1", "/"):
        assert said in pages.words(path)
    assert said not in pages.words(of_hub(OWN_SOUTH))
    assert own(dcc, NORTH) == [CARRY_OUT]


@pytest.mark.parametrize(
    ("given_up", "later", "stands"),
    [
        (RolloutAction.PAUSE, RolloutAction.PROCEED, False),
        (RolloutAction.PAUSE, RolloutAction.STOP, False),
        (RolloutAction.DELAY, RolloutAction.STOP, False),
        (RolloutAction.PAUSE, RolloutAction.DELAY, True),
        (RolloutAction.DELAY, RolloutAction.PAUSE, True),
    ],
)
def test_a_later_decision_takes_the_place_of_what_it_decides_anew(
    pages: Pages, given_up: RolloutAction, later: RolloutAction, stands: bool
) -> None:
    """A pause that is missed is not made up for by a new date, nor by a batch."""
    dcc = pages.dcc
    decides(dcc, given_up)
    gives_up(dcc, OURS, kind="N72")
    becomes(dcc, "delivered")
    instructs(dcc, OWN_NORTH, "B1")
    becomes(dcc, "delivered")
    assert own(dcc, OURS) == [CARRY_OUT]
    decides(dcc, later)
    becomes(dcc, "delivered")
    assert own(dcc, OURS) == ([CARRY_OUT] if stands else [])
    assert (REPLAY in turn(pages, OWN_SOUTH)) == stands


def test_a_suppliers_server_that_takes_nothing_is_to_be_seen_to_first_as_a_csps_is(pages: Pages) -> None:
    """Both pages of the hub said to wait; that the server has to answer stood on the message's page alone."""
    dcc = pages.dcc
    instructs(dcc, OWN_NORTH, "B1")
    becomes(dcc, "delivered", NORTH)
    becomes(dcc, "pending", OURS, last_error="Connection refused", attempts=3)
    part = "//div[@id='standing']"
    first = "First see why the message to its supplier does not arrive: its own page says what can be done. Wait"
    assert first in pages.words(of_hub(OWN_NORTH), part=part)
    said = pages.words(f"/supplier{of_hub(OWN_NORTH)}", OURS, part)
    assert "What to do: First have your server take the message about it" in said
