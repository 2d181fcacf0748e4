"""Memory that ends while a document is read: nothing is said of the document."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import resource
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.errors import NotSafeXml
document = b"<a>" + (b"<b>" + b"x" * 700 + b"</b>") * 9_000 + b"</a>"
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + LEFT, resource.RLIM_INFINITY))
try:
    parse_document(document, ShapeLimits(), {})
    print("taken")
except (MemoryError, NotSafeXml) as error:
    print(type(error).__name__, error)
"""


def said(left: int) -> str:
    """What becomes of a long document where only so many bytes are to be had."""
    program = _PROGRAM.replace("LEFT", str(left))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_document_is_not_refused_for_want_of_memory() -> None:
    """A refusal would be for good: the sender of a message that is in order would not send it again."""
    assert said(1 << 30) == "taken\n"
    assert said(0).startswith("MemoryError")
    for left in (2 << 20, 4 << 20, 8 << 20):
        assert not said(left).startswith("NotSafeXml"), left
