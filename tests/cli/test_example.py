"""`example`: what it prints can be sent, and the set is answered as it says when it is played."""

from __future__ import annotations

import shlex
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from duis_gateway.sandbox.examples import playable
from tests.support.cli import done, refused, run
from tests.support.gateway_process import GatewayProcess


def test_the_list_names_what_can_be_printed() -> None:
    listed = done("example")
    assert max(map(len, listed.splitlines())) < 80
    for one in playable(datetime.now(UTC)):
        assert one.name in listed
        body = etree.fromstring(done("example", one.name.lower()).encode()).find("{*}Body/*")
        assert body is not None, one.name
    assert done("example", "hubs.csv").startswith("device_id,")
    assert "is not one of FirmwareRelease, DefaultPilotList" in refused(2, "example", "12.7")


@pytest.mark.requirement("EX-10")
@pytest.mark.processes
def test_the_set_is_played_by_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of the script, as it is written there, gives what stands above it."""
    folder = tmp_path / "set"
    assert "play.sh" in done("example", "--folder", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DUIS_GATEWAY_CONFIG", "gateway.toml")
    (folder / "answers").mkdir()
    lines = (folder / "play.sh").read_text(encoding="utf-8").splitlines()
    its_own = f'PATH={shlex.quote(sysconfig.get_path("scripts"))}:"$PATH"'
    assert lines.index(its_own) < lines.index("mkdir answers"), "a virtual environment that is not on the path will do"
    begin = lines.index("duis-gateway serve > listening 2> gateway.log &")
    [ports] = (line.partition("#")[0].split()[1:] for line in lines[:begin] if "_PORT=0" in line)
    for line in lines[:begin]:
        if line.startswith("duis-gateway "):
            done(*shlex.split(line.partition(" > ")[0])[1:])
    gateway = GatewayProcess(folder / "gateway.toml", folder / "gateway.log", **dict(one.split("=") for one in ports))
    try:
        sent = 0
        for note, line in zip(lines[begin:], lines[begin + 1 :], strict=False):
            if line.startswith("duis-gateway send "):
                ran = run(*shlex.split(line.replace("$url", gateway.url))[1:])
                word, told = shlex.split(note)
                expected = told.rpartition(": ")[2]
                assert word == "echo", "it is said before each what it is, and what will come"
                assert ran.code == 0, (line, ran.error)
                assert expected in ran.error.splitlines()[1], (line, ran.error)
                sent += 1
        assert sent == len(playable(datetime.now(UTC)))
        kinds = done("outbox", "list", "--format", "csv")
        assert all(f",{kind}," in kinds for kind in ("N64", "N66", "N67", "N71", "N74"))
    finally:
        gateway.stop()
