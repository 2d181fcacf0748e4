"""`inbox`: what has come in, and how it was answered; the evidence that is kept."""

from __future__ import annotations

import click

from duis_gateway.cli.common import EUI, AnswerIsNo, Commands, WholeNumber, config_option, format_option, opened_store
from duis_gateway.cli.documents import verdict_of
from duis_gateway.cli.output import print_document, print_fields, print_rows
from duis_gateway.client.answers import INTERFACES
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import RequestId, format_eui
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.errors import ALL_KNOWN, ConfigurationError, meant
from duis_gateway.flow import evidence
from duis_gateway.partners.messages import Direction

_KINDS = (
    *(f"SR{reference}" for reference in SERVED),
    *(name for one in INTERFACES.values() for name, way in one.directions.items() if way is Direction.IN),
)


@click.group(cls=Commands)
def inbox() -> None:
    """List and show what has come in."""


@inbox.command("list")
@click.option("--party", type=EUI, help="Only what this party sent.")
@click.option("--kind", help="Only this kind, such as SR11.5 or DefaultPilotList.")
@click.option("--limit", type=WholeNumber(1, 1_000_000), default=100, show_default=True, help="The most to list.")
@format_option
@config_option
def list_messages(party: int | None, kind: str | None, limit: int, form: str, config: Config) -> None:
    """List the messages that were taken in, newest first. Messages refused before that are in the log."""
    with opened_store(config) as store, store.read() as connection:
        found = evidence.history(connection, limit, party=party, kind=kind)
    if kind is not None and not found and kind not in _KINDS:
        raise ConfigurationError(f"--kind: nothing comes in as {kind[:60]!r}{meant(kind, _KINDS, otherwise=ALL_KNOWN)}")
    rows = [
        (one.received_at, format_eui(one.identity.originator), one.kind, one.outcome, one.identity) for one in found
    ]
    print_rows(("received", "party", "kind", "outcome", "identity"), rows, form)


@inbox.command()
@click.argument("reference")
@click.option("--content", is_flag=True, help="Print the message as it came, and nothing else.")
@click.option("--answer", is_flag=True, help="Print the message's answer, and nothing else.")
@config_option
def show(reference: str, content: bool, answer: bool, config: Config) -> None:
    """Show one message, by its RequestID or its MessageID, and what it was answered, in words."""
    if content and answer:
        raise ConfigurationError("--content and --answer each print one document: give only one of them")
    with opened_store(config) as store, store.read() as connection:
        found = evidence.find(connection, reference)
        asked = None if found is None else found[0].identity
        explanation = evidence.explanation_to(connection, asked) if isinstance(asked, RequestId) else None
    if found is None:
        raise AnswerIsNo(f"no message {reference[:100]!r} was taken in; see `inbox list`")
    record, raw, answered = found
    if content or answer:
        document = raw if content else answered
        if not document:
            raise AnswerIsNo(f"the bytes of {reference[:100]} were pruned")
        print_document(document)
        return
    verdict = verdict_of(answered, explanation)
    said = () if verdict is None else (("answer", verdict.text), ("what to do", verdict.remedy))
    print_fields(
        (
            ("identity", record.identity),
            ("party", format_eui(record.identity.originator)),
            ("door", record.door),
            ("kind", record.kind),
            ("outcome", record.outcome),
            *(field for field in said if field[1]),
            ("received (business time)", record.received_at),
            ("bytes", len(raw)),
            ("bytes of the answer", len(answered)),
        )
    )
