"""What strangers send leaves a process small (reference: every process stays under 300 MB)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import urllib3

from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from tests.support.databases import KINDS, fresh_database
from tests.support.fault_world import ESI_DOOR, SUPPLIER, fault_world
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


SIZE = 8 * 1024 * 1024
HUBS = [f"00-DB-{n >> 24:02X}-00-00-{n >> 16 & 255:02X}-{n >> 8 & 255:02X}-{n & 255:02X}" for n in range(300_000)]
LISTS: dict[str, tuple[int, str, str]] = {
    "empty items": (400, "application/json", "[" + "[]," * (SIZE // 3 - 1) + "[]]"),
    "an item of many members": (400, "application/json", "[{" + '"a":1,' * (SIZE // 6 - 2) + '"a":1}]'),
    "lines with nothing in them": (400, "text/csv", "device_id\n" + "\n" * (SIZE - 10)),
    "one line of commas": (400, "text/csv", "," * SIZE),
    "hubs as JSON": (200, "application/json", '["' + '","'.join(HUBS) + '"]'),
    "hubs as CSV": (200, "text/csv", "device_id\n" + "\n".join(HUBS)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_lists_of_8_mb_at_the_party_door_leave_a_process_small(kind: str, tmp_path: Path) -> None:
    with (
        fresh_database(kind, tmp_path) as url,
        fault_world(url, tmp_path) as world,
        urllib3.PoolManager(maxsize=CLIENTS, retries=False) as http,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        with world.store.write() as conn:
            parties.set_token_hash(conn, SUPPLIER, token_hash("token"))
        with world.take_in() as gateway:
            for what, (status, media_type, content) in LISTS.items():
                headers = {"Content-Type": media_type, "Authorization": "Bearer token"}
                asked = ("PUT", f"{gateway.url}/party/v1/protected-hubs")
                put = partial(http.request, *asked, body=content.encode(), headers=headers)
                answered = {one.result().status for one in [clients.submit(put) for _ in range(4)]}
                assert status in answered, what
                assert answered <= {status, 503}, what
                assert most_memory(gateway.pid) < 300_000_000, what
