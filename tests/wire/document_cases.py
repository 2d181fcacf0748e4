"""What is no acceptable XML, small and large, signed by nobody or by a party (threats T01 to T10, T44, T54)."""

from __future__ import annotations

from collections.abc import Callable

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


def _as_it_is(raw: bytes) -> Callable[[Scene, str], bytes]:
    return lambda scene, door: scene.post(PATHS[door], raw, media_of(door))


def _text(size: int) -> Callable[[Scene, str], bytes]:
    return lambda scene, door: scene.post(PATHS[door], b"<a>" + b"x" * (size - 7) + b"</a>")


def _spoiled(wrong: str) -> Callable[[Scene, str], bytes]:
    return lambda scene, door: scene.carry(door, scene.signed(door, spoiled(scene.unsigned(door), wrong)))


_ALONE = ("duis", "csp", "esi")
_NOT_XML, _UNSIGNED = "400 not-safe-xml", "401 not-authenticated"

DOCUMENTS: list[Case] = [
    *(case for name, raw in SMALL.items() for case in on_doors(SIGNED_DOORS, name, _as_it_is(raw), _NOT_XML)),
    *(
        case
        for table, doors, times in ((LARGE, SIGNED_DOORS, 1.0), (HUGE, _ALONE, 4.0))
        for name, raw in table.items()
        for case in on_doors(doors, name, _as_it_is(raw), _NOT_XML, times=times, beside_large=True)
    ),
    *on_doors(_ALONE, "T06 one text of 256 kB", _text(256 * _KB), _UNSIGNED, "no signature", beside_large=True),
    *on_doors(_ALONE, "T06 one text of 8 MB", _text(_EIGHT), _UNSIGNED, "no signature", times=4.0, beside_large=True),
    *(
        case
        for name, wrong in WRONG.items()
        for case in on_doors(
            _ALONE, f"T44 256 kB that are signed: {name}", _spoiled(wrong), "400", times=1.0, beside_large=True
        )
    ),
]
