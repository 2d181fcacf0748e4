"""The files and folders that the configuration names, looked at before they are needed."""

from __future__ import annotations

from collections.abc import Iterator

from duis_gateway.config.settings import Config, settings_of
from duis_gateway.errors import ConfigurationError


def check_files(config: Config, *sections: str) -> None:
    """See that the files and folders that these sections name are there and can be read.

    Raises:
        ConfigurationError: one is not; the text names the key and its place.
    """
    for section in sections:
        for _, fault in faults_of_files(config, section):
            raise ConfigurationError(fault)


def faults_of_files(config: Config, section: str) -> Iterator[tuple[str, str]]:
    """Give each key of a section whose file or folder is not there or cannot be read, with its place and the reason."""
    for key, known in settings_of(section).items():
        path = getattr(getattr(config, section), key)
        fault_of = known.metadata["reader"].fault
        if path is not None and fault_of is not None and (fault := fault_of(path)):
            yield key, f"{config.place(section, key)}: {path}: {fault}"
