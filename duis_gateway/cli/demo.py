"""`demo`: the whole of the gateway, on this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import click

from duis_gateway.cli.common import DONE, NO
from duis_gateway.sandbox.demo.main import FEWEST_HUBS, FEWEST_SUPPLIERS, run
from duis_gateway.sandbox.demo.play import Progress, Screen

HUBS = 52_000


@click.command()
@click.option(
    "--workdir",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-work",
    show_default=True,
    help="An empty folder for the PKI, the configuration, the database and every message.",
)
@click.option("--suppliers", type=click.IntRange(FEWEST_SUPPLIERS, 100), default=FEWEST_SUPPLIERS, show_default=True)
@click.option("--hubs", type=click.IntRange(FEWEST_HUBS, 15_000_000), default=HUBS, show_default=True)
def demo(workdir: Path, suppliers: int, hubs: int) -> int:
    """Play a release from its announcement to the last N64, over real HTTP, and check every outcome."""
    return DONE if run(workdir, suppliers, hubs, Screen(click.echo, _bar)) else NO


def _bar(label: str, length: int) -> AbstractContextManager[Progress]:
    return click.progressbar(length=length, label=label, show_eta=False)
