"""The tutorials for a supplier's back office and for an operator: their commands as they stand, one after the other."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sandboxes import read_until, saying

ROOT = Path(__file__).resolve().parents[2]
PYTHON = shlex.quote(sys.executable)

pytestmark = [pytest.mark.processes, pytest.mark.once]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [
        one.replace(".venv/bin/duis-gateway", f"{PYTHON} -m duis_gateway").replace(".venv/bin/python", PYTHON)
        for one in found
    ]


def environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("DUIS_GATEWAY_")}
    return clean | {"PYTHONPATH": str(ROOT)}


def run(script: str, folder: Path) -> str:
    """Run commands of a page in a shell, as they would be pasted; return what they print."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def inside(folder: Path, script: str) -> list[str]:
    """The words of a process that runs this in the folder until it is ended."""
    return ["bash", "-c", f"cd {shlex.quote(str(folder))} && export PYTHONPATH={shlex.quote(str(ROOT))}; {script}"]


def test_a_suppliers_first_list_and_instruction(tmp_path: Path) -> None:
    sandbox, listen, first_request, group, outcomes, estate = blocks("tutorial-supplier.md", "sh")
    answers, rows = blocks("tutorial-supplier.md", "text")
    with saying(inside(tmp_path, f"exec {sandbox.strip()} --port 0")) as running:
        said = read_until(running, "The page and the API")
        control = re.search(r"API: http://127\.0\.0\.1:(\d+)/", said)
        doors = re.search(r"plain XML +(http://127\.0\.0\.1:\d+)/", said)
        assert control is not None
        assert doors is not None

        def here(script: str) -> str:
            """On this sandbox's ports, where the page has the usual ones."""
            commands = re.sub(r"(duis_gateway sandbox .*)$", rf"\1 --port {control[1]}", script, flags=re.MULTILINE)
            return commands.replace("http://127.0.0.1:8079", doors[1])

        with saying(inside(tmp_path, f"exec {listen.strip()} --port {control[1]}")) as listening:
            read_until(listening, "Listening")
            assert run(here(first_request), tmp_path) == answers
            assert "N74 to you: delivered" in run(here(group), tmp_path)
            run(here(outcomes), tmp_path)
            heard = read_until(listening, "N71")
        assert [heard.count(f"{code}, signature good") for code in ("N74", "N64", "N71")] == [2, 2, 1]
        assert run(here(estate), tmp_path) == rows


def test_an_operators_own_gateway(tmp_path: Path) -> None:
    init, register, load, start, announce, choose, look, receive = blocks("tutorial-operator.md", "sh")
    configured = "export DUIS_GATEWAY_CONFIG=my-gateway/gateway.toml; "
    for script in (init, configured + register, configured + load):
        run(script, tmp_path)
    doctor, serve = start.strip().splitlines()
    assert "Nothing is wrong." in run(configured + doctor, tmp_path)
    own_ports = "export DUIS_GATEWAY_SERVER_PORT=0 DUIS_GATEWAY_OPERATIONS_PORT=0; "
    with saying(inside(tmp_path, configured + own_ports + f"exec {serve}")) as running:
        url = read_until(running, "listening on").split()[-1]

        def here(script: str) -> str:
            return configured + script.replace("http://127.0.0.1:8079", url.rstrip("/"))

        assert "Accepted" in run(here(announce), tmp_path)
        assert "W110501" in run(here(choose), tmp_path)
        assert "Could not connect" in run("sleep 1; " + here(look), tmp_path)
        port = re.search(r'HTTPServer\(\("127\.0\.0\.1", (\d+)\)', receive)
        assert port is not None
        with saying(inside(tmp_path, receive)) as dcc:
            assert "PreferredPilotListReport" in read_until(dcc, "PreferredPilotListReport")
