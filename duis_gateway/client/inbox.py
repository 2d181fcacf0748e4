"""What has come for a party, to be waited for: for tests, demonstrations and small tools."""

from __future__ import annotations

import threading
from collections.abc import Callable

from duis_gateway.client.arguments import expect, expect_seconds
from duis_gateway.client.kinds import expect_known
from duis_gateway.client.messages import Message


class Inbox:
    """Keeps every message that is new, in the order of their coming."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._messages: list[Message] = []

    def add(self, message: Message) -> None:
        """Put a message in."""
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._messages)

    def messages(self, *kinds: str, since: int = 0) -> list[Message]:
        """Return what has come, of these kinds if any are named; the first `since` messages are passed over.

        Raises:
            SetupWrong: `since` is no whole number.
        """
        expect("since", since, int, "how many messages to skip")
        with self._changed:
            return [one for one in self._messages[since:] if not kinds or one.kind in kinds]

    def wait_for(
        self,
        *kinds: str,
        that: Callable[[Message], bool] = lambda message: True,
        seconds: float = 30.0,
        since: int = 0,
    ) -> Message | None:
        """Return the first message of these kinds that fits, waiting for it so long; None: it has not come.

        Raises:
            SetupWrong: `seconds` is not from 0 to a day, `since` is no whole number, or there is no such kind.
        """
        expect_seconds("seconds", seconds)
        for kind in kinds:
            expect_known(kind)
        found: list[Message] = []

        def came() -> bool:
            found[:] = [one for one in self.messages(*kinds, since=since) if that(one)][:1]
            return bool(found)

        with self._changed:
            self._changed.wait_for(came, seconds)
        return found[0] if found else None
