"""The reference pages name what the code has: configuration keys, metrics, codes, refusals and commands."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from duis_gateway.cli.main import program
from duis_gateway.client import alerts
from duis_gateway.config.environment import ENVIRONMENT_PREFIX
from duis_gateway.config.settings import SECTIONS, settings_of
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.duis.responses import PilotListWarning
from duis_gateway.errors import REFUSALS
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS
from duis_gateway.operations.figures import AuditFigures, OutboxFigures, Sources
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.watch import TrustFigures
from duis_gateway.rollout.scheduler import BY_TIME
from tests.support import bodies_page, codes_page, commands_page, reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WITH_COMMANDS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(path for path in PAGES if path.name != "commands.md")]
# Not preceded by a word character or a hyphen: `.venv/bin/duis-gateway` is the command, `urn:duis-gateway` is not.
_COMMAND = re.compile(r"(?<![\w:'-])duis-gateway ((?:[a-z]+(?: |$))[^\n`]*)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_configuration_reference_is_up_to_date() -> None:
    shown = page("docs/operations.md")
    assert reference.filled(shown) == shown, "`python -m tests.support.examples` brings it up to date"


def test_the_page_of_commands_is_up_to_date() -> None:
    shown = page("docs/commands.md")
    assert commands_page.rendered() == shown, "`python -m tests.support.examples` brings it up to date"


def test_the_page_of_bodies_is_up_to_date() -> None:
    shown = page("docs/bodies.md")
    assert bodies_page.rendered() == shown, "`python -m tests.support.examples` brings it up to date"


def test_the_page_of_codes_is_up_to_date() -> None:
    shown = page("docs/codes.md")
    assert codes_page.rendered() == shown, "`python -m tests.support.examples` brings it up to date"


def test_every_class_of_a_body_is_in_the_kit() -> None:
    assert [kind.code for kind in ALERTS.values() if not hasattr(alerts, kind.record.kind.__name__)] == []


def test_no_command_shows_a_name_of_the_code_for_what_it_takes() -> None:
    shown = re.findall(r"^\| `([^`]+)` \|", page("docs/commands.md"), re.MULTILINE)
    assert shown
    assert [one for one in shown if re.search(r"(^| )_|FUNC", one)] == []


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_the_configuration_is_in_the_reference(section: str) -> None:
    """Read from the page as a person would, whatever made it."""
    text = page("docs/operations.md").partition(f"### `[{section}]`")[2].partition("\n### ")[0]
    assert [key for key in settings_of(section) if f"\n| `{key}` |" not in text] == []


@pytest.mark.parametrize("path", [*WITH_COMMANDS], ids=lambda path: path.name)
def test_every_key_that_a_page_names_exists(path: Path) -> None:
    named = re.findall(r"`\[(\w+)\] (\w+)`", path.read_text(encoding="utf-8"))
    assert [one for one in named if one[0] not in SECTIONS or one[1] not in settings_of(one[0])] == []
    variables = set(re.findall(rf"{ENVIRONMENT_PREFIX}[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
    known = {f"{ENVIRONMENT_PREFIX}{s}_{key}".upper() for s in SECTIONS for key in settings_of(s)}
    assert {one for one in variables - known if not one.startswith(f"{ENVIRONMENT_PREFIX}TEST")} <= {
        f"{ENVIRONMENT_PREFIX}CONFIG"
    }


def metrics_served() -> set[str]:
    """The names of all metrics of the gateway's own, as they stand in queries."""
    metrics = Metrics(
        Sources(
            outbox=lambda: OutboxFigures({"http": 1}),
            audit=lambda: AuditFigures(checkpoint_at=1.0),
            trust=lambda: TrustFigures(1.0, 0.5, 2.0, 3.0),
            signing_expiry=lambda: 4.0,
            open_breakers=lambda: {"http": 0},
        ),
        BY_TIME,
    )
    metrics.request("duis", "serviceD", "answered", 0.1)
    metrics.rejection("verify")
    metrics.delivery_attempt("http", "accepted")
    metrics.delivered("http", 0.1)
    lines = metrics.exposition()[1].decode().splitlines()
    return {re.split(r"[{ ]", line)[0] for line in lines if line.startswith("gw_")}


def test_every_metric_is_described_and_every_metric_described_is_served() -> None:
    described = set(re.findall(r"^\| `(gw_\w+)", page("docs/operations.md"), re.MULTILINE))
    served = {re.sub(r"_(created|bucket|count|sum)$", "", name) for name in metrics_served()}
    served = {name for name in served if f"{name}_total" not in served}
    assert described == served


def test_the_profile_says_when_every_response_code_is_given() -> None:
    profile = page("docs/duis-profile.md")
    words = set(re.findall(r"\b[A-Z]\d+\b", profile))
    assert RESPONSE_CODES.keys() <= words
    lists = [name for name, _ in PilotListWarning().lists()]
    assert [name for name in lists if f"| `{name}` |" not in profile] == []


def test_every_refusal_is_explained() -> None:
    """By its HTTP status and its title, as a sender sees them."""
    rows = {
        (int(status), title)
        for status, title in re.findall(r"^\| (\d{3}) \| ([^|]+) \|", page("docs/duis-profile.md"), re.M)
    }
    assert rows == {(refusal.status, refusal.title) for refusal in REFUSALS.values()}


def test_every_duis_version_has_its_schema_named() -> None:
    profile = page("docs/duis-profile.md")
    rows = re.findall(r"^\| ([\d., ]+) \| `schemas/duis/(\d\.\d)` \|", profile, re.MULTILINE)
    named = {version: folder for versions, folder in rows for version in versions.split(", ")}
    assert named == {str(version): folder for version, folder in DUIS_SCHEMA_FOLDERS.items()}


def commands(path: Path) -> list[str]:
    """The command lines of a page, continuation lines joined, and each command of a pipe by itself."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ").replace(" | ", "\n")
    return [" ".join(found.split()) for found in _COMMAND.findall(text)]


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """Find the command that words name, and what is left of them."""
    command: click.Command = program
    context = click.Context(program)
    while isinstance(command, click.Group) and words:
        if command.invoke_without_command and words[0].startswith("--"):
            break
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda path: path.name)
def test_the_commands_that_a_page_names_exist_with_their_options(path: Path) -> None:
    for line in commands(path):
        command, rest = resolve(re.sub(r"['\"].*?['\"]", "X", line).split())
        options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        asked = {word for word in rest if re.fullmatch(r"--[a-z-]+", word)}
        assert asked <= options | {"--help"}, f"{path.name}: {line}"


def test_the_pages_link_to_what_is_there() -> None:
    for path in WITH_COMMANDS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_layout_names_every_part_of_the_package() -> None:
    layout = page("docs/architecture.md").partition("## Layout")[2].partition("\n## ")[0]
    parts = [path for path in (ROOT / "duis_gateway").iterdir() if not path.name.startswith("__")]
    names = [f"{path.name}/" if path.is_dir() else path.name for path in parts if path.is_dir() or path.suffix == ".py"]
    assert [name for name in names if name not in layout] == []


def test_what_the_readme_calls_not_built_is_not_there() -> None:
    """So that the sentence is changed when it is."""
    [sentence] = re.findall(r"^Not built yet: (.*)$", page("README.md"), re.MULTILINE)
    named = {name.split()[0] for name in re.findall(r"`([^`]+)`", sentence)}
    assert not named & set(program.list_commands(click.Context(program)))
