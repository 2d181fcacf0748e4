"""`sandbox`: a test environment to play in; starts it and controls it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem

from duis_gateway.cli.common import DONE, NEW_FOLDER, NO, READABLE, Commands, WholeNumber
from duis_gateway.cli.help import Option
from duis_gateway.cli.output import say, say_to_any_reader
from duis_gateway.cli.screen import TerminalScreen
from duis_gateway.cli.terminal import BAD
from duis_gateway.duis.identifiers import eui_as_typed
from duis_gateway.errors import GatewayError
from duis_gateway.sandbox.commands import COMMANDS
from duis_gateway.sandbox.parameters import FLAG, HUB, HUBS, MOMENT, STEP, URL, Command, Parameter
from duis_gateway.sandbox.remote import DEFAULT_PORT, Remote
from duis_gateway.sandbox.scenario import document_of, read_scenario, shipped
from duis_gateway.sandbox.words import Line, in_lines

_PORT = WholeNumber(0, 65534)
_NAMED = re.compile("`([a-z-]+)`")


def _shipped(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete the scenarios that come with the gateway, and otherwise files."""
    names = [CompletionItem(name) for name in shipped() if name.startswith(begun)]
    return names or [CompletionItem(begun, type="file")]


@click.group(cls=Commands, invoke_without_command=True)
@click.option(
    "--workdir",
    type=NEW_FOLDER,
    default="sandbox-work",
    show_default=True,
    help="The folder for its keys, database and emails; in one that a sandbox made, it carries on.",
)
@click.option(
    "--port",
    type=_PORT,
    default=DEFAULT_PORT,
    show_default=True,
    help="The port of the page and the API; the gateway gets the next one. 0: any free ports.",
)
@click.option("--fresh", is_flag=True, help="Start afresh in the folder.")
@click.option("--scenario", metavar="FILE", shell_complete=_shipped, help="When the sandbox is new, play this first.")
@click.pass_context
def sandbox(context: click.Context, workdir: Path, port: int, fresh: bool, scenario: str | None) -> int | None:
    """Start a gateway with two CSPs, DCC and four suppliers, one of them yours; or control a running one.

    Everything runs on this machine over real HTTP, with a mail catcher, a page, and a clock that stays where you set
    it. Ctrl-C ends it. The commands below, run in another terminal, make things happen in it.
    """
    if context.invoked_subcommand is not None:
        return None
    from duis_gateway.sandbox.main import run

    played = read_scenario(scenario) if scenario else None
    return run(workdir, port, fresh=fresh, scenario=played, echo=say_to_any_reader, screen=TerminalScreen())


def _port_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--port", "at", type=_PORT, help="The port of the running sandbox, if it is not the usual one."
    )(command)


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def remote_of(context: click.Context, at: int | None) -> Remote:
    """Return the running sandbox that a command is for."""
    group = context.parent.params if context.parent else {}
    return Remote(at if at is not None else group.get("port", DEFAULT_PORT))


def _told(result: Mapping[str, Any], as_json: bool, as_typed: Callable[[str], str] = str) -> int:
    """Print the result of a command; the exit code says whether the gateway accepted everything.

    `as_typed` puts what is said about the command into the words of the command line.
    """
    if as_json:
        say(json.dumps(result, indent=1))
    else:
        notes, failed = map(as_typed, result["notes"]), result["failed"]
        said = {**result, "notes": list(notes), "failed": None if failed is None else as_typed(failed)}
        lines = in_lines(said) or [Line("Done; no message came of it.")]
        for text, bad in lines:
            say(text, style=BAD if bad else None)
    refused = any(one["status"] in ("Refused", "PartlyAccepted") for one in result["answers"])
    return NO if refused or result["failed"] is not None else DONE


class _Given(click.types.StringParamType):
    """What is passed to the sandbox as it was given; help says what it should be."""

    def __init__(self, one: Parameter) -> None:
        self.name = _METAVARS.get(id(one.kind), "number" if "integer" in one.kind.schema.get("type", ()) else "text")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Leave it to the sandbox, which knows more about it."""
        return value


class _Party(click.Choice[str]):
    """One of these parties, by its name; what is an EUI-64 is left to the sandbox."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a name."""
        return value if eui_as_typed(value) is not None else super().convert(value, param, ctx)


_METAVARS = {id(HUB): "hub", id(HUBS): "hub", id(MOMENT): "time", id(URL): "url"}


def _as_typed(text: str, command: Command) -> str:
    """Return what the sandbox says, with the names of a command's parameters as they are on the command line."""
    words = {one.name: _word(one) for one in command.parameters}
    return _NAMED.sub(lambda found: f"`{words.get(found[1], found[1])}`", text)


def _word(one: Parameter) -> str:
    if one.content:
        return "FILE"
    return one.name.upper() if one.argument else f"--{one.name}"


def _option(one: Parameter, about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the argument or option for a parameter; what is not given is left to the sandbox, which knows the rest."""
    about = f"{about[:1].upper()}{about[1:]}."
    if one.content:
        return click.argument(one.name, metavar="FILE", type=READABLE, required=one.required)
    words = None if one.kind is FLAG else one.kind.words
    one_of = _Party if "anyOf" in one.kind.schema else click.Choice  # a party has its EUI-64 beside its name
    kind: Any = one_of(list(words), case_sensitive=False) if words else _Given(one)
    if one.argument:
        return click.argument(one.name, type=kind, nargs=-1 if one.many else 1, required=one.required)
    if one.kind is FLAG:
        return click.option(f"--{one.name}/--no-{one.name}", default=None, help=about)
    default = one.default if isinstance(one.default, int | str) and not isinstance(one.default, bool) else None
    return click.option(
        f"--{one.name}",
        type=kind,
        multiple=one.many,
        cls=Option,
        show_default=str(default) if default is not None else False,
        help=about,
    )


class _Steps(click.Command):
    """A command whose argument may be a step back such as `-1d`, which is not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        back = [] if "--" in args else [one for one in args if STEP.fullmatch(one)]
        return super().parse_args(ctx, [one for one in args if one not in back] + ["--", *back] if back else args)


def _made(command: Command) -> click.Command:
    def callback(at: int | None, as_json: bool, **values: Any) -> int:
        given = {name.replace("_", "-"): value for name, value in values.items() if value not in (None, ())}
        members = {name: document_of(value) if isinstance(value, Path) else value for name, value in given.items()}
        try:
            result = remote_of(click.get_current_context(), at).do(command.name, members)
        except GatewayError as error:
            raise type(error)(_as_typed(str(error), command)) from None
        return _told(result, as_json, lambda text: _as_typed(text, command))

    decorated: Callable[..., Any] = _json_option(_port_option(callback))
    for one in reversed(command.parameters):
        decorated = _option(one, _as_typed(one.about, command))(decorated)
    steps = any(one.argument and one.kind is MOMENT for one in command.parameters)
    return click.command(command.name, help=command.about, cls=_Steps if steps else click.Command)(decorated)


for _command in COMMANDS:
    sandbox.add_command(_made(_command))


@sandbox.command("run")
@click.argument("file", shell_complete=_shipped)
@click.option("--port", "at", type=_PORT, help="Play it in the sandbox at this port, which is reset first.")
def run_file(file: str, at: int | None) -> int:
    """Play the scenario in FILE and judge it: in a sandbox of its own, or in a running one.

    FILE may be one that comes with the gateway: demo, split-suppliers, failures, pause, taken-back.
    """
    from duis_gateway.sandbox.main import run_scenario

    return DONE if run_scenario(read_scenario(file), at, TerminalScreen()) else NO


@sandbox.command()
@_json_option
@_port_option
@click.pass_context
def reset(context: click.Context, at: int | None, as_json: bool) -> int:
    """Start afresh: database, messages and clock as they were at the start."""
    return _told(remote_of(context, at).do("reset", {}), as_json)


@sandbox.command()
@_json_option
@_port_option
@click.pass_context
def status(context: click.Context, at: int | None, as_json: bool) -> int:
    """Show the clock, your files, the parties and releases."""
    found = remote_of(context, at).get("/v1/status")
    if as_json:
        say(json.dumps(found, indent=1))
        return DONE
    from duis_gateway.sandbox.main import overview

    say("\n".join(overview(found)))
    return DONE


@sandbox.command()
@click.argument("hub", type=_Given(Parameter("hub", "", HUB)))
@_json_option
@_port_option
@click.pass_context
def hub(context: click.Context, hub: str, at: int | None, as_json: bool) -> int:
    """Show how a hub stands, why, and what to do about it; HUB is its number or EUI-64."""
    found = remote_of(context, at).get(f"/v1/hubs/{quote(hub, safe='')}")
    if as_json:
        say(json.dumps(found, indent=1))
        return DONE
    under = f" under {found['release']}" if found["release"] else ""
    say(f"{found['device']}: {found['state'].replace('_', ' ')}{under}")
    say(f"why         {found['why']}")
    if found["next_step"]:
        say(f"what to do  {found['next_step']}")
    return DONE
