"""`demo`: the whole of the gateway, on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from duis_gateway.cli.common import NO

_SUPPLIERS, _HUBS = 4, 2_000


@click.command()
@click.option(
    "--workdir",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-work",
    show_default=True,
    help="Where to leave the PKI, configuration, database and every message.",
)
@click.option("--suppliers", type=click.IntRange(_SUPPLIERS), default=_SUPPLIERS, show_default=True)
@click.option("--hubs", type=click.IntRange(100), default=_HUBS, show_default=True)
def demo(workdir: Path, suppliers: int, hubs: int) -> int:
    """Play a release from its announcement to the last N64, over real HTTP, and check every outcome."""
    from duis_gateway.demo.story import main

    return NO if main(workdir, suppliers=suppliers, hubs=hubs) else 0
