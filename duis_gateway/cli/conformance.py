"""`conformance`: play the regression pack against a gateway, from outside."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from duis_gateway.cli.common import READABLE, AnswerIsNo
from duis_gateway.cli.output import say
from duis_gateway.conformance.clause import VERSIONS, Era
from duis_gateway.conformance.defects import DefectMask, read_defects
from duis_gateway.conformance.pack import clauses_of, run
from duis_gateway.conformance.profile import read_profile
from duis_gateway.conformance.report import CaseResult, Completion, Outcome, write_reports
from duis_gateway.conformance.subject import opened
from duis_gateway.errors import ConfigurationError

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(invoke_without_command=True, no_args_is_help=True)
@click.option("--url", help="The gateway's public listener, such as http://127.0.0.1:8079.")
@click.option("--profile", type=_FILE, default="conformance.toml", show_default=True, help="What the pack knows of it.")
@click.option("--version", "versions", type=click.Choice(VERSIONS), multiple=True, help="Only on this DUIS version.")
@click.option(
    "--era",
    "eras",
    type=click.Choice([era.value for era in Era]),
    multiple=True,
    help="Only what existed before, or is new.",
)
@click.option("--reports", type=_FOLDER, default="reports", show_default=True, help="Where the reports are written.")
@click.option("--defects", type=READABLE, help="Known defects and thresholds (TOML).")
@click.pass_context
def conformance(
    context: click.Context,
    url: str | None,
    profile: Path,
    versions: tuple[str, ...],
    eras: tuple[str, ...],
    reports: Path,
    defects: Path | None,
) -> None:
    """Play the regression pack against the gateway at --url, over HTTP alone, and write a completion report.

    Each clause has a case that is accepted and one that is refused, on DUIS 5.0, 5.1 and 6.0. The gateway's parties,
    keys and hubs stand in the profile; `conformance init` makes an installation that has them. The exit code is 1
    where a case fails by no known defect, or the known ones are more than the phase may end with.
    """
    if context.invoked_subcommand is not None:
        return
    if url is None or not url.startswith(("http://", "https://")):
        raise ConfigurationError("--url: the http or https URL of the gateway is needed")
    mask = read_defects(defects) if defects else DefectMask()
    chosen_eras, chosen_versions = eras or tuple(era.value for era in Era), versions or VERSIONS
    results = _play(url, profile, chosen_eras, chosen_versions)
    about = f"Played against {url}, on DUIS {', '.join(chosen_versions)}: {', '.join(chosen_eras)}."
    completion = Completion("conformance", results, mask, about=about)
    written = write_reports(reports, completion)
    others = [f", {completion.count(one)} {one}" for one in (Outcome.FAILED, Outcome.SKIPPED) if completion.count(one)]
    passed = f"{completion.count(Outcome.PASSED)} of {len(results)} cases passed{''.join(others)}"
    say(f"{passed}; see {written[0]} and {written[1]}")
    if not completion.is_met:
        raise AnswerIsNo("the pack is not passed")


def _play(url: str, profile: Path, eras: Iterable[str], versions: Iterable[str]) -> list[CaseResult]:
    results = []
    with opened(url, read_profile(profile)) as subject:
        for result in run(subject, clauses_of(map(Era, eras)), versions):
            _show(result)
            results.append(result)
    return results


def _show(result: CaseResult) -> None:
    left_out = f" ({result.detail})" if result.outcome is Outcome.SKIPPED else ""
    say(f"{result.outcome:7} {result.full_name}{left_out}")
    if result.outcome is Outcome.FAILED:
        say(f"        {result.promise}: {result.detail}", err=True)


@conformance.command()
@click.argument("directory", type=_FOLDER)
def init(directory: Path) -> None:
    """Make an installation in DIRECTORY with every party and hub that the pack plays, and the profile of it."""
    from duis_gateway.cli.conformance_init import make_profile

    profile = make_profile(directory)
    say(
        f"Made {profile}, and a gateway for it. Next:\n"
        f"  duis-gateway serve --config {directory / 'gateway.toml'}\n"
        f"  duis-gateway conformance --url http://127.0.0.1:8079 --profile {profile}"
    )
