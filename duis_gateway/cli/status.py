"""`status` and `deadlines`: what the party door shows a party, on the command line; the same numbers."""

from __future__ import annotations

from datetime import datetime

import click
from sqlalchemy import Connection

from duis_gateway.cli.common import EUI, TIME, AnswerIsNo, config_option, format_option, not_registered, opened_store
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import print_table
from duis_gateway.config.settings import Config
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.view import DEADLINE_COLUMNS, deadline_rows
from duis_gateway.rollout.estate.changes import unknown_since
from duis_gateway.rollout.estate.hub_by_hub import ESTATE_COLUMNS, estate_rows
from duis_gateway.rollout.estate.view import STATUS_COLUMNS, status_rows
from duis_gateway.text.tabular import Rows

_PARTY = click.option("--party", type=EUI, required=True, help="The supplier, CSP or DCC.")


@click.command(cls=RefusesEmpty)
@_PARTY
@click.option("--hubs", "by_hub", is_flag=True, help="List every hub: its state, why, and its last outcome.")
@click.option(
    "--changed-since",
    type=TIME,
    help="List only the hubs that may have changed since then (2027-03-30T02:00:00Z), and those that have left.",
)
@format_option
@config_option
def status(party: int, by_hub: bool, changed_since: datetime | None, form: str, config: Config) -> None:
    """Count a party's hubs by release in flight, model, firmware version, status and state, or list them.

    A supplier sees its own hubs, a CSP those in its regions, and DCC all. Each hub is counted once.
    """
    if changed_since is not None and not by_hub:
        raise click.UsageError("--changed-since goes with --hubs")
    now = config.clock.open().now()
    with opened_store(config) as store, store.read() as connection:
        who = registered(connection, party)
        unknown = changed_since and unknown_since(connection, changed_since, now)
        if unknown:
            raise AnswerIsNo(unknown)
        if by_hub:
            print_table(Rows(ESTATE_COLUMNS, estate_rows(connection, who, now, changed_since)), form)
        else:
            print_table(Rows(STATUS_COLUMNS, status_rows(connection, who, now)), form)


@click.command(cls=RefusesEmpty)
@_PARTY
@format_option
@config_option
def deadlines(party: int, form: str, config: Config) -> None:
    """List what a party has outstanding under the releases in flight, the time left, and the others' next steps."""
    now = config.clock.open().now()
    with opened_store(config) as store, store.read() as connection:
        rows = deadline_rows(connection, registered(connection, party), now)
    print_table(Rows(DEADLINE_COLUMNS, rows), form)


def registered(connection: Connection, party: int) -> Party:
    """Return a party.

    Raises:
        AnswerIsNo: there is none with this EUI-64.
    """
    found = parties.find(connection, party)
    if found is None:
        raise not_registered(party)
    return found
