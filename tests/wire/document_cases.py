"""What is no acceptable XML, small and large, signed by nobody or by a party (threats T01 to T10, T44, T54)."""

from __future__ import annotations

from tests.support.spoiled import WRONG, spoiled
from tests.wire.cases import SIGNED_DOORS, Case, media_of, on_doors
from tests.wire.scene import PATHS, Scene

_KB = 1024
_ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;&b;&b;</x>'
SMALL = {
    "T01 an empty DTD": b"<!DOCTYPE a><a/>",
    "T02 entities of entities": _ENTITIES,
    "T03 an entity from a file": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
    "T04 a stylesheet": b'<?xml-stylesheet href="http://127.0.0.1:1/x"?><a/>',
    "T05 70 deep": b"<a>" * 70 + b"</a>" * 70,
    "T07 200 namespaces": b"<a%s/>" % b"".join(b' xmlns:n%d="urn:%d"' % (n, n) for n in range(200)),
    "T08 200 attributes": b"<a%s/>" % b"".join(b' n%d=""' % n for n in range(200)),
    "T08 300 comments": b"<a>" + b"<!---->" * 300 + b"</a>",
    "T09 UTF-16": "<a/>".encode("utf-16"),
    "T09 Latin-1 declared": b'<?xml version="1.0" encoding="iso-8859-1"?><a/>',
    "T09 UTF-7 declared": b'<?xml version="1.0" encoding="utf-7"?><a/>',
    "T10 nothing": b"",
    "T10 no XML": b"not xml",
    "T10 two roots": b"<a/><b/>",
    "T10 something behind": b"<a/>x",
    "T10 a NUL": b"<a>\x00</a>",
    "T10 no UTF-8": b"<a>\xff</a>",
    "T10 cut off": b"<a><b>",
    "T21 an instruction inside": b"<a>90-b3<?x?>-d5</a>",
}
LARGE = {
    "T07 2,000 namespaces and 2,000 elements": b"<a%s>%s</a>"
    % (b"".join(b' xmlns:n%d="urn:%d"' % (n, n) for n in range(2000)), b"<b/>" * 2000),
    "T07 256 kB of elements": b"<a>" + b"<b/>" * 64 * _KB + b"</a>",
    "T08 256 kB of attributes": b"<a%s/>" % b"".join(b' n%05d=""' % n for n in range(26_000)),
    "T08 256 kB of comments": b"<a>" + b"<!---->" * 37_000 + b"</a>",
    "T05 256 kB, 37,000 deep": b"<a>" * 37_000 + b"</a>" * 37_000,
}
_EIGHT = 8 * _KB * _KB
HUGE = {
    "T54 8 MB of elements": b"<a>" + b"<b/>" * ((_EIGHT - 7) // 4) + b"</a>",
    "T54 8 MB of no XML": b"x" * _EIGHT,
}


def _cases(table: dict[str, bytes], doors: tuple[str, ...], times: float, *, beside_large: bool) -> list[Case]:
    return [
        case
        for name, raw in table.items()
        for case in on_doors(
            doors,
            name,
            lambda scene, door, raw=raw: scene.post(  # type: ignore[misc]
                PATHS[door], raw, media_of(door)
            ),
            "400 not-safe-xml",
            times=times,
            beside_large=beside_large,
        )
    ]


def _spoiled(scene: Scene, door: str, wrong: str) -> bytes:
    return scene.carry(door, scene.signed(door, spoiled(scene.unsigned(door), wrong)))


NOT_VALID = [
    case
    for name, wrong in WRONG.items()
    for case in on_doors(
        ("duis", "csp", "esi"),
        f"T44 256 kB that are signed: {name}",
        lambda scene, door, wrong=wrong: _spoiled(scene, door, wrong),  # type: ignore[misc]
        "400",
        times=1.0,
        beside_large=True,
    )
]


def _text(size: int) -> bytes:
    return b"<a>" + b"x" * (size - 7) + b"</a>"


UNSIGNED = [
    Case(
        f"T06 one text of {name}",
        door,
        lambda scene, door=door, size=size: scene.post(PATHS[door], _text(size)),  # type: ignore[misc]
        "401 not-authenticated",
        "no signature",
        times,
        beside_large=True,
    )
    for name, size, times in (("256 kB", 256 * _KB, 1.0), ("8 MB", _EIGHT, 4.0))
    for door in ("duis", "csp", "esi")
]

DOCUMENTS = [
    *_cases(SMALL, SIGNED_DOORS, 2.0, beside_large=False),
    *_cases(LARGE, SIGNED_DOORS, 1.0, beside_large=True),
    *_cases(HUGE, ("duis", "csp", "esi"), 4.0, beside_large=True),
    *UNSIGNED,
    *NOT_VALID,
]
