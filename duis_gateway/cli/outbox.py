"""`outbox`: what is waiting to be sent, what was sent, and what could not be."""

from __future__ import annotations

import click

from duis_gateway.cli.common import (
    EUI,
    LARGEST_ID,
    AnswerIsNo,
    Commands,
    Identifier,
    WholeNumber,
    config_option,
    format_option,
    opened_store,
)
from duis_gateway.cli.output import print_document, print_fields, print_rows, say
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.text.numbers import is_digits

_FAILED = {False: "failed (real time)", True: "failed before a replay"}
_STATES = ("pending", "in_flight", "delivered", "dead")


@click.group(cls=Commands)
def outbox() -> None:
    """List, show and replay outgoing messages."""


@outbox.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only messages in this state; dead: given up.")
@click.option("--recipient", type=EUI, help="Only what goes to this party.")
@click.option("--after", type=Identifier(), default=0, help="Start after the message with this id.")
@click.option("--limit", type=WholeNumber(1, 1_000_000), default=100, show_default=True, help="The most to list.")
@format_option
@config_option
def list_messages(state: str | None, recipient: int | None, after: int, limit: int, form: str, config: Config) -> None:
    """List messages in the order in which they were stored."""
    with opened_store(config) as store, store.read() as connection:
        found = outbox_view.entries(connection, recipient=recipient, state=state, after=after, limit=limit)
    what = ("id", "recipient", "channel", "kind", "stands_for", "state")
    names = (*what, "attempts", "next_try_in", "created", "message_id", "last_error")
    print_rows(names, map(_row, found), form)


def _row(one: OutboxEntry) -> tuple[object, ...]:
    wait = None if one.next_try_in is None else round(one.next_try_in)
    who = format_eui(one.recipient)
    what = (one.id, who, one.channel, one.kind, one.stands_for, one.state)
    return (*what, one.attempts, wait, one.created_at, one.message_id, one.last_error)


@outbox.command()
@click.argument("reference")
@click.option("--content", is_flag=True, help="Print the message as it is sent, and nothing else.")
@config_option
def show(reference: str, content: bool, config: Config) -> None:
    """Show one message, by its id, its ResponseID or its MessageID, and each failed attempt, newest first.

    The attempts count from the last replay on.
    """
    with opened_store(config) as store, store.read() as connection:
        found = outbox_view.find(connection, _reference(reference))
        failed = [] if found is None else outbox_view.failed_attempts(connection, found[0].id)
        waits = None if found is None else outbox_view.waits_for(connection, found[0])
    if found is None:
        raise AnswerIsNo(f"there is no message {reference[:80]!r} in the outbox; see `outbox list`")
    entry, message = found
    if content:
        if not message:
            raise AnswerIsNo(f"the body of message {entry.id} was pruned")
        print_document(message)
        return
    print_fields(
        (
            ("id", entry.id),
            ("message", entry.message_id),
            ("kind", entry.name),
            ("recipient", format_eui(entry.recipient)),
            ("channel", entry.channel if entry.address is None else f"{entry.channel} to {entry.address}"),
            ("release", entry.release_id),
            ("hub", None if entry.device_id is None else format_eui(entry.device_id)),
            ("state", entry.state),
            ("attempts", entry.attempts),
            ("created (business time)", entry.created_at),
            ("delivered (real time)", entry.delivered_at),
            ("next try in", None if entry.next_try_in is None or waits else f"{entry.next_try_in:.0f} s"),
            ("last error", entry.last_error),
            ("behind", waits.behind if waits else None),
            *([("waiting because", f"its recipient failed: {waits.error}")] if waits and not waits.behind else []),
            ("bytes", len(message)),
            *((_FAILED[one.before_replay], f"{one.at:%Y-%m-%dT%H:%M:%SZ}: {one.error}") for one in failed),
        )
    )


def _reference(text: str) -> int | str:
    """Return the id that a text is, or the text: no id has as many digits as a ResponseID can have."""
    is_id = is_digits(text, len(str(LARGEST_ID))) and int(text) <= LARGEST_ID
    return int(text) if is_id else text


@outbox.command()
@click.argument("message", type=Identifier(), required=False)
@click.option("--recipient", type=EUI, help="All dead letters of this party.")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@config_option
def replay(message: int | None, recipient: int | None, everything: bool, config: Config) -> None:
    """Try dead letters again: the one with the id MESSAGE, those of one party, or all."""
    if (message is not None) + (recipient is not None) + everything != 1:
        raise ConfigurationError("give one message's id, or --recipient, or --all")
    with opened_store(config) as store, store.write() as connection:
        number = outbox_view.replay(connection, message=message, recipient=recipient)
    if not number:
        raise AnswerIsNo("there is no such dead letter; see `outbox list --state dead`")
    say(f"{number} dead letter{'s' if number > 1 else ''} put back.")
