"""What speaks HTTP for a receiver: an ASGI application, the parts of a WSGI one, and a small server.

The server is the standard library's: for tests and tools, not for the internet.
"""

from __future__ import annotations

import asyncio
import socket
import socketserver
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from duis_gateway.client.arguments import expect
from duis_gateway.client.errors import SetupWrong

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
AsgiReceive = Callable[[], Awaitable[MutableMapping[str, Any]]]
AsgiSend = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[[MutableMapping[str, Any], AsgiReceive, AsgiSend], Coroutine[Any, Any, None]]
"""As ASGI's libraries name their types."""

CONNECTION = "duis_gateway.client.connection"
"""Under this name a request's environment has its socket, for an application that has to break it off."""

_ANOTHER_PLACE = "name an address of this machine, and a free port: 0 takes any"
_TERMINATED = "wsgi.input_terminated"
_SECONDS = 60.0


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False  # a handler that hangs does not hold up the end
    request_queue_size = 128

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Quiet)

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called."""
        self.server_name = str(self.server_address[0])  # as it was given: a name, perhaps
        socketserver.TCPServer.server_bind(self)
        self.server_port = int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that went away is no news."""


class _Quiet(WSGIRequestHandler):
    timeout = _SECONDS

    def get_environ(self) -> dict[str, Any]:
        """Return the request's environment, with its socket."""
        return {**super().get_environ(), CONNECTION: self.connection}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def read_body(environ: dict[str, Any], most: int) -> bytes:
    """Return the body of a request, or its first `most` + 1 octets where it has more; none where it `is_endless`."""
    length = environ.get("CONTENT_LENGTH") or ""
    # Without a length only a server that ends the input itself, as of a chunked body, can be read from.
    left = int(length[:20]) if length.isdecimal() else (most + 1) * bool(environ.get(_TERMINATED))
    left, pieces = min(left, most + 1), list[bytes]()
    while left and (piece := environ["wsgi.input"].read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def unreadable(environ: dict[str, Any]) -> tuple[HTTPStatus, str] | None:
    """Return how a body that cannot be read is refused: in a coding, or chunked where the server does not end it."""
    if coded(environ.get("HTTP_CONTENT_ENCODING", "")):
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NO_CODING
    if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH") and not environ.get(_TERMINATED):
        return HTTPStatus.LENGTH_REQUIRED, "this server does not take chunked bodies: send a Content-Length"
    return None


def coded(content_encoding: str) -> bool:
    """Tell whether a Content-Encoding names a coding (RFC 9110, section 8.4): "identity" is none."""
    return content_encoding.strip(" \t").lower() not in ("", "identity")


NO_CODING = "content codings are not supported: send the body as it is"


def asgi_application(answer: Callable[[str, bytes], tuple[HTTPStatus, str]], most: int) -> AsgiApplication:
    """Return an ASGI application that answers each request by its method and body; `answer` runs in a thread.

    Of a body of more than `most` octets the first of them are handed over, and so many that it shows. It is a plain
    function, by which servers tell ASGI 3 from ASGI 2 (uvicorn takes a bound method for the latter).
    """

    async def application(scope: MutableMapping[str, Any], receive: AsgiReceive, send: AsgiSend) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":  # a WebSocket is opened to nobody
            await receive()
            await send({"type": "websocket.close", "code": 1003})
            return
        raw, more = bytearray(), True
        while more and len(raw) <= most:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            raw += event.get("body", b"")
            more = event.get("more_body", False)
        codings = b",".join(value for name, value in scope.get("headers", ()) if name == b"content-encoding")
        if scope["method"] == "POST" and coded(codings.decode("latin-1")):
            status, text = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NO_CODING
        else:
            status, text = await asyncio.to_thread(answer, scope["method"], bytes(raw))
        body = text.encode()
        headers = [(name.lower().encode(), value.encode()) for name, value in headers_of(status, body)]
        await send({"type": "http.response.start", "status": status.value, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def _live(receive: AsgiReceive, send: AsgiSend) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


def headers_of(status: HTTPStatus, body: bytes) -> list[tuple[str, str]]:
    """Return the header fields of an answer in plain text."""
    if status == HTTPStatus.NO_CONTENT:
        return []
    more = {
        HTTPStatus.METHOD_NOT_ALLOWED: [("Allow", "POST")],
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: [("Accept-Encoding", "identity")],
    }.get(status, [])
    return [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), *more]


class Serving:
    """A server that listens from here on, and no longer than the context lasts."""

    def __init__(self, application: Application, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen there; port 0 is one that is free.

        Raises:
            SetupWrong: nobody can listen there: the port is taken, say, or the host is no address of this machine.
        """
        expect("host", host, str, "an address of this machine")
        expect("port", port, int, "a number from 0 to 65535")
        try:
            self._server = _Server((host, port))
        except (OSError, OverflowError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise SetupWrong(f"{host}:{port} cannot be listened on: {why}", _ANOTHER_PLACE) from None
        self._server.set_app(application)
        self.port = self._server.server_port
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
