"""`completion`: a script that lets a shell complete the commands, their options and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_WHERE = {
    "bash": ("in ~/.bashrc", 'eval "$(duis-gateway completion bash)"'),
    "zsh": ("in ~/.zshrc, after compinit", 'eval "$(duis-gateway completion zsh)"'),
    "fish": (
        "once",
        "mkdir -p ~/.config/fish/completions",
        "cd ~/.config/fish/completions",
        "duis-gateway completion fish \\",
        "  > duis-gateway.fish",
    ),
}


@click.command(
    epilog="\b\n" + "\n".join(f"{shell}, {where}:\n" + "\n".join(how) for shell, (where, *how) in _WHERE.items())
)
@click.argument("shell", type=click.Choice(list(_WHERE)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes `duis-gateway` in SHELL; switch it on as shown below."""
    found = get_completion_class(shell)
    assert found is not None
    program = context.find_root()
    source = found(program.command, {}, "duis-gateway", "_DUIS_GATEWAY_COMPLETE").source()
    # What fish shows of a word would end at its first comma.
    click.echo(source.replace('string split ","', 'string split --max 1 ","'))
