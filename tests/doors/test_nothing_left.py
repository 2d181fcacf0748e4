"""A message that was answered leaves nothing behind: no tree, no bytes, without the collector having to come."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
import urllib3
from lxml import etree

from duis_gateway.app import Gateway
from duis_gateway.config.settings import load_config
from duis_gateway.doors.spyne_edge import Call
from duis_gateway.envelope.signature import sign
from duis_gateway.flow.incoming import Incoming
from tests.support.databases import fresh_database
from tests.support.duis import request_xml
from tests.support.fault_world import CSP, CSP_DOOR, DCC, ESI_DOOR, SUPPLIER, SUPPLIER_DOOR, FaultWorld, fault_world
from tests.support.writing import wait_until

FREE = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}
SOAP_DOOR = "/soap"
WRONG = b'<x xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="none"></x>'


@dataclass
class Door:
    """A gateway in this process, its world, and what speaks HTTP to it."""

    gateway: Gateway
    world: FaultWorld
    http: urllib3.PoolManager

    def post(self, path: str, content: bytes) -> int:
        """Return the status of the answer."""
        headers = {"Content-Type": "text/xml" if path == SOAP_DOOR else "application/xml"}
        url = f"http://127.0.0.1:{self.gateway.servers[0].port}{path}"
        return self.http.request("POST", url, body=content, headers=headers).status


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("left")
    with fresh_database("sqlite", folder) as url, fault_world(url, folder) as world:
        gateway = Gateway(load_config(world.config, FREE), delivery=False)
        gateway.servers[0].start()
        http = urllib3.PoolManager(retries=False)
        try:
            yield Door(gateway, world, http)
        finally:
            http.clear()
            for server in gateway.servers:
                server.stop()
            gateway.store.close()


def changed(world: FaultWorld, message: bytes, signer: int, old: bytes, new: bytes) -> bytes:
    """The message with something else in it, signed anew."""
    assert re.search(old, message)
    return sign(re.sub(old, new, message, count=1), world.keys[signer])


def enveloped(request: bytes) -> bytes:
    return (
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        b'<SubmitServiceRequest xmlns="urn:duis-gateway:soap:1"><ServiceRequest>'
        + request
        + b"</ServiceRequest></SubmitServiceRequest></e:Body></e:Envelope>"
    )


def lined(request: bytes) -> bytes:
    return request.replace(b"</sr:Body>", b"<x/>" * 50 + b"</sr:Body>", 1)


Make = Callable[[FaultWorld], bytes]
UNSIGNED = request_xml("<sr:ReadInventory></sr:ReadInventory>", "8.2")
REFUSED: dict[str, tuple[int, str, Make]] = {
    "no XML": (400, SUPPLIER_DOOR, lambda _: b"<a>" * 500),
    "too many elements": (400, SUPPLIER_DOOR, lambda _: b"<r>" + b"<a/>" * 15_000 + b"</r>"),
    "too many attributes": (400, SUPPLIER_DOOR, lambda _: b"<r>" + b'<a b="" c=""/>' * 6_000 + b"</r>"),
    "an instruction": (400, SUPPLIER_DOOR, lambda _: b"<r><?a b?></r>"),
    "no signature": (401, SUPPLIER_DOOR, lambda _: UNSIGNED),
    "wrong digest": (401, SUPPLIER_DOOR, lambda world: lined(world.read_inventory().content)),
    "no RequestID": (
        400,
        SUPPLIER_DOOR,
        lambda world: changed(world, world.read_inventory().content, SUPPLIER, b"sr:RequestID>9", b"sr:RequestID>Q"),
    ),
    "unknown version": (
        400,
        SUPPLIER_DOOR,
        lambda world: changed(world, world.read_inventory().content, SUPPLIER, b'Version="6.0"', b'Version="9.0"'),
    ),
    "not valid": (400, SUPPLIER_DOOR, lambda world: changed(
        world, world.read_inventory().content, SUPPLIER, b"</sr:Body>", WRONG * 5 + b"</sr:Body>")),
    "not valid, for a CSP": (400, CSP_DOOR, lambda world: changed(
        world, world.activations([200]).content, CSP, b"</Hub>", WRONG * 5 + b"</Hub>")),
    "not valid, for DCC": (400, ESI_DOOR, lambda world: changed(
        world, world.release_notice().content, DCC, b"</Body>", WRONG * 3000 + b"</Body>")),
    "a time that is none": (400, ESI_DOOR, lambda world: changed(
        world, world.release_notice().content, DCC, b"<CreatedAt>[^T]*", b"<CreatedAt>2026-02-30")),
    "a supplier at the CSPs' door": (403, CSP_DOOR, lambda world: changed(
        world, world.activations([200]).content, SUPPLIER,
        b"<SenderID>90-B3-D5-1F-30-00-00-07", b"<SenderID>90-B3-D5-1F-30-01-00-00")),
    "SOAP, no envelope": (500, SOAP_DOOR, lambda _: UNSIGNED),
    "SOAP, no signature": (500, SOAP_DOOR, lambda _: enveloped(UNSIGNED)),
    "SOAP, wrong digest": (500, SOAP_DOOR, lambda world: enveloped(lined(world.read_inventory().content))),
}  # fmt: skip
ACCEPTED: dict[str, tuple[int, str, Make]] = {
    "8.2": (200, SUPPLIER_DOOR, lambda world: world.read_inventory().content),
    "8.2 by SOAP": (200, SOAP_DOOR, lambda world: enveloped(world.read_inventory().content)),
    "11.5": (200, SUPPLIER_DOOR, lambda world: world.pilot_list(50).content),
    "activations": (200, CSP_DOOR, lambda world: world.activations(range(200, 250)).content),
}


def kept(path: str) -> int:
    """How many messages, and XML documents of lxml's, are alive in this process.

    spyne keeps the small envelopes that the gateway itself makes for it until the collector comes: they do not count.
    """
    kinds = (Incoming, Call) if path == SOAP_DOOR else (Incoming, etree._Document)
    alive = [one for one in gc.get_objects() if isinstance(one, kinds)]
    return len([one for one in alive if not isinstance(one, Call) or holds_something(one)])


def holds_something(call: Call) -> bool:
    """Whether a call that spyne still knows has the work, with the sender's bytes, or frames that have them."""
    return isinstance(call.work, partial) or (call.error is not None and call.error.__traceback__ is not None)


@pytest.mark.parametrize(("status", "path", "make"), (REFUSED | ACCEPTED).values(), ids=REFUSED | ACCEPTED)
def test_nothing_is_left_of_a_message(door: Door, status: int, path: str, make: Make) -> None:
    """The collector is off: what is still there would stay until it comes, megabytes of it for each message."""
    assert door.post(path, make(door.world)) == status
    content = [make(door.world) for _ in range(5)]
    gc.collect()
    gc.disable()
    try:
        before = kept(path)
        assert [door.post(path, one) for one in content] == [status] * 5
        wait_until(lambda: kept(path) <= before)
    finally:
        gc.enable()


def test_nothing_is_left_of_a_message_that_met_a_defect(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pytest itself keeps of the log would hold the frames."""
    monkeypatch.setattr(logging.getLogger("duis_gateway.doors.problem"), "disabled", True)
    monkeypatch.setattr("duis_gateway.flow.way.known", lambda *_: 1 // 0)
    test_nothing_is_left_of_a_message(door, 500, SUPPLIER_DOOR, lambda world: world.read_inventory().content)
