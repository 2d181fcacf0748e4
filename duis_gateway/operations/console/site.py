"""The console's pages by their addresses, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Connection

from duis_gateway.audit.sealing import state_of
from duis_gateway.clock import Clock
from duis_gateway.doors.http import Route
from duis_gateway.doors.problem import headers_of, json_problem_answer
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.duis.identifiers import eui_as_typed, format_eui
from duis_gateway.errors import MessageRefused, NoSuchPath, refusal_of
from duis_gateway.operations import actions as evidence
from duis_gateway.operations import flags
from duis_gateway.operations.console import (
    actions,
    answers,
    asked,
    certificates,
    flag_words,
    hub,
    hub_list,
    kinds,
    message,
    named,
    overview,
    release,
    search,
    waiting,
)
from duis_gateway.operations.console.actions import Guard
from duis_gateway.operations.console.code_words import OF_CODES
from duis_gateway.operations.console.corrections import correction
from duis_gateway.operations.console.counts import ReleaseCounts, counts_of, versions_of
from duis_gateway.operations.console.documents import Stored
from duis_gateway.operations.console.events import events_of, mark_of
from duis_gateway.operations.console.hints import hints, with_fixed_words
from duis_gateway.operations.console.remembered import Figure, Remembered
from duis_gateway.operations.console.search import Way
from duis_gateway.operations.console.waiting import Backlog
from duis_gateway.operations.readiness import Checks
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.retry import DEFAULT_RETRIES, RetryPolicy
from duis_gateway.parties import store as parties
from duis_gateway.rollout.deadlines.not_told import told_by_now
from duis_gateway.rollout.deadlines.rules import Deadline, in_order
from duis_gateway.rollout.deadlines.view import counts_hubs, partner_deadlines, tasks_of_everybody
from duis_gateway.rollout.estate.hub_pages import PAGE, hub_page
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.progress.store import Estate, estate_of, how_far
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.engine import Store
from duis_gateway.text.numbers import is_digits
from duis_gateway.text.pages import path_part, render

T = TypeVar("T")
_Tasks = Figure[tuple[Deadline, ...]] | None

_READ = ("GET", "HEAD")
_HERE = "duis_gateway.operations.console"
_A_MOMENT = 2.0
_MOMENTS = 1.5
"""Seconds for which a page waits for all of its figures that are counted for each release."""
_DEAD_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the console reads, besides the store.

    Attributes:
        readiness: what the gateway needs, as `/health/ready` tells it.
        own_certificate: the end of the gateway's own certificate, None without one.
        token: the operators' token, None where none is configured; raises ConfigurationError where it cannot be read.
        relay: whether there is a mail relay.
        tls_certificates: the ends of TLS certificates, by section of the configuration.
        retries: how long messages are tried for.
    """

    readiness: Callable[[], Checks]
    own_certificate: Callable[[], datetime | None]
    token: Callable[[], str | None]
    relay: bool = False
    tls_certificates: Callable[[], Mapping[str, datetime]] = dict
    retries: RetryPolicy = DEFAULT_RETRIES


class Console:
    """The pages, and the figures that they remember; thread-safe."""

    def __init__(self, store: Store, clock: Clock, sources: Sources) -> None:
        self._store = store
        self._clock = clock
        self._sources = sources
        self._guard = Guard(sources.token)
        self._estate: Remembered[None, Estate] = Remembered(self._count_estate, _A_MOMENT)
        self._counts: Remembered[str, ReleaseCounts] = Remembered(self._count_release, _A_MOMENT)
        self._tasks: Remembered[str, tuple[Deadline, ...]] = Remembered(self._find_tasks, _A_MOMENT)
        self._turns: Remembered[None, tuple[Deadline, ...]] = Remembered(self._find_turns, _A_MOMENT)
        self._backlogs: Remembered[None, list[Backlog]] = Remembered(self._find_backlogs, _A_MOMENT)
        self._names: Remembered[None, Mapping[int, str]] = Remembered(self._find_names, _A_MOMENT)
        self._events = events_of(store, clock)

    def stop(self, deadline: float) -> bool:
        """Return whether nothing is counted any more by the deadline, on the monotonic clock."""
        remembered: tuple[Remembered[Any, Any], ...]
        remembered = (self._estate, self._counts, self._tasks, self._turns, self._backlogs, self._names)
        ended = [self._events.stop(deadline), *(one.stop(deadline) for one in remembered)]
        return all(ended)

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        pages: dict[str, Callable[[HttpRequest], Answer]] = {
            "/": self.overview,
            "/releases/*": self.release,
            "/hubs": self.hubs,
            "/hubs/*": self.hub,
            "/messages": self.messages,
            "/messages/*": self.message,
            "/parties": self.parties,
            "/search": self.search,
            "/console.css": lambda _request: answers.stylesheet(),
            "/console.js": lambda _request: answers.script(),
        }
        changing = {"/dead-letters": self.dead_letters, "/flags": self.flags}
        # Who listens needs no worker: however many there are, the pages, health and metrics answer as ever.
        events = Route(
            "/events", "operations", "/events", _READ, lambda _: self._events.answer(), json_problem_answer, False
        )
        return [
            events,
            *(
                Route(path, "operations", path, methods, serve, self.refuse, is_page=True)
                for served, methods in ((pages, _READ), (changing, (*_READ, "POST")))
                for path, serve in served.items()
            ),
        ]

    # --- pages ----------------------------------------------------------------------------------------------------

    def overview(self, _request: HttpRequest) -> Answer:
        """What needs somebody, the releases, the outbox."""
        now = self._clock.now()
        with self._store.read() as conn:
            seen = overview.overview_of(conn, now)
            audit, mark = state_of(conn), mark_of(conn, now)
            under = [one.release_id for one in releases.all_releases(conn)]
        estate, backlogs = self._estate.get(None, mark=mark), self._backlogs.get(None, mark=mark)
        turns = self._told_now(self._turns.get(None, mark=mark), under)
        far, turn = {}, {}
        until = monotonic() + _MOMENTS
        for one in seen.live[: overview.MOST_RELEASES]:
            counted = self._counts.get(one.release_id, mark=mark)
            if estate is not None:
                far[one.release_id] = how_far(estate.value, one, counted.value.told if counted else None)
            # Counted beside the requests: with many hubs it takes a while, and the page is not to wait for each.
            tasks = self._told_now(self._tasks.get(one.release_id, patience=until - monotonic(), mark=mark), ())
            counted_for = [task for task in tasks.value if counts_hubs(task)] if tasks else []
            every = in_order((*(turns.value if turns else ()), *counted_for))
            turn[one.release_id] = (*release.turn_in_short(every, one.release_id, now), tasks)
        if estate is not None:
            far |= {one.release_id: how_far(estate.value, one, None) for one in seen.over}
        checks = self._sources.readiness()
        return self._page(
            "overview.html",
            seen=seen,
            live_releases=seen.live[: overview.MOST_RELEASES],
            far=far,
            counted=estate,
            versions=versions_of(estate.value) if estate else [],
            backlogs=backlogs.value if backlogs else [],
            outbox=backlogs,
            states=waiting.states(backlogs.value) if backlogs else {},
            deadlines=turns.value if turns else (),
            outstanding=turns,
            turn=turn,
            overdue=overview.overdue(turns.value, now) if turns else 0,
            unready={name: check.detail for name, check in checks.items() if not check.ok},
            own_certificate=self._sources.own_certificate(),
            tls_certificates=self._sources.tls_certificates(),
            soon=certificates.SOON,
            audit=audit,
        )

    def release(self, request: HttpRequest) -> Answer:
        """One release."""
        now = self._clock.now()
        release_id = asked.last_part(request)
        with self._store.read() as conn:
            found = release.page_of(conn, release_id, self._sources.relay)
            mark = mark_of(conn, now)
        if found is None:
            raise NoSuchPath(f"there is no release {release_id[:80]!r}")
        estate, counted = self._estate.get(None, mark=mark), self._counts.get(release_id, mark=mark)
        tasks = self._told_now(self._tasks.get(release_id, mark=mark), [release_id])
        return self._page(
            "release.html",
            page=found,
            one=found.release,
            far=how_far(estate.value, found.release, counted.value.told if counted else None) if estate else None,
            counted=counted,
            figures=max((one for one in (estate, counted) if one), key=lambda one: one.age, default=None),
            picture=release.picture_of(found.release, _value(counted), now),
            tasks=tasks,
            turn=release.turn_of(tasks.value, release_id, now) if tasks else [],
        )

    def hub(self, request: HttpRequest) -> Answer:
        """One hub."""
        device_id = asked.eui(asked.last_part(request), "the hub")
        with self._store.read() as conn:
            found = hub.page_of(conn, device_id, self._clock.now(), self._sources.relay)
        if found is None:
            raise NoSuchPath(f"{format_eui(device_id)} is not in the inventory")
        return self._page("hub.html", page=found, hub=found.hub, form_token=self._guard.form_token("replay"))

    def hubs(self, request: HttpRequest) -> Answer:
        """The hubs one by one, by what is asked for."""
        fields = with_fixed_words(asked.only(asked.query(request), *hub_list.FIELDS, *hub_list.OF_PARTIES))
        wanted = hub_list.wanted_hubs(fields, of_any_party=True)
        with self._store.read() as conn:
            found = hub_page(conn, hub.OPERATOR, self._clock.now(), wanted)
            groups = [] if wanted.after else named.groups_in_full(conn, wanted)
            unknown = [] if found.rows else hints(conn, fields)
        facts = {
            "asked": fields,
            "found": found,
            "unknown": unknown,
            "further": hub_list.further(fields, found),
            "page_size": PAGE,
        }
        return self._page("hubs.html", groups=groups, choices=hub_list.CHOICES, **facts)

    def messages(self, request: HttpRequest) -> Answer:
        """Messages in and out, by what is asked for."""
        fields = asked.only(asked.query(request), *asked.OF_MESSAGES)
        wanted = asked.wanted(fields)
        with self._store.read() as conn:
            if wanted.way is Way.SENT and wanted.hub is None and wanted.state in search.NOT_DELIVERED:
                found = search.undelivered(conn, wanted)
            else:
                found = search.look(conn, wanted)
            open_ones = [one.id for one in found.lines if one.way is Way.SENT and one.state != "delivered"]
            whys = waiting.whys(conn, open_ones, self._sources.relay)
            unknown = [] if found.lines else hints(conn, fields)
        kept = {name: value for name, value in fields.items() if value and name != "before"}
        further = None if found.further is None else urlencode({**kept, "before": found.further})
        facts = {"asked": fields, "found": found, "unknown": unknown, "further": further, "whys": whys}
        return self._page("messages.html", wanted=wanted, **facts)

    def message(self, request: HttpRequest) -> Answer:
        """One message, or its bytes as they went over the wire."""
        name = asked.last_part(request)
        name, _, suffix = name.partition(".")
        name, is_answer = name.removesuffix("-answer"), name.endswith("-answer")
        way, number = asked.message_key(name)
        if suffix:
            return Stored(way, number, is_answer).download(self._store, name + ("-answer" if is_answer else ""))
        with self._store.read() as conn:
            page = message.page_of(conn, way, number, self._sources.relay)
        if page is None:
            raise NoSuchPath(f"there is no message {name[:40]!r}")
        form = self._guard.form_token("replay")
        return self._page("message.html", page=page, line=page.line, form_token=form, retries=self._sources.retries)

    def dead_letters(self, request: HttpRequest) -> Answer:
        """What was given up, and its replay."""
        if request.method == "POST":
            form = self._guard.check(request, "replay")
            number = actions.make(self._store, self._clock, request, "replay", lambda conn: actions.replay(conn, form))
            self._backlogs.forget()
            told = {"done": number, "back": asked.came_from(request) or ""}
            return answers.see_other(f"/dead-letters?{urlencode(told)}")
        fields = asked.only(asked.query(request), "skip", "done", "back")
        skip = asked.number(fields.get("skip", "0"), "skip")
        with self._store.read() as conn:
            lines = search.sent(outbox_view.undelivered(conn, "dead", skip=skip, limit=_DEAD_A_PAGE))
            by_recipient = outbox_view.stats(conn).dead
            done = evidence.newest(conn)
        return self._page(
            "dead_letters.html",
            lines=lines,
            by_recipient=by_recipient,
            skip=skip,
            more=skip + _DEAD_A_PAGE if len(lines) == _DEAD_A_PAGE else None,
            form_token=self._guard.form_token("replay"),
            told=asked.number(fields["done"], "done") if "done" in fields else None,
            done=[one for one in done if one.action == "replay"],
            back=asked.page_of_ours(fields.get("back", "")),
        )

    def flags(self, request: HttpRequest) -> Answer:
        """What somebody should look at, and that somebody has."""
        if request.method == "POST":
            form = self._guard.check(request, "acknowledge")
            now = self._clock.now()
            number = actions.make(
                self._store, self._clock, request, "acknowledge", lambda conn: actions.acknowledge(conn, form, now)
            )
            return answers.see_other(f"/flags?done={number}")
        fields = asked.only(asked.query(request), "done")
        with self._store.read() as conn:
            unseen = flags.unacknowledged(conn, 200)
            every = {one.release_id: one for one in releases.all_releases(conn)}
            seen = [one for one in flags.newest(conn, 200) if one.acknowledged_at is not None]
            since, done = flag_words.awaited(conn, unseen, every), evidence.newest(conn)
        return self._page(
            "flags.html",
            unseen=[flag_words.about(one, every, since) for one in unseen],
            seen=seen,
            form_token=self._guard.form_token("acknowledge"),
            told=asked.number(fields["done"], "done") if "done" in fields else None,
            done=[one for one in done if one.action == "acknowledge"],
        )

    def parties(self, _request: HttpRequest) -> Answer:
        """Who is registered, and with which certificates."""
        with self._store.read() as conn:
            every = parties.all_parties(conn)
            held = certificates.held(conn)
        return self._page(
            "parties.html",
            parties=every,
            certificates=held,
            own_certificate=self._sources.own_certificate(),
            tls_certificates=self._sources.tls_certificates(),
        )

    def search(self, request: HttpRequest) -> Answer:
        """Go to the hub, release or message of this name."""
        name = asked.only(asked.query(request), "q").get("q", "").strip()
        with self._store.read() as conn:
            places = _places(conn, name)
        # Whoever types a number alone may mean something else than a message.
        numbered = is_digits(name) and [place for place, _ in places] == [f"/messages/{Way.SENT}-{int(name)}"]
        if len(places) == 1 and not numbered:
            return answers.see_other(places[0][0])
        return self._page("search.html", name=name, places=places, numbered=numbered)

    def refuse(self, error: MessageRefused, request: HttpRequest) -> Answer:
        """Say why a request is refused: on a page, or in the form that it came from."""
        refusal = refusal_of(error)
        if form := correction(error, request, request.path):
            page = self._page(form.template, **form.facts)
        else:
            facts = {"refusal": refusal, "detail": error.detail, "correlation_id": request.correlation_id}
            page = self._page("refused.html", **facts, back=asked.came_from(request))
        return Answer(refusal.status, page.content_type, page.body, (*page.headers, *headers_of(error)), error)

    def _page(self, template: str, **facts: object) -> Answer:
        shared: dict[str, object] = {
            "now": self._clock.now(),
            "may_change": self._guard.is_open,
            "read_only": actions.READ_ONLY,
        }
        names = self._names.get(None)
        shared |= {"hubs_of": hub_list.of_task, "names": names.value if names else {}, "wrong": None, **OF_CODES}
        return answers.page(render(f"{_HERE}/{template}", **shared | facts))

    def _told_now(self, figure: _Tasks, under: Collection[str]) -> _Tasks:
        """Return tasks that were counted a while ago with how the messages stand now that their parties wait for."""
        with self._store.read() as conn:
            return figure and replace(figure, value=in_order(told_by_now(conn, figure.value, under)))

    # --- what is remembered ---------------------------------------------------------------------------------------

    def _count_estate(self, _: None) -> Estate:
        with self._store.read() as conn:
            return estate_of(conn)

    def _count_release(self, release_id: str) -> ReleaseCounts:
        with self._store.read() as conn:
            found = releases.find(conn, release_id)
            if found is None:
                raise NoSuchPath("the release is gone")
            return counts_of(conn, found, self._clock.now())

    def _find_tasks(self, release_id: str) -> tuple[Deadline, ...]:
        with self._store.read() as conn:
            found = releases.find(conn, release_id)
            return () if found is None else in_order(tasks_of_everybody(conn, found, self._clock.now()))

    def _find_turns(self, _: None) -> tuple[Deadline, ...]:
        with self._store.read() as conn:
            return partner_deadlines(conn, self._clock.now())

    def _find_names(self, _: None) -> Mapping[int, str]:
        with self._store.read() as conn:
            return named.parties_with_names(conn)

    def _find_backlogs(self, _: None) -> list[Backlog]:
        with self._store.read() as conn:
            return waiting.backlogs(conn, self._sources.relay)


def _value(figure: Figure[T] | None) -> T | None:
    return None if figure is None else figure.value


# --- what is found ---------------------------------------------------------------------------------------------


def _places(conn: Connection, name: str) -> Sequence[tuple[str, str]]:
    """Return where a hub, party, release, group or message of this name is shown: the addresses, and what is there."""
    found = [
        (f"/messages/{line.key}", f"{line.name}, {line.way}, {line.identity}")
        for line in named.messages_called(conn, name)
    ]
    found += [
        (f"/releases/{path_part(one.release_id)}", f"release {one.release_id}")
        for one in named.releases_called(conn, name)
    ]
    found += [
        (
            f"/hubs?{hub_list.of_task(one.release_id, 'decide_on_group', one.group_id, one.supplier)}",
            f"group {one.group_id} of {format_eui(one.supplier)} for {one.release_id}",
        )
        for one in named.groups_called(conn, name)
    ]
    found += [
        (
            f"/releases/{path_part(one.release_id)}#offers",
            f"{one.csp_region}'s own group {one.group_id} for {one.release_id}",
        )
        for one in named.offers_called(conn, name)
    ]
    eui = eui_as_typed(name)
    if eui is None:
        return found or [(f"/messages?{query}", what) for query, what in kinds.lists_called(name)]
    if hubs.get(conn, eui) is not None:
        found.append((f"/hubs/{format_eui(eui)}", f"hub {format_eui(eui)}"))
    if parties.find(conn, eui) is not None:
        found.append((f"/parties#{format_eui(eui)}", f"party {format_eui(eui)}"))
    return found
