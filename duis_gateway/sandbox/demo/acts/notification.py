"""Act 1: DCC announces two releases, the CSPs plan their pilots, and everyone concerned is told."""

from __future__ import annotations

import esi.messages as esi
from duis_gateway.sandbox.demo import cast, requests
from duis_gateway.sandbox.demo.cast import LARGE, PILOTED
from duis_gateway.sandbox.demo.play import Play

LIMITS = {PILOTED.release_id: 300, LARGE.release_id: 60_000}


def _two_releases(play: Play) -> None:
    """The announcement, the CSPs' default lists and schedules, and the approval."""
    now = play.now
    for model in (PILOTED, LARGE):
        notice = requests.release_notice(model, now, LIMITS[model.release_id])
        play.dcc_says(f"DCC announces {model.release_id} by ESI", notice)
    play.deliver("release notices to the CSPs, and emails to everyone concerned")
    for csp in cast.REGIONS:
        play.wait_for_uploads(csp)
    for model in (PILOTED, LARGE):
        approval = esi.ReleaseApproval(model.release_id, now, "assured")
        play.dcc_says(f"DCC approves {model.release_id}", approval)
    play.deliver("N66, N67 and N999 to the suppliers")
    for supplier in play.world.suppliers:
        play.show_received(supplier)
    csp = next(iter(cast.REGIONS))
    play.wait_for("The pilots begin by themselves", lambda: len(play.world.recorded(csp, "StageChange")) >= 2)


NOTIFICATION = {"two-releases": _two_releases}
