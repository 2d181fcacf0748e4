"""The lines of a relay's replies, which have to be whole.

A line that the connection's end cut short is no answer: after `250` anything may have been meant to come, and what
was not accepted must not count as delivered.
"""

from __future__ import annotations

import io


class WholeLines(io.BufferedReader):
    """Reads an answer, whose lines have to be whole.

    Args:
        raw: the connection's stream.
        most: how many octets of lines one answer may have.
    """

    def __init__(self, raw: io.RawIOBase, most: int) -> None:
        super().__init__(raw)
        self._most = most
        self._left = most

    def next_answer(self) -> None:
        """Begin to count anew."""
        self._left = self._most

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the next line, or as much of a longer one as is asked for.

        Raises:
            ConnectionResetError: the connection ended before the line did.
            ConnectionAbortedError: the answer has more octets than it may.
        """
        line = super().readline(size)
        longer = size is not None and 0 <= size <= len(line)
        if not line.endswith(b"\n") and not longer:
            raise ConnectionResetError("the connection ended before the answer was complete")
        self._left -= len(line)
        if self._left < 0:
            raise ConnectionAbortedError(f"the answer is longer than {self._most} octets")
        return line
