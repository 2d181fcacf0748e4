"""The command `duis-gateway`: finds the command asked for, and turns every error into one line and an exit code.

Exit codes: 0: done; 1: the answer is no (verification failed, a request was refused); 2: usage, configuration or
something on this machine (a database, a file, the output) has to be put right first. A command that a signal told to
end takes away what it could not finish, and ends by that signal.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from duis_gateway import __version__
from duis_gateway.cli.common import DONE, NO, WRONG
from duis_gateway.cli.help import FittingFormatter
from duis_gateway.cli.output import give_up_output
from duis_gateway.cli.terminal import BAD, painted
from duis_gateway.errors import ConfigurationError, GatewayError, NotDurable, StoreUnusable, meant
from duis_gateway.machine.files import TOO_MANY_FILES, means_too_many_files
from duis_gateway.machine.signals import Interrupted, end_by, ignore_all_but_the_end, interrupt_by_signals
from duis_gateway.text.controls import one_line

_COMMANDS = {
    "audit": ("audit", "Prove that no message was changed, removed, inserted or reordered."),
    "certificate": ("certificate", "Register, revoke, list and make certificates."),
    "check": ("check", "Ask how an 11.5 or 11.6 would be answered, without sending it."),
    "completion": ("completion", "Print the script that lets bash, zsh or fish complete this command."),
    "conformance": ("conformance", "Play the regression pack against any gateway, from outside."),
    "deadlines": ("status", "List what a party has outstanding, and how long it has left."),
    "deliver": ("serve", "Run only delivery workers."),
    "demo": ("demo", "Show the whole gateway working on this machine, over real HTTP."),
    "doctor": ("doctor", "Check everything that a gateway needs, and say what to do."),
    "example": ("example", "Print messages to start with, or write a set that can be played."),
    "inbox": ("inbox", "List and show what has come in."),
    "init": ("init", "Make a configuration, a database and a test PKI to start from."),
    "inventory": ("inventory", "Load and export the inventory of Communications Hubs."),
    "listen": ("listen", "Show what a supplier in the sandbox receives, and pass it to your own server."),
    "migrate": ("init", "Bring the database to this version of the gateway."),
    "outbox": ("outbox", "List, show and replay outgoing messages."),
    "party": ("party", "Register suppliers, CSPs and DCC."),
    "pilot": ("pilot", "Choose hubs for a pilot."),
    "plan": ("plan", "Show when hubs are to be updated, and why."),
    "protect": ("protect", "Manage a supplier's list of hubs that it keeps out of every pilot and period."),
    "prune": ("prune", "Remove old message bodies, and lists that were never completed."),
    "release": ("release", "List and show firmware releases."),
    "sandbox": ("sandbox", "Start a test environment with every party, or control a running one."),
    "send": ("sign", "Send a signed document and print the answer."),
    "serve": ("serve", "Run the doors and the delivery workers."),
    "sign": ("sign", "Sign a document in DUIS's profile."),
    "status": ("status", "Count a party's hubs by version and state."),
    "verify": ("sign", "Check the signature of a document."),
}
"""Each command, its module, and what the list of commands says about it."""


_LONGEST_LINE = 1000
_STANDARD_OUTPUT = 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What the system says if output cannot be written: such errors name no file."""


click.Context.formatter_class = FittingFormatter  # for every command: their classes offer no other way


class _Commands(click.Group):
    """Imports a command's module when it is asked for: `verify` needs no database."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"duis_gateway.cli.{_COMMANDS[cmd_name][0]}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and suggest those close to a word that is not one."""
        word = args[0]
        if word not in _COMMANDS and not word.startswith("-") and not ctx.resilient_parsing:
            close = meant(word, _COMMANDS, otherwise=".")
            raise click.UsageError(f"No such command {word[:60]!r}{close}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="duis-gateway", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, help="If a command fails because of a bug, show where.")
def program(traceback: bool) -> None:
    """A gateway between energy suppliers, CSPs and DCC for Communications Hub firmware (SECMP0024)."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and end the process with its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    serves = words[:1] in (["serve"], ["deliver"])
    # Nothing that is made here may be world-writable, or kept from its owner: a folder could not even be taken away.
    os.umask((os.umask(0) | stat.S_IWOTH) & ~stat.S_IRWXU)
    if sys.stdout is None:
        _keep_standard_output(os.O_WRONLY if serves else os.O_RDONLY)
    if serves:
        ignore_all_but_the_end()  # until the command is loaded and sets what signals do
    elif arguments is None:
        interrupt_by_signals()
    try:
        code = _run(words)
    except (Exception, KeyboardInterrupt) as error:
        give_up_output()
        text, code = _explain(error)
        with suppress(OSError):  # standard error may be full as well
            if text:
                click.echo(f"{painted('duis-gateway:', BAD, sys.stderr)} {_on_one_line(text)}", err=True)
            if words[:1] == ["--traceback"]:
                traceback.print_exception(error)
        ended = error.__cause__ if isinstance(error, click.Abort) else error
        if isinstance(ended, Interrupted):
            end_by(ended.number)
    sys.exit(code)


def _keep_standard_output(mode: int) -> None:
    """If the process was started without standard output, let nothing else be opened in its place.

    Opened only for reading, it cannot be written: output that would be lost is an error, as on a full disk. A server
    has nothing to say there that anybody needs.
    """
    at = os.open(os.devnull, mode)
    if at != _STANDARD_OUTPUT:
        os.dup2(at, _STANDARD_OUTPUT)
        os.close(at)
    sys.stdout = open(_STANDARD_OUTPUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _on_one_line(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."


def _run(words: Sequence[str]) -> int:
    try:
        code = program.main(args=words, prog_name="duis-gateway", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as bare:  # a group on its own: not a mistake, a question
        click.echo(bare.format_message())
        code = DONE
    except click.exceptions.Exit as end:
        code = end.exit_code
    if sys.stdout is not None:
        sys.stdout.flush()  # here, where a full disk can still be reported
    return code if isinstance(code, int) else DONE


def _explain(error: BaseException) -> tuple[str, int]:
    """Return one line for the person who called, and the exit code."""
    match error:
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", NO
        case click.UsageError():
            where = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
            return f"{where}: {_wrong_usage(error)}".removeprefix(": "), WRONG
        case click.ClickException():
            return error.format_message(), WRONG
        case ConfigurationError() | StoreUnusable() | NotDurable():
            return str(error), WRONG
        case GatewayError():
            return str(error), NO
        case BrokenPipeError():
            return "", NO  # the reader of our output has gone, and needs no message
        case OSError() if means_too_many_files(error):
            return TOO_MANY_FILES, WRONG
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}{_remedy(error)}", WRONG
        case OSError() if error.errno in _NO_ROOM:
            return f"the output cannot be written: {error.strerror}", WRONG
        case UnicodeEncodeError() if error.encoding == "utf-8":  # from octets that are not UTF-8
            return "an argument, a path or an environment variable is not UTF-8: give it in UTF-8", WRONG
        case UnicodeEncodeError():
            return (
                f"{error.encoding}, the output's encoding, has no {error.object[error.start]!a}: "
                "set PYTHONIOENCODING=utf-8",
                WRONG,
            )
    return f"a bug in the gateway: {type(error).__name__}: {error} (--traceback says where)", NO


def _wrong_usage(error: click.UsageError) -> str:
    """Return what click says, and what may have been meant in the words of all our other errors (`errors.meant`)."""
    close = getattr(error, "possibilities", None)  # of an option or a command that is not known
    return f"{error.message.rstrip('.')}; did you mean {close[0]}?" if close else error.format_message()


def _remedy(error: OSError) -> str:
    """Return what can be done about a file or folder, if the system's words leave it open."""
    match error.errno:
        case errno.ENOENT:
            return "; name one that exists, or whose folder can be written to"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "; name another, or give this user access"
        case errno.ENOTDIR | errno.EISDIR | errno.EEXIST:
            return "; name another"
    return ""
