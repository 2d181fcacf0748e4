"""A supplier's pages by their addresses, and what holds for all of them: each is for the token's owner alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection

from duis_gateway.clock import Clock
from duis_gateway.doors.http import Route
from duis_gateway.doors.problem import headers_of
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import MessageRefused, NoSuchPath, TokenRefused, refusal_of
from duis_gateway.operations.console import answers, asked, hub_list, message, search
from duis_gateway.operations.console.code_words import OF_CODES
from duis_gateway.operations.console.corrections import correction
from duis_gateway.operations.console.documents import Stored
from duis_gateway.operations.console.events import mark_of
from duis_gateway.operations.console.hints import hints, with_fixed_words
from duis_gateway.operations.console.remembered import Figure, Remembered
from duis_gateway.operations.supplier_pages import own_messages
from duis_gateway.operations.supplier_pages.own_names import places_called, places_near
from duis_gateway.operations.supplier_pages.standing import (
    Standing,
    announced,
    far_of_one,
    release_of,
    releases_of,
    standing_of,
    what_it_follows_from,
)
from duis_gateway.operations.supplier_pages.undelivered import undelivered_to
from duis_gateway.operations.supplier_pages.whose import CHALLENGE, supplier_of
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.retry import DEFAULT_RETRIES, RetryPolicy
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.not_told import not_told_of_hub, outcomes_of_hub
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.estate.hub_by_hub import ESTATE_COLUMNS, estate_rows, hub_on_a_page
from duis_gateway.rollout.estate.hub_pages import PAGE, hub_page
from duis_gateway.rollout.estate.over import ReleasesOver
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.plans.view import plans_and_not_told, releases_for
from duis_gateway.rollout.progress.records import OwnFar
from duis_gateway.rollout.releases.last_word import said_by
from duis_gateway.store.engine import Store
from duis_gateway.text.pages import render
from duis_gateway.text.tabular import Rows, as_csv

ROOT = "/supplier"
_HERE = "duis_gateway.operations.supplier_pages"
_READ = ("GET", "HEAD")
_A_MOMENT = 2.0
_SOON = 5  # seconds
_UNDELIVERED = 50
_OF_MESSAGES = ("way", "hub", "kind", "state", "release", "since", "until", "before", "further")
_WHOSE = "supplier"
"""Under which a request notes whose it is, so that a refusal keeps the supplier's menu."""

Page = Callable[[Party, HttpRequest], Answer]


class SupplierPages:
    """The pages, and each supplier's figures, which are remembered for as long as it takes to count them; thread-safe.

    `relay`: there is one for emails. `retries`: how long messages are tried for.
    """

    def __init__(
        self, store: Store, clock: Clock, *, relay: bool = False, retries: RetryPolicy = DEFAULT_RETRIES
    ) -> None:
        self._store = store
        self._clock = clock
        self._relay = relay
        self._retries = retries
        self._standing: Remembered[int, Standing] = Remembered(self._count, _A_MOMENT)
        self._over: Remembered[tuple[int, str], OwnFar] = Remembered(self._count_over, _A_MOMENT)

    def stop(self, deadline: float) -> bool:
        """Return whether nothing is counted any more by the deadline, on the monotonic clock."""
        ended = [self._standing.stop(deadline), self._over.stop(deadline)]
        return all(ended)

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        pages: dict[str, Page] = {
            "": self.overview,
            "/": self.overview,
            "/releases/*": self.release,
            "/hubs": self.hubs,
            "/hubs/*": self.hub,
            "/estate.csv": self.estate,
            "/messages": self.messages,
            "/messages/*": self.message,
            "/search": self.search,
        }
        style = Route(f"{ROOT}/style.css", "supplier", "style", _READ, lambda _: answers.stylesheet(), waits=False)
        return [style, *(self._route(f"{ROOT}{path}", page) for path, page in pages.items())]

    def _route(self, path: str, page: Page) -> Route:
        def serve(request: HttpRequest) -> Answer:
            supplier = supplier_of(request, self._store)
            request.notes[_WHOSE] = supplier
            return page(supplier, request)

        return Route(path, "supplier", path, _READ, serve, self.refuse, is_page=True)

    # --- pages ----------------------------------------------------------------------------------------------------

    def overview(self, supplier: Party, _request: HttpRequest) -> Answer:
        """What there is to do, how far each release is, the estate in numbers, and what has not arrived."""
        with self._store.read() as conn:
            every = releases_of(conn, supplier.eui)
            undelivered = undelivered_to(conn, supplier.eui, _UNDELIVERED, relay=self._relay)
            facts, not_approved = what_it_follows_from(conn), announced(conn)
            mark = mark_of(conn, self._clock.now())
        standing = self._standing.get(supplier.eui, facts=facts, mark=mark)
        return self._page(
            "overview.html",
            supplier,
            again=_again(standing),
            live=[one for one in every if one.release.state.is_live],
            held=[one for one in every if not (one.release.state.is_live or one.release.state.is_over)],
            over=[one.release for one in every if one.release.state.is_over],
            undelivered=undelivered,
            many=_UNDELIVERED,
            retries=self._retries,
            standing=_value(standing),
            counted=standing,
            announced=not_approved,
        )

    def release(self, supplier: Party, request: HttpRequest) -> Answer:
        """One release: its terms, what there is to do, the supplier's list and groups."""
        release_id = asked.last_part(request)
        with self._store.read() as conn:
            found = release_of(conn, supplier.eui, release_id)
            follows_from, not_approved = what_it_follows_from(conn), announced(conn)
            mark = mark_of(conn, self._clock.now())
        if found is None:
            raise NoSuchPath(f"No release {release_id[:80]!r} concerns your hubs.")
        standing = self._standing.get(supplier.eui, facts=follows_from, mark=mark)
        far: Figure[OwnFar] | None = None
        if found.release.state.is_over:
            far = self._over.get((supplier.eui, release_id), facts=follows_from, mark=mark)
        elif standing is not None and release_id in standing.value.far:
            far = Figure(standing.value.far[release_id], standing.age, standing.is_behind)
        facts = {"page": found, "one": found.release, "standing": _value(standing), "far": far}
        facts |= {"announced": not_approved}
        again = _again(far if found.release.state.is_over else standing)
        return self._page("release.html", supplier, again=again, **facts)

    def hubs(self, supplier: Party, request: HttpRequest) -> Answer:
        """The hubs one by one, by what is asked for."""
        fields = with_fixed_words(asked.only(asked.query(request), *hub_list.FIELDS))
        wanted = hub_list.wanted_hubs(fields)
        with self._store.read() as conn:
            found = hub_page(conn, supplier, self._clock.now(), wanted)
            unknown = [] if found.rows else hints(conn, fields, supplier.eui)
        facts: dict[str, Any] = {"asked": fields, "found": found, "unknown": unknown}
        facts["further"] = hub_list.further(fields, found)
        return self._page("hubs.html", supplier, choices=hub_list.CHOICES, page_size=PAGE, **facts)

    def hub(self, supplier: Party, request: HttpRequest) -> Answer:
        """One hub: how it stands and why, what is planned, and all that happened to it."""
        device_id = asked.eui(asked.last_part(request), "The hub")
        now = self._clock.now()
        with self._store.read() as conn:
            row, hub = hub_on_a_page(conn, supplier, device_id, now), hubs.get(conn, device_id)
            if row is None or hub is None:
                raise NoSuchPath(f"{format_eui(device_id)} is not one of your hubs.")
            plans = plans_and_not_told(conn, hub, releases_for(conn, hub), now, supplier.eui)
            history = history_rows(conn, supplier, device_id)
            over = ReleasesOver(conn).of(hub)
            about = search.sent(outbox_view.about_hub(conn, device_id, 1000))
            live = [one.release_id for one, _ in plans] if row["state"] != HubState.ACTIVATED else []
            not_told = not_told_of_hub(conn, hub, live, supplier.eui)
            outcomes = outcomes_of_hub(conn, hub, supplier.eui)
        told = [line for line in about if line.party == supplier.eui]
        to_csp = [one for one in not_told if one.recipient != supplier.eui]
        facts = {"plans": plans, "history": history, "told": told, "over": over, "to_csp": to_csp}
        mine = [*(one for one in not_told if one.recipient == supplier.eui), *outcomes]
        return self._page("hub.html", supplier, hub=row, not_told=mine, **facts)

    def estate(self, supplier: Party, _request: HttpRequest) -> Answer:
        """The whole estate as CSV, written while it is read: the party door's table for who has a browser alone."""
        headers = (*answers.SAFE, ("Content-Disposition", 'attachment; filename="estate.csv"'))
        body = as_csv(Rows(ESTATE_COLUMNS, self._estate(supplier)))
        return Answer(200, "text/csv; charset=utf-8", body, headers, asker=supplier.eui)

    def _estate(self, supplier: Party) -> Iterator[Mapping[str, object]]:
        with self._store.read() as conn:
            yield from estate_rows(conn, supplier, self._clock.now())

    def messages(self, supplier: Party, request: HttpRequest) -> Answer:
        """What was sent to the supplier, or what it sent, by what is asked for."""
        fields = asked.only(asked.query(request), *_OF_MESSAGES)
        with self._store.read() as conn:
            wanted = own_messages.wanted(conn, supplier, fields)
            found = own_messages.look(conn, wanted)
            unknown = [] if found.lines else hints(conn, fields, supplier.eui)
        facts = {"asked": fields, "found": found, "unknown": unknown}
        further = own_messages.further(fields, wanted, found)
        return self._page("messages.html", supplier, wanted=wanted, further=further, **facts)

    def message(self, supplier: Party, request: HttpRequest) -> Answer:
        """One message to or from the supplier, or its bytes as they went over the wire."""
        name = asked.last_part(request)
        is_file = name.endswith(".xml")
        key = name.removesuffix(".xml")
        identity, is_answer = key.removesuffix("-answer"), key.endswith("-answer")
        with self._store.read() as conn:
            line = own_messages.called(conn, supplier, identity)
            if line is None:
                raise NoSuchPath(f"No message {key[:80]!r} is yours.")
            page = None if is_file else message.page_of(conn, line.way, line.id, self._relay)
        if page is None:
            return Stored(line.way, line.id, is_answer).download(self._store, key.replace(":", "_"))
        return self._page("message.html", supplier, page=page, line=line, retries=self._retries)

    def search(self, supplier: Party, request: HttpRequest) -> Answer:
        """Go to the hub, release, group or message of this name, unless there is none or there are several."""
        name = asked.only(asked.query(request), "q").get("q", "").strip()
        with self._store.read() as conn:
            places = places_called(conn, supplier, name)
            near = [] if places else places_near(conn, supplier, name)
        if len(places) == 1:
            return answers.see_other(f"{ROOT}{places[0][0]}")
        found = self._page("search.html", supplier, name=name, places=places or near, near=near)
        return found if places or near or not name else replace(found, status=HTTPStatus.NOT_FOUND)

    def refuse(self, error: MessageRefused, request: HttpRequest) -> Answer:
        """Say why a request is refused: on a page, or in its form; for the token, a browser is made to ask."""
        refusal = refusal_of(error)
        asks = isinstance(error, TokenRefused)
        headers = (CHALLENGE,) if asks else headers_of(error)
        facts = {"refusal": refusal, "detail": error.detail, "correlation_id": request.correlation_id, "asks": asks}
        noted = request.notes.get(_WHOSE)
        supplier = noted if isinstance(noted, Party) else None
        if supplier and (form := correction(error, request, request.path.removeprefix(ROOT))):
            page = self._page(form.template, supplier, **form.facts)
        else:
            page = self._page("refused.html", supplier, **facts)
        return Answer(refusal.status, page.content_type, page.body, (*page.headers, *headers), error)

    def _page(self, template: str, supplier: Party | None, **facts: object) -> Answer:
        """Return a page; with `again`, a browser loads it anew after so many seconds, as it runs no script."""
        shared: dict[str, object] = {
            "now": self._clock.now(),
            "supplier": supplier,
            "root": ROOT,
            "again": 0,
            "wrong": None,
        }
        shared |= {"hubs_of": hub_list.of_task, "hubs_in": hub_list.of_status, "said_by": said_by, **OF_CODES}
        shared |= facts
        page = answers.page(render(f"{_HERE}/{template}", **shared))
        return replace(page, headers=(*page.headers, ("Refresh", str(again)))) if (again := shared["again"]) else page

    def _count(self, supplier: int) -> Standing:
        with self._store.read() as conn:
            return standing_of(conn, _registered(conn, supplier), self._clock.now())

    def _count_over(self, key: tuple[int, str]) -> OwnFar:
        supplier, release_id = key
        with self._store.read() as conn:
            return far_of_one(conn, _registered(conn, supplier), release_id, self._clock.now())


def _registered(conn: Connection, supplier: int) -> Party:
    who = parties.find(conn, supplier)
    if who is None:
        raise NoSuchPath("The supplier is gone.")
    return who


def _again(figure: Figure[Any] | None) -> int:
    """Return after how many seconds a page is to be loaded again whose figures are being counted; 0: it is not."""
    return 0 if figure is not None and not figure.is_behind else _SOON


def _value(figure: Figure[Standing] | None) -> Standing | None:
    return None if figure is None else figure.value
