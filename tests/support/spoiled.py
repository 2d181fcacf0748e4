"""Messages of 256 kB with something in them that no schema has, for the benchmark of refusals and the wire tests."""

from __future__ import annotations

import re

SIZE = 256 * 1024
_XSI = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_MESSAGE = re.compile(rb"(<(?:\w+:)?(?:Request|Message) )")


def filled(one: str) -> str:
    """So many of one thing that the message has its size."""
    return one * (SIZE // len(one))


WRONG = {
    "unknown elements": filled("<unknown>1</unknown>"),
    "empty elements": filled("<u></u>"),
    "wrong attributes": filled("<u " + " ".join(f'a{n:02}="1"' for n in range(60)) + "></u>"),
    "short texts": filled("<u>1</u>"),
    "short, as many as can be": filled("<u>1234</u>"),
    "one huge text": f"<unknown>{'x' * SIZE}</unknown>",
    "deep nesting": filled("<u>" * 50 + "</u>" * 50),
    "deep, as many as can be": filled("<deep>" * 50 + "</deep>" * 50),
    "unknown types": filled('<u xsi:type="none"></u>'),
}


def spoiled(content: bytes, wrong: str) -> bytes:
    """Return an unsigned message with something wrong after the last thing in its body."""
    content = _MESSAGE.sub(rb"\1" + _XSI + b" ", content, count=1)
    end = re.search(rb"</[^>]*>\s*</(\w+:)?Body>", content)
    assert end is not None
    return content[: end.start()] + wrong.encode() + content[end.start() :]
