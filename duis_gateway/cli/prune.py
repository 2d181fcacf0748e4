"""`prune`: removes old message bodies, and lists that were never completed."""

from __future__ import annotations

from datetime import timedelta

import click

from duis_gateway.cli.common import WholeNumber, config_option, opened_store
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import progress_bar, say
from duis_gateway.config.settings import Config
from duis_gateway.operations.pruning import EVERYTHING, Pruned, Pruning, What
from duis_gateway.text.counts import counted

_ALL = "all"


@click.command(cls=RefusesEmpty)
@click.option(
    "--older-than",
    "days",
    type=WholeNumber(1, 36_500),
    required=True,
    metavar="DAYS",
    help="Only what is older than this.",
)
@click.option(
    "--what",
    type=click.Choice([*(one.value for one in What), _ALL]),
    default=_ALL,
    show_default=True,
    help="Bodies of delivered messages, bytes of received ones, parts of lists that were never completed, notes of"
    " hubs that have left an estate, or what became of hubs' instructions and plans that no longer stand.",
)
@click.option("--dry-run", is_flag=True, help="Only count; remove nothing.")
@config_option
def prune(days: int, what: str, dry_run: bool, config: Config) -> None:
    """Remove what is old and no longer needed, while the gateway runs.

    Identities, answers, waiting messages, dead letters and everything that the rules read stay. It may be interrupted
    and run again at any time.
    """
    chosen = EVERYTHING if what == _ALL else frozenset({What(what)})
    with opened_store(config) as store, progress_bar("Pruning", " rows") as progress:
        now = config.clock.open().now()
        pruned = Pruning(store, timedelta(days=days), now, chosen, dry_run, progress).run()
    say(f"{'Would prune' if dry_run else 'Pruned'} {_in_words(pruned, chosen)}.")


def _in_words(pruned: Pruned, chosen: frozenset[What]) -> str:
    """Say how many of each kind that was asked for, even if none."""
    words = {
        What.DELIVERED: f"the bodies of {counted(pruned.delivered, 'delivered message')}",
        What.EVIDENCE: f"the bytes of {counted(pruned.evidence, 'received message')}",
        What.PARTS: f"{counted(pruned.lists, 'unfinished list')} ({counted(pruned.parts, 'part')})",
        What.DEPARTED: f"{counted(pruned.departed, 'departure')} of hubs from estates",
        What.HISTORY: f"{counted(pruned.events, 'event')} of hubs' history",
    }
    said = ", ".join(text for kind, text in words.items() if kind in chosen)
    return f"{said}: {pruned.octets / 1_000_000:,.1f} MB"
