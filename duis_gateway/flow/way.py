"""The path of every message, on one page (design section 2); nothing else knows the order of the steps.

    receive -> verify -> known already? -> admit -> validate -> authorise -> decide -> store -> answer

All three doors take this path. One thread walks it from the first byte to the commit; by then, what is to be sent is in
the outbox, and delivery works from there alone. A dry run (`check`) takes the same path as far as the decision, which
is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from duis_gateway.clock import Clock
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.errors import NotDurable
from duis_gateway.flow.dry_run import Foretold, check_askable, foretold, has_signature, take_as_signed
from duis_gateway.flow.evidence import IdentityTaken
from duis_gateway.flow.incoming import Incoming
from duis_gateway.flow.message import Authorised
from duis_gateway.flow.reply import Send
from duis_gateway.flow.steps import Schemas, admit, authorise, decide, known, receive, store, validate, verify
from duis_gateway.outbox.emails.outbox_rows import DEFAULT_TERMS, EmailTerms
from duis_gateway.outbox.laying_in import Signed, prepare_all, reserve_counters, sign_all
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.pki.signer import Signer, require_signer
from duis_gateway.pki.trust import Trust
from duis_gateway.store.engine import Store
from duis_gateway.store.failpoints import failpoint

LONG = 128 * 1024
"""From this many octets on, a message may cause so much that the quick ones go first."""

MANY = 500
"""Signing more than this takes longer than others should wait: it is done before the transaction that sends it."""


class _ToBeSignedFirst(Exception):
    """Undoes a decision that sends that much; it is made again once that is signed."""

    def __init__(self, sends: Sequence[Send]) -> None:
        super().__init__()
        self.sends = sends


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything that the steps need, and `handle`, which walks through them."""

    store: Store
    trust: Trust
    schemas: Schemas
    clock: Clock
    limits: ShapeLimits
    signer: Callable[[], Signer | None]
    alert_bytes: int
    counter_window: int = 0
    emails: EmailTerms = DEFAULT_TERMS
    stored: Callable[[], None] = lambda: None
    release_changed: Callable[[], None] = lambda: None

    def handle(self, incoming: Incoming) -> bytes:
        """Return the signed answer to a message; everything that it causes is durable by then.

        Raises:
            MessageRefused: the message is refused and nothing has changed (`duis_gateway.errors`).
        """
        signer = require_signer(self.signer())
        authorised = self._read(incoming, signer)
        if isinstance(authorised, bytes):
            return authorised
        try:
            return self._settle(authorised, signer)
        except IdentityTaken:
            # A parallel copy of the message was faster: this one gets its answer (threat T42).
            return self._known(authorised) or self._unsettled()

    def check(self, incoming: Incoming, party: int) -> Foretold:
        """Return the answer that this party's Service Request would get, unsigned; it has no effect.

        The request takes the same path, and what it changes is undone. It may lack a signature: then the party itself
        vouches for it. A request that was answered before gets the stored answer.

        Raises:
            MessageRefused: the request would be refused in this way, or cannot be checked.
        """
        signer = require_signer(self.signer())
        authorised = self._read(incoming, signer, party)
        if isinstance(authorised, bytes):
            return Foretold(authorised)
        with self.store.undone(accepting=True, long=len(incoming.body) > LONG) as conn:
            reply = decide(authorised, conn, self.store.lock_release).reply
        incoming.notes.update(kind="check")
        return foretold(authorised, reply)

    def _read(self, incoming: Incoming, signer: Signer, vouching: int | None = None) -> Authorised | bytes:
        """Return the message as read, or the answer that it got before; its XML trees are gone by then.

        `vouching`: the party that asks what the answer would be.
        """
        received = receive(incoming, self.limits, self.clock.now())
        with self.store.read() as conn:  # once for the three lookups: opening it costs as much as they do
            find_party = partial(parties.find, conn)
            if vouching is None or has_signature(received):
                verified = verify(
                    received, self.trust, lambda key, serial: certificates.find(conn, key, int(serial)), find_party
                )
            else:
                verified = take_as_signed(received)
            del received
            if vouching is not None:
                check_askable(verified, vouching)
            incoming.notes["identity"] = str(verified.identity)
            answer = known(verified, conn, self.counter_window)
            if answer is not None:
                incoming.notes["outcome"] = "repeated"
                return answer
            admitted = admit(verified, find_party)
        return authorise(validate(admitted, self.schemas), signer.eui)

    def _settle(self, authorised: Authorised, signer: Signer) -> bytes:
        try:
            return self._commit(authorised, signer)
        except _ToBeSignedFirst as first:
            sends = first.sends
        return self._commit(authorised, signer, self._signed(sends, authorised, signer))

    def _commit(self, authorised: Authorised, signer: Signer, ahead: Sequence[Signed] | None = None) -> bytes:
        with self.store.write(accepting=True, long=len(authorised.incoming.body) > LONG) as conn:
            decided = decide(authorised, conn, self.store.lock_release)
            if ahead is None and len(decided.sends) > MANY:
                raise _ToBeSignedFirst(decided.sends)
            answer = store(decided, conn, signer, self.alert_bytes, self.emails, ahead or ())
        failpoint("flow.before-answer")
        if decided.sends:
            self.stored()
        if decided.release_changed:
            self.release_changed()
        return answer

    def _signed(self, sends: Sequence[Send], authorised: Authorised, signer: Signer) -> list[Signed]:
        prepared = prepare_all(sends, self.alert_bytes)
        with self.store.write(accepting=True) as conn:
            counters = reserve_counters(conn, prepared)
        return list(sign_all(prepared, counters, signer, authorised.received_at))

    def _known(self, message: Authorised) -> bytes | None:
        with self.store.read() as conn:
            return known(message, conn, self.counter_window)

    @staticmethod
    def _unsettled() -> bytes:
        raise NotDurable("Another copy of this message is being processed; send it again.")
