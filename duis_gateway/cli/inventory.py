"""`inventory`: the Communications Hubs and who is responsible for them, from and to CSV."""

from __future__ import annotations

from pathlib import Path

import click

from duis_gateway.cli.common import (
    NEW_FILE,
    READABLE,
    Commands,
    config_option,
    moments_of,
    opened_store,
    refuse_existing,
)
from duis_gateway.cli.output import progress_bar, say
from duis_gateway.config.settings import Config
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import DASH, shown_path
from duis_gateway.rollout.hubs.inventory_file import export_csv, load_csv
from duis_gateway.text.counts import counted

_FINDINGS_SHOWN = 3


@click.group(cls=Commands)
def inventory() -> None:
    """Load and export the inventory of Communications Hubs."""


@inventory.command()
@click.argument("file", type=READABLE)
@config_option
def load(file: Path, config: Config) -> None:
    """Load hubs from FILE, a CSV file with a header line; - is standard input.

    The whole file is checked first; if a line is wrong, nothing is loaded. Then hubs are written in blocks, so that a
    running gateway can carry on. A load that was broken off can be repeated. If a hub has several lines, the last
    counts. Everybody concerned is told what the changes do to plans under live releases.
    """
    with opened_store(config) as store, progress_bar("Loading", "B") as progress:
        result = load_csv(moments_of(config, store), file, progress)
    if result.errors:
        shown = "; ".join(map(str, result.errors[:_FINDINGS_SHOWN]))
        more = " (and more)" if len(result.errors) > _FINDINGS_SHOWN else ""
        raise ConfigurationError(f"{shown_path(file)}: nothing was loaded: {shown}{more}")
    say(f"Loaded {counted(result.rows, 'line')}.")


@inventory.command()
@click.argument("file", type=NEW_FILE)
@config_option
def export(file: Path, config: Config) -> None:
    """Write the whole inventory to FILE (- is standard output), in the format that `inventory load` reads."""
    refuse_existing(file)
    with opened_store(config) as store, progress_bar("Exporting", " hubs") as progress:
        number = export_csv(store, file, progress)
    say(f"Exported {counted(number, 'hub')} to {file}.", err=file == DASH)
