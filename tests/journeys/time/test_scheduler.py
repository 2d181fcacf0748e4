"""What time brings: stages, once, after being down too; obligations; and what must not stand in its way."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

import esi.messages as esi
from duis_gateway.clock import FixedClock
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.errors import NotDurable
from duis_gateway.flow.reply import CsvTable, Email
from duis_gateway.flow.tx import Moment
from duis_gateway.operations.console.overview import overview_of
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.outbox.emails.rollout import missed_obligations
from duis_gateway.outbox.setbacks import Setbacks
from duis_gateway.parties import store as parties
from duis_gateway.pki.signer import Signer
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.obligations import by_time
from duis_gateway.rollout.obligations.rules import Obligation, ObligationKind, ObligationState
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Period, PilotTerms, Release, ReleaseState, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.rollout.scheduler import NOT_DONE, Scheduler
from duis_gateway.store.tables import outbox
from tests.support.rules import NEW, NOW, OURS, PILOT, THEIRS
from tests.support.steering import DCC, HUBS, IDLE, IN_PILOT, NORTH, OLDER, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, Steering

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def stage_rows(dcc: Steering, party: int) -> list[tuple[str, str]]:
    return [row for row in dcc.outbox(party) if row[1] in ("StageChange", "X05")]


def test_the_pilot_begins_at_its_start_and_safe_launch_at_its_end(dcc: Steering) -> None:
    """PIA-A12: not a second earlier, and by itself."""
    dcc.announces()
    dcc.approves()
    assert dcc.passes(PILOT.start - SECOND) == 0
    assert dcc.state() is ReleaseState.APPROVED
    assert dcc.passes(PILOT.start) == 1
    assert dcc.state() is ReleaseState.PILOTING
    assert dcc.passes(PILOT.end - SECOND) == 0
    assert dcc.passes(PILOT.end) == 1
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    assert dcc.passes(PILOT.end + 400 * DAY) == 1, "what remains goes at the automatic date"
    assert dcc.passes(PILOT.end + 401 * DAY) == 0
    assert dcc.history() == ["notified", "approved", "pilot_begins", "safe_launch_begins", "remaining hubs told"]


def test_each_change_is_told_once_to_each_party_concerned(dcc: Steering) -> None:
    """X05."""
    dcc.announces()
    dcc.approves()
    for _ in range(3):
        dcc.passes(PILOT.end)
    for csp in (NORTH, SOUTH):
        assert stage_rows(dcc, csp) == [("http", "StageChange")] * 2
    for supplier in (OURS, THEIRS, OLDER):
        assert stage_rows(dcc, supplier) == [("email", "X05")] * 2
    assert stage_rows(dcc, DCC) == [("http", "StageChange")] * 2
    assert stage_rows(dcc, IDLE) == []


def test_what_was_missed_while_down_is_caught_up_with_the_times_at_which_it_was_due(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    assert dcc.passes(PILOT.end + 10 * DAY) == 1
    with dcc.store.read() as conn:
        lines = history.of_release(conn, "R1")
    assert [(line.event, line.at, line.by) for line in lines[-2:]] == [
        ("pilot_begins", PILOT.start, "time"),
        ("safe_launch_begins", PILOT.end, "time"),
    ]


@pytest.mark.parametrize("action", [RolloutAction.PAUSE, RolloutAction.STOP, RolloutAction.WITHDRAW])
def test_nothing_begins_for_a_release_that_is_held_or_over(dcc: Steering, action: RolloutAction) -> None:
    dcc.piloting()
    dcc.says(esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "SEC Panel"))
    assert dcc.passes(PILOT.end) == 0


def test_a_release_that_was_never_approved_does_not_begin(dcc: Steering) -> None:
    dcc.announces()
    assert dcc.passes(PILOT.end) == 0
    assert dcc.state() is ReleaseState.NOTIFIED


def test_many_that_look_at_once_do_it_once(dcc: Steering) -> None:
    """As several processes would: each looks, and looks again when nobody else may decide."""
    dcc.announces()
    dcc.approves()
    dcc.clock.instant = PILOT.end
    at_once = threading.Barrier(8)

    def look() -> int:
        at_once.wait()
        return dcc.agenda().run()

    with ThreadPoolExecutor(8) as threads:
        done = [future.result() for future in [threads.submit(look) for _ in range(8)]]
    assert sorted(done)[-1] == sum(done) == 1
    assert stage_rows(dcc, NORTH) == [("http", "StageChange")] * 2
    assert stage_rows(dcc, OURS) == [("email", "X05")] * 2


def test_what_another_did_in_the_meantime_is_not_done_again(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    dcc.clock.instant = PILOT.start
    with dcc.store.read() as conn:
        moment = Moment(conn, PILOT.start, dcc.store.lock_release)
        assert by_time.stage_due(dcc.release(), moment)
    dcc.passes(PILOT.start)
    with dcc.store.write() as conn:
        assert not by_time.begin_stages("R1", Moment(conn, PILOT.start, dcc.store.lock_release))


def test_a_frozen_clock_moves_nothing_but_does_what_is_due_then(dcc: Steering) -> None:
    """`[clock] fixed`."""
    dcc.announces()
    dcc.approves()
    frozen = dcc.agenda(FixedClock(PILOT.start))
    assert [frozen.run() for _ in range(3)] == [1, 0, 0]
    assert dcc.state() is ReleaseState.PILOTING


def test_without_a_signing_key_nothing_is_done(dcc: Steering) -> None:
    """F25: what follows could not be signed; it is done when there is a key again."""
    dcc.announces()
    dcc.approves()
    dcc.clock.instant = PILOT.start
    assert dcc.agenda(signer=lambda: None).run() == 0
    assert dcc.state() is ReleaseState.APPROVED
    assert dcc.agenda().run() == 1


def test_a_release_with_which_something_is_wrong_holds_up_no_other(
    dcc: Steering, monkeypatch: pytest.MonkeyPatch
) -> None:
    for release_id, model in (("BAD", "433100AC"), ("R1", "OTHER")):
        dcc.announces(release_id, model=model)
        dcc.approves(release_id)
    begin = by_time.begin_stages

    def sometimes(release_id: str, moment: Moment) -> bool:
        if release_id == "BAD":
            raise NotDurable("the database is in a bad mood")
        return begin(release_id, moment)

    monkeypatch.setattr(by_time, "begin_stages", sometimes)
    assert dcc.passes(PILOT.start) == 1
    assert (dcc.state("R1"), dcc.state("BAD")) == (ReleaseState.PILOTING, ReleaseState.APPROVED)
    monkeypatch.undo()
    assert dcc.passes(PILOT.start) == 1


def test_a_failure_half_way_leaves_nothing_behind(dcc: Steering, monkeypatch: pytest.MonkeyPatch) -> None:
    dcc.announces()
    dcc.approves()

    def broken(*_args: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr("duis_gateway.rollout.moments.lay_in_outbox", broken)
    assert dcc.passes(PILOT.start) == 0
    assert dcc.state() is ReleaseState.APPROVED
    monkeypatch.undo()
    assert dcc.passes(PILOT.start) == 1


def test_what_fails_is_tried_ever_less_often_counted_and_flagged_once(
    dcc: Steering, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By monotonic time, for business time may stand still; and at once where the release has changed."""
    dcc.announces()
    dcc.approves()
    dcc.clock.instant = PILOT.start
    seconds = [0.0]
    counted: list[str] = []
    agenda = replace(dcc.agenda(), failed=counted.append, setbacks=Setbacks(lambda: seconds[0]))

    def broken(*_args: object) -> bool:
        raise ValueError("a defect")

    monkeypatch.setattr(by_time, "begin_stages", broken)
    for second in range(60):
        seconds[0] = float(second)
        assert agenda.run() == 0
    assert counted == ["stage"] * 6, "at 0, 1, 3, 7, 15 and 31 s"
    assert sum(getattr(record, "event", "") == "not-done-in-time" for record in caplog.records) == 6
    (flag,) = dcc.flags()
    assert (flag.kind, flag.subject) == (NOT_DONE, "R1 stage (approved)")
    assert "ValueError" in flag.text

    monkeypatch.undo()
    assert agenda.run() == 0, "its time has not come"
    with dcc.store.write() as conn:
        releases.put(conn, replace(dcc.release(), priority="urgent"), {})
    assert agenda.run() == 1
    assert dcc.state() is ReleaseState.PILOTING


def test_what_cannot_even_be_looked_at_holds_up_no_other(dcc: Steering, monkeypatch: pytest.MonkeyPatch) -> None:
    for release_id, model in (("BAD", "433100AC"), ("R1", "OTHER")):
        dcc.announces(release_id, model=model)
        dcc.approves(release_id)
    due = by_time.stage_due

    def sometimes(release: Release, moment: Moment) -> bool:
        if release.release_id == "BAD":
            raise LookupError("a defect")
        return due(release, moment)

    monkeypatch.setattr(by_time, "stage_due", sometimes)
    assert dcc.passes(PILOT.start) == 1
    assert dcc.state("R1") is ReleaseState.PILOTING
    assert [flag.subject for flag in dcc.flags()] == ["BAD stage (approved)"]


# --- obligations --------------------------------------------------------------------------------------------------

TERMS = PilotTerms(PILOT, limit=10, minimum=1, share_percent=100, share_by=PILOT.start + 10 * DAY)
DUE = PILOT.start + 10 * DAY


def obliged(dcc: Steering, **changes: Any) -> None:
    dcc.piloting(obligations=True, pilot=replace(TERMS, **changes))


def provide(dcc: Steering, supplier: int, *ids: int) -> None:
    with dcc.store.write() as conn:
        pilots.replace_preferred(conn, "R1", supplier, NEW, ids, NOW)


def reports(dcc: Steering) -> list[tuple[str, str]]:
    return [row for row in dcc.outbox(DCC) if row[0] == "email"]


def missing(dcc: Steering, at: datetime) -> dict[tuple[int, str], int]:
    with dcc.store.read() as conn:
        owed = by_time.count_missed(dcc.release(), Moment(conn, at, dcc.store.lock_release))
    return {(one.supplier, str(one.kind)): one.missing for one in owed}


def test_missed_obligations_are_reported_to_dcc_once(dcc: Steering) -> None:
    """PIA-A9: by email to DCC and as flags for the operator; who owes nothing is not named."""
    obliged(dcc)
    provide(dcc, THEIRS, 3, 4)
    assert dcc.passes(DUE) == 0, "what is due on a day may come on that day"
    assert dcc.passes(DUE + SECOND) == 1
    assert dcc.passes(DUE + DAY) == 0
    assert reports(dcc) == [("email", "X08")]
    for supplier, number in ((OURS, 1), (OLDER, 1), (THEIRS, 0)):
        assert [row for row in dcc.outbox(supplier) if row[1] == "X08"] == [("email", "X08")] * number
    shown = {flag.subject: flag.text for flag in missed(dcc)}
    assert shown.keys() == {f"R1 {format_eui(OURS)}", f"R1 {format_eui(OLDER)}"}
    assert shown[f"R1 {format_eui(OURS)}"].startswith(f"minimum: 0 of 1 hubs; share: 0 of 3 hubs, due {DUE:%Y-%m-%d}")
    assert missing(dcc, DUE + DAY) == {
        (OURS, "minimum"): 1,
        (OURS, "share"): 3,
        (OLDER, "minimum"): 1,
        (OLDER, "share"): 1,
    }


def missed(dcc: Steering) -> Sequence[OperatorFlag]:
    """What the console shows of missed obligations."""
    with dcc.store.read() as conn:
        return overview_of(conn, dcc.clock.now()).missed


@pytest.mark.requirement("PIA-A9")
def test_what_was_missed_is_shown_while_the_release_is_in_flight(dcc: Steering) -> None:
    obliged(dcc)
    assert missed(dcc) == []
    dcc.passes(DUE + SECOND)
    assert len(missed(dcc)) == 3
    dcc.says(esi.RolloutDecision("R1", RolloutAction.STOP, "why", Standing.CONFIRMED, "SEC Panel"))
    assert missed(dcc) == []


def test_what_is_met_is_reported_to_nobody(dcc: Steering) -> None:
    obliged(dcc, share_percent=None)
    for supplier, hub in ((OURS, OWN_NORTH), (THEIRS, 4), (OLDER, 5)):
        provide(dcc, supplier, hub)
    assert dcc.passes(DUE + SECOND) == 1
    assert reports(dcc) == []
    assert dcc.history()[-1] == by_time.OBLIGATIONS_DUE
    assert dcc.passes(DUE + DAY) == 0


def test_proving_and_excluded_hubs_and_other_peoples_do_not_count(dcc: Steering) -> None:
    obliged(dcc)
    dcc.announces(revision=2, obligations=True, pilot=TERMS, proving=(OWN_NORTH,), excluded=(OWN_SOUTH,))
    provide(dcc, OURS, OWN_NORTH, OWN_SOUTH, 4)
    assert missing(dcc, DUE + SECOND)[OURS, "share"] == 1, "of ours the split hub alone is left to be provided"


def test_what_dcc_chose_on_a_suppliers_behalf_counts(dcc: Steering) -> None:
    obliged(dcc)
    dcc.says(esi.PilotSelection("R1", OURS, (OWN_NORTH, OWN_SOUTH, 3)))
    assert OURS not in {supplier for supplier, _ in missing(dcc, DUE + SECOND)}


@pytest.mark.requirement("PIA-A9", "BR-3.3")
@pytest.mark.parametrize("unable", [OLDER, 0x90B3D51F30040000])
def test_nobody_owes_hubs_whose_other_supplier_cannot_instruct(dcc: Steering, unable: int) -> None:
    """Before, a share was asked for, and reported as missed, of what no list of the supplier's would move."""
    obliged(dcc)
    assert missing(dcc, DUE + SECOND)[OURS, "share"] == 3
    dcc.says(esi.InventoryUpdate((replace(HUBS[SPLIT - 1], gas_supplier=unable),)))
    assert missing(dcc, DUE + SECOND)[OURS, "share"] == 2
    if unable == OLDER:
        assert dcc.says(esi.PilotSelection("R1", OLDER, (SPLIT,), IN_PILOT)).status == "Accepted"
        assert missing(dcc, DUE + SECOND)[OURS, "share"] == 3, "DCC's choice stands in for the other one"
    provide(dcc, OURS, OWN_NORTH, OWN_SOUTH, SPLIT)
    assert OURS not in {supplier for supplier, _ in missing(dcc, DUE + SECOND)}


def test_nobody_owes_anything_to_a_pilot_that_never_was(dcc: Steering) -> None:
    """The release was approved after its pilot's period: everybody was reported to have missed it."""
    dcc.announces(obligations=True, pilot=TERMS)
    dcc.approves(after=PILOT.end - NOW + DAY)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    dcc.passes(PILOT.end + 2 * DAY)
    assert reports(dcc) == []
    assert missed(dcc) == []


def test_a_release_that_sets_no_obligations_reports_none(dcc: Steering) -> None:
    dcc.piloting(pilot=TERMS)
    assert dcc.passes(DUE + SECOND) == 0


def test_nobody_owes_anything_to_a_pilot_that_has_not_begun(dcc: Steering) -> None:
    dcc.announces(obligations=True, pilot=TERMS)
    assert dcc.passes(DUE + SECOND) == 0
    dcc.approves()
    assert dcc.passes(DUE + SECOND) == 1
    assert reports(dcc) == [("email", "X08")]


def test_a_later_due_date_is_looked_at_once_more(dcc: Steering) -> None:
    obliged(dcc)
    dcc.passes(DUE + SECOND)
    dcc.announces(revision=2, obligations=True, pilot=replace(TERMS, share_by=DUE + 5 * DAY))
    assert dcc.passes(DUE + 5 * DAY) == 0
    assert dcc.passes(DUE + 5 * DAY + SECOND) == 1
    assert len(reports(dcc)) == 2


def test_a_supplier_whose_hubs_are_many_owes_no_more_than_the_limit(dcc: Steering) -> None:
    obliged(dcc, limit=2)
    assert missing(dcc, DUE + SECOND)[OURS, "share"] == 2


def test_a_supplier_that_came_by_a_hub_owes_it(dcc: Steering) -> None:
    obliged(dcc)
    with dcc.store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[0], device_id=50, import_supplier=IDLE, gas_supplier=IDLE)])
    assert missing(dcc, DUE + SECOND)[IDLE, "minimum"] == 1


def test_the_email_has_every_obligation_in_a_table(dcc: Steering) -> None:
    dcc.announces()
    with dcc.store.read() as conn:
        party = parties.find(conn, DCC)
        assert party is not None
    owed = [Obligation(OURS, ObligationKind.MINIMUM, 5, 2, DUE, ObligationState.MISSED)]
    email = missed_obligations(dcc.release(), party, owed)
    assert isinstance(email, Email)
    assert isinstance(email.attachment, CsvTable)
    assert email.attachment.rows == ((format_eui(OURS), "minimum", "5", "2", "3", DUE.isoformat()),)


# --- the thread ---------------------------------------------------------------------------------------------------


def test_the_thread_looks_at_once_when_it_starts_and_when_it_is_woken(dcc: Steering) -> None:
    """Woken by a commit that changes a release, and not only a poll later."""
    looked = threading.Semaphore(0)

    def signer() -> Signer:
        looked.release()
        return dcc.signer()

    scheduler = Scheduler(dcc.agenda(signer=signer), poll=3600)
    scheduler.start()
    try:
        assert looked.acquire(timeout=20)
        dcc.announces()
        dcc.approves()
        dcc.clock.instant = PILOT.start
        scheduler.wake()
        assert looked.acquire(timeout=20)
    finally:
        scheduler.stop()
    assert dcc.state() is ReleaseState.PILOTING


def test_the_thread_outlives_what_goes_wrong(dcc: Steering, caplog: pytest.LogCaptureFixture) -> None:
    """Of a failure that goes on and on one line is logged."""
    looked = threading.Semaphore(0)

    def signer() -> Signer:
        looked.release()
        raise RuntimeError("a defect")

    counted: list[str] = []
    scheduler = Scheduler(replace(dcc.agenda(signer=signer), failed=counted.append), poll=0.01)
    scheduler.start()
    try:
        assert all(looked.acquire(timeout=20) for _ in range(3))
    finally:
        scheduler.stop()
    assert set(counted) == {"look"}
    assert [getattr(record, "event", "") for record in caplog.records].count("scheduler-failing") == 1


def test_a_scheduler_that_was_never_started_stops(dcc: Steering) -> None:
    Scheduler(dcc.agenda()).stop()


# --- reminders ----------------------------------------------------------------------------------------------------

BEFORE = 7 * DAY


def reminded(dcc: Steering, at: datetime) -> int:
    dcc.clock.instant = at
    return replace(dcc.agenda(), remind_before=BEFORE).run()


def reminders_to(dcc: Steering, party: int) -> int:
    return dcc.outbox(party).count(("email", "reminder"))


@pytest.mark.requirement("BR-5.4", "EX-13")
def test_each_party_is_reminded_once_of_what_it_has_not_done_before_it_is_due(dcc: Steering) -> None:
    dcc.announces()
    assert reminded(dcc, PILOT.start - BEFORE - SECOND) == 0
    for _ in range(3):
        reminded(dcc, PILOT.start - BEFORE)
    everybody = (DCC, NORTH, SOUTH, OURS, THEIRS, OLDER, IDLE)
    assert [reminders_to(dcc, party) for party in everybody] == [1, 1, 1, 0, 0, 0, 0]
    dcc.approves()
    reminded(dcc, PILOT.start)
    provide(dcc, THEIRS, 3, 4)
    reminded(dcc, PILOT.end - BEFORE)
    assert reminders_to(dcc, OURS) == 1, "it has sent no preferred list yet"
    assert reminders_to(dcc, OLDER) == 0, "its DUIS has no request for it"


@pytest.mark.requirement("BR-5.4", "BR-6.5")
def test_a_supplier_is_reminded_of_what_it_has_to_instruct_anew_too(dcc: Steering) -> None:
    """Before, `deadlines` asked for it by the same date, and the email named the rest alone."""
    dcc.announces()
    dcc.approves()
    period = Period(PILOT.end + DAY, PILOT.end + 8 * DAY)
    group = DeploymentGroup("L1", Stage.SAFE_LAUNCH, (OWN_NORTH,), period)
    assert dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))) == "I99"
    dcc.passes(period.end + DAY)
    reminded(dcc, last_to_instruct(dcc.release()) - BEFORE)
    with dcc.store.read() as conn:
        texts = conn.execute(select(outbox.c.content).where(outbox.c.recipient == OURS, outbox.c.kind == "reminder"))
        email = bytes(max(texts.scalars())).decode()
    said = " ".join(email.split())
    assert "Instruct 1 hub again (Service Request 11.6), as your instruction is void (the instructed period" in said
    assert "What nobody instructs is updated at the automatic date" in said
    assert "Nothing obliges you to." in said


@pytest.mark.requirement("BR-5.4", "BR-3.6")
def test_a_csp_is_reminded_of_the_automatic_date_with_what_remains_then(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    date = dcc.release().automatic_date
    reminded(dcc, date - BEFORE - SECOND)
    before = reminders_to(dcc, NORTH)
    reminded(dcc, date - BEFORE)
    assert reminders_to(dcc, NORTH) == before + 1
    with dcc.store.read() as conn:
        texts = conn.execute(select(outbox.c.content).where(outbox.c.recipient == NORTH, outbox.c.kind == "reminder"))
        said = " ".join(bytes(max(texts.scalars())).decode().split())
    assert "update whatever then remains" in said


@pytest.mark.requirement("BR-5.4")
def test_nobody_is_reminded_of_what_was_close_when_it_was_announced(dcc: Steering) -> None:
    dcc.clock.instant = PILOT.start - DAY
    dcc.announces()
    assert reminded(dcc, PILOT.start - DAY / 2) == 0


@pytest.mark.requirement("BR-5.4")
def test_a_date_that_moves_is_reminded_of_again(dcc: Steering) -> None:
    dcc.announces()
    assert reminded(dcc, PILOT.start - BEFORE) == 1
    later = replace(PILOT, start=PILOT.start + 10 * DAY)
    dcc.announces(revision=2, pilot=PilotTerms(later, limit=10))
    assert reminded(dcc, PILOT.start) == 0
    assert reminded(dcc, later.start - BEFORE) == 1
    assert reminders_to(dcc, NORTH) == 2
