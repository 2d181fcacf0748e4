"""Transactions in which something changes that no message brought: what follows is told in them, as of a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.clock import Clock
from duis_gateway.flow.tx import Moment
from duis_gateway.outbox.emails.outbox_rows import DEFAULT_TERMS, EmailTerms
from duis_gateway.outbox.laying_in import lay_in_outbox
from duis_gateway.pki.signer import Signer, require_signer
from duis_gateway.store.engine import Store


@dataclass(frozen=True, slots=True)
class Moments:
    """Opens them; `stored` is called after each that has something to send."""

    store: Store
    clock: Clock
    signer: Callable[[], Signer | None]
    alert_bytes: int
    emails: EmailTerms = DEFAULT_TERMS
    stored: Callable[[], None] = lambda: None

    @contextmanager
    def open(
        self, now: datetime | None = None, *, alone: bool = False, long: bool = False, accepting: bool = False
    ) -> Iterator[Moment]:
        """A transaction (arguments as `Store.write`); what is sent in it is signed and stored before it ends.

        `now`: the business time at which it happens; None: the clock's.

        Raises:
            NotDurable: it cannot be stored, or what is to be sent cannot be signed.
        """
        at = self.clock.now() if now is None else now
        with self.store.write(alone=alone, long=long, accepting=accepting) as conn:
            moment = Moment(conn, at, self.store.lock_release)
            yield moment
            if moment.sends:
                lay_in_outbox(moment.sends, conn, self.require_signer(), at, self.alert_bytes, self.emails)
        if moment.sends:
            self.stored()

    def require_signer(self) -> Signer:
        """Return the signer that there is just now (NotDurable: there is none)."""
        return require_signer(self.signer())
