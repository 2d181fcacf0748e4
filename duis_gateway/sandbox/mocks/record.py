"""Every message on the wire as a file: what was sent, answered or received, byte for byte."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from duis_gateway.duis.identifiers import format_eui_plain
from duis_gateway.machine.files import put_whole

if TYPE_CHECKING:
    from duis_gateway.client import Journal


class Recorder:
    """Writes `<unix-nanoseconds>-<from>-<to>-<kind>.xml` into a folder; a file that is there is complete."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._newest = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def record(self, sender: int, recipient: int, kind: str, data: bytes, suffix: str = "xml") -> None:
        """Write one message; without a folder nothing is kept. Names sort in the order of the calls."""
        if self._folder is None:
            return
        moment = self._moment()
        name = f"{moment}-{format_eui_plain(sender)}-{format_eui_plain(recipient)}-{kind}.{suffix}"
        put_whole(self._folder / name, data)

    def journal(self, own: int, gateway: int) -> Journal:
        """Return the journal of a party's way to the gateway and back."""

        def keep(way: str, kind: str, raw: bytes) -> None:
            sender, recipient = (own, gateway) if way == "sent" else (gateway, own)
            self.record(sender, recipient, kind, raw)

        return keep

    def _moment(self) -> int:
        with self._lock:
            self._newest = max(time.time_ns(), self._newest + 1)
            return self._newest
