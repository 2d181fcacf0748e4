"""What an option of a mock may be: an empty one (of a variable that is not set, say) would mean something else."""

from __future__ import annotations

import argparse
from pathlib import Path

from duis_gateway.machine.files import why_no_folder


def text_option(given: str) -> str:
    """Return a text that is not empty (ArgumentTypeError: it is)."""
    if not given:
        raise argparse.ArgumentTypeError("it is empty: give a value, or leave the option out")
    return given


def folder_option(given: str) -> Path:
    """Return the path of a folder that is there or can be (ArgumentTypeError: there is something else)."""
    path = path_option(given)
    if why := why_no_folder(path):
        raise argparse.ArgumentTypeError(f"{why}; name another")
    return path


def path_option(given: str) -> Path:
    """Return the path of a file or folder; an empty one would be the current folder (ArgumentTypeError)."""
    return Path(text_option(given))
