"""What strangers send leaves a process small (reference: every process stays under 300 MB)."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest
import urllib3
from sqlalchemy import insert

from duis_gateway.duis.identifiers import RequestId
from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from duis_gateway.store.tables import service_request, service_request_evidence
from tests.support.databases import KINDS, fresh_database
from tests.support.fault_world import ESI_DOOR, GATEWAY, SUPPLIER, FaultWorld, fault_world
from tests.support.million import most_memory
from tests.support.tls_pki import Authority

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


def stored_request(world: FaultWorld, content: bytes) -> int:
    """A Service Request of the supplier's that came in with such an answer; returns the number of its row."""
    with world.store.write() as conn:
        parties.set_token_hash(conn, SUPPLIER, token_hash("token"))
        came = {"door": "duis", "kind": "11.5", "outcome": "I0", "received_at": datetime.now(UTC), "digest": b"d" * 32}
        request = insert(service_request).values(originator=SUPPLIER, target=GATEWAY, counter=1, **came)
        number = int(conn.execute(request.returning(service_request.c.id)).scalar_one())
        conn.execute(insert(service_request_evidence).values(message=number, raw=content, answer=content))
    return number


def unread(url: str, path: str, header: str = "") -> socket.socket:
    address = urlsplit(url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: gateway\r\n{header}\r\n".encode())
    return client


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_8_mb_that_many_ask_for_leaves_a_process_small(kind: str, tmp_path: Path) -> None:
    """As a file, by 450 clients on each listener that do not read; as a page, by eight at once. Who reads gets it."""
    content = b"<a>" + b"<hub>00-DB-12-34-56-00-00-00</hub>" * (SIZE // 35) + b"</a>"
    token = "Basic " + b64encode(b":token").decode()
    with (
        fresh_database(kind, tmp_path) as url,
        fault_world(url, tmp_path) as world,
        urllib3.PoolManager(maxsize=CLIENTS, retries=False) as http,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        number = stored_request(world, content)
        with world.take_in() as gateway, ExitStack() as opened:
            listeners = {
                f"{gateway.url}/supplier/messages/{RequestId(SUPPLIER, GATEWAY, 1)}": f"Authorization: {token}\r\n",
                f"{gateway.operations_url}/messages/requests-{number}": "",
            }
            headers = {"Authorization": token}
            for page in listeners:
                shown = list(clients.map(partial(http.request, "GET", headers=headers), [page] * CLIENTS * 2))
                assert {one.status for one in shown} == {200}, page
                assert max(len(one.data) for one in shown) < 1_500_000, page
                assert most_memory(gateway.pid) < 300_000_000, page
            for page, header in listeners.items():
                path = urlsplit(page).path
                for _ in range(450):
                    opened.enter_context(unread(page, f"{path}.xml", header))
                assert http.request("GET", f"{page}.xml", headers=headers).data == content
                assert http.request("GET", f"{page}-answer.xml", headers=headers).data == content
                assert most_memory(gateway.pid) < 300_000_000, page


PUSHERS = 450
LONG_BODY = b"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\nContent-Length: 8388608\r\n\r\n"


def push(clients: Sequence[socket.socket], seconds: float) -> None:
    """Send as much of a long body on each connection as the gateway takes."""
    for client in clients:
        client.setblocking(False)
    end = monotonic() + seconds
    while monotonic() < end:
        for client in clients:
            with suppress(OSError):  # it takes nothing now, or has ended the connection
                client.send(b"a" * 16_000)


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_long_bodies_that_hundreds_push_leave_a_process_small(secured: bool, tmp_path: Path) -> None:
    """On both listeners, without credentials, and beside them eight whole ones at once."""
    authority = Authority(tmp_path / "tls")
    own = authority.issue("gateway")
    pair: dict[str, object] = {"server_tls_certificate": own.certificate, "server_tls_key": own.key}
    signed_by_nobody = (b"<a>" + b"x" * (SIZE - 7) + b"</a>").ljust(SIZE)
    with (
        fresh_database("sqlite", tmp_path) as url,
        fault_world(url, tmp_path) as world,
        world.serve(None, delivery=False, **(pair if secured else {})) as gateway,
        urllib3.PoolManager(maxsize=CLIENTS, retries=False, ca_certs=str(authority.file)) as http,
        ThreadPoolExecutor(CLIENTS) as clients,
        ExitStack() as opened,
    ):
        door, page = f"{gateway.url}{ESI_DOOR}", f"{gateway.operations_url}/"
        strangers = []
        for n in range(PUSHERS):
            for listener in (door, page):
                to = urlsplit(listener)
                client = socket.create_connection((to.hostname, to.port), source_address=(f"127.0.0.{2 + n % 3}", 0))
                if to.scheme == "https":
                    client = authority.trusting().wrap_socket(client, server_hostname="127.0.0.1")
                client.sendall(LONG_BODY.replace(b"{path}", to.path.encode()))
                strangers.append(opened.enter_context(client))
        headers = {"Content-Type": "application/xml"}
        whole = [clients.submit(http.request, "POST", door, body=signed_by_nobody, headers=headers) for _ in range(8)]
        push(strangers, 5.0)
        assert {one.result().status for one in whole} <= {400, 401, 503}
        assert http.request("GET", f"{gateway.operations_url}/health/live").status == 200
        assert most_memory(gateway.pid) < 300_000_000
