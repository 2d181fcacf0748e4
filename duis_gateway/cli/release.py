"""`release`: the firmware releases as DCC announced them."""

from __future__ import annotations

import click

from duis_gateway.cli.common import Commands, config_option, format_option, no_release, opened_store
from duis_gateway.cli.output import print_fields, print_rows, say
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.failure_thresholds.rules import proposal_in_words, threshold_in_words
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.progress.records import Progress
from duis_gateway.rollout.progress.store import estate_of, how_far, told_of
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import LastWord, last_word
from duis_gateway.rollout.releases.records import DefaultSchedule, Release, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.text.counts import counted
from duis_gateway.text.times import show_time


@click.group(cls=Commands)
def release() -> None:
    """List and show firmware releases."""


@release.command("list")
@format_option
@config_option
def list_releases(form: str, config: Config) -> None:
    """List the releases, newest notice first."""
    with opened_store(config) as store, store.read() as connection:
        found = releases.all_releases(connection)
    names = ("release", "revision", "type", "model", "version", "state", "paused", "notified", "automatic_date")
    print_rows(names, map(_row, found), form)


def _row(one: Release) -> tuple[object, ...]:
    model = f"{one.manufacturer} {one.model}"
    about = (one.release_id, one.revision, one.release_type, model, one.firmware_version)
    return (*about, one.state, one.paused, one.notified_at, one.automatic_date)


@release.command()
@click.argument("release_id", metavar="ID")
@config_option
def show(release_id: str, config: Config) -> None:
    """Show one release: its terms, the hubs it marks, and what the CSPs uploaded for it."""
    with opened_store(config) as store, store.read() as connection:
        found = releases.find(connection, release_id)
        if found is None:
            raise no_release(release_id)
        said = last_word(found, history.of_release(connection, release_id))
        marks = releases.marks(connection, release_id)
        proposed = thresholds.find_proposal(connection, release_id)
        in_default = pilots.default_hubs(connection, release_id)
        offered = [one for stage in Stage for one in schedules.defaults(connection, release_id, stage)]
    print_fields(_facts(found, said))
    if proposed is not None:
        print_fields([("proposed pause", f"{show_time(proposed.at)}, {proposal_in_words(proposed)}")])
    print_fields((f"{mark} hubs", len(ids)) for mark, ids in marks.items())
    regions = sorted({hub.csp_region for hub in in_default})
    print_fields((f"default list, {r}", counted(sum(h.csp_region == r for h in in_default), "hub")) for r in regions)
    for schedule in offered:
        _print_schedule(schedule)


@release.command("progress")
@click.argument("release_id", metavar="ID")
@format_option
@config_option
def show_progress(release_id: str, form: str, config: Config) -> None:
    """Show how far a release is: with all hubs, its pilot, safe launch, by region and by supplier.

    A hub with two suppliers counts for both. It is counted anew each time: with millions of hubs that takes a while.
    """
    now = config.clock.open().now()
    with opened_store(config) as store, store.read() as connection:
        found = releases.find(connection, release_id)
        if found is None:
            raise no_release(release_id)
        far = how_far(estate_of(connection), found, told_of(connection, found, now))
    rows: list[tuple[object, ...]] = [_progress("all hubs", "", far.whole.whole)]
    for name, part in (("pilot", far.pilot), ("safe launch", far.rest)):
        if part is not None:
            rows.append(_progress(name, "", part.whole))
    rows += [_progress("region", name, own) for name, own in sorted(far.whole.by_region.items())]
    rows += [_progress("supplier", format_eui(eui), own) for eui, own in sorted(far.whole.by_supplier.items())]
    rows += [("moved first by", name, hubs, *[None] * 4) for name, hubs in sorted(far.next_by.items())]
    print_rows(("of", "name", "hubs", "activated", "failed", "left", "on_later_version"), rows, form)


def _progress(of: str, name: str, own: Progress) -> tuple[object, ...]:
    return of, name, own.hubs, own.activated, own.failed, own.left, own.passed_by


def _facts(one: Release, said: LastWord | None) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [
        ("release", f"{one.release_id}, revision {one.revision}"),
        ("type", one.release_type),
        ("state", f"{one.state}{', paused' if one.paused else ''}"),
        *([] if said is None else [("since", f"{show_time(said.at)}, by {said.by}{said.why and ': ' + said.why}")]),
        ("model", f"{one.manufacturer} {one.model}"),
        ("version", one.firmware_version),
        ("permitted predecessors", ", ".join(sorted(one.permitted_predecessors)) or "any version"),
        ("release note", one.release_note),
        ("severity, priority", f"{one.severity}, {one.priority}"),
        ("notified", one.notified_at),
        ("automatic date", one.automatic_date),
    ]
    if one.failure_threshold is not None:
        facts.append(("failure threshold", threshold_in_words(one.failure_threshold)))
    if one.pilot is None:
        return [*facts, ("pilot", "none")]
    terms = one.pilot
    facts += [("pilot from", terms.period.start), ("pilot to", terms.period.end)]
    facts += [("hubs per supplier", f"{terms.minimum} to {terms.limit}")]
    if terms.share_percent is not None:
        facts.append(("share due", f"{terms.share_percent} %"))
        facts.append(("share due by", terms.share_by))
    return facts


def _print_schedule(schedule: DefaultSchedule) -> None:
    say(f"\n{schedule.stage} schedule, {schedule.csp_region}:")
    rows = [(g.group_id, len(g.device_ids) or "", g.period.start, g.period.end) for g in schedule.groups]
    print_rows(("group", "hubs", "from", "to"), rows, "table")
    for constraint in schedule.constraints:
        say(f"constraint {constraint.code}: {constraint.description}")
