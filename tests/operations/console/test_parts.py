"""What the console rests on: figures that are remembered, searching in stretches, and showing without a token."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from duis_gateway.clock import FixedClock
from duis_gateway.doors.http import Edge
from duis_gateway.operations.console import remembered as remembered_figures
from duis_gateway.operations.console import search
from duis_gateway.operations.console.release import Turn, turn_in_short, turn_of
from duis_gateway.operations.console.remembered import Remembered
from duis_gateway.operations.console.search import Wanted, Way
from duis_gateway.operations.console.site import Console, Sources
from duis_gateway.operations.metrics import Metrics
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.deadlines.rules import Deadline, Task, TaskState
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import LastWord, last_word
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.store.engine import Store
from tests.support.asking import ask, whole
from tests.support.outbox import OTHER, SUPPLIER, enqueue, message, messages
from tests.support.rules import release
from tests.support.threads import without_threads

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def task(kind: PartyKind, party: int, name: Task = Task.SEND_PREFERRED_LIST, **more: Any) -> Deadline:
    return Deadline("R1", kind, party, name, **{"due": None, **more})


def test_of_suppliers_the_first_few_are_named_and_the_others_counted() -> None:
    suppliers = [task(PartyKind.SUPPLIER, number) for number in range(7)]
    dcc = task(PartyKind.DCC, 99)

    def named(*deadlines: Deadline, of: str = "R1") -> tuple[list[Deadline], int]:
        turns, more = turn_in_short(deadlines, of, NOW)
        return [one for turn in turns for one in turn.tasks], more

    assert named(*suppliers, dcc) == ([*suppliers[:5], dcc], 2)
    assert named(*suppliers[:5], dcc) == ([*suppliers[:5], dcc], 0)
    assert named(*suppliers, of="R2") == ([], 0)


def test_whatever_is_overdue_is_shown_and_the_rest_is_counted() -> None:
    """DCC had to report a pilot's outcome a day ago, and the card said only that it had to decide on a pause."""
    pause = task(PartyKind.DCC, 99, Task.DECIDE_ON_PAUSE, state=TaskState.HELD)
    outcome = task(PartyKind.DCC, 99, Task.REPORT_PILOT_OUTCOME, due=NOW - timedelta(days=1))
    later = task(PartyKind.DCC, 99, Task.CLOSE_RELEASE, due=NOW + timedelta(days=1))
    late = [
        task(PartyKind.CSP, 8, Task.SEND_SAFE_LAUNCH_SCHEDULE, due=NOW - timedelta(days=1), subject=str(number))
        for number in range(7)
    ]
    assert turn_of([pause, outcome, later, *late], "R1", NOW) == [Turn([pause, outcome], 1), Turn(late[:5], 2)]
    assert turn_of([later], "R1", NOW) == [Turn([later])]
    off_plan = task(PartyKind.DCC, 99, Task.LOOK_INTO_DEVIATIONS, state=TaskState.OFF_PLAN)
    assert turn_of([later, off_plan], "R1", NOW) == [Turn([later], 1)], "the table that is linked to has it, too"
    assert turn_of([off_plan], "R1", NOW) == []


def test_what_keeps_a_release_from_going_on_is_said_with_who_decided_and_why() -> None:
    """A supplier's page of a stopped release named neither."""
    dcc = "90-B3-D5-1F-30-00-00-0A"
    states = [
        ("notified", ReleaseState.NOTIFIED, False, dcc, None),
        ("approved", ReleaseState.APPROVED, False, dcc, None),
        ("paused", ReleaseState.APPROVED, True, "SEC Panel", "too many failures"),
        ("incident", ReleaseState.APPROVED, True, dcc, "INC-1"),
        ("stopped", ReleaseState.STOPPED, False, dcc, "bad image"),
    ]
    events = [ReleaseEvent("R1", NOW, event, state, paused, by, why) for event, state, paused, by, why in states]
    one = release()
    paused = replace(one, state=ReleaseState.APPROVED, paused=True)
    stopped = replace(one, state=ReleaseState.STOPPED)
    assert last_word(replace(one, state=ReleaseState.APPROVED), events[:2]) is None
    assert last_word(paused, events[:4]) == LastWord("Paused", NOW, "SEC Panel", "too many failures", is_bad=True)
    assert last_word(stopped, events) == LastWord("Stopped", NOW, "DCC", "bad image", is_bad=True)


def test_a_figure_is_counted_once_however_many_ask() -> None:
    counted: list[str] = []

    def make(key: str) -> int:
        counted.append(key)
        return len(counted)

    remembered: Remembered[str, int] = Remembered(make, 60.0)
    values = [figure.value for key in ("a", "a", "b") if (figure := remembered.get(key))]
    assert values == [1, 1, 2]
    remembered.forget()
    values = [figure.value for key in ("a", "a") if (figure := remembered.get(key))]
    assert values == [3, 3]


def test_who_asks_does_not_wait_for_ever_and_a_figure_that_failed_is_tried_again() -> None:
    go = threading.Event()

    def make(_: None) -> int:
        if not go.wait(30):
            raise ValueError("nobody let go")
        return 7

    remembered: Remembered[None, int] = Remembered(make, 60.0)
    assert remembered.get(None) is None
    go.set()
    assert remembered.stop(monotonic() + 30)
    figure = remembered.get(None)
    assert figure is not None
    assert figure.value == 7


def test_what_has_just_happened_is_in_the_figure_also_where_one_is_being_counted_that_has_it_not() -> None:
    """The page that was loaded after something had happened showed how it was before, for up to two minutes."""
    facts, began, go = ["before"], threading.Event(), threading.Event()

    def make(_: None) -> str:
        found = facts[0]
        began.set()
        if not go.wait(30):
            raise ValueError("nobody let go")
        return found

    remembered: Remembered[None, str] = Remembered(make, 60.0)
    assert remembered.get(None, patience=0, mark=1) is None
    assert began.wait(30)
    facts[0] = "after"
    go.set()
    figure = remembered.get(None, patience=30, mark=2)
    assert figure is not None
    assert (figure.value, figure.is_behind) == ("after", False)
    facts[0] = "later"
    figure = remembered.get(None, patience=30, mark=3)
    assert figure is not None
    assert (figure.value, figure.is_behind) == ("later", False)


def test_a_figure_that_takes_long_says_that_something_has_happened_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_figures, "_AFFORDABLE", 0.0)
    remembered: Remembered[None, int] = Remembered(lambda _: 7, 60.0)
    figure = remembered.get(None, mark=1)
    assert figure is not None
    assert not figure.is_behind
    figure = remembered.get(None, mark=2)
    assert figure is not None
    assert figure.is_behind


def test_a_figure_for_which_there_was_no_thread_is_counted_when_it_is_asked_for_again() -> None:
    """F31: the page is shown all the same, and nothing hangs at the end."""
    remembered: Remembered[None, int] = Remembered(lambda _: 7, 60.0)
    with without_threads("console", 1):
        assert remembered.get(None) is None
        figure = remembered.get(None)
    assert figure is not None
    assert figure.value == 7
    assert remembered.stop(monotonic() + 30)


def test_a_search_goes_back_a_stretch_at_a_time_and_says_how_far(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(search._STRETCH, Way.SENT, 10)
    enqueue(store, message(recipient=OTHER), *messages(25), message(recipient=OTHER))
    found, before, steps = 0, 0, 0
    with store.read() as conn:
        while True:
            page = search.look(conn, Wanted(Way.SENT, party=OTHER, before=before))
            found, steps = found + len(page.lines), steps + 1
            if page.further is None:
                break
            assert page.looked_to is not None
            before = page.further
        assert (found, steps) == (2, 3)
        assert search.look(conn, Wanted(Way.SENT, until=NOW.replace(year=2025))).lines == []
        assert len(search.look(conn, Wanted(Way.SENT, party=SUPPLIER, since=NOW)).lines) == 9


def test_without_a_token_the_console_only_shows_and_says_so(store: Store) -> None:
    console = Console(store, FixedClock(NOW), Sources(dict, lambda: None, lambda: None))
    edge = Edge(console.routes(), Metrics())
    for path in ("/", "/messages", "/dead-letters", "/flags", "/parties"):
        assert ask(edge, path).status == 200, path
    form = {"content-type": "application/x-www-form-urlencoded"}
    refused = ask(edge, "/flags", "POST", content=b"flag=1&form=&token=", headers=form)
    assert refused.status == 403
    assert "token_file" in whole(refused).decode()
    assert console.stop(monotonic() + 30)


def test_a_date_that_is_past_is_said_to_be_ago(store: Store) -> None:
    """Before, the first page said "in 0 s"."""
    for days, words in ((3, "in 3.0 d"), (-3, "3.0 d ago")):
        with store.write() as conn:
            releases.put(conn, release(automatic_date=NOW + timedelta(days=days), pilot=None, revision=4 - days), {})
        console = Console(store, FixedClock(NOW), Sources(dict, lambda: None, lambda: None))
        page = " ".join(whole(ask(Edge(console.routes(), Metrics()), "/")).decode().split())
        assert console.stop(monotonic() + 30)
        assert f"</span>, {words}" in page
