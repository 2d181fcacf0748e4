"""The TOML files that the pack is given, read key by key: an error names the file, the line, the table and the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from duis_gateway.config.reading import Reader, lines_of_keys, read_value
from duis_gateway.errors import ALL_KNOWN, ConfigurationError, meant
from duis_gateway.machine.files import read_text
from duis_gateway.text.toml_reader import NotToml, read_toml

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A table of a TOML file, or the whole of it.

    Attributes:
        name: what people call it, such as `[hubs]`; "" of the whole file.
        at: the names of the tables that lead to it.
        lines: where the keys of the file stand, as far as that can be told.
    """

    file: Path
    content: Mapping[str, Any]
    name: str = ""
    at: tuple[str, ...] = ()
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def with_only(self, known: Collection[str]) -> Table:
        """Return the table itself (ConfigurationError: it has a key that is none of these)."""
        for key in self.content:
            if key not in known:
                self.refuse(f"there is no such key{meant(key, known, otherwise=ALL_KNOWN)}", key)
        return self

    def table(self, key: str) -> Table:
        """Return the table under a key (ConfigurationError: there is none)."""
        name = f"[{'.'.join((*self.at, key))}]"
        content = self.content.get(key)
        if content is None:
            self.refuse(f"{name} is missing")
        if not isinstance(content, dict):
            self.refuse(f"must be a table, {name}", key)
        return Table(self.file, content, name, (*self.at, key), self.lines)

    def value(self, key: str, reader: Reader[T]) -> T:
        """Return what is under a key (ConfigurationError: nothing, or it is not what the reader expects)."""
        if key not in self.content:
            self.refuse(f"is missing: {reader.expects}", key)
        try:
            return read_value(reader, self.content[key], self.file.parent)
        except ValueError as error:
            self.refuse(str(error), key)

    def refuse(self, what: str, key: str = "") -> NoReturn:
        """Raise the ConfigurationError that says what is wrong with the table, or with one of its keys."""
        line = self.lines.get((*self.at, key) if key else self.at)
        place = f"{self.file}, line {line}" if line else str(self.file)
        raise ConfigurationError(": ".join(filter(None, (place, f"{self.name} {key}".strip(), what))))


def read_tables(path: Path, hint: str = "") -> Table:
    """Return the whole of a TOML file; `hint` is what to do where it cannot be read.

    Raises:
        ConfigurationError: it cannot be read, or is no TOML.
    """
    try:
        text = read_text(path)
        return Table(path, read_toml(text), lines=lines_of_keys(text))
    except NotToml as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}{hint}") from None
