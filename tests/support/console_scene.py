"""A gateway on whose console everything can be seen: a release under way, failures, dead letters, what waits, flags."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from itertools import count
from pathlib import Path

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.outbox import view as outbox_view
from tests.support.dcc_play import approve, threshold
from tests.support.installation import NOW, Installation, installed, wait_until
from tests.support.play import DAY, Group, Outcome, Play

TOKEN = "correct horse battery staple"
REASON, COMMENTARY = "<b>No radio contact</b>", "signal lost & found"


@dataclass(frozen=True)
class Shown:
    """What is on the console: its address, the hubs that matter, and the scene's parties.

    `doors` is the address of the public listener, where the suppliers' own pages are.
    """

    url: str
    doors: str
    play: Play
    successor: Play
    installation: Installation
    active: str
    failed: str
    waiting: str

    @property
    def release(self) -> str:
        return self.play.lot.release


@contextmanager
def console(kind: str, directory: Path, *, read_only: bool = False) -> Iterator[Shown]:
    """A running gateway with a release in its pilot, one in safe launch, and a supplier that refuses and one away."""
    secret = directory / "operators.token"
    secret.write_text(f"{TOKEN}\n", encoding="utf-8")
    settings: dict[tuple[str, str], object] = {("delivery", "refused_attempts"): 1, ("server", "threads"): 2}
    if not read_only:
        settings["operations", "token_file"] = str(secret)
    with installed(kind, directory, settings) as installation, installation.running() as process:
        for actor in installation.actors.values():
            actor.url = process.url
        play, successor = Play(installation, installation.lot()), Play(installation, installation.lot())
        active, failed, waiting = _play(play)
        _launch(successor)
        yield Shown(process.operations_url, process.url, play, successor, installation, active, failed, waiting)


def _play(play: Play) -> tuple[str, str, str]:
    """A pilot: lists, schedules, instructions, activations, a failure, a proposed pause, a dead letter, what waits."""
    lot = play.lot
    own = lot["own"]
    bears_no_failure = threshold(share=1, least=1, hold=False)
    assert play.announce(minimum=2, marks=bears_no_failure).code == "Accepted"
    for csp, region in (("north", "North"), ("south", "Central"), ("south", "South")):
        mine = lot.within(region, of=own)
        assert play.default_list(csp, region, mine).code == "Accepted"
        assert (
            play.default_schedule(csp, region, [Group(f"D-{region}", mine, start=NOW)], ["weekends"]).code == "Accepted"
        )
    assert approve(play).code == "Accepted"
    assert play.pilot_list("main", add=own[:8]).code.startswith(("I", "W"))
    assert play.pilot_schedule("main", Group("G1", own[:6], start=NOW)).code.startswith(("I", "W"))
    north, south = lot.of_csp("north", own), lot.of_csp("south", own)
    assert play.requested("north", north).code == "PartlyAccepted", "as many as are planned now"
    early = [Outcome(hub, at=NOW - days * DAY) for days, hub in enumerate(south[:5])]
    play.responded("south", *early)
    play.responded("north", Outcome(north[0]))
    play.responded("north", Outcome(north[1], success=False, reason=escape(REASON), commentary=escape(COMMENTARY)))
    play.settle()
    play["on54"].receiver.mode = "404"
    play["on50"].take_down()
    refused, away = lot["on54"][0], lot["on50"][0]
    for hub in (refused, away):
        csp = "north" if hub in lot.of_csp("north", (hub,)) else "south"
        play.responded(csp, Outcome(hub))
    wait_until(lambda: play.installation.outbox()["dead"] == 2, "the refused message is given up")
    wait_until(lambda: _has_failed(play.installation, play["on50"].eui), "a delivery has failed")
    return north[0], north[1], away


def _has_failed(installation: Installation, eui: str) -> bool:
    with installation.store.read() as conn:
        return outbox_view.last_error(conn, "pending", parse_eui(eui)) is not None


def _launch(play: Play) -> None:
    """Another model's release in safe launch, with a third of its hubs done, and an outcome outstanding."""
    assert play.announce(pilot=(NOW - 30 * DAY, NOW - DAY)).code == "Accepted"
    assert approve(play).code == "Accepted"
    hubs = play.lot["split"]
    for csp in ("north", "south"):
        mine = play.lot.of_csp(csp, hubs)
        play.responded(csp, *(Outcome(hub, at=NOW - (place + 1) * DAY) for place, hub in enumerate(mine[:2])))


_LATER = count(1)


def give_up(shown: Shown) -> None:
    """Let another message to the supplier that refuses become a dead letter; afterwards it accepts again."""
    play = shown.successor
    receiver, hub = play["on54"].receiver, play.lot["on54"][1]
    receiver.mode = "404"
    before = shown.installation.outbox()["dead"]
    csp = "north" if play.lot.of_csp("north", (hub,)) else "south"
    at = NOW - timedelta(hours=1) + timedelta(seconds=next(_LATER))
    assert play.responded(csp, Outcome(hub, success=False, reason="none", at=at)).code == "Accepted"
    wait_until(lambda: shown.installation.outbox()["dead"] > before, "the message is given up")
    receiver.mode = "ok"
