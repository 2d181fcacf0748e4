"""`plan`: when hubs are to be updated, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import click
from sqlalchemy import Connection

from duis_gateway.cli.common import EUI, AnswerIsNo, Commands, config_option, format_option, no_release, opened_store
from duis_gateway.cli.output import print_table
from duis_gateway.cli.status import registered
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.scopes import scope_of, viewer_of
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.history import HISTORY_COLUMNS, history_rows
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.gpfs import hubs_named_by_gpf, whose
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.view import (
    HUB_COLUMNS,
    PLAN_COLUMNS,
    moving,
    plan_row,
    plans_and_not_told,
    plans_under,
    releases_for,
)
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.tabular import Rows


@click.group(cls=Commands)
def plan() -> None:
    """Show when hubs are to be updated, and why."""


@plan.command()
@click.argument("hub", type=EUI)
@click.option("--release", "release_id", metavar="ID", help="Only under this release; otherwise under each in flight.")
@click.option("--party", type=EUI, help="Explain it the way this supplier may see it.")
@format_option
@config_option
def show(hub: int, release_id: str | None, party: int | None, form: str, config: Config) -> None:
    """Show what is planned for one Communications Hub, what that is based on, and which release moves the hub next."""
    now = config.clock.open().now()
    with opened_store(config) as store, store.read() as connection:
        found, who = _found(connection, hub, party)
        viewer = None if who is None else viewer_of(who)
        under = [_release(connection, release_id)] if release_id is not None else releases_for(connection, found)
        if not under:
            raise AnswerIsNo(f"no release in flight is for {found.manufacturer} {found.model}")
        mover = moving(connection, found, now)
        rows = [
            {**plan_row(found, one, planned), "moves_hub": one == mover}
            for one, planned in plans_and_not_told(connection, found, under, now, viewer)
        ]
    print_table(Rows(HUB_COLUMNS, rows), form)


@plan.command()
@click.argument("hub", type=EUI)
@click.option("--party", type=EUI, help="Show only what this party may see.")
@format_option
@config_option
def history(hub: int, party: int | None, form: str, config: Config) -> None:
    """Show what happened to one Communications Hub, newest first, including what no longer stands."""
    with opened_store(config) as store, store.read() as connection:
        _, who = _found(connection, hub, party)
        rows = history_rows(connection, who or Party(0, PartyKind.DCC, ""), hub)
    print_table(Rows(HISTORY_COLUMNS, rows), form)


def _found(connection: Connection, hub: int, party: int | None) -> tuple[Hub, Party | None]:
    """Return the hub, and the party that asks about it.

    Raises:
        AnswerIsNo: there is no such hub, it is a GPF, or it is not one of the party's.
    """
    found = hubs.get(connection, hub)
    if found is None:
        raise AnswerIsNo(f"{format_eui(hub)} is not in the inventory")
    who = None if party is None else registered(connection, party)
    of_gpf = hubs_named_by_gpf(connection, [hub], who).get(hub)
    if of_gpf is not None:
        raise AnswerIsNo(f"{format_eui(hub)} is not planned by itself: {whose(of_gpf)}")
    viewer = None if who is None else viewer_of(who)
    if who is not None and viewer is not None and viewer not in found.suppliers:
        raise AnswerIsNo(f"{format_eui(hub)} does not belong to {format_eui(who.eui)}")
    return found, who


@plan.command("list")
@click.option("--release", "release_id", metavar="ID", required=True, help="The release.")
@click.option("--party", type=EUI, help="Only this party's hubs, as it may see them; otherwise all.")
@format_option
@config_option
def list_plans(release_id: str, party: int | None, form: str, config: Config) -> None:
    """List what is planned for every hub of a release's model; CSV and JSON are streamed."""
    with opened_store(config) as store, store.read() as connection:
        release = _release(connection, release_id)
        who = None if party is None else registered(connection, party)
        print_table(Rows(PLAN_COLUMNS, _rows(connection, release, who, config.clock.open().now())), form)


def _rows(
    connection: Connection, release: Release, party: Party | None, now: datetime
) -> Iterator[Mapping[str, object]]:
    scope, viewer = (Scope(), None) if party is None else (scope_of(party), viewer_of(party))
    for hub, planned in plans_under(connection, release, scope, now, viewer):
        yield plan_row(hub, release, planned)


def _release(connection: Connection, release_id: str) -> Release:
    found = releases.find(connection, release_id)
    if found is None:
        raise no_release(release_id)
    return found
