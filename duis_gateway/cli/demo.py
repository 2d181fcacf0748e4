"""`demo`: the whole gateway, on this machine."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import click

from duis_gateway.cli.common import DONE, NEW_FOLDER, NO, WholeNumber
from duis_gateway.cli.help import Option, RefusesEmpty
from duis_gateway.cli.screen import TerminalScreen
from duis_gateway.sandbox.demo.main import FEWEST_HUBS, FEWEST_SUPPLIERS, WHY_HUBS, WHY_SUPPLIERS, run

HUBS = 52_000
FOLDER = "demo-work"


@click.command(cls=RefusesEmpty)
@click.option(
    "--workdir",
    type=NEW_FOLDER,
    cls=Option,
    show_default=f"{FOLDER}, or {FOLDER}-2 and so on if that is in use",
    help="An empty folder for the PKI, the configuration, the database and every message.",
)
@click.option(
    "--suppliers",
    type=WholeNumber(FEWEST_SUPPLIERS, 100, WHY_SUPPLIERS),
    default=FEWEST_SUPPLIERS,
    show_default=True,
    help=f"How many take part, at least {FEWEST_SUPPLIERS}: {WHY_SUPPLIERS}.",
)
@click.option(
    "--hubs",
    type=WholeNumber(FEWEST_HUBS, 15_000_000, WHY_HUBS),
    default=HUBS,
    cls=Option,
    show_default=f"{HUBS:,}",
    help=f"How many Communications Hubs there are, at least {FEWEST_HUBS:,}: {WHY_HUBS}.",
)
@click.option("--force", is_flag=True, help="Replace what an earlier demonstration left in the folder.")
@click.option(
    "--keep-running",
    is_flag=True,
    help="Leave everything running at the end, until Ctrl-C, so that you can look around.",
)
def demo(workdir: Path | None, suppliers: int, hubs: int, force: bool, keep_running: bool) -> int:
    """Play a release from its announcement to the last N64, over real HTTP, and check every outcome."""
    folder = workdir or (Path(FOLDER) if force else _free_folder())
    stay = _wait_for_interrupt if keep_running else None
    return DONE if run(folder, suppliers, hubs, TerminalScreen(), force=force, stay=stay) else NO


def _free_folder() -> Path:
    names = (Path(FOLDER if number == 1 else f"{FOLDER}-{number}") for number in count(1))
    return next(path for path in names if not path.exists() or not any(path.iterdir()))


def _wait_for_interrupt() -> None:
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
