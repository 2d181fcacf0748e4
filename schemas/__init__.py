"""The XML schemas of the gateway's interfaces (XSD 1.0), and the one loader for them.

Each version has a folder of its own that is complete by itself: `duis/5.0/`, `csp_mgmt_gw/1/`, `esi/1/`. The
schema in it is called after the interface.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def schema_path(name: str) -> Path:
    """Return the file of the schema `duis/6.0` (`duis/5.0`, `csp_mgmt_gw/1`, ...); also of an installed package.

    Raises:
        LookupError: there is no such schema.
    """
    interface, _, version = name.partition("/")
    path = _FOLDER / interface / version / f"{interface}.xsd"
    if name not in schema_names() or not path.is_file():
        raise LookupError(f"there is no schema {name!r}; there are {', '.join(schema_names())}")
    return path


def schema_names() -> tuple[str, ...]:
    """Return the names of all schemas, as `schema_path` takes them."""
    paths = (path.relative_to(_FOLDER) for path in _FOLDER.glob("*/*/*.xsd"))
    return tuple(sorted(path.parent.as_posix() for path in paths if path.stem == path.parts[0]))
