"""HTTP itself: methods, media, lengths, and what can be read in two ways (threats T49 to T55)."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.broken_http import broken
from tests.wire.cases import SIGNED_DOORS, Case, media_of, on_doors
from tests.wire.scene import PATHS, Scene

PROBLEMS = {
    400: "http-refused",
    411: "length-missing",
    431: "header-too-large",
    501: "coding-not-supported",
}
LIMIT = 8 * 1024 * 1024
_ALL = (*SIGNED_DOORS, "party", "operations")
_WHERE = {**PATHS, "party": "/party/v1/check", "operations": "/metrics"}


def _just(sent: bytes) -> Callable[[Scene], bytes]:
    return lambda _scene: sent


def _get(path: str) -> Callable[[Scene], bytes]:
    return lambda scene: scene.get(path)


def _broken(path: str, door: str) -> list[Case]:
    return [
        Case(f"T51 {name}", door, _just(sent), f"{status} {PROBLEMS[status]}")
        for name, (sent, status) in broken(path).items()
    ]


def _too_long(_scene: Scene, door: str) -> bytes:
    head = f"POST {_WHERE[door]} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\n"
    return f"{head}Content-Length: {LIMIT + 1}\r\n\r\n".encode()


HTTP = [
    *_broken(PATHS["duis"], "duis"),
    *_broken("/metrics", "operations"),
    *on_doors(_ALL, "T49 DELETE", lambda scene, door: scene.request("DELETE", _WHERE[door], b"", None),
              "405 method-not-allowed"),
    *on_doors(("duis", "csp", "esi", "party"), "T49 GET", lambda scene, door: scene.get(_WHERE[door]),
              "405 method-not-allowed"),
    *on_doors(SIGNED_DOORS, "T49 JSON", lambda scene, door: scene.post(_WHERE[door], b"{}", "application/json"),
              "415 unsupported-media"),
    *on_doors(SIGNED_DOORS, "T49 no media type", lambda scene, door: scene.post(_WHERE[door], b"<a/>", None),
              "415 unsupported-media"),
    *on_doors(SIGNED_DOORS, "T09 Latin-1 by its media type",
              lambda scene, door: scene.post(_WHERE[door], b"<a/>", "application/xml; charset=iso-8859-1"),
              "415 unsupported-media"),
    *on_doors(SIGNED_DOORS, "T53 gzip",
              lambda scene, door: scene.post(_WHERE[door], b"\x1f\x8b", media_of(door), Content_Encoding="gzip"),
              "415 content-coded"),
    *on_doors(SIGNED_DOORS, "T54 more than the limit", _too_long, "413 too-large"),
    *on_doors(("duis", "csp", "esi", "party", "operations"), "a NUL in the address",
              lambda scene, door: scene.get(f"{_WHERE[door]}%00"), "400 http-refused"),
    *on_doors(("duis", "operations"), "nothing is there", lambda scene, _door: scene.get("/nothing"),
              "404 no-such-path"),
    *(Case(f"{path} on the public listener", "duis", _get(path), "404 no-such-path")
      for path in ("/", "/metrics", "/health/live", "/api/v1/serviceX")),
]  # fmt: skip
