"""Act 4: the roll-out is closed, and everyone concerned is told."""

from __future__ import annotations

import esi.messages as esi
from duis_gateway.sandbox.demo import cast, requests
from duis_gateway.sandbox.demo.cast import PILOTED, SUCCESSOR
from duis_gateway.sandbox.demo.play import Play, code


def _close(play: Play) -> None:
    closure = esi.Closure(PILOTED.release_id, play.now, "the rest follows by itself")
    play.dcc_says(f"DCC closes {PILOTED.release_id}", closure)


def _too_late(play: Play) -> None:
    first = play.world.suppliers[0]
    answer = play.request(first, requests.pilot_list(PILOTED, play.own(first)[:1]))
    play.answered("An 11.5 for the closed release", code(answer))


def _withdraw(play: Play) -> None:
    withdrawal = esi.Withdrawal(SUCCESSOR.release_id, play.now, "taken off the products list")
    play.dcc_says(f"DCC withdraws {SUCCESSOR.release_id}", withdrawal)
    play.deliver("the closure to the CSPs and by email, N72 for the withdrawal")
    reached = all(play.world.recorded(csp, "Closure") for csp in cast.REGIONS)
    play.step("The closure has reached both CSPs", "reached", "reached" if reached else "not reached")
    for supplier in play.world.suppliers:
        play.show_received(supplier)


CLOSURE = {"closure": _close, "too-late": _too_late, "withdrawal": _withdraw}
