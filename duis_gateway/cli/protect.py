"""`protect`: a supplier's own list of hubs that it keeps out of every pilot and period."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from duis_gateway.cli.common import (
    EUI,
    READABLE,
    AnswerIsNo,
    Commands,
    config_option,
    format_option,
    moments_of,
    opened_store,
)
from duis_gateway.cli.hub_files import read_ids
from duis_gateway.cli.output import print_table, say
from duis_gateway.cli.status import registered
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.protection.handle import ProtectionLists

_PARTY = click.option("--party", type=EUI, required=True, help="The supplier.")
_FILE = click.argument("file", type=READABLE)


@click.group(cls=Commands)
def protect() -> None:
    """Manage a supplier's list of hubs that it keeps out of every pilot and period."""


@protect.command()
@_FILE
@_PARTY
@config_option
def load(file: Path, party: int, config: Config) -> None:
    """Make the hubs in FILE (-: standard input) the supplier's list, replacing the one that it has.

    FILE has one EUI-64 per line, or is CSV with a column device_id, or JSON as `protect list` prints it. Everybody
    concerned is told what this does to plans.
    """
    ids = read_ids(file)
    with _lists(config, party) as lists:
        lists.replace(party, ids)
    say(f"{format_eui(party)} protects {len(ids):,} hub{'' if len(ids) == 1 else 's'}.")


@protect.command("list")
@_PARTY
@format_option
@config_option
def list_(party: int, form: str, config: Config) -> None:
    """List the hubs that the supplier protects."""
    with _lists(config, party) as lists:
        print_table(lists.rows(party), form)


@protect.command()
@_FILE
@_PARTY
@config_option
def remove(file: Path, party: int, config: Config) -> None:
    """Take the hubs in FILE (-: standard input) off the supplier's list."""
    ids = read_ids(file)
    with _lists(config, party) as lists:
        gone = lists.remove(party, ids)
    say(f"{gone:,} hub{'' if gone == 1 else 's'} removed from the list of {format_eui(party)}.")


@contextmanager
def _lists(config: Config, party: int) -> Iterator[ProtectionLists]:
    with opened_store(config) as store:
        with store.read() as connection:
            if registered(connection, party).kind is not PartyKind.SUPPLIER:
                raise AnswerIsNo(f"{format_eui(party)} is not a supplier: only suppliers protect hubs")
        yield ProtectionLists(moments_of(config, store))
