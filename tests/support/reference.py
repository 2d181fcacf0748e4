"""The tables of docs/operations.md that follow from the code."""

from __future__ import annotations

import re
from dataclasses import MISSING
from pathlib import Path

from duis_gateway.config.settings import SECTIONS, settings_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
_PLACE = re.compile(r"(<!-- configuration: generated -->\n).*?(<!-- end -->)", re.DOTALL)


def configuration() -> str:
    """Return the reference of the configuration: a table for each section."""
    parts = []
    for section, described in SECTIONS.items():
        about = " ".join((described.__doc__ or "").split())
        rows = [
            f"| `{key}` | {known.metadata['doc']} | {_default(known.default)} |"
            for key, known in settings_of(section).items()
        ]
        head = f"### `[{section}]`\n\n{about}\n\n| key | what | default |\n|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n" + "\n".join(parts)


def _default(default: object) -> str:
    if default is MISSING:
        return "must be given"
    if default is None or default == ():
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def filled(page: str) -> str:
    """Return the page with the configuration's reference as the code has it."""
    return _PLACE.sub(lambda place: place[1] + configuration() + place[2], page)


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
