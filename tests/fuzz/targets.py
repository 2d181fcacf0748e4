"""What is fuzzed: each target takes bytes and raises nothing, unless what is declared here does not hold.

    python -m tests.fuzz message -max_total_time=1800

A target's own errors are those that the gateway has an answer to (`MessageRefused`, `ConfigurationError`, and
`ValueError` of a list); what else comes out of it is a defect.
"""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from lxml import etree

from duis_gateway.doors.http1 import (
    Body,
    ChunkedBody,
    RequestLine,
    read_header,
    read_request_line,
    take_header,
)
from duis_gateway.doors.soap_envelope import cut_request
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.errors import ConfigurationError, HttpRefused, MessageRefused
from duis_gateway.flow.incoming import Door
from duis_gateway.namespaces import ds, sr
from duis_gateway.rollout.hubs.inventory_lines import MAX_ERRORS, InventoryFile, LineError
from duis_gateway.text.hub_lists import read_hub_list
from tests.support.broken_http import broken, head_of
from tests.support.doors import envelope
from tests.support.soap_shapes import refused_shapes
from tests.support.steps_walk import StepsWalk

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
DOORS = (Door.DUIS, Door.CSP, Door.ESI)
_END_OF_HEADER = b"\r\n\r\n"
_LIMIT = 64 * 1024


@cache
def _walk() -> StepsWalk:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return StepsWalk(folder)


@cache
def _bare_examples() -> dict[str, bytes]:
    """The documents of docs/examples, without their signatures, by name."""
    found = {}
    for path in sorted(EXAMPLES.glob("*.xml")):
        root = etree.fromstring(path.read_bytes())
        for signature in list(root.iterchildren(ds("Signature"))):
            root.remove(signature)
        found[path.stem] = etree.tostring(root)
    return found


@cache
def _signed_examples() -> tuple[tuple[int, bytes], ...]:
    """The examples signed by the party of each door, and the number of the door."""
    walk = _walk()
    return tuple(
        (number, walk.signed(content, door))
        for content in _bare_examples().values()
        for number, door in enumerate(DOORS)
    )


@cache
def _signed_contents() -> frozenset[bytes]:
    """The digests of all that was ever signed: nothing else may be proven."""
    digests = set()
    for number, signed in _signed_examples():
        try:
            digests.add(_walk().verified(signed, DOORS[number]).digest)
        except MessageRefused:  # another door's message carries no identity of this one's
            continue
    return frozenset(digests)


def message(data: bytes) -> None:
    """Bytes to an authorised message; of what nobody signed, nothing is proven.

    The first octet names the door, and whether what follows is a message as it came, or content that its party signs:
    then the steps behind the proof are reached, too.
    """
    if not data:
        return
    door, raw = DOORS[data[0] % 3], data[1:]
    is_signed_now = data[0] & 0x80
    try:
        if is_signed_now:
            raw = _walk().signed(raw, door)
        authorised = _walk().authorised(raw, door)
    except MessageRefused:
        return
    if not is_signed_now:
        assert authorised.digest in _signed_contents(), "a message was proven that nobody has signed"


def _request(pieces: Iterable[bytes]) -> tuple[str, str, bytes, bytes]:
    """Read a request whose body comes in pieces; return method, path, body, and what is left."""
    head, *rest = pieces
    first, *lines = take_header(bytearray(head + _END_OF_HEADER), len(head)) or [b""]
    line: RequestLine = read_request_line(first)
    header = read_header(lines, line)
    body: Body | ChunkedBody = ChunkedBody(_LIMIT) if header.length is None else Body(header.length, _LIMIT)
    left = b""
    for piece in rest:
        left += piece if body.complete else body.feed(piece)
    if not body.complete:
        raise HttpRefused("not complete")
    return line.method, line.path, bytes(body.content), left


def http(data: bytes) -> None:
    """The HTTP parser: the same request is read, or the same refusal given, however the body is cut into pieces."""
    if not data:
        return
    head, found, body = data[1:].partition(_END_OF_HEADER)
    if not found:
        head, body = data[1:], b""
    step = data[0] % 7 + 1
    whole = _outcome([head, body])
    pieces = _outcome([head, *(body[at : at + step] for at in range(0, len(body), step))])
    assert whole == pieces, (whole, pieces)


def _outcome(pieces: list[bytes]) -> object:
    try:
        return _request(pieces)
    except MessageRefused:
        return "refused"


def soap(data: bytes) -> None:
    """The cut: what comes out stands in what came in, byte for byte, and is one `sr:Request`."""
    try:
        cut = cut_request(data, ShapeLimits(size=_LIMIT))
    except MessageRefused:
        return
    assert cut in data
    assert etree.fromstring(cut).tag == sr("Request")


def csv(data: bytes) -> None:
    """The inventory file, and the lists of hubs in CSV and JSON."""
    errors: list[LineError] = []
    try:
        for line in InventoryFile(Path("fuzzed"), io.BytesIO(data)).read(errors, lambda _done, _of: None):
            assert 0 <= line.device_id < 2**64
    except ConfigurationError:
        pass
    assert len(errors) <= MAX_ERRORS
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    for as_json in (False, True):
        try:
            assert all(0 <= one < 2**64 for one in read_hub_list(text, as_json=as_json))
        except ValueError:
            continue


TARGETS: dict[str, Callable[[bytes], None]] = {"message": message, "http": http, "soap": soap, "csv": csv}


def seeds(name: str) -> list[bytes]:
    """Return what a target begins with: good input, and input that is known to be bad."""
    return {"message": _message_seeds, "http": _http_seeds, "soap": _soap_seeds, "csv": _csv_seeds}[name]()


def _message_seeds() -> list[bytes]:
    bare = [bytes([0x80 + number]) + content for content in _bare_examples().values() for number in range(3)]
    return [*bare, *(bytes([number]) + signed for number, signed in _signed_examples())]


def _http_seeds() -> list[bytes]:
    head = head_of("/api/v1/serviceD")
    good = [
        head + b"Content-Length: 4\r\n\r\n<a/>",
        head + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n<a\r\n2\r\n/>\r\n0\r\nX: y\r\n\r\n",
        b"GET http://[::1]:80/soap?wsdl HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    return [b"\x02" + sent for sent in (*good, *(sent for sent, _ in broken("/soap").values() if len(sent) < 4096))]


def _soap_seeds() -> list[bytes]:
    request = _signed_examples()[0][1]
    return [envelope(content) for content in _bare_examples().values()] + list(refused_shapes(request).values())


def _csv_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(EXAMPLES.glob("*.csv"))] + [
        b"device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier\r\n"
        b"00-DB-12-34-56-78-90-A2,CHF,106C,M,9001,Commissioned,North,90-B3-D5-1F-30-01-00-00,\r\n",
        b'device_id\n"00-DB-12-34-56-78-90-A2"\n',
        b'[{"device_id": "00-DB-12-34-56-78-90-A2"}, "00-DB-12-34-56-78-90-A3"]',
    ]
