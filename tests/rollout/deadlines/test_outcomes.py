"""A supplier that was not told what became of a hub (N64, N71): pages say so, say why, and let it be replayed."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.estate.hub_by_hub import hub_row
from duis_gateway.store.tables import outbox
from tests.rollout.deadlines.test_decisions import becomes, gives_up, of_hub, own, pages, turn
from tests.support.asking import ask
from tests.support.pages import TOKEN, Pages
from tests.support.rules import NEW, OURS, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, NORTH, SPLIT, Steering

pytestmark = pytest.mark.requirement("BR-5.4", "BR-5.5", "X01", "X02")
__all__ = ["pages"]

REPLAY = "Operator: replay N64 to supplier"
STANDING = "//div[@id='standing']"


def reports(dcc: Steering, *, success: bool) -> None:
    """The CSP of a split hub reports how it went."""
    dcc.clock.instant += timedelta(minutes=1)
    why = (None, None) if success else ("hashMismatch", None)
    outcome = HubOutcome(SPLIT, OutcomeStage.ACTIVATION, success, NEW, dcc.clock.now(), *why)
    said = dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP)
    assert said.status == "Accepted"


def test_an_activation_of_which_a_supplier_was_not_told_is_said_and_replayed_on_the_hubs_page(pages: Pages) -> None:
    """It said "Nothing", and that its suppliers were told; docs/how-to/find-an-undelivered-message.md has it."""
    dcc = pages.dcc
    reports(dcc, success=True)
    gives_up(dcc, THEIRS, kind="N64")
    becomes(dcc, "delivered")
    root, standing = pages.read(of_hub(SPLIT)), pages.words(of_hub(SPLIT), part=STANDING)
    assert "its Gas Supplier has not been told of the outcome yet: whoever runs the gateway has to send" in standing
    first = "What to do: First replay what was given up: its Gas Supplier does not know of it. Nothing else: it runs"
    assert first in standing
    assert f"not told of what came last: {format_eui(THEIRS)}" in standing
    (section,) = root.xpath("//section[@id='not-told']")
    assert "N64 of R1 was given up: HTTP 404" in " ".join(section.text_content().split())
    for said in (turn(pages, SPLIT), pages.words("/releases/R1")):
        assert f"{REPLAY} {format_eui(THEIRS)}" in said
        assert f"{REPLAY} {format_eui(OURS)}" not in said
        assert "it does not know what became of a hub of its own" in said
    assert own(dcc, THEIRS) == [("take_note_of_outcome", "not_told")]
    assert own(dcc, OURS) == []
    with dcc.store.read() as conn:
        row = hub_row(conn, PARTIES[DCC], SPLIT, dcc.clock.now())
    assert row is not None
    assert "its Gas Supplier has not been told of the outcome yet" in str(row["why"])
    fields = {str(one.get("name")): str(one.get("value")) for one in section.xpath(".//input[@type='hidden']")}
    content = urlencode(fields | {"token": TOKEN}).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(pages.edge, "/dead-letters", "POST", content=content, headers=form).status == 303
    becomes(dcc, "delivered")
    assert not pages.read(of_hub(SPLIT)).xpath("//section[@id='not-told']")
    assert "not told" not in pages.words(of_hub(SPLIT), part=STANDING)
    assert own(dcc, THEIRS) == []


def test_a_supplier_reads_on_its_own_page_why_it_was_not_told_of_an_outcome(pages: Pages) -> None:
    """The row said "dead letter" without a reason, and nothing else did; the other supplier hears nothing of it."""
    dcc = pages.dcc
    reports(dcc, success=True)
    gives_up(dcc, THEIRS, kind="N64")
    becomes(dcc, "delivered")
    path = f"/supplier{of_hub(SPLIT)}"
    assert "dead letter: HTTP 404" in pages.words(path, THEIRS, "//div[@id='told']")
    assert "you have not been told of the outcome yet" in pages.words(path, THEIRS, STANDING)
    assert "You: N64 of R1 was given up: HTTP 404" in pages.words(path, THEIRS)
    assert "First have your server take messages" in pages.words(path, THEIRS, STANDING)
    assert "not been told" not in pages.words(path, OURS)


def test_a_failure_that_was_not_told_is_over_once_an_activation_was_and_not_the_other_way_round(pages: Pages) -> None:
    dcc = pages.dcc
    reports(dcc, success=False)
    gives_up(dcc, OURS, kind="N71")
    becomes(dcc, "delivered")
    assert "Operator: replay N71" in turn(pages, SPLIT)
    reports(dcc, success=True)
    assert "Operator: replay N71" in turn(pages, SPLIT), "what says that it is over is on its way"
    becomes(dcc, "delivered")
    assert "N71" not in turn(pages, SPLIT)
    with dcc.store.write() as conn:
        kinds = (("N64", "dead"), ("N71", "delivered"))
        for kind, state in kinds:
            conn.execute(update(outbox).where(outbox.c.kind == kind, outbox.c.recipient == OURS).values(state=state))
    assert f"{REPLAY} {format_eui(OURS)}" in turn(pages, SPLIT)


def test_an_outcome_that_is_still_tried_is_the_gateways_turn_and_its_suppliers_server_is_to_take_it(
    pages: Pages,
) -> None:
    dcc = pages.dcc
    reports(dcc, success=True)
    assert "N64" not in turn(pages, SPLIT), "it is on its way"
    becomes(dcc, "pending", THEIRS, kind="N64", last_error="Connection refused", attempts=3)
    assert f"Gateway: delivering N64 to supplier {format_eui(THEIRS)}" in turn(pages, SPLIT)
    first = "First see why the message to its Gas Supplier does not arrive: its own page says what can be done."
    assert first in pages.words(of_hub(SPLIT), part=STANDING)
    said = pages.words(f"/supplier{of_hub(SPLIT)}", THEIRS, STANDING)
    assert "First have your server take the message about it: that message's page says what is in its way." in said
