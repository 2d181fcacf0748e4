"""What time brings by itself: stages that begin (X05), and obligations that fall due (PIA-A9)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.tx import Moment
from duis_gateway.operations import flags
from duis_gateway.outbox.emails.rollout import missed_obligations, obligation_missed
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.audience import known, registered, suppliers_of_model
from duis_gateway.rollout.obligations import store as obligations
from duis_gateway.rollout.obligations.rules import Obligation, SupplierPilot, due_date, missed
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.effects import TIME, current
from duis_gateway.rollout.releases.lifecycle import due
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.releases.rules import lists_taken_until
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent

OBLIGATIONS_DUE = "obligations due"
MISSED_OBLIGATION = "missed obligation"
_BEGUN = (ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH)


def stage_due(release: Release, moment: Moment) -> bool:
    """Whether a stage of the release has to begin."""
    return due(release, moment.now) is not None


def begin_stages(release_id: str, moment: Moment) -> bool:
    """Let the stages begin that are due, and return whether one did: another process may have been faster."""
    current(moment, release_id)
    return moment.release_changed


def obligations_due(release: Release, moment: Moment) -> bool:
    """Whether what suppliers owe to the pilot fell due, and was not looked at since.

    Nobody owes anything to a pilot that has not begun, or never was. A notice that sets another date later
    lets them fall due once more.
    """
    if not release.obligations or release.pilot is None or release.state not in _BEGUN:
        return False
    if moment.now <= due_date(release.pilot) or _assessed(release, moment):
        return False
    return not history.pilot_never_was(moment.conn, release)


def _assessed(release: Release, moment: Moment) -> bool:
    assert release.pilot is not None
    last = history.newest(moment.conn, release.release_id, OBLIGATIONS_DUE)
    return last is not None and last.at >= due_date(release.pilot)


def count_missed(release: Release, moment: Moment) -> tuple[Obligation, ...]:
    """Count what suppliers owe and provided; it takes a while with millions of hubs, and changes nothing."""
    concerned = suppliers_of_model(moment.conn, release.manufacturer, release.model)
    counts = obligations.provided(moment.conn, release, known(moment.conn, concerned))
    pilots = (SupplierPilot(one.supplier, one.eligible, one.provided) for one in counts)
    return missed(release, pilots, moment.now)


def report_missed(release_id: str, owed: Sequence[Obligation], moment: Moment) -> bool:
    """Tell what was missed, once: DCC and the operator all of it, each supplier its own.

    Returns False if another process was faster.
    """
    moment.exclude_others(release_id)
    release = releases.find(moment.conn, release_id)
    if release is None or not obligations_due(release, moment):
        return False
    assert release.pilot is not None
    words = f"{len({one.supplier for one in owed})} suppliers did not provide what was due" if owed else "all met"
    line = ReleaseEvent(
        release_id, due_date(release.pilot), OBLIGATIONS_DUE, release.state, release.paused, TIME, words
    )
    history.record(moment.conn, line)
    still = lists_taken_until(release, moment.now)
    told = registered({one.supplier for one in owed}, release_id, moment)
    for supplier, theirs in groupby(owed, attrgetter("supplier")):
        mine = tuple(theirs)
        _flag(release_id, mine, moment)
        if supplier in told:
            moment.send([obligation_missed(release, told[supplier], mine, still)])
    if owed:
        moment.send(missed_obligations(release, party, owed) for party in moment.registered(PartyKind.DCC))
    return True


def _flag(release_id: str, owed: Sequence[Obligation], moment: Moment) -> None:
    """Say of one supplier what it missed, for the operator."""
    subject = f"{release_id} {format_eui(owed[0].supplier)}"
    what = "; ".join(f"{one.kind.value}: {one.provided:,} of {one.required:,} hubs" for one in owed)
    text = f"{what}, due {owed[0].due:%Y-%m-%d %H:%M:%S}; DCC can choose hubs (PilotSelection)"
    flags.raise_flags(moment.conn, [(MISSED_OBLIGATION, subject)], at=moment.now, text=text)
