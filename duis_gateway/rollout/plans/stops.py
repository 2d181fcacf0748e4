"""Which hubs a CSP is not to activate now, and why: looked at when it says that CS06 has been sent (BR-3.5)."""

from __future__ import annotations

from collections.abc import Collection

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.deadlines.scopes import given_way
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.departures import Departure
from duis_gateway.rollout.plans.deviations import departures
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import void_of
from duis_gateway.rollout.releases.records import Period, Release, ReleaseState
from duis_gateway.text.times import show_time

_VOID_IN_WORDS = {
    VoidReason.NOT_INSTRUCTED: "nobody has instructed it",
    VoidReason.AWAITS_SECOND_SUPPLIER: "its second supplier has not instructed it",
    VoidReason.SECOND_SUPPLIER_TOO_LATE: "its second supplier has not instructed it in time",
    VoidReason.PERIOD_ENDED: "its period ended before its second supplier instructed it",
    VoidReason.REFUSED_BY_CSP: "an instruction that it needs was refused",
    VoidReason.CHANGED_SUPPLIER: "it changed supplier, and what a former one instructed no longer counts",
    VoidReason.TOO_LATE: "the instructed period did not end before the automatic date",
    VoidReason.OUTSIDE_PILOT: "the instructed period was not within the pilot",
    VoidReason.BEFORE_SAFE_LAUNCH: "the instructed period started before safe launch",
    VoidReason.EXCLUDED: "the release excluded it from its pilot",
    VoidReason.PILOT_INVALIDATED: "the pilot for which it was instructed was invalidated",
    VoidReason.NOT_COMMISSIONED: "it is not commissioned",
    VoidReason.OTHER_MODEL: "it is of another device model than the release's",
    VoidReason.RUNS_VERSION: "it already runs the version",
    VoidReason.LATER_VERSION: "it runs the version of a later release",
    VoidReason.NOT_PERMITTED: "it runs a version that the release does not permit as a predecessor",
}


def stopped(moment: Moment, release: Release, device_ids: Collection[int], *, of_model: bool) -> dict[int, str]:
    """Return those of the hubs that are not to be activated now under a release, each with the reason.

    A reason begins with a word for programs (a `VoidReason` or a `DeviationKind`), and goes on for people.

    Args:
        moment: the transaction; it has the release's lock.
        release: the release.
        device_ids: the hubs.
        of_model: leave out hubs of another model than the release's.
    """
    found: dict[int, str] = {}
    silent: list[int] = []
    for _, one, members in departures(moment, release, dict.fromkeys(device_ids, moment.now)):
        if one.void is VoidReason.NOT_INSTRUCTED:
            silent += members
        if not (of_model and one.void is VoidReason.OTHER_MODEL):
            found.update(dict.fromkeys(members, _in_words(one, release)))
    return found | _void_before(moment, release, silent)


def _void_before(moment: Moment, release: Release, silent: Collection[int]) -> dict[int, str]:
    """Return why hubs are void under a release whose place this one takes, where nothing was instructed under this."""
    model = (release.manufacturer, release.model)
    earlier = [one for one in given_way(moment.conn) if (one.manufacturer, one.model) == model]
    if not earlier:
        return {}
    left = set(silent) - _void_under(moment, release, silent).keys()
    found: dict[int, str] = {}
    for one in earlier:
        words = f"it was instructed under {one.release_id}, whose place this release takes, and not since"
        void = _void_under(moment, one, left - found.keys())
        found |= {device_id: f"{why}: {words}" for device_id, why in void.items()}
    return found


def _void_under(moment: Moment, release: Release, device_ids: Collection[int]) -> dict[int, VoidReason]:
    shared = plans.of_release(moment.conn, release, moment.now)
    found: dict[int, VoidReason] = {}
    for facts, members in plans.kinds(moment.conn, shared, device_ids, ended=True):
        why = void_of(facts, plan_hub(facts))
        if why is not None:
            found.update(dict.fromkeys(members, why))
    return found


def _span(period: Period) -> str:
    return f"{show_time(period.start)} to {show_time(period.end)}"


def _in_words(one: Departure, release: Release) -> str:
    match one.kind:
        case DeviationKind.BEFORE_PERIOD if one.period is not None:
            return f"{one.kind}: it is planned for {_span(one.period)}"
        case DeviationKind.AFTER_PERIOD:
            its = "its period" if one.period is None else f"its period, {_span(one.period)},"
            return f"{one.kind}: {its} has ended, and it goes at the automatic date"
        case DeviationKind.RELEASE_NOT_APPROVED:
            return f"{one.kind}: the release is not approved"
        case DeviationKind.RELEASE_PAUSED:
            return f"{one.kind}: the release is paused"
        case DeviationKind.RELEASE_OVER if release.state is ReleaseState.INVALIDATED:
            return f"{VoidReason.PILOT_INVALIDATED}: the pilot of the release was invalidated, and DCC has to decide"
        case DeviationKind.RELEASE_OVER:
            return f"{one.kind}: the release is {release.state.value}"
    void = one.void or VoidReason.NOT_INSTRUCTED
    return f"{void}: {_VOID_IN_WORDS.get(void, 'nothing is planned for it')}"
