"""What the page of flags says that is to be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.operations import flags
from duis_gateway.operations.console.flag_words import TO_DO, about
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import FailureThreshold, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import HubCounts, RolloutAction, Standing
from tests.support.databases import KINDS
from tests.support.pages import pages_over
from tests.support.rules import NEW, NOW, OURS, THEIRS, release
from tests.support.steering import NORTH, OWN_NORTH, Steering, steering


@pytest.mark.parametrize("kind", ["pause proposed", "decision outstanding", "missed obligation"])
def test_of_a_release_that_is_over_nothing_is_asked_any_more(kind: str) -> None:
    """It sent the operator to DCC for a decision that the gateway would have refused."""
    flag = OperatorFlag(kind, "R1", "", NOW)
    assert about(flag, {"R1": release(release_id="R1")}, {(kind, "R1"): NOW}).to_do == TO_DO[kind]
    stopped = release(release_id="R1", state=ReleaseState.STOPPED)
    assert about(flag, {"R1": stopped}, {}).to_do == "Nothing any more: R1 is stopped."


SETTLED = "Nothing any more: it is settled, and the page of R1 says how."


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    with steering(request.param, tmp_path) as made:
        made.piloting(failure_threshold=FailureThreshold(50, 24, 1, hold=False))
        yield made


def fails(dcc: Steering) -> None:
    dcc.clock.instant += timedelta(seconds=1)
    failed = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, False, NEW, dcc.clock.now(), "hashMismatch")
    assert dcc.says(csp.ActivateFirmwareResponses((failed,)), by=NORTH, door=Door.CSP).code == "Accepted"


def decide(dcc: Steering, action: RolloutAction) -> None:
    dcc.clock.instant += timedelta(seconds=1)
    said = esi.RolloutDecision("R1", action, "looked into", Standing.CONFIRMED, "DCC")
    assert dcc.says(said).code == "Accepted"


def to_do(dcc: Steering, kind: str) -> Sequence[str]:
    """What is to be done about the open flags of a kind, as the page of flags says it, the newest first."""
    with pages_over(dcc) as pages:
        rows = pages.read("/flags").xpath("//div[@id='flags']//tbody/tr")
        cells = [[" ".join(cell.text_content().split()) for cell in row.xpath("td")] for row in rows]
        release_page = pages.read("/releases/R1")
        proposed = "A pause is proposed" in release_page.text_content()
        meanwhile = release_page.xpath("//*[@id='meanwhile']")
    asks = [cell[-1] for cell in cells if cell[2] == kind]
    if kind == "pause proposed":
        assert proposed == (TO_DO[kind] in asks), "the release's page says the same"
    assert bool(meanwhile) == (TO_DO[kind] in asks or dcc.release().paused), "it says what stands until DCC decides"
    return asks


def is_amber(dcc: Steering) -> bool:
    """Whether the overview's tile of open flags warns; there are some."""
    with pages_over(dcc) as pages:
        (tile,) = pages.read("/").xpath("//ul[@class='tiles']/li[a[contains(., 'open flag')]]")
    assert not tile.text_content().strip().startswith("0")
    return str(tile.get("class")) == "warn"


def test_the_tile_of_flags_warns_only_while_something_is_to_be_done(dcc: Steering) -> None:
    """It was amber while each of its flags said "Nothing any more"."""
    fails(dcc)
    with dcc.store.write() as conn:
        others = [one.id for one in flags.unacknowledged(conn, 10) if one.kind != "pause proposed"]
        flags.acknowledge(conn, others, dcc.clock.now())
    assert is_amber(dcc)
    decide(dcc, RolloutAction.STOP)
    assert not is_amber(dcc)


@pytest.mark.requirement("X11")
@pytest.mark.parametrize("action", [RolloutAction.PAUSE, RolloutAction.PROCEED])
def test_once_dcc_has_decided_on_a_proposed_pause_nobody_asks_for_it(dcc: Steering, action: RolloutAction) -> None:
    """The flag still sent the operator to DCC; once a pause is proposed anew, the new flag alone asks."""
    fails(dcc)
    assert to_do(dcc, "pause proposed") == [TO_DO["pause proposed"]]
    decide(dcc, action)
    assert to_do(dcc, "pause proposed") == [SETTLED]
    if action is RolloutAction.PAUSE:
        decide(dcc, RolloutAction.PROCEED)
    fails(dcc)
    assert to_do(dcc, "pause proposed") == [TO_DO["pause proposed"], SETTLED]


def meanwhile(dcc: Steering, who: int | None = None) -> str:
    """What stands until DCC decides, as the release's page says it to the operator or to a supplier."""
    with pages_over(dcc) as pages:
        return pages.words("/releases/R1" if who is None else "/supplier/releases/R1", who, "//*[@id='meanwhile']")


def test_the_releases_page_says_what_stands_until_dcc_decides(dcc: Steering) -> None:
    """The flag led there for it, and there it was not said; suppliers are not told of others' incidents."""
    goes_on = (
        "Until DCC decides, the release goes on: hubs are updated as they are planned. Safe launch begins by itself"
    )
    assert meanwhile(dcc) == ""
    assert dcc.says(esi.Incident("INC-1", OURS, "R1", "1", False)).code == "Accepted"
    assert meanwhile(dcc).startswith(goes_on)
    assert meanwhile(dcc, THEIRS) == ""
    assert dcc.says(esi.PilotOutcome("R1", False, HubCounts(1, 0, 1))).code == "Accepted"
    assert meanwhile(dcc, THEIRS).startswith(goes_on)
    decide(dcc, RolloutAction.PAUSE)
    for who in (None, THEIRS):
        assert meanwhile(dcc, who) == "Until DCC decides, no hub that is not active yet is updated."
    decide(dcc, RolloutAction.PROCEED)
    dcc.announces("R2")
    dcc.approves("R2")
    for who in (None, THEIRS):
        assert "no new ones are accepted until DCC decides on the release" in meanwhile(dcc, who)


@pytest.mark.requirement("X04")
def test_once_dcc_has_decided_on_a_failed_pilot_or_an_incident_nobody_asks_for_it(dcc: Steering) -> None:
    failed, incident = esi.PilotOutcome("R1", False, HubCounts(1, 0, 1)), esi.Incident("INC-1", OURS, "R1", "1", False)
    for body in (failed, incident):
        assert dcc.says(body).code == "Accepted"
    for kind in ("decision outstanding", "high priority"):
        assert to_do(dcc, kind) == [TO_DO[kind]]
    decide(dcc, RolloutAction.PROCEED)
    for kind in ("decision outstanding", "high priority"):
        assert to_do(dcc, kind) == [SETTLED]


@pytest.mark.requirement("PIA-A13")
def test_an_invalidated_pilot_is_asked_about_until_it_is_decided_on(dcc: Steering) -> None:
    dcc.announces("R2")
    dcc.approves("R2")
    assert to_do(dcc, "decision outstanding") == [TO_DO["decision outstanding"]]
    with pages_over(dcc) as pages:
        waiting = pages.words("/", part="//div[@id='needs']")
        assert "1 release in flight, 1 waiting for DCC's decision" in waiting, "before, both were in flight"
    stops = esi.RolloutDecision("R2", RolloutAction.STOP, "bad", Standing.CONFIRMED, "DCC")
    assert dcc.says(stops).status == "Accepted"
    with pages_over(dcc) as pages:
        assert "0 releases in flight, 1 waiting" in pages.words("/", part="//div[@id='needs']")
        headings = pages.read(f"/hubs/{format_eui(OWN_NORTH)}").xpath("//h2")
        said = [heading.text_content().strip() for heading in headings]
        assert "Releases for it that are not in flight" in said, "before, it was over there"
    decide(dcc, RolloutAction.PROCEED)
    assert to_do(dcc, "decision outstanding") == [SETTLED]
    with pages_over(dcc) as pages:
        assert "1 release in flight" in pages.words("/", part="//div[@id='needs']")
