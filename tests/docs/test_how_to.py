"""The how-to guides: the commands of each as they stand, in their order, and what the page says that they print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.cluster import lone_server
from tests.support.guides import GUIDES, Reader
from tests.support.ports import free_port
from tests.support.sandboxes import RunningSandbox, sandbox

pytestmark = [pytest.mark.processes, pytest.mark.once]

ON_A_SANDBOX = [
    "act-on-planned-deployment.md",
    "find-an-undelivered-message.md",
    "instruct-many-hubs.md",
    "keep-evidence.md",
    "protect-hubs.md",
    "read-the-estate-each-night.md",
    "receive-alerts.md",
    "take-back-an-instruction.md",
    "use-soap-with-zeep.md",
    "write-a-scenario.md",
]
"""Those of suppliers, of CSPs and DCC, and of testers, whose commands are for a sandbox."""

ON_A_GATEWAY_OF_ITS_OWN = [
    "back-up-and-restore.md",
    "connect-an-endpoint.md",
    "rotate-keys.md",
    "run-the-pack-in-ci.md",
    "set-up-tls.md",
    "upgrade.md",
]
"""Those whose commands make the gateway that they are about."""

ON_POSTGRESQL = [
    "go-live-with-postgresql.md",
    "move-to-postgresql.md",
]
"""The same, on an empty PostgreSQL database."""

ELSEWHERE = {"extending.md", "keys.md"}
"""Without commands, or with a test of their own (test_keys.py, test_dcc_tools.py)."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with sandbox(tmp_path_factory.mktemp("town") / "sandbox-work") as running:
        yield running


def servers() -> dict[str, str]:
    """Free ports for the readers' own servers, which listen on 8090 to 8092 in the guides."""
    first = free_port(3)
    return {str(8090 + number): str(first + number) for number in range(3)}


@pytest.mark.parametrize("page", ON_A_SANDBOX)
def test_a_guide_works_on_a_sandbox(town: RunningSandbox, tmp_path: Path, page: str) -> None:
    town.do("reset")
    (tmp_path / "sandbox-work").symlink_to(town.folder)
    here = {r"http://127\.0\.0\.1:8079": str(town.status()["gateway"])}
    Reader(tmp_path, here | servers(), sandbox=town.port).follow(page)


def on_free_ports(folder: Path, here: Mapping[str, str]) -> Reader:
    """Somebody whose gateway, made by the guide, listens where nobody else does."""
    doors = free_port(2)
    ports = {"DUIS_GATEWAY_SERVER_PORT": str(doors), "DUIS_GATEWAY_OPERATIONS_PORT": str(doors + 1)}
    return Reader(folder, {"8079": str(doors), "9079": str(doors + 1), **servers(), **here}, ports)


@pytest.mark.parametrize("page", ON_A_GATEWAY_OF_ITS_OWN)
def test_a_guide_works_on_a_gateway_of_its_own(tmp_path: Path, page: str) -> None:
    on_free_ports(tmp_path, {}).follow(page)


@pytest.mark.postgresql
@pytest.mark.parametrize("page", ON_POSTGRESQL)
def test_a_guide_works_on_postgresql(tmp_path: Path, page: str) -> None:
    with lone_server(fsync="on") as server:  # as an operator has it: `doctor` looks
        url = server.url.replace("+psycopg", "")
        on_free_ports(tmp_path, {"postgresql://duis@db.example/duis_gateway": url}).follow(page)


def test_every_guide_is_followed() -> None:
    pages = {path.name for path in GUIDES.glob("*.md")} - {"index.md"}
    assert pages == {*ON_A_SANDBOX, *ON_A_GATEWAY_OF_ITS_OWN, *ON_POSTGRESQL, *ELSEWHERE}
