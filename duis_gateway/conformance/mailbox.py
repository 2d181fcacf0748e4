"""Where the pack receives what the gateway sends to the parties that it plays: a receiver of the kit for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from duis_gateway.client import Message, Receiver, Serving
from duis_gateway.client.receiver import REFUSED
from duis_gateway.conformance.profile import Actor, Profile

_LOOK = 0.1


class Mailbox:
    """Listens for all parties, each under a path of its own (its EUI-64), while the block lasts."""

    def __init__(self, profile: Profile) -> None:
        self._trust = profile.trust
        self._refused: dict[str, bytes] = {}
        self._receivers = {actor.eui: self._receiver(actor) for actor in profile.actors.values()}
        self._inboxes = {party: receiver.keep() for party, receiver in self._receivers.items()}
        self._begun = dict.fromkeys(self._inboxes, 0)
        self._reached = {party: threading.Event() for party in self._receivers}
        self._came_last = time.monotonic()
        self._server = Serving(self._serve, *profile.listen)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def begin(self) -> None:
        """Let what has come so far count no longer."""
        self._begun = {party: len(inbox) for party, inbox in self._inboxes.items()}
        self._refused.clear()

    def came(self, to: Actor, fits: Callable[[bytes], bool]) -> list[Message]:
        """Return what has come for a party since the beginning and fits."""
        return [one for one in self._inboxes[to.eui].messages(since=self._begun[to.eui]) if fits(one.raw)]

    def wait_for(self, to: Actor, fits: Callable[[bytes], bool], seconds: float) -> Message | None:
        """Return the first of those, waiting for it so long; None: it has not come."""
        begun = self._begun[to.eui]
        return self._inboxes[to.eui].wait_for(that=lambda one: fits(one.raw), seconds=seconds, since=begun)

    def has_heard(self, party: Actor | None = None) -> bool:
        """Whether anything has come for a party, good or not; without one: for any."""
        return any(one.is_set() for eui, one in self._reached.items() if party is None or eui == party.eui)

    def wait_to_hear(self, party: Actor, seconds: float) -> None:
        """Wait so long until anything has come for a party."""
        self._reached[party.eui].wait(seconds)

    def wait_for_quiet(self, quiet: float, seconds: float) -> None:
        """Wait until nothing has come for `quiet` seconds, for `seconds` at most."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < min(end, self._came_last + quiet):
            time.sleep(min(_LOOK, end - now))

    def why_refused(self, to: Actor) -> str:
        """Return why the newest message for a party that was no good was refused; "" where there was none."""
        raw = self._refused.get(to.eui)
        return "" if raw is None else self._receivers[to.eui].answer("POST", raw)[1]

    def _receiver(self, actor: Actor) -> Receiver:
        def note(_way: str, kind: str, raw: bytes) -> None:
            if kind == REFUSED:
                self._refused[actor.eui] = raw

        return Receiver(actor.identity, self._trust, journal=note)

    def _serve(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        party = environ["PATH_INFO"].strip("/")
        receiver = self._receivers.get(party)
        if receiver is None:
            start("404 Not Found", [("Content-Length", "0")])
            return []
        self._came_last = time.monotonic()
        self._reached[party].set()
        return receiver.wsgi(environ, start)
