"""`status`: a supplier's estate."""

from __future__ import annotations

import click

from duis_gateway.cli.common import EUI, AnswerIsNo, config_option, format_option, opened_store
from duis_gateway.cli.output import print_rows
from duis_gateway.config import Config
from duis_gateway.model.identifiers import format_eui
from duis_gateway.store import hubs, parties


@click.command()
@click.option("--party", type=EUI, required=True, help="The supplier.")
@format_option
@config_option
def status(party: int, form: str, config: Config) -> None:
    """Count a supplier's hubs by model, firmware version and status."""
    with opened_store(config) as store, store.read() as connection:
        if parties.find(connection, party) is None:
            raise AnswerIsNo(f"{format_eui(party)} is not registered")
        counted = hubs.estate_counts(connection, party)
    names = ("manufacturer", "model", "firmware_version", "status", "hubs")
    print_rows(names, [(c.manufacturer, c.model, c.firmware_version, c.status, c.hubs) for c in counted], form)
