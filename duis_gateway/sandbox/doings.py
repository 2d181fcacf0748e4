"""What the sandbox's commands do: a party says something to the gateway, or the world changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

import csp_mgmt_gw.messages as csp_messages
import esi.messages as esi
from csp_mgmt_gw.activation import Activation
from duis_gateway.client import Group, PreferredPilotList, PreferredPilotSchedule, ReadInventory
from duis_gateway.client import Stage as InstructedStage
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.partners.xml import format_time
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import automatic_date, ends_before
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import (
    FailureThreshold,
    Period,
    PilotTerms,
    Release,
    ReleaseState,
    ReleaseType,
)
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.sandbox import addresses, cast
from duis_gateway.sandbox.cast import CSPS, MODELS, MOST_RELEASES, Member, Upcoming, upcoming
from duis_gateway.sandbox.parameters import WrongCommand, moment_of
from duis_gateway.sandbox.planned import A_MINUTE, A_WEEK, csp_of, planned_now
from duis_gateway.sandbox.saying import own_words
from duis_gateway.sandbox.standing import counts_of
from duis_gateway.sandbox.turn import Turn
from duis_gateway.text.counts import counted

_SLOW = 5.0
_LEAST = 3
_DEFAULT_PERIOD = (timedelta(days=1), timedelta(days=8))
_STAGES = {"pilot": InstructedStage.PILOT, "safe-launch": InstructedStage.SAFE_LAUNCH}
DCC = "dcc"
_HELD: Sequence[Callable[[Release], bool]] = (
    lambda one: one.paused,
    lambda one: one.state is ReleaseState.INVALIDATED,
)
"""What DCC proceeds with, unless it names another: what is paused, else what has lost its pilot."""


# --- DCC ----------------------------------------------------------------------------------------------------------


def announce(
    turn: Turn,
    release: str | None,
    model: str | None,
    version: str | None,
    days: int,
    limit: int,
    proving: list[int] | None,
    friendly: list[int] | None,
    excluded: list[int] | None,
    predecessor: list[str] | None,
    threshold: int | None,
    least: int | None,
    hold: bool | None,
    approve: bool,
) -> None:
    """DCC announces a release, or a new revision of one, and approves it."""
    if threshold is None and (least is not None or hold is not None):
        raise WrongCommand(
            f"`{'hold' if least is None else 'least'}` says how a threshold counts: give `threshold`, too"
        )
    limits = None if threshold is None else FailureThreshold(threshold, 24, least or _LEAST, hold is not False)
    with turn.world.store.read() as conn:
        every = {one.release_id: one for one in releases.all_releases(conn)}
    known = every.get(release or "")
    coming = _coming(release, every, model)
    now = turn.now
    begins = known.pilot.period.start if known and known.pilot else now - A_MINUTE
    pilot = PilotTerms(Period(begins, now + timedelta(days=days)), limit) if days else None
    notice = esi.FirmwareRelease(
        release_id=coming.release_id,
        revision=known.revision + 1 if known else 1,
        release_type=ReleaseType.SEC_RELEASE,
        manufacturer=known.manufacturer if known else coming.model.manufacturer,
        model=known.model if known else coming.model.model,
        firmware_version=version or (known.firmware_version if known else coming.version),
        release_note=f"https://releases.example/{coming.release_id}",
        severity="Major",
        priority="High",
        pilot=pilot,
        proving=tuple(proving or ()),
        friendly=tuple(friendly or ()),
        excluded=tuple(excluded or ()),
        permitted_predecessors=tuple(predecessor or ()),
        failure_threshold=limits,
    )
    turn.say(DCC, notice)
    turn.world.settle()
    if turn.exchanges[-1]["status"] == "Refused":
        _note_too_long(turn, pilot, known)
        return
    follows = f" from {' or '.join(notice.permitted_predecessors)}" if notice.permitted_predecessors else ""
    what = f"hubs {notice.manufacturer} {notice.model}{follows} to {notice.firmware_version}"
    turn.note(f"{notice.release_id} brings {what}")
    if approve and known is None:
        turn.say(DCC, esi.ReleaseApproval(coming.release_id, now, None))
        turn.world.settle()


def _note_too_long(turn: Turn, pilot: PilotTerms | None, known: Release | None) -> None:
    """Note how many days there are for a pilot that would not end before the automatic date."""
    automatic = known.automatic_date if known else automatic_date(turn.now, None)
    if pilot is not None and not ends_before(pilot.period, automatic):
        most = (automatic - turn.now - timedelta.resolution).days
        turn.note(f"`days` can be {most} at most: the automatic date is {format_time(automatic)}")


def _coming(release: str | None, every: dict[str, Release], model: str | None) -> Upcoming:
    """Return the release to announce: the one that is named, else the next that was not, of this model."""
    for number in range(MOST_RELEASES):
        one = upcoming(number)
        wanted = one.release_id == release if release else one.release_id not in every
        if wanted and model in (None, one.model.model):
            break
    else:
        if release is None:
            raise WrongCommand("every release that the sandbox has a name for was announced: name one")
        chosen = next((one for one in MODELS if one.model == model), MODELS[0])
        one = Upcoming(release, chosen, str(chosen.running + 1))
    return one.beside((known.model, known.firmware_version) for known in every.values())


def approve(turn: Turn, release: str | None) -> None:
    """DCC approves a release that was announced without its approval."""
    found = turn.release(release, meant=[lambda one: one.state is ReleaseState.NOTIFIED])
    turn.say(DCC, esi.ReleaseApproval(found.release_id, turn.now, None))


def decide(
    turn: Turn, action: str, release: str | None, reason: str, until: datetime | timedelta | None, provisional: bool
) -> None:
    """DCC decides about a roll-out: pause, proceed, delay, stop, revoke or withdraw."""
    what = RolloutAction(action.capitalize())
    if what is RolloutAction.DELAY and until is None:
        raise WrongCommand("a delay needs `until`, its new date")
    decision = esi.RolloutDecision(
        turn.release(release, meant=_HELD if what is RolloutAction.PROCEED else ()).release_id,
        what,
        reason,
        Standing.PROVISIONAL if provisional else Standing.CONFIRMED,
        "DCC",
        None if until is None else moment_of(until, turn.now),
    )
    turn.say(DCC, decision)


def outcome(turn: Turn, result: str, release: str | None, stage: str, commentary: str | None) -> None:
    """DCC says how the pilot, or the safe launch, went, and how many of its hubs are active and have failed."""
    found = turn.release(release)
    kind = esi.PilotOutcome if stage == "pilot" else esi.SafeLaunchOutcome
    counts = counts_of(turn.world, found, pilot=stage == "pilot")
    turn.say(DCC, kind(found.release_id, result == "success", counts, commentary))


def close(turn: Turn, release: str | None, commentary: str | None) -> None:
    """DCC closes a release: its roll-out is complete."""
    turn.say(DCC, esi.Closure(turn.release(release).release_id, turn.now, commentary))


def withdraw(turn: Turn, release: str | None, commentary: str | None) -> None:
    """DCC withdraws a release."""
    turn.say(DCC, esi.Withdrawal(turn.release(release).release_id, turn.now, commentary))


def supersede(turn: Turn, successor: str, release: str | None, commentary: str | None) -> None:
    """DCC lets another release take a release's place."""
    old = turn.release(release, meant=[turn.follows(successor)])
    turn.say(DCC, esi.Supersession(old.release_id, successor, turn.now, commentary))


# --- CSPs ---------------------------------------------------------------------------------------------------------


def activate(turn: Turn, hub: list[int], release: str | None) -> None:
    """The CSPs send CS06 to hubs and report that the firmware is active; DCC instructs first what is not planned."""
    _carry_out(turn, hub, turn.approved(release, hub), OutcomeStage.ACTIVATION, None, None)


def fail(turn: Turn, hub: list[int], reason: str, release: str | None, stage: str, commentary: str | None) -> None:
    """The CSPs report that hubs failed: to take the image (distribution), or to activate it."""
    failed_at = OutcomeStage.DISTRIBUTION if stage == "distribution" else OutcomeStage.ACTIVATION
    before = turn.outcomes(hub)
    _carry_out(turn, hub, turn.approved(release, hub), failed_at, reason, commentary)
    if all(one["status"] != "Refused" for one in turn.exchanges):
        after = turn.outcomes(hub)
        unchanged = [one for one in dict.fromkeys(hub) if one in before and before[one] == after[one]]
        if unchanged:
            already = f"an outcome of {cast.hub_names(unchanged)} at this time or later was reported before"
            turn.note(f"{already}: this one counts for nothing, and raises no N71; move the clock on for another")


def batch(
    turn: Turn,
    hub: list[int],
    group: str | None,
    start: datetime | timedelta | None,
    end: datetime | timedelta | None,
    release: str | None,
) -> None:
    """DCC instructs hubs itself, for a period: from now on, for a week, unless another is given."""
    found = turn.of_hubs(release, hub)
    starts = turn.now if start is None else moment_of(start, turn.now)
    ends = starts + A_WEEK if end is None else moment_of(end, turn.now)
    name = group or turn.free_batch(found)
    turn.say(DCC, esi.BatchInstruction(found.release_id, name, tuple(hub), Period(starts, ends)))


def _carry_out(
    turn: Turn,
    device_ids: Sequence[int],
    release: Release,
    stage: OutcomeStage,
    reason: str | None,
    commentary: str | None,
) -> None:
    chosen = list(dict.fromkeys(device_ids))
    if stage is OutcomeStage.ACTIVATION:
        chosen = planned_now(
            turn, chosen, release, lambda ids, until: batch(turn, list(ids), None, None, until, release.release_id)
        )
    known = turn.hubs(chosen)
    for one in CSPS:
        # A hub that nobody knows is reported by the first CSP, and refused as an item.
        own = [d for d in chosen if _serves(one, known.get(d))]
        if not own:
            continue
        activation = Activation(
            release_id=release.release_id,
            version=release.firmware_version,
            device_ids=tuple(own),
            failing=frozenset(own if reason is not None else ()),
            completed_at=turn.now,
            stage=stage,
            reason=reason or "",
            commentary=commentary,
        )
        csp_of(turn, one).carry_out(activation, partial(turn.say, one.name))


def _serves(member: Member, hub: Hub | None) -> bool:
    return member is CSPS[0] if hub is None else hub.csp_region in member.regions


def group(
    turn: Turn,
    group: str,
    decision: str,
    supplier: Member,
    csp: Member | None,
    release: str | None,
    reason: str | None,
    start: datetime | timedelta | None,
    end: datetime | timedelta | None,
) -> None:
    """The CSPs that have hubs of a deployment group, or the one that is named, decide on it."""
    found = turn.release(release) if release is not None else turn.release_of_group(supplier, group)
    body = csp_messages.ScheduleDecision(
        found.release_id,
        supplier.eui,
        group,
        GroupDecision(decision.capitalize()),
        None if start is None else moment_of(start, turn.now),
        None if end is None else moment_of(end, turn.now),
        reason,
    )
    named = _hubs_of_group(turn, found, supplier, group)
    for one in _csps_of(turn, named) if csp is None else (csp,):
        turn.say(one.name, body)
    if not named:
        turn.note(
            f"it was taken for a group of {supplier.name}, and there is none of this name; `supplier` names another's"
        )


def _hubs_of_group(turn: Turn, release: Release, supplier: Member, group: str) -> Sequence[int]:
    with turn.world.store.read() as conn:
        asked = schedules.instructions(conn, release.release_id, supplier.eui, group)
    return [d for one in asked for d in one.device_ids]


def _csps_of(turn: Turn, device_ids: Sequence[int]) -> Sequence[Member]:
    """Return the CSPs in whose regions these hubs lie; without hubs all of them."""
    known = turn.hubs(device_ids)
    return [one for one in CSPS if any(hub.csp_region in one.regions for hub in known.values())] or CSPS


def behave(turn: Turn, name: Member, behaviour: str | None, delay: int | None) -> None:
    """A party answers what it is sent as it is told to: normally, slowly, not at all, ..."""
    player = turn.world.players[name.name]
    if delay is not None and behaviour != "slow":
        raise WrongCommand("`delay` is for the behaviour slow")
    if behaviour is not None:
        player.behave(behaviour, _SLOW if delay is None else float(delay))
    turn.note(f"{name.name} behaves: {player.behaviour}")
    if addresses.are_passing(turn.world, name):
        turn.note(f"a `listen` has the alerts of {name.name} for the time being, and answers as it is told to")


# --- suppliers ----------------------------------------------------------------------------------------------------


def choose(
    turn: Turn,
    supplier: Member,
    hub: list[int] | None,
    add: list[int] | None,
    remove: list[int] | None,
    release: str | None,
    soap: bool,
) -> None:
    """A supplier submits its Preferred Pilot List (11.5): whole, or as amendments; without hubs the default."""
    found = turn.of_hubs(release, [*(hub or ()), *(add or ()), *(remove or ())])
    body = PreferredPilotList(found.release_id, found.firmware_version, hub or None, add or (), remove or ())
    _submit(turn, supplier, body, "soap" if soap else None)


def _submit(
    turn: Turn, supplier: Member, body: PreferredPilotList | PreferredPilotSchedule, way: str | None = None
) -> None:
    """Let a supplier send a request; of an older DUIS, say why it is refused: the schema's own words are no help."""
    turn.say(supplier.name, body, way)
    if supplier.duis_version < DUIS_6_0 and turn.exchanges[-1]["status"] == "Refused":
        why = f"{supplier.name} speaks DUIS {supplier.duis_version}, which has no 11.5 and no 11.6"
        turn.exchanges[-1]["text"] = why


def instruct(
    turn: Turn,
    supplier: Member,
    hub: list[int],
    group: str,
    start: datetime | timedelta | None,
    end: datetime | timedelta | None,
    stage: str,
    constraint: list[str] | None,
    release: str | None,
    soap: bool,
) -> None:
    """A supplier submits its Preferred Pilot Schedule (11.6) with one group."""
    found = turn.of_hubs(release, hub)
    first, last = _DEFAULT_PERIOD
    asked = Group(
        group,
        hub,
        moment_of(first if start is None else start, turn.now),
        moment_of(last if end is None else end, turn.now),
        _STAGES[stage],
        constraint or (),
    )
    body = PreferredPilotSchedule(found.release_id, found.firmware_version, [asked])
    _submit(turn, supplier, body, "soap" if soap else None)


def cancel(turn: Turn, supplier: Member, group: str, stage: str, release: str | None) -> None:
    """A supplier takes a group back (11.6)."""
    found = turn.release(release) if release else turn.release_of_group(supplier, group)
    body = PreferredPilotSchedule(found.release_id, found.firmware_version, (), [(group, _STAGES[stage])])
    _submit(turn, supplier, body)


def read(turn: Turn, supplier: Member, hub: int) -> None:
    """A supplier reads a hub in the inventory (8.2)."""
    turn.say(supplier.name, ReadInventory(hub))


def address(turn: Turn, supplier: Member, url: str | None, passing: bool, ended: str | None) -> None:
    """A supplier's alerts go to this URL from now on; without one to the sandbox's own adapter again."""
    world, name = turn.world, supplier.name
    if ended is not None:
        if url is not None or passing:
            raise WrongCommand("`ended` says that a passing URL is at its end: it goes without `url` and `passing`")
        addresses.end(world, supplier, ended)
        return
    if passing and url is None:
        raise WrongCommand("`passing` needs its `url`")
    if url is not None and not addresses.resolves(world, url):
        turn.note(f"the host of {url} is not known here; what is sent waits until its name resolves")
    others = addresses.are_passing(world, supplier)
    before = addresses.begin(world, supplier, url) if passing and url else addresses.put(world, supplier, url)
    own = world.players[name].url
    there = url or f"the sandbox's own adapter at {own}"
    turn.note(f"the alerts of {name} go to {there} from now on")
    with world.store.read() as conn:
        given_up = outbox_view.stats(conn).dead.get(supplier.eui, 0)
    if given_up:
        left = counted(given_up, "message")
        turn.note(f"{left} for {name} had been given up before: `sandbox replay` sends them again")
    if others:
        until = "until this one ends" if passing else "any more"
        turn.note(f"the `listen` that had them, at {before}, gets nothing {until}")
    elif passing and before != own:
        turn.note(f"they went to {before}, and will again when this one ends")


# --- the world ----------------------------------------------------------------------------------------------------


def say(turn: Turn, party: Member, xml: str) -> None:
    """A party signs and sends what you wrote: a `sr:Request`, or the element of a CSP's or DCC's message."""
    content, notes = own_words(party, xml)
    turn.notes.extend(notes)
    player = turn.world.players[party.name]
    kind, exchange = player.say(content)
    turn.keep(exchange, player, kind)


def clock(turn: Turn, to: datetime | timedelta) -> None:
    """Put the clock to a time, or so far on; what falls due on the way is done."""
    before = turn.now
    turn.world.put_clock(moment_of(to, before))
    turn.note(f"the clock stands at {format_time(turn.now)}; it stood at {format_time(before)}")
    if turn.now < before:
        turn.note("what was done in the time between stays done")


def replay(turn: Turn, message: int | None) -> None:
    """Put every message that was given up back, to be delivered again; or one."""
    row = None if message is None else turn.world.traffic.outbox_row(message)
    if message is not None and row is None:
        raise WrongCommand(f"message {message} is none that the gateway has sent")
    with turn.world.store.write() as conn:
        while dead := outbox_view.undelivered(conn, "dead") if row is None else _dead(conn, row):
            for one in dead:
                outbox_view.replay(conn, message=one.id)
            turn.again.update(one.id for one in dead)
    given_up = "" if message is None or turn.again else f": message {message} was not given up"
    turn.note(f"{counted(len(turn.again), 'message')} will be delivered again{given_up}")


def _dead(conn: Connection, row: int) -> Sequence[OutboxEntry]:
    return [one for one in outbox_view.some(conn, [row]) if one.state == "dead"]
