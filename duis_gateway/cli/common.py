"""What the commands share: the configuration, the store, EUI-64s as arguments, and the answer "no"."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from duis_gateway.cli.help import Option, RefusesEmpty
from duis_gateway.config.environment import CONFIG_VARIABLE
from duis_gateway.config.settings import Config, load_config
from duis_gateway.duis.identifiers import NOBODY, eui_as_typed, format_eui
from duis_gateway.duis.times import parse_date_time
from duis_gateway.errors import ConfigurationError, GatewayError
from duis_gateway.machine.files import DASH, standard_stream, why_no_folder, would_be_replaced
from duis_gateway.outbox.guard import AddressRefused, read_url
from duis_gateway.text.numbers import LONGEST, is_digits

if TYPE_CHECKING:
    from duis_gateway.pki.signer import Signer
    from duis_gateway.rollout.moments import Moments
    from duis_gateway.store.engine import Store

DONE, NO, WRONG = 0, 1, 2
"""The exit codes, everywhere."""

LARGEST_ID = 2**63 - 1
"""The largest number that a database has for something."""
_SECONDS = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,20}(\.[0-9]{0,20})?")
_DAY = 24 * 60 * 60.0
_ANY_LENGTH = 10_000

F = TypeVar("F", bound=Callable[..., Any])


class Commands(RefusesEmpty, click.Group):
    """A group whose help shows the whole first sentence of each command, on as many lines as it takes."""

    command_class = RefusesEmpty

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_ANY_LENGTH)) for name, one in self.commands.items()])


class AnswerIsNo(GatewayError):
    """The command worked, and its answer is no; the text says why. Exit code 1."""


def not_registered(party: int) -> AnswerIsNo:
    """Return what to say about a party that is not registered."""
    return AnswerIsNo(f"{format_eui(party)} is not registered; see `party list` for those that are")


def no_release(release_id: str) -> AnswerIsNo:
    """Return what to say about a release that is not there."""
    return AnswerIsNo(f"there is no release {release_id[:80]!r}; see `release list` for those that exist")


def eui(text: str | int) -> int:
    """Read an argument that is an EUI-64, in whatever way people write it."""
    if isinstance(text, int):
        return text
    read = eui_as_typed(text)
    if read is None:
        raise click.BadParameter(f"{text[:40]!r} is not an EUI-64 such as 90-B3-D5-1F-30-01-00-00")
    if read == NOBODY:
        raise click.BadParameter(f"{text} is all zeros, which is nobody's EUI-64")
    return read


EUI = eui
"""The type of such an argument."""


def time(text: str | datetime) -> datetime:
    """Read an argument that is a time with a zone."""
    if isinstance(text, datetime):
        return text
    try:
        return parse_date_time(text)
    except ValueError as error:
        raise click.BadParameter(f"{text[:40]!r} is {error}; one is 2027-03-30T02:00:00Z") from None


TIME = time
"""The type of such an argument."""


def url(text: str, such_as: str = "http://127.0.0.1:8079") -> str:
    """Read an argument that is an address to send to."""
    try:
        read_url(text)
    except AddressRefused as error:
        raise click.BadParameter(f"{error}; one is {such_as}") from None
    return text


HTTP_URL = url
"""The type of such an argument."""


class _Existing(click.Path):
    """A file or folder that exists. A file's content is not shown: it may be a private key."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "-----BEGIN" in str(value):
            self.fail("that is the content of a file: give the file's path", param, ctx)
        return super().convert(value, param, ctx)


READABLE = _Existing(exists=True, dir_okay=False, readable=True, allow_dash=True, path_type=Path)
"""A file that is read; `-` is standard input."""


class _Folder(click.Path):
    """A folder; click itself refuses files in its place, and nothing else, such as a device."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if why := why_no_folder(Path(value)):
            self.fail(f"{why}; name another", param, ctx)
        return super().convert(value, param, ctx)


FOLDER = _Folder(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = _Folder(file_okay=False, path_type=Path)
"""A folder that need not be there yet."""
FOLDER_OR_FILE = _Existing(exists=True, path_type=Path)


class _NewFile(click.Path):
    """A file to write; the system's names for standard output count as `-`, so that nothing else goes there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return DASH if standard_stream(Path(value)) == 1 else super().convert(value, param, ctx)


NEW_FILE = _NewFile(dir_okay=False, writable=True, allow_dash=True, path_type=Path)
"""A file that is written; `-` is standard output."""


class WholeNumber(click.IntRange):
    """A whole number in this range, in the digits 0 to 9; Python would accept other scripts' digits, and `1_0`.

    `why_least` completes what is said of a smaller one.
    """

    name = "number"

    def __init__(self, least: int, most: int, why_least: str = "") -> None:
        super().__init__(least, most)
        self._least, self._most = least, most
        self._why_least = f": {why_least}" if why_least else ""

    def _describe_range(self) -> str:
        """Say in the help what click would write as `2000<=x<=15000000`."""
        return f"{self._least:,} to {self._most:,}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        text, wanted = str(value).strip(), f"a whole number from {self._least:,} to {self._most:,}"
        if not is_digits(text.removeprefix("+").removeprefix("-"), LONGEST):
            self.fail(f"{text[:60]!r} is not {wanted}", param, ctx)
        if not self._least <= int(text) <= self._most:
            self.fail(f"{text} is not {wanted}{self._why_least if int(text) < self._least else ''}", param, ctx)
        return int(text)


class Identifier(WholeNumber):
    """A number that the database assigned."""

    def __init__(self) -> None:
        super().__init__(0, LARGEST_ID)

    def _describe_range(self) -> str:
        """Say nothing of it in the help: nobody types such a number that the database has not shown."""
        return ""


class Seconds(click.FloatRange):
    """A number of seconds above 0, at most a day."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(0, _DAY, min_open=True)

    def _describe_range(self) -> str:
        """Say in the help what click would write as `0<x<=86400.0`."""
        return f"above 0, up to {_DAY:,.0f}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; what is not a number at all (nan) would pass for any number."""
        text = str(value).strip()
        if not _SECONDS.fullmatch(text) or not 0 < float(text) <= _DAY:
            self.fail(f"{text[:60]!r} is not a number of seconds above 0 and up to {_DAY:,.0f}", param, ctx)
        return float(text)


def config_file_option(name: str, about: str = "The configuration file.", **more: Any) -> Callable[[F], F]:
    """Return what adds `--config FILE`, which gives the command the path as its argument `name`; `about`: its help."""
    return click.option(
        "--config",
        name,
        type=click.Path(dir_okay=False, path_type=Path),
        envvar=CONFIG_VARIABLE,
        default="gateway.toml",
        cls=Option,
        show_default="gateway.toml, or what DUIS_GATEWAY_CONFIG names",
        help=about,
        **more,
    )


def config_option(command: F) -> F:
    """Add `--config FILE`, which gives the command a `Config` as its argument `config`."""
    return config_file_option("config", callback=lambda _ctx, _param, path: load_config(path, os.environ))(command)


def format_option(command: F) -> F:
    """Add `--format table|csv|json`, and `--json` for the last, as the sandbox's commands have it."""
    formats = click.Choice(["table", "csv", "json"])
    command = click.option("--json", "form", flag_value="json", help="The same as --format json.")(command)
    return click.option("--format", "form", type=formats, default="table", help="How to print it.")(command)


@contextmanager
def opened_store(config: Config, *, check: bool = True) -> Iterator[Store]:
    """Open the configured database while a command runs.

    Raises:
        StoreUnusable: it is not migrated, of another version, or corrupt (only looked at if `check`).
    """
    from duis_gateway.config.database import open_store

    with closing(open_store(config, check=check)) as store:
        yield store


def moments_of(config: Config, store: Store) -> Moments:
    """Return what opens transactions for changes that have to be announced, signed as configured.

    Its signer raises `ConfigurationError` where there is none.
    """
    from duis_gateway.config.signing_key import SigningKeyFile
    from duis_gateway.outbox.emails.outbox_rows import EmailTerms
    from duis_gateway.rollout.moments import Moments

    clock, keys = config.clock.open(), SigningKeyFile(config)

    def signer() -> Signer:
        found = keys()
        if found is None:
            raise ConfigurationError(
                f"what this changes has to be announced, but cannot be signed: {keys.problem(clock.now())}"
            )
        return found

    terms = EmailTerms(config.email.sender, config.email.attachment_hubs)
    return Moments(store, clock, signer, config.limits.alert_bytes, terms)


def refuse_existing(*paths: Path) -> None:
    """Make sure that nothing is overwritten; pipes and `-` may be written to.

    Raises:
        ConfigurationError: one of the paths exists.
    """
    for path in paths:
        if would_be_replaced(path):
            raise ConfigurationError(f"{path} already exists, and is not overwritten")
