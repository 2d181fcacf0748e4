"""Which hubs the CSPs activate when they are told to: what is planned for now, and nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from csp_mgmt_gw.mock import Csp
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxStats
from duis_gateway.partners.xml import format_time
from duis_gateway.rollout.releases.records import Release
from duis_gateway.sandbox import cast
from duis_gateway.sandbox.cast import CSPS, Member
from duis_gateway.sandbox.mocks.behaviour import NORMAL
from duis_gateway.sandbox.parameters import CannotBeDone
from duis_gateway.sandbox.turn import Turn
from duis_gateway.text.counts import counted

A_MINUTE = timedelta(minutes=1)
A_WEEK = timedelta(days=7)


def planned_now(
    turn: Turn, device_ids: Sequence[int], release: Release, instruct: Callable[[Sequence[int], datetime], None]
) -> list[int]:
    """Return the hubs that the CSPs have been told to activate now; those that have no plan DCC instructs first.

    `instruct` lets DCC instruct hubs until a time.

    Raises:
        CannotBeDone: none of the hubs is planned for now, as they are planned for later, or as the release is paused;
            or DCC's instruction was taken, and yet no hub is planned for now.
    """
    at_first = due(turn, release)
    later = {
        d: at for one in CSPS for d, at in csp_of(turn, one).deployments.later(release.release_id, turn.now).items()
    }
    waits = [
        f"hub {cast.hub_name(d)} is planned from {format_time(later[d])} on: `sandbox clock` goes there"
        for d in device_ids
        if d in later
    ]
    if len(waits) == len(device_ids):
        raise CannotBeDone("; ".join(waits))
    unplanned = [d for d in device_ids if d not in at_first and d not in later]
    # DCC instructs nothing for which the answer is known: of a paused release no hub is planned.
    if unplanned and release.paused and not at_first.intersection(device_ids):
        proceed = f"`sandbox decide proceed --release {shlex.quote(release.release_id)}`"
        raise CannotBeDone(f"{release.release_id} is paused: {proceed} lets it go on")
    for line in waits:
        turn.note(line)
    not_taken = _instruct(turn, unplanned, release, instruct) if unplanned and not release.paused else ()
    of_now = due(turn, release)
    if left := [d for d in unplanned if d not in of_now and d not in not_taken]:
        turn.note(f"{cast.hub_names(left)} {'is' if len(left) == 1 else 'are'} left: {_why_left(turn, left)}")
    return [d for d in device_ids if d in of_now]


def _instruct(
    turn: Turn, device_ids: Sequence[int], release: Release, instruct: Callable[[Sequence[int], datetime], None]
) -> Collection[int]:
    """Let DCC instruct hubs from now on; return those that the gateway did not take, as its answer says of each.

    Raises:
        CannotBeDone: hubs were taken, and yet none of them is planned now.
    """
    ends = min(turn.now + A_WEEK, release.automatic_date - A_MINUTE)
    if ends <= turn.now:
        return ()
    instruct(device_ids, ends)
    turn.world.settle()
    answer = turn.exchanges[-1]
    if answer["status"] == "Refused":
        return device_ids
    not_taken = {parse_eui(one["item"]) for one in answer.get("refused", ())}
    if not due(turn, release).intersection(device_ids):
        taken = [d for d in device_ids if d not in not_taken]
        raise CannotBeDone(f"DCC has instructed {cast.hub_names(taken)}, but {_why_left(turn, taken)}")
    return not_taken


def _why_left(turn: Turn, device_ids: Sequence[int]) -> str:
    """Say why the CSPs do not activate hubs now: they have not been told, or nothing is planned."""
    known = turn.hubs(device_ids)
    with turn.world.store.read() as conn:
        stats = outbox_view.stats(conn)
    concerned = [one for one in CSPS if any(hub.csp_region in one.regions for hub in known.values())]
    if untold := [one for one in concerned if stats.left_for(one.eui) or stats.dead.get(one.eui)]:
        return "; ".join(_untold(turn, one, stats) for one in untold)
    shown = f"`duis-gateway plan show {format_eui(device_ids[0])} --config {turn.world.folder.config_file}`"
    return f"nothing is planned for {'it' if len(device_ids) == 1 else 'them'} now: {shown} says why"


def _untold(turn: Turn, csp: Member, stats: OutboxStats) -> str:
    """Say that a CSP has not been told all there is, what keeps it, and what helps."""
    waiting, given_up = stats.left_for(csp.eui), stats.dead.get(csp.eui, 0)
    behaviour = turn.world.players[csp.name].behaviour
    who, steps = csp.name, []
    if behaviour != NORMAL:
        who = f"{csp.name}, which behaves {behaviour},"
        steps.append(f"`sandbox csp {csp.name} --behaviour normal`")
    what = [f"{counted(waiting, 'message')} {'waits' if waiting == 1 else 'wait'} for it"] if waiting else []
    if given_up:
        what.append(f"{counted(given_up, 'message')} for it {'was' if given_up == 1 else 'were'} given up")
        steps.append("`sandbox replay`")
    elif not steps:
        steps.append("wait for the next try")
    again = "then give this command again"
    return f"{who} has not been told yet ({' and '.join(what)}): {', '.join(steps)}, {again}"


def due(turn: Turn, release: Release) -> frozenset[int]:
    """Return the hubs that the CSPs have to activate now."""
    return frozenset(d for one in CSPS for d in csp_of(turn, one).deployments.due(release.release_id, turn.now))


def csp_of(turn: Turn, member: Member) -> Csp:
    """Return the state of a mock CSP."""
    state = turn.world.players[member.name].csp
    assert state is not None, "a CSP has a mock CSP's state"
    return state
