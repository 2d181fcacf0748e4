"""A gateway that `duis-gateway conformance init` has made, running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duis_gateway.conformance.profile import read_profile
from duis_gateway.conformance.subject import Subject, opened
from tests.support.cli import run
from tests.support.gateway_process import GatewayProcess


@contextmanager
def started(directory: Path) -> Iterator[GatewayProcess]:
    """Make it and serve it while the block lasts; its profile is `conformance.toml` in the directory."""
    made = run("conformance", "init", directory)
    assert made.code == 0, made.error
    process = GatewayProcess(
        directory / "gateway.toml",
        directory / "gateway.log",
        DUIS_GATEWAY_SERVER_PORT="0",
        DUIS_GATEWAY_OPERATIONS_PORT="0",
        DUIS_GATEWAY_DELIVERY_POLL="0.1",
    )
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def playing(directory: Path) -> Iterator[Subject]:
    """The gateway as the clauses see it."""
    with started(directory) as process, opened(process.url, read_profile(directory / "conformance.toml")) as subject:
        yield subject
