"""Runs `duis-gateway` in this process, as a user would at a prompt."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from duis_gateway.cli.main import main
from duis_gateway.duis.identifiers import format_eui

GATEWAY = 0x90B3D51F30000002
SUPPLIER = 0x90B3D51F30010000
OTHER_SUPPLIER = 0x90B3D51F30010001


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    raw: bytes
    error: str

    @property
    def output(self) -> str:
        return self.raw.decode()


def run(*words: object) -> Ran:
    """Run `duis-gateway WORDS`; integers stand for EUI-64s."""
    output, error = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    arguments = [format_eui(word) if isinstance(word, int) else str(word) for word in words]
    with _streams(output, error):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int), code
    return Ran(code, _written(output), _written(error).decode())


@contextmanager
def _streams(output: io.TextIOWrapper, error: io.TextIOWrapper) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = output, error
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def done(*words: object) -> str:
    """Run a command that must work, and return what it printed."""
    ran = run(*words)
    assert ran.code == 0, ran.error + ran.output
    return ran.output


def refused(code: int, *words: object) -> str:
    """Run a command that must not work, and return the one line that says why."""
    ran = run(*words)
    lines = ran.error.splitlines()
    assert ran.code == code, (ran.code, ran.error)
    assert lines, "nothing was said"
    assert "Traceback" not in ran.error
    assert lines[-1].startswith("duis-gateway: ")
    return lines[-1].removeprefix("duis-gateway: ")


@dataclass(frozen=True)
class Installation:
    """What `duis-gateway init` made."""

    folder: Path

    @property
    def config(self) -> tuple[str, Path]:
        return "--config", self.folder / "gateway.toml"

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    def make_certificate(self, eui: int, role: str = "87") -> tuple[Path, Path]:
        """Return the paths of a new key and certificate of the test PKI."""
        key, certificate = done("certificate", "make", eui, "--role", role, "--pki", self.pki).splitlines()
        return Path(key), Path(certificate)

    def add_supplier(self, eui: int, *more: object) -> None:
        url = ("--url", "http://127.0.0.1:8090/")
        done("party", "add", eui, "--kind", "supplier", "--role", "IS", *url, *more, *self.config)
