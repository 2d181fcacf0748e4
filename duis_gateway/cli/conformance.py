"""`conformance`: play the regression pack against a gateway, from outside."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click
from click.core import ParameterSource

from duis_gateway.cli.common import HTTP_URL, NEW_FOLDER, READABLE, AnswerIsNo, Commands
from duis_gateway.cli.output import print_rows, say
from duis_gateway.cli.terminal import BAD, FAINT, GOOD, painted
from duis_gateway.cli.tls import TlsOptions, tls_options
from duis_gateway.cli.waiting import answer_to, wait_option
from duis_gateway.client.gateway import base_of
from duis_gateway.client.http import MAX_ANSWER, Http
from duis_gateway.conformance.beforehand import identify
from duis_gateway.conformance.clause import VERSIONS, Era
from duis_gateway.conformance.defects import DefectMask, read_defects
from duis_gateway.conformance.pack import Playable, cases_of, clauses_of, run
from duis_gateway.conformance.profile import Profile, read_profile
from duis_gateway.conformance.report import (
    PART,
    CaseResult,
    Completion,
    Outcome,
    expect_room_for_reports,
    latest_report,
    read_outcomes,
    write_reports,
)
from duis_gateway.conformance.subject import OPENAPI, PATIENCE, opened
from duis_gateway.errors import ConfigurationError
from duis_gateway.text.controls import shown_lines

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--url", type=HTTP_URL, help="The gateway's public listener, such as http://127.0.0.1:8079.")
@click.option(
    "--profile",
    type=_FILE,
    default="conformance.toml",
    show_default=True,
    help="What the pack knows about the gateway.",
)
@click.option("--version", "versions", type=click.Choice(VERSIONS), multiple=True, help="Only on this DUIS version.")
@click.option(
    "--era",
    "eras",
    type=click.Choice([era.value for era in Era]),
    multiple=True,
    help="Only what existed before, or only what is new.",
)
@click.option("--list", "listing", is_flag=True, help="List the cases without playing them.")
@click.option(
    "--case", "wanted", multiple=True, help="Only these cases: a clause such as n64, or a name; * stands for anything."
)
@click.option("--only", type=click.Choice(["failed"]), help="Only those that failed in the latest run in --reports.")
@click.option("--compare", type=READABLE, help="An earlier report in XML; default: the latest in --reports.")
@click.option("--reports", type=NEW_FOLDER, default="reports", show_default=True, help="Where the reports are written.")
@click.option("--defects", type=READABLE, help="Known defects and thresholds (TOML).")
@wait_option
@tls_options
@click.pass_context
def conformance(
    context: click.Context,
    url: str | None,
    profile: Path,
    versions: tuple[str, ...],
    eras: tuple[str, ...],
    listing: bool,
    wanted: tuple[str, ...],
    only: str | None,
    compare: Path | None,
    reports: Path,
    defects: Path | None,
    wait: float | None,
    tls: TlsOptions,
) -> None:
    """Play the regression pack against the gateway at --url, only over HTTP, and write a completion report.

    Each clause has a case that is accepted and one that is refused, on DUIS 5.0, 5.1 and 6.0. The profile names the
    gateway's parties, keys and hubs; `conformance init` makes an installation that has them. It first checks that the
    gateway is there and is the one in the profile. The report links to the bytes of every case, and says what has
    changed since the previous run; the report of a run of only some cases (conformance-part) leaves the report of all
    cases as it is. The exit code is 1 if a case fails other than through a known defect, or there are more known
    defects than the phase may end with.
    """
    if context.invoked_subcommand is not None:
        return
    chosen_eras, chosen_versions = eras or tuple(era.value for era in Era), versions or VERSIONS
    cases = _chosen(cases_of(clauses_of(map(Era, chosen_eras)), chosen_versions), wanted)
    before = _before(reports, compare, needed=only is not None)
    if only:
        cases = [one for one in cases if before.get(one.full_name) == Outcome.FAILED]
    if listing:
        print_rows(("case", "holds"), [(one.full_name, one.clause.source) for one in cases], "table")
        return
    if url is None:
        if all(context.get_parameter_source(name) is ParameterSource.DEFAULT for name in context.params):
            say(context.get_help())
        raise ConfigurationError("conformance needs --url, the gateway's http or https URL; see --help for the rest")
    mask = read_defects(defects) if defects else DefectMask()
    if only and not cases:
        say("No case failed in the previous run.")
        return
    expect_room_for_reports(reports)
    base, http = base_of(url), tls.http(PATIENCE, MAX_ANSWER)
    # Somebody is there, whoever it is: asked for what a gateway has, as a refusal would stand first in its log.
    answer_to(lambda: http.get(f"{base}{OPENAPI}"), wait)
    completion = _play(base, http, read_profile(profile), cases, mask, before)
    written = write_reports(reports, completion, PART if wanted or only or versions or eras else completion.phase)
    others = [f", {completion.count(one)} {one}" for one in (Outcome.FAILED, Outcome.SKIPPED) if completion.count(one)]
    for one, then in completion.changed:
        say(f"changed {one.full_name}: {then} before, {one.outcome} now")
    passed = f"{completion.count(Outcome.PASSED)} of {len(completion.results)} cases passed{''.join(others)}"
    say(f"{passed}; see {written[0]} and {written[1]}")
    if not completion.is_met:
        raise AnswerIsNo("the pack did not pass")


def _before(reports: Path, compare: Path | None, *, needed: bool) -> dict[str, str]:
    """Return how the cases of an earlier run ended: of the one that is named, or of the latest where there is any."""
    latest = compare or latest_report(reports)
    if not latest.exists():
        if needed:
            raise ConfigurationError(
                f"there is no report in {reports} yet: play the pack first, or name the folder of its --reports"
            )
        return {}
    try:
        return read_outcomes(latest)
    except ConfigurationError as error:
        if needed or compare is not None:
            raise
        say(f"{error}; nothing is compared", err=True)
        return {}


def _chosen(cases: Sequence[Playable], wanted: Sequence[str]) -> list[Playable]:
    """Return the cases that any of these texts matches: the id of a clause or a name, either with *."""
    if not wanted:
        return list(cases)
    for text in wanted:
        if not any(_means(text, one) for one in cases):
            raise ConfigurationError(f"--case: there is no case {text[:80]!r}; see --list")
    return [one for one in cases if any(_means(text, one) for text in wanted)]


def _means(text: str, case: Playable) -> bool:
    escaped = text.replace("[", "[[]")  # the brackets of a case's name mean themselves
    return fnmatchcase(case.clause.id, escaped) or fnmatchcase(case.full_name, escaped)


def _play(
    url: str,
    http: Http,
    profile: Profile,
    cases: Sequence[Playable],
    mask: DefectMask,
    before: Mapping[str, str],
) -> Completion:
    results = []
    with opened(url, profile, http, say) as subject:
        version = identify(subject)
        for result in run(subject, cases):
            _show(result)
            results.append(result)
        subject.end()
    facts = [("gateway", f"{profile.gateway} at {url}"), ("version", version or "not told"), *_certificate(profile)]
    return Completion("conformance", results, mask, facts=facts, before=before)


def _certificate(profile: Profile) -> list[tuple[str, str]]:
    return [
        ("certificate", f"serial {one.serial}, issued by {one.issuer}, good until {one.not_after:%Y-%m-%d %H:%M} UTC")
        for one in profile.trust.signers
    ]


def _show(result: CaseResult) -> None:
    left_out = f" ({result.detail})" if result.outcome is Outcome.SKIPPED else ""
    style = {Outcome.PASSED: GOOD, Outcome.FAILED: BAD, Outcome.SKIPPED: FAINT}[result.outcome]
    ending = painted(f"{result.outcome:7}", style, sys.stdout)
    click.echo(f"{ending} {shown_lines(result.full_name + left_out)}")
    if result.outcome is Outcome.FAILED:
        say(f"        {result.promise}: {result.detail}", err=True)


@conformance.command()
@click.argument("directory", type=NEW_FOLDER)
def init(directory: Path) -> None:
    """Make an installation in DIRECTORY with every party and hub that the pack plays, and its profile."""
    from duis_gateway.cli.conformance_init import make_profile

    profile = make_profile(directory)
    config, given = (shlex.quote(str(file)) for file in (directory / "gateway.toml", profile))
    say(
        f"Made {profile}, and a gateway for it. Next:\n"
        f"  duis-gateway serve --config {config}\n"
        f"  duis-gateway conformance --url http://127.0.0.1:8079 --profile {given}"
    )
