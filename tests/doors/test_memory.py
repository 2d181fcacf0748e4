"""What strangers send leaves a process small (reference: every process stays under 300 MB)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from tests.support.databases import fresh_database
from tests.support.fault_world import ESI_DOOR, fault_world
from tests.support.million import most_memory

pytestmark = [pytest.mark.processes, pytest.mark.once]

CLIENTS = 8
ROUNDS = 3
ELEMENTS = 109_990  # a little under the highest cap there is

Make = Callable[[int], str]
LARGE: dict[str, Make] = {
    "attributes, comments and names": lambda n: f'<element-{n:06} attribute-{n:06}="{n}"/><!--{n}-->{n}',
    "names and texts": lambda n: f"<element-{n:06}>{'x' * 20}</element-{n:06}>",
    "texts": lambda n: f"<e>{'x' * 50}{n}</e>",
}


@pytest.mark.parametrize("element", LARGE.values(), ids=LARGE)
def test_unsigned_messages_of_7_mb_from_eight_clients_leave_a_process_small(element: Make, tmp_path: Path) -> None:
    inside = "".join(map(element, range(ELEMENTS)))
    message = (
        f'<m:Message xmlns:m="urn:esi:1"><m:Body><m:InventoryUpdate>{inside}</m:InventoryUpdate></m:Body></m:Message>'
    )
    with (
        fresh_database("sqlite", tmp_path) as url,
        fault_world(url, tmp_path) as world,
        world.take_in() as gateway,
        urllib3.PoolManager(maxsize=CLIENTS, retries=False) as http,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        headers = {"Content-Type": "application/xml"}

        def post(_number: int) -> int:
            return http.request("POST", gateway.url + ESI_DOOR, body=message.encode(), headers=headers).status

        answered = set(clients.map(post, range(CLIENTS * ROUNDS)))
        assert answered <= {400, 401, 503}
        assert answered & {400, 401}
        assert most_memory(gateway.pid) < 300_000_000
