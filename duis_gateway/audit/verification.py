"""Looks whether the log is whole: its chain, its checkpoints, and in a database the messages that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from duis_gateway.audit.chain import Entry, Follower
from duis_gateway.audit.checkpoints import Believed, Checkpoint, CheckpointWrong, prove
from duis_gateway.audit.messages import Messages
from duis_gateway.audit.recording import items_in
from duis_gateway.audit.records import Broken, Record, Signed, Waiting
from duis_gateway.duis.identifiers import format_eui


@dataclass(slots=True)
class Verification:
    """What was looked at, once `run` is over.

    Attributes:
        believed: finds the certificates by which checkpoints are proven.
        kept: checkpoints that were kept elsewhere, each with a name for it.
        messages: what compares the entries with the stored messages; None: an export, which has none.
        entries: the sequence of the last entry.
        sealed_at: when that was sealed.
        waiting: how many transactions' records no entry covers yet.
        checkpoints: how many have been proven; one that was kept and is in the log counts once.
        newest: the last of them.
    """

    believed: Believed
    kept: Iterable[tuple[str, bytes]] = ()
    messages: Messages | None = None
    entries: int = 0
    sealed_at: str | None = None
    waiting: int = 0
    checkpoints: int = 0
    newest: Checkpoint | None = None
    _follower: Follower = field(default_factory=Follower)
    _expected: dict[int, list[tuple[str, Checkpoint]]] = field(default_factory=dict)
    _kept: set[Checkpoint] = field(default_factory=set)
    _gateway: int | None = None

    def run(self, records: Iterable[Record]) -> Iterator[str]:
        """Follow the log from its beginning, and yield each thing that is wrong: where, and what."""
        for name, document in self.kept:
            try:
                known = prove(document, self.believed)
            except CheckpointWrong as error:
                yield f"{name}: {error}"
                continue
            self._expected.setdefault(known.sequence, []).append((name, known))
        for record in records:
            yield from self._judge(record)
        for sequence in sorted(self._expected):
            for name, known in self._expected[sequence]:
                what = (
                    "which is no longer there"
                    if sequence <= self.entries
                    else f"and the log ends with entry {self.entries}: what follows was removed, or this is an older "
                    "state of the database"
                )
                yield f"{name} covers entries up to {sequence} (signed at {known.at}), {what}"
        if self.messages is not None:
            yield from self.messages.end()

    def _judge(self, record: Record) -> Iterator[str]:
        match record:
            case Entry():
                yield from self._entry(record)
            case Signed():
                yield from self._checkpoint(record)
            case Waiting():
                self.waiting += 1
                yield from self._compare("a record that waits to be sealed", record.content)
            case Broken():
                yield f"line {record.line}: {record.problem}"

    def _entry(self, entry: Entry) -> Iterator[str]:
        for problem in self._follower.follow(entry):
            yield f"entry {entry.sequence}: {problem}"
        self.entries, self.sealed_at = entry.sequence, entry.sealed_at
        for name, known in self._expected.pop(entry.sequence, ()):
            yield from self._hold(name, known, entry.link)
            self._kept.add(known)
        yield from self._compare(f"entry {entry.sequence}", entry.content)

    def _compare(self, where: str, content: str) -> Iterator[str]:
        if self.messages is None:
            return
        try:
            items = list(items_in(content))
        except ValueError:
            yield f"{where}: its content is not a list of what happened"
            return
        yield from self.messages.take(where, items)

    def _checkpoint(self, signed: Signed) -> Iterator[str]:
        name = f"the checkpoint of entry {signed.sequence}"
        try:
            known = prove(signed.document, self.believed)
        except CheckpointWrong as error:
            yield f"{name}: {error}"
            return
        if known.sequence != signed.sequence:
            yield f"{name}: it was signed for entry {known.sequence}"
        elif known.sequence > self._follower.sequence:
            yield f"{name}: the log ends with entry {self._follower.sequence}: what follows was removed"
        elif known.sequence < self._follower.sequence:
            yield f"{name}: it stands after entry {self._follower.sequence}: it is out of order, or there twice"
        else:
            yield from self._hold(name, known, self._follower.link)

    def _hold(self, name: str, known: Checkpoint, link: str) -> Iterator[str]:
        self._gateway = self._gateway or known.gateway
        if known.gateway != self._gateway:
            yield f"{name}: it is of the gateway {format_eui(known.gateway)}, others are of {format_eui(self._gateway)}"
        if known.link != link:
            since = f"after entry {self.newest.sequence}" if self.newest else "from the first entry on"
            yield (
                f"{name}: entry {known.sequence} had another link when it was signed (at {known.at}): entries were "
                f"changed, removed, inserted or reordered {since}"
            )
            return
        self.checkpoints += known not in self._kept
        if self.newest is None or known.sequence >= self.newest.sequence:
            self.newest = known
