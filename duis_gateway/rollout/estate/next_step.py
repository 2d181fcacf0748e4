"""What can be done about a hub that is not updated, and until when: by its supplier or the operator, or by waiting."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime
from typing import NamedTuple

from duis_gateway.rollout.deadlines.asked import Asked
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.deadlines.turns import AskedOfHub
from duis_gateway.rollout.eligibility import Unfit, awaits_dcc, in_use, unfit
from duis_gateway.rollout.estate.rules import Prospect
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import safe_launch_opens
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason
from duis_gateway.rollout.plans.rules import Basis
from duis_gateway.rollout.releases.records import Period, Release, ReleaseState, Stage
from duis_gateway.rollout.releases.rules import last_for_the_pilot, last_to_instruct, lists_taken_until
from duis_gateway.text.times import show_time


def next_step(
    hub: Hub,
    chosen: Prospect | None,
    now: datetime,
    *,
    viewer: int | None,
    unable: Set[int] = frozenset(),
    unregistered: Set[int] = frozenset(),
    asked: AskedOfHub | None = None,
    csp_is_told: bool = True,
) -> str:
    """Return what to do next about a hub, in a sentence or two.

    Args:
        hub: the hub as the inventory has it.
        chosen: what is planned under the release that has it next, None if no release in flight is for it.
        now: the business time.
        viewer: which of the hub's suppliers it is told to; None: the operator.
        unable: suppliers that cannot instruct: their DUIS version has no 11.6, or they are not registered.
        unregistered: those of them that are not registered.
        asked: what its suppliers are asked for of it, so that it agrees with their tasks; None: not looked at.
        csp_is_told: its CSP has been told of the period on which it is to decide: else it is not late.
    """
    if not in_use(hub):
        return (
            f"Nothing can be done while the inventory has it as {hub.status}; if that is wrong, DCC has to correct it."
        )
    if chosen is None:
        return _without_release(hub, asked or AskedOfHub())
    release, plan = chosen.release, chosen.plan
    tries = "Look into the failure first. " if chosen.failed else ""
    if chosen.off_plan is DeviationKind.PERIOD_MISSED:
        tries = f"{tries}Ask its CSP why it was not updated in its period. "
    match plan.basis:
        case Basis.ACTIVE:
            return "Nothing: it runs the version of the release."
        case Basis.NOT_PLANNED:
            if unfit(hub, release) is Unfit.NOT_PERMITTED:
                return "It needs another release first, which its version permits: ask DCC."
            return "Nothing: there is nothing to update it to."
    how = _How(viewer, hub.suppliers & unable, hub.suppliers & unregistered, hub, asked or AskedOfHub(), csp_is_told)
    if release.paused:
        held = "While the release is paused, nothing is updated, and DCC decides whether it goes on."
        return f"{tries}{held}{_meanwhile(chosen, now, how)}"
    later = " DCC has to approve the release before anything is updated." if _unapproved(release) else ""
    if plan.period is not None:
        return f"{tries}{_wait(plan.period, now, how, undecided=plan.indicative)}{later}"
    by_date = f"its CSP updates it from {show_time(release.automatic_date)} on"
    if now >= release.automatic_date and not _unapproved(release):
        return f"{tries}The automatic date has come: its CSP is to update it. If it does not, ask DCC."
    if plan.basis is Basis.BATCH:
        return f"{tries}Wait: {by_date}.{later}"
    return f"{tries}{_instruct(chosen, now, by_date, how)}{later}"


def _without_release(hub: Hub, asked: AskedOfHub) -> str:
    """Say what is waited for where no release in flight is for the hub's model, but one may wait for DCC's decision."""
    for release in asked.releases.values():
        if awaits_dcc(hub, release):
            name = release.release_id
            return f"DCC has to decide on {name}, whose pilot was invalidated: ask it. Until then nothing can be done."
    return "Nothing can be done until DCC announces a release for its device model."


class _How(NamedTuple):
    """To whom it is told, which of the hub's suppliers cannot instruct, and what they are asked for.

    `unregistered`: those that cannot as they are not registered; the others' DUIS versions are older.
    """

    viewer: int | None
    unable: frozenset[int]
    unregistered: frozenset[int]
    hub: Hub
    asked: AskedOfHub
    csp_is_told: bool

    @property
    def mine(self) -> Asked | None:
        """What the viewer is asked for of it."""
        return next((one for one in self.asked.tasks if one.who == self.viewer), None)

    def under(self, release: Release) -> Release:
        """The release under which it can be instructed: the one under which the viewer is asked for it, if in flight.

        Else the one that keeps others from it, as something stands under that; else the one that has it next.
        """
        if (asked_under := self.asked_under) is not None:
            return asked_under
        holding = [self.asked.releases[name] for name in self.asked.holding]
        return holding[0] if len(holding) == 1 else release

    @property
    def asked_under(self) -> Release | None:
        """The release in flight under which the viewer is asked for it, None where it is under none."""
        release = None if self.mine is None else self.asked.releases.get(self.mine.release_id)
        return release if release is not None and release.state.is_live else None

    def named(self, release: Release) -> str:
        """Words that name the release under which it can be instructed, where another one has it next."""
        name = self.under(release).release_id
        return "" if name == release.release_id else f" under {name}"

    def missing_half(self, release: Release) -> int | None:
        """Whose instruction alone would bring a split hub into the plan, as the other's stands; None where nobody's."""
        suppliers = self.hub.suppliers
        missing = [one for one in suppliers if (release.release_id, one) not in self.asked.instructing]
        return missing[0] if len(missing) == 1 < len(suppliers) else None

    @property
    def other(self) -> str:
        """The role of the supplier that the viewer is not."""
        return next((role for who, role in self.roles.items() if who not in (None, self.viewer)), "second supplier")

    @property
    def roles(self) -> Mapping[int | None, str]:
        """The roles of the hub's suppliers."""
        return {self.hub.gas_supplier: "Gas Supplier", self.hub.import_supplier: "Import Supplier"}


def _meanwhile(chosen: Prospect, now: datetime, how: _How) -> str:
    """Say what can be done as long as the release is paused: instructions and decisions are taken as ever."""
    plan, release = chosen.plan, chosen.release
    if plan.period is not None:
        if not plan.indicative:
            return ""
        return f" Meanwhile, {_decision(plan.period.start, now, how)}."
    if plan.basis is Basis.BATCH or now >= release.automatic_date:
        return ""
    by_date = f"its CSP updates it from {show_time(release.automatic_date)} on, if the release goes on"
    step = _instruct(chosen, now, by_date, how)
    return f" Meanwhile, {step if step.startswith('DCC') else step[0].lower() + step[1:]}"


def _decision(start: datetime, now: datetime, how: _How) -> str:
    """Say by when the CSP has to decide on the period, or should have: what it was not told of it is not late with."""
    if not how.csp_is_told:
        return "its CSP can decide on the period once it has been told of it"
    if now > start:
        return f"its CSP was to decide on the period by {show_time(start)}, and has not: ask it"
    return f"its CSP has to decide on the period, by {show_time(start)}"


def _unapproved(release: Release) -> bool:
    return release.state is ReleaseState.NOTIFIED


def _wait(period: Period, now: datetime, how: _How, *, undecided: bool) -> str:
    end = show_time(period.end)
    if undecided:
        decision = _decision(period.start, now, how)
        if now > period.start or not how.csp_is_told:
            return f"{decision[0].upper()}{decision[1:]}. The period stands as it was asked for, until {end}."
        return (
            f"Wait for the CSP's decision ({decision}); until then the period stands as it was asked for, until {end}."
        )
    if now < period.start:
        return f"Wait: its CSP updates it from {show_time(period.start)} on."
    return f"Wait until {end}: its CSP updates it until then. If nothing is reported, ask DCC."


def _instruct(chosen: Prospect, now: datetime, by_date: str, how: _How) -> str:
    release, named = chosen.release, how.named(chosen.release)
    last = last_to_instruct(how.under(release))
    if how.viewer is not None and (of_pilot := _of_the_pilot(release, now, by_date, how)):
        return of_pilot
    if how.viewer is None and how.asked.protectors:
        return _protected(how, named, last, now, by_date)
    if how.viewer not in how.asked.protectors and (elsewhere := _stands_elsewhere(release, now, by_date, how)):
        return elsewhere
    if now > last:
        who = "ask DCC" if how.viewer is not None else "DCC can, in a batch"
        late = f"It is too late for its supplier to instruct it{named}"
        return f"{late}: {by_date}, unless DCC instructs it earlier ({who})."
    if how.unable:
        return _by_dcc(how, named, by_date)
    if how.viewer is None:
        first = _first_listed(how.under(release), now, how)
        return f"{_who_can(chosen, last, now, how)}; otherwise {by_date}.{first}"
    return _by_viewer(chosen, now, by_date, how)


def _stands_elsewhere(release: Release, now: datetime, by_date: str, how: _How) -> str:
    """Say what stands under another release than the one that has the hub next, and keeps it from being instructed.

    It has to be taken back there first (`OtherRequestInProgress`), or its other half is waited for. "" where nothing
    does, and where the viewer can instruct it under that one.
    """
    others = [name for name in how.asked.holding if name != release.release_id]
    if not others or how.asked_under is not None:
        return ""
    stand = [(name, one) for name in others for one in how.asked.holding[name].instructions]
    own = [(name, one) for name, one in stand if one.supplier == how.viewer and not one.by_dcc]
    alone = len(how.asked.holding) == 1
    if alone and not own:
        return ""
    this, too_late = release.release_id, now > last_to_instruct(release)
    if not own:
        names = " and ".join(sorted(others))
        back = f"as something stands under {names}: only once that is taken back, or over"
        return "" if too_late else f"It cannot be instructed under {this} now, {back}. Otherwise {by_date}."
    name, one = own[0]
    end = one.counting_period.end
    first = f"take it out of that group first (11.6 for {name} without it)"
    if len(own) < len(stand) or any(how.asked.holding[other].more for other in others):
        whose = f"its {how.other} or DCC" if len(how.hub.suppliers) > 1 else "DCC"
        first = f"{first}, and wait until what {whose} instructed there is taken back, too"
    here = (this, how.viewer)
    barred = here in how.asked.barred and here not in (*how.asked.schedulable, *how.asked.listable)
    after = " once its pilot has ended" if barred else ""
    ways = [] if too_late else [f"to instruct it under {this}{after}, {first}"]
    until = min(end, last_to_instruct(how.asked.releases[name]))
    if alone and name in how.asked.waiting and now <= until and not how.unable:
        ways.insert(0, f"its {how.other} can do so, too (11.6 for {name}), until {show_time(until)}")
    said = f"You have instructed it under {name} (group {one.group_id}, until {show_time(end)})"
    return f"{said}: {'; '.join(ways)}; otherwise {by_date}." if ways else ""


def _of_the_pilot(release: Release, now: datetime, by_date: str, how: _How) -> str:
    """Say that the viewer has put the hub on a pilot list and is to schedule it, "" where it is not so, or too late."""
    mine = how.mine
    if mine is None or mine.task is not Task.SEND_PREFERRED_SCHEDULE or how.viewer in how.unable:
        return ""
    under = how.asked.releases.get(mine.release_id, release)
    due = last_for_the_pilot(under)
    if due is None or now > due:
        return ""
    of = "" if under.release_id == release.release_id else f" of {under.release_id}"
    return (
        f"Schedule it for the pilot{of} (11.6, stage Pilot) until {show_time(due)}, as you have put it on your "
        f"preferred list.{_both(how, under)} What is not scheduled can be instructed for safe launch once the pilot "
        f"has ended, until {show_time(last_to_instruct(under))}; otherwise {by_date}."
    )


def _protected(how: _How, named: str, last: datetime, now: datetime, by_date: str) -> str:
    """Say to the operator, whom alone it may be told, which supplier keeps the hub out of every pilot and period."""
    both = len(how.hub.suppliers) > 1
    roles = [role for who, role in how.roles.items() if who in how.asked.protectors]
    who = f"its {' and its '.join(roles)}" if both else "its supplier"
    said = f"It is protected by {who} (`protect list`), so that no group takes it (a batch of DCC's does): "
    if now > last:
        return f"{said}{by_date}."
    once = f"once it is taken off that list it can be instructed{named} (11.6), until {show_time(last)}"
    return f"{said}{once}; otherwise {by_date}."


def _by_dcc(how: _How, named: str, by_date: str) -> str:
    why = " and ".join(_why_unable(how, who, role) for who, role in how.roles.items() if who in how.unable)
    if how.viewer is not None:
        return f"{why[0].upper()}{why[1:]}: ask DCC to instruct it{named}, or leave it; then {by_date}."
    return f"DCC can instruct it{named} in a batch, as {why}; otherwise {by_date}."


def _why_unable(how: _How, who: int | None, role: str) -> str:
    """Say of a supplier of the hub why it cannot instruct, by its role alone where there are two."""
    whose = f"its {role}" if len(how.hub.suppliers) > 1 else "its supplier"
    if who in how.unregistered:
        return f"{whose} is not registered"
    possessive = "your" if who == how.viewer else f"{whose}'s"
    return f"{possessive} DUIS version has no 11.6"


def _who_can(chosen: Prospect, last: datetime, now: datetime, how: _How) -> str:
    """Say to the operator who can instruct the hub, for which stage where a pilot has it, and until when."""
    hub, until, roles, named = how.hub, show_time(last), how.roles, how.named(chosen.release)
    missing = how.missing_half(how.under(chosen.release))
    if missing is None and (named or not _awaits(chosen)):
        both = len(hub.suppliers) > 1
        who, both_of_them = ("Its suppliers", ", both of them") if both else ("Its supplier", "")
        staged = _ways_of_suppliers(how.under(chosen.release), now, last, how, named, both_of_them)
        return f"{who} can {staged or f'instruct it{named}{both_of_them} (11.6), until {until}'}, or DCC in a batch"
    ways = {
        one.who: f"its {roles[one.who]} can instruct it{' again' if one.task is Task.INSTRUCT_ANEW else ''}{named} "
        f"(11.6), until {show_time(min(last, one.until or last))}"
        for one in how.asked.tasks
        if one.who in roles
    }
    said = " and ".join(ways[who] for who in roles if who in ways)
    said = said or f"its {roles.get(missing, 'second supplier')} can instruct it{named} (11.6), until {until}"
    return f"{said[0].upper()}{said[1:]}"


def _ways_of_suppliers(release: Release, now: datetime, last: datetime, how: _How, named: str, both: str) -> str:
    """Say to the operator for which stage suppliers can instruct a hub that a pilot has, as `_ways` does to them.

    "" where none has it, or has it any more: there is nothing more to be said than until when.
    """
    lists = lists_taken_until(release, now)
    here = {(release.release_id, who) for who in how.hub.suppliers}
    scheduled, listed = here & {*how.asked.schedulable}, here & {*how.asked.barred, *how.asked.schedulable}
    if lists is None or release.pilot is None or not listed:
        return ""
    ways = []
    if scheduled == here:
        where = "their preferred lists" if both else "its preferred list"
        by = show_time(min(lists, last))
        ways.append(f"schedule it{named} for the pilot (11.6, stage Pilot){both}, until {by}, as it is on {where}")
    if last > release.pilot.period.end:
        again = "" if ways else named
        ways.append(
            f"instruct it{again} for safe launch once the pilot has ended (11.6){both}, until {show_time(last)}"
        )
    return ", or ".join(ways)


def _awaits(chosen: Prospect) -> bool:
    return chosen.plan.void is VoidReason.AWAITS_SECOND_SUPPLIER


def _first_listed(release: Release, now: datetime, how: _How) -> str:
    """Say to the operator whose preferred list the pilot's schedule needs first; "" where none, or none is taken."""
    name = release.release_id
    if lists_taken_until(release, now) is None:
        return ""
    missing = [
        who for who in how.roles if (name, who) in how.asked.listable and (name, who) not in how.asked.schedulable
    ]
    if not missing:
        return ""
    who = f"its {how.roles[missing[0]]}'s preferred list" if len(missing) == 1 else "their preferred lists"
    who = "its supplier's preferred list" if len(how.hub.suppliers) == 1 else who
    return f" For the pilot it has to be on {who} first (11.5)."


def _by_viewer(chosen: Prospect, now: datetime, by_date: str, how: _How) -> str:
    """Say to one of the hub's suppliers what it can do, or whom it has to wait for."""
    release, mine, named = how.under(chosen.release), how.mine, how.named(chosen.release)
    last = last_to_instruct(release)
    until, or_leave_it = show_time(last), f"or leave it: then {by_date}.{_both(how, release)}"
    if how.viewer in how.asked.protectors:
        return (
            f"You protect it: take it off your protected hubs to instruct it{named} (11.6) until {until}, {or_leave_it}"
        )
    match mine.task if mine is not None else None:
        case Task.INSTRUCT_SPLIT_HUBS:
            assert mine is not None
            half = how.asked.half_stages.get(release.release_id)
            return (
                f"{_ways(release, now, min(last, mine.until or last), how, named, half)}, or leave it: then {by_date}."
            )
        case Task.INSTRUCT_ANEW:
            assert mine is not None
            return f"{_ways(release, now, min(last, mine.until or last), how, f' again{named}')}, {or_leave_it}"
        case Task.INSTRUCT_SAFE_LAUNCH if lists_taken_until(release, now) is None:
            after = _after_the_pilot(release, now)
            return f"Instruct it{named} for safe launch (11.6, stage SafeLaunch){after} until {until}, {or_leave_it}"
    if not named and (_awaits(chosen) or how.missing_half(release) not in (None, how.viewer)):
        end = how.asked.waiting.get(release.release_id, last)
        return f"Its {how.other} can instruct it (11.6) until {show_time(min(last, end))}; otherwise {by_date}."
    if mine is not None and mine.task is Task.SEND_PREFERRED_SCHEDULE:
        return f"Instruct it{named} for safe launch once the pilot has ended (11.6), until {until}, {or_leave_it}"
    return f"{_ways(release, now, last, how, named)}, {or_leave_it}"


def _ways(
    release: Release, now: datetime, last: datetime, how: _How, again: str = "", half: Stage | None = None
) -> str:
    """Say for which stage the viewer can instruct the hub, as 11.6 is judged: for the pilot what its list has.

    What is in the pilot is not for safe launch until that has ended (BR-0.3). `again` is put into it; `half`: the stage
    for which the other supplier of a split hub has instructed it.
    """
    until, lists = f"until {show_time(last)}", lists_taken_until(release, now)
    as_the_other, after = f", as its {how.other} has", _after_the_pilot(release, now)
    if lists is None or release.pilot is None:
        return f"Instruct it{again} (11.6){f'{as_the_other},' if half and not after else after} {until}"
    here, by = (release.release_id, how.viewer), show_time(min(lists, last))
    may_list, barred = here in how.asked.listable, here in how.asked.barred
    pilot_too = f"{as_the_other}," if half is Stage.PILOT else ""
    launch_too = as_the_other if half is Stage.SAFE_LAUNCH else ""

    pilot = f"instruct it{again} for the pilot (11.6, stage Pilot){pilot_too} until {by}"
    listed = f"put it on your preferred list (11.5, by {by}) and schedule it{again} (11.6){pilot_too} until {by}"
    list_first = f"put it on your preferred list first (11.5, by {by}) for the pilot"
    launch = f"instruct it{again} for safe launch (11.6, stage SafeLaunch){launch_too}{after} {until}"
    once_over = f"instruct it for safe launch once the pilot has ended (11.6), {until}"
    then = [once_over] if last > release.pilot.period.end else []

    if here in how.asked.schedulable:
        ways = [pilot, *then]
    elif barred:
        ways = [listed, *then] if may_list else [once_over]
    elif may_list:
        ways = [listed, f"or {launch}"] if half is Stage.PILOT else [launch, list_first]
    else:
        ways = [launch]
    said = ", ".join(ways)
    return f"{said[0].upper()}{said[1:]}"


def _after_the_pilot(release: Release, now: datetime) -> str:
    """Say when a period of safe launch can begin, while the pilot goes on; "" where it is over."""
    opens = None if release.pilot is None else safe_launch_opens(release, now)
    return "" if opens is None else f", with a period after the pilot's end, {show_time(opens)},"


def _both(how: _How, release: Release) -> str:
    both = len(how.hub.suppliers) > 1 and how.missing_half(release) != how.viewer
    return " It takes instructions of both its suppliers." if both else ""
