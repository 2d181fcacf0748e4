"""The tutorial: its commands as they are written there, run over real processes, and what the page says of them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.sandboxes import read_until, saying

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMAND = f"{shlex.quote(sys.executable)} -m duis_gateway"

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-3")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def on_a_free_port(server: str) -> str:
    """Other ports than the page's, which somebody may have on this machine; the server says which one it got."""
    line = 'HTTPServer(("127.0.0.1", 3000), Alerts).serve_forever()'
    assert line in server
    listening = 'server = HTTPServer(("127.0.0.1", 0), Alerts); print("listening on", server.server_port, flush=True)'
    return server.replace(line, f"{listening}\nserver.serve_forever()")


def test_five_commands_bring_the_first_n64_into_an_own_server(tmp_path: Path) -> None:
    install, *commands = blocks("sh")
    assert len(commands) == 4, "five commands at most, with the installation"
    assert install.strip() in (ROOT / "README.md").read_text(encoding="utf-8")
    start, server, listen, activate = (
        one.strip().replace(".venv/bin/duis-gateway", COMMAND).replace("python3 -", f"{shlex.quote(sys.executable)} -")
        for one in commands
    )
    folder = shlex.quote(str(tmp_path / "work"))
    start = f"exec {start} --workdir {folder} --port 0"
    with saying(["bash", "-c", start]) as sandbox, saying(["bash", "-c", on_a_free_port(server)]) as own:
        port = int(read_until(own, "listening on").split()[-1])
        page = re.search(r"API: http://127\.0\.0\.1:(\d+)/", read_until(sandbox, "The page and the API"))
        assert page is not None
        listen = f"exec {listen} --port {page[1]}".replace("127.0.0.1:3000", f"127.0.0.1:{port}")
        with saying(["bash", "-c", listen]) as listening:
            read_until(listening, "Listening")
            with saying(["bash", "-c", f"{activate} --port {page[1]}"]) as done:
                said = read_until(done, "PilotProgress to dcc")
            shown = read_until(listening, "N64")
        [document] = blocks("xml")
        assert document.strip() in read_until(own, "CommsHubFirmwareActivation")
    of_activate, of_listen = blocks("text")
    assert told(said) == told(of_activate)
    assert told(shown) == told(of_listen)


def told(text: str) -> list[str]:
    """The lines without how long a server took and how messages are numbered; recipients are served in any order."""
    return sorted(re.sub(r" in \d+ ms$|(message|outbox) \d+", "", line) for line in text.splitlines())
