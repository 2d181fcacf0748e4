"""Writes a configuration file that explains itself: every key, what it is for, and its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path

from duis_gateway.config.settings import SECTIONS, settings_of

_HEAD = """\
# The configuration of duis-gateway. Relative paths are relative to this file. Keys that are commented out show their
# default. An environment variable DUIS_GATEWAY_<SECTION>_<KEY> overrides a key. Secrets are given by path.
"""


def render_sample(values: Mapping[tuple[str, str], object]) -> str:
    """Return the text of a configuration file that sets these (section, key) values and explains the others."""
    lines = [_HEAD]
    for section, described in SECTIONS.items():
        lines += [f"# {described.__doc__}", f"[{section}]"]
        for key, known in settings_of(section).items():
            lines.append(f"# {known.metadata['doc']}")
            if (section, key) in values:
                lines.append(f"{key} = {_toml(values[section, key])}")
            else:
                default = "..." if known.default is MISSING else known.default
                lines.append(f"# {key} = {_toml('...' if default is None else default)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case str() | Path():
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    raise TypeError(f"no configuration value: {value!r}")
