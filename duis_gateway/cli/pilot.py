"""`pilot select`: a supplier chooses hubs for a pilot by its own rules, and gets the Service Request for them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from duis_gateway.cli.common import (
    EUI,
    NEW_FILE,
    READABLE,
    AnswerIsNo,
    Commands,
    F,
    WholeNumber,
    config_file_option,
    no_release,
    opened_store,
    refuse_existing,
)
from duis_gateway.cli.hub_files import read_hubs, read_ids
from duis_gateway.cli.output import say
from duis_gateway.cli.status import registered
from duis_gateway.client.requests import PreferredPilotList, service_request
from duis_gateway.config.settings import Config, load_config
from duis_gateway.duis.device_lists import MAX_REQUESTED
from duis_gateway.duis.identifiers import RequestId, format_eui
from duis_gateway.duis.versions import format_version
from duis_gateway.machine.files import unless_finished, write_bytes
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.parties.records import CSP_REGIONS
from duis_gateway.rollout.direct_instructions.rules import Selection, SelectionRules, select
from duis_gateway.rollout.estate.eligible_view import eligible_hubs
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.obligations.store import updated
from duis_gateway.rollout.releases import store as releases


@click.group(cls=Commands)
def pilot() -> None:
    """Choose hubs for a pilot."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the hubs come from, and what has to be known about the release and the gateway."""

    hubs: Iterator[NamedHub]
    firmware_version: str
    gateway: int
    limit: int = MAX_REQUESTED


def _rules_options(command: F) -> F:
    options: list[Callable[[F], F]] = [
        click.option(
            "--region",
            "regions",
            type=click.Choice(CSP_REGIONS),
            multiple=True,
            help="Only hubs of this CSP region (may be repeated).",
        ),
        click.option("--model", "models", multiple=True, help="Only hubs of this device model."),
        click.option("--version", "versions", multiple=True, help="Only hubs that run this firmware version."),
        click.option(
            "--share", type=WholeNumber(1, 100), help="This share of the hubs that fit the rules, in percent."
        ),
        click.option("--number", type=WholeNumber(1, MAX_REQUESTED), help="At most this many hubs."),
        click.option(
            "--exclude", type=READABLE, multiple=True, help="A file of hubs never to choose (vulnerable customers)."
        ),
        click.option(
            "--seed", default="", help="The same seed gives the same choice, a different seed a different one."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@pilot.command("select")
@click.option("--release", "release_id", metavar="ID", required=True, help="The firmware release.")
@click.option("--party", type=EUI, required=True, help="The supplier.")
@_rules_options
@click.option(
    "--hubs", type=READABLE, help="Choose from this file from the party door (CSV or JSON); default: the database."
)
@click.option("--firmware-version", help="The version that the release brings; needed with --hubs.")
@click.option("--gateway", type=EUI, help="The target of the request; default: [signing] eui.")
@click.option("--counter", type=WholeNumber(1, 2**64 - 1), help="The RequestID's counter; default: made from the time.")
@click.option("--list", "list_file", type=NEW_FILE, help="Write the chosen hubs to this file, one per line.")
@click.option("--request", "request_file", type=NEW_FILE, help="Write the 11.5 to this file, ready for signing.")
@config_file_option("config_file", "The configuration file; not needed with --hubs and --gateway.")
def select_hubs(
    release_id: str,
    party: int,
    regions: tuple[str, ...],
    models: tuple[str, ...],
    versions: tuple[str, ...],
    share: int | None,
    number: int | None,
    exclude: tuple[Path, ...],
    seed: str,
    hubs: Path | None,
    firmware_version: str | None,
    gateway: int | None,
    counter: int | None,
    list_file: Path | None,
    request_file: Path | None,
    config_file: Path,
) -> None:
    """Choose hubs for a release's pilot, and write them to a file together with the 11.5 that names them.

    Friendly customers' hubs come first, then the rest, evenly over the estate. Excluded hubs, proving hubs (which are
    always in), and hubs that another release has are never chosen. The choice depends only on the rules, not on the
    time.
    """
    if list_file is not None and request_file is not None and list_file.resolve() == request_file.resolve():
        raise click.UsageError(f"--list and --request both name {list_file}: give each a file of its own")
    refuse_existing(*(path for path in (list_file, request_file) if path is not None))
    rules = SelectionRules(
        regions=frozenset(regions),
        models=frozenset(models),
        versions=frozenset(versions),
        exclude=frozenset(hub for path in exclude for hub in read_ids(path)),
        share_percent=share,
        number=number,
        seed=seed,
    )
    if hubs is not None:
        source = _from_file(hubs, release_id, party, firmware_version, gateway, config_file)
        _choose(source, rules, release_id, party, counter, list_file, request_file)
        return
    with _from_store(_load(config_file), release_id, party, gateway) as source:
        _choose(source, rules, release_id, party, counter, list_file, request_file)


def _from_file(
    file: Path, release_id: str, party: int, firmware_version: str | None, gateway: int | None, config_file: Path
) -> _Source:
    if firmware_version is None:
        raise click.UsageError("with --hubs, --firmware-version has to give the version that the release brings")
    target = _load(config_file).signing.eui if gateway is None else gateway
    return _Source(read_hubs(file, release_id, party), firmware_version, target)


@contextmanager
def _from_store(config: Config, release_id: str, party: int, gateway: int | None) -> Iterator[_Source]:
    with opened_store(config) as store, store.read() as connection:
        registered(connection, party)
        release = releases.find(connection, release_id)
        if release is None:
            raise no_release(release_id)
        if release.pilot is None or not release.state.is_live:
            raise AnswerIsNo(f"{release_id} has no pilot, or is {release.state}")
        yield _Source(
            eligible_hubs(connection, party, release, config.clock.open().now()),
            release.firmware_version,
            config.signing.eui if gateway is None else gateway,
            min(max(0, release.pilot.limit - updated(connection, release, party).brought), MAX_REQUESTED),
        )


def _choose(
    source: _Source,
    rules: SelectionRules,
    release_id: str,
    party: int,
    counter: int | None,
    list_file: Path | None,
    request_file: Path | None,
) -> None:
    chosen = select(source.hubs, _limited(rules, source.limit))
    if not chosen.device_ids:
        raise AnswerIsNo(f"no hub of {format_eui(party)} fits the rules")
    request_id = RequestId(party, source.gateway, counter or time.time_ns() // 1000)
    lines = "".join(f"{format_eui(device_id)}\n" for device_id in chosen.device_ids)
    with unless_finished(*(file for file in (list_file, request_file) if file is not None)):
        if list_file is not None:
            write_bytes(list_file, lines.encode("ascii"))
        if request_file is not None:
            request = PreferredPilotList(release_id, source.firmware_version, chosen.device_ids)
            version = format_version(DUIS_6_0)
            write_bytes(request_file, service_request(str(request_id), version, request.reference, request.body()))
    if list_file is None and request_file is None:
        click.echo(lines, nl=False)
    say(_summary(chosen, source, request_id if request_file else None), err=True)


def _limited(rules: SelectionRules, limit: int) -> SelectionRules:
    """A request with more hubs than the release allows a supplier would be refused (E110504)."""
    number = limit if rules.number is None else min(rules.number, limit)
    return SelectionRules(
        rules.regions, rules.models, rules.versions, rules.exclude, rules.share_percent, number, rules.seed
    )


def _summary(chosen: Selection, source: _Source, request_id: RequestId | None) -> str:
    at_limit = f", the most that the release allows ({source.limit})" if len(chosen.device_ids) == source.limit else ""
    request = f"; the request is {request_id}" if request_id is not None else ""
    return f"Chose {len(chosen.device_ids)} of {chosen.fitting} hubs that fit{at_limit}{request}."


def _load(config_file: Path) -> Config:
    return load_config(config_file, os.environ)
