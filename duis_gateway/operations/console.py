"""The console: one page that shows an operator what is under way, and what needs somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Protocol

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party, PartyStatus
from duis_gateway.rollout.deadlines.rules import Deadline
from duis_gateway.rollout.releases.records import Release

_DEAD = "dead"


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """What lies in the outbox for one recipient on one channel in one state; `oldest_age` in seconds."""

    recipient: int
    channel: str
    state: str
    count: int
    oldest_age: float | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class FlagLine:
    """Something that an operator should look at."""

    at: datetime
    kind: str
    subject: str
    text: str


class ConsoleData(Protocol):
    """What the console shows; the application answers from the store."""

    def now(self) -> datetime:
        """Return business time."""

    def releases(self) -> Sequence[Release]:
        """Return the releases in flight, newest first."""

    def deadlines(self) -> Sequence[Deadline]:
        """Return what DCC and the CSPs have outstanding, the most pressing first."""

    def missed(self) -> Sequence[FlagLine]:
        """Return what suppliers missed of their obligations to releases in flight, the newest first."""

    def parties(self) -> Sequence[Party]:
        """Return all parties."""

    def outbox(self) -> Sequence[OutboxLine]:
        """Return what is not delivered, by recipient and state."""

    def flags(self) -> Sequence[FlagLine]:
        """Return the newest flags for the operator."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell: its text, and the style that it is shown in."""

    text: str
    style: str = ""


def page(data: ConsoleData) -> str:
    """Return the console's page; everything in it is escaped, whoever wrote it."""
    parties, outbox, flags, releases = data.parties(), data.outbox(), data.flags(), data.releases()
    dead = sum(line.count for line in outbox if line.state == _DEAD)
    waiting = sum(line.count for line in outbox) - dead
    summary = (
        f"{_number(len(releases), 'release')} in flight, {_number(waiting, 'message')} to be delivered, "
        f"{_number(dead, 'dead letter')}, {_number(len(flags), 'flag')}"
    )
    now = data.now()
    due = [_deadline_row(one, now) for one in data.deadlines()]
    sections = (
        _section("Releases in flight", _RELEASE_HEADS, map(_release_row, releases), "No release is in flight."),
        _section("Outstanding with DCC and the CSPs", _DEADLINE_HEADS, due, "Nothing is outstanding."),
        _section("Missed obligations", _MISSED_HEADS, map(_missed_row, data.missed()), "No obligation was missed."),
        _section("Outbox", _OUTBOX_HEADS, map(_outbox_row, outbox), "Everything is delivered."),
        _section("Flags", _FLAG_HEADS, map(_flag_row, flags), "Nothing is flagged."),
        _section("Parties", _PARTY_HEADS, map(_party_row, parties), "No party is registered."),
    )
    return _template().substitute(summary=escape(summary), now=escape(_time(now)), sections="\n".join(sections))


_RELEASE_HEADS = ("Release", "Revision", "Model", "Firmware", "State", "Pilot begins", "Pilot ends", "Automatic date")
_DEADLINE_HEADS = ("Release", "Who", "What", "About", "Hubs", "Due", "Left")
_PARTY_HEADS = ("Party", "Kind", "Roles or regions", "DUIS", "Status", "URL", "Email")
_OUTBOX_HEADS = ("Recipient", "By", "State", "Messages", "Oldest", "Last error")
_MISSED_HEADS = ("Release", "Supplier", "What", "Seen")
_FLAG_HEADS = ("When", "What", "About", "Text")


def _release_row(release: Release) -> list[_Cell]:
    pilot = release.pilot
    state = release.state.value.replace("_", " ") + (", paused" if release.paused else "")
    return [
        _Cell(release.release_id),
        _Cell(str(release.revision), "number"),
        _Cell(f"{release.manufacturer} {release.model}"),
        _Cell(release.firmware_version),
        _Cell(state, "bad" if release.paused else ""),
        _Cell(_time(pilot.period.start) if pilot else "no pilot", "time"),
        _Cell(_time(pilot.period.end) if pilot else "", "time"),
        _Cell(_time(release.automatic_date), "time"),
    ]


def _deadline_row(one: Deadline, now: datetime) -> list[_Cell]:
    left = one.remaining(now)
    late = "bad" if one.overdue(now) else ""
    return [
        _Cell(one.release_id),
        _Cell(f"{one.kind.value} {format_eui(one.party)}", "eui"),
        _Cell(one.task.value.replace("_", " ")),
        _Cell(one.subject),
        _Cell(f"{one.hubs:,}" if one.hubs else "", "number"),
        _Cell("as soon as may be" if one.due is None else _time(one.due), "time"),
        _Cell("" if left is None else "overdue" if late else _age(left.total_seconds()), late or "number"),
    ]


def _party_row(party: Party) -> list[_Cell]:
    supplier = bool(party.roles)
    scope = ", ".join(sorted(role.value for role in party.roles) if supplier else sorted(party.regions))
    email = _Cell(party.email) if party.email else _Cell("missing", "missing")
    return [
        _Cell(party.name, "eui"),
        _Cell(party.kind.value),
        _Cell(scope),
        _Cell(str(party.duis_version) if supplier else ""),
        _Cell(party.status.value, "" if party.status is PartyStatus.ACTIVE else "bad"),
        _Cell(party.url),
        email,
    ]


def _outbox_row(line: OutboxLine) -> list[_Cell]:
    return [
        _Cell(format_eui(line.recipient), "eui"),
        _Cell(line.channel),
        _Cell("dead letter" if line.state == _DEAD else line.state.replace("_", " "), _style(line.state)),
        _Cell(f"{line.count:,}", "number"),
        _Cell("" if line.oldest_age is None else _age(line.oldest_age), "number"),
        _Cell(line.last_error or ""),
    ]


def _missed_row(flag: FlagLine) -> list[_Cell]:
    release, _, supplier = flag.subject.rpartition(" ")
    return [_Cell(release), _Cell(supplier, "eui"), _Cell(flag.text), _Cell(_time(flag.at), "time")]


def _flag_row(flag: FlagLine) -> list[_Cell]:
    return [_Cell(_time(flag.at), "time"), _Cell(flag.kind), _Cell(flag.subject), _Cell(flag.text)]


def _style(state: str) -> str:
    return "bad" if state == _DEAD else ""


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[_Cell]], nothing: str) -> str:
    lines = ["<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows]
    if not lines:
        return f"<section><h2>{escape(title)}</h2><p>{escape(nothing)}</p></section>"
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f"<section><h2>{escape(title)}</h2>{table}</section>"


def _cell(cell: _Cell) -> str:
    return f'<td class="{cell.style}">{escape(cell.text)}</td>' if cell.style else f"<td>{escape(cell.text)}</td>"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def _age(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@cache
def _template() -> Template:
    return Template(resources.files(__package__).joinpath("console.html").read_text(encoding="utf-8"))
