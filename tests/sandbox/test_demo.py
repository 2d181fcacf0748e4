"""The demonstration as a newcomer runs it, and an outside look at what it leaves: nothing here asks the project."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from lxml import etree

from duis_gateway.namespaces import SR
from duis_gateway.sandbox.scenario import read_scenario
from tests.support.published import published_schema
from tests.support.second_opinions import check_by_xmlsec, proven_by_signxml
from tests.support.wire_client import only, texts

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = "90B3D51F30000002"
RELEASED = "9002"
PASSING = ("four-days", "eight-days")
"""The steps in which nothing but time passes."""
NAME = re.compile(r"(\d{4,})-([0-9A-F]{16})-([0-9A-F]{16})-([A-Za-z0-9.]+)\.(xml|eml)")


@dataclass(frozen=True)
class WireFile:
    """One file of `messages/`."""

    path: Path
    number: int
    sender: str
    recipient: str
    kind: str

    @property
    def raw(self) -> bytes:
        return self.path.read_bytes()


def demo(workdir: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `duis-gateway demo` in an environment without any of the gateway's variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DUIS_GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", "duis_gateway", "demo", "--workdir", str(workdir), *more],
        cwd=workdir.parent,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a demonstration that is over and has said that all held."""
    workdir = tmp_path_factory.mktemp("demo") / "work"
    done = demo(workdir, "--hubs", "3000")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "all held" in done.stdout
    assert str(workdir) in done.stdout
    (workdir / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return workdir


def shapes(text: str) -> set[str]:
    """The lines of a text without what differs from run to run: numbers, and the room that they take."""
    return {re.sub(r"[\d,. ]+", " # ", line).strip() for line in text.splitlines()}


def test_what_the_readme_shows_of_it_is_what_it_prints(left: Path) -> None:
    shown = (ROOT / "README.md").read_text(encoding="utf-8").partition("Part of what it prints:")[2].split("```")[1]
    sample = shown.removeprefix("text\n")
    printed = (left / "printed.txt").read_text(encoding="utf-8")
    assert shapes(sample.replace("...\n", "")) - shapes(printed) == set()
    of_every_run = [line for line in sample.splitlines() if " SR" in line or "steps and" in line]
    assert len(of_every_run) == 2
    assert not [line for line in of_every_run if line not in printed]


@pytest.fixture(scope="module")
def files(left: Path) -> list[WireFile]:
    """Every file of `messages/`, in order; each has the promised name."""
    found = []
    for path in sorted((left / "messages").iterdir()):
        match = NAME.fullmatch(path.name)
        assert match is not None, path.name
        kind = match[4] if path.suffix == ".xml" else f"{match[4]} by email"
        found.append(WireFile(path, int(match[1]), match[2], match[3], kind))
    return found


@pytest.fixture(scope="module")
def certificate(left: Path) -> x509.Certificate:
    """The gateway's certificate."""
    return x509.load_pem_x509_certificate((left / "pki" / "gateway.pem").read_bytes())


@pytest.fixture(scope="module")
def responsible(left: Path) -> dict[str, set[str]]:
    """The suppliers of each hub, as sixteen digits, from the inventory file."""
    with (left / "inventory.csv").open(encoding="utf-8") as file:
        return {
            row["device_id"]: {row[role].replace("-", "") for role in ("import_supplier", "gas_supplier") if row[role]}
            for row in csv.DictReader(file)
        }


def outcomes(files: list[WireFile], body: str, outcome: str) -> set[str]:
    """Return the hubs of which the CSPs reported this outcome on the wire."""
    found: set[str] = set()
    for file in files:
        if file.kind == body:
            root = etree.fromstring(file.raw)
            reported = zip(texts(root, "DeviceID"), texts(root, "Outcome"), strict=True)
            found.update(hub for hub, came in reported if came == outcome)
    return found


def alerts(files: list[WireFile], meant: str) -> list[tuple[WireFile, etree._Element]]:
    """Return the alerts that are of this code, or stand for it as N999."""
    parsed = [(file, etree.fromstring(file.raw)) for file in files if file.kind in (meant, "N999")]
    return [(file, root) for file, root in parsed if texts(root, "DCCAlertCode")[-1] == meant]


def test_everything_that_it_names_is_there(left: Path, files: list[WireFile]) -> None:
    assert {path.name for path in left.iterdir()} >= {
        "pki",
        "gateway.toml",
        "gateway.db",
        "inventory.csv",
        "messages",
        "summary.json",
    }
    assert [file.number for file in files] == list(range(1, len(files) + 1))
    kinds = {file.kind for file in files}
    assert kinds >= {"SR11.5", "SR11.6", "SR8.2", "RESPONSE", "N64", "N66", "N67", "N71", "N999", "FirmwareRelease"}
    summary = json.loads((left / "summary.json").read_text(encoding="utf-8"))
    assert all(one["held"] for one in (*summary["steps"], *summary["checks"]))
    played = [one["scenario"] for one in summary["steps"]]
    story = [step.id for step in read_scenario("demo").steps]
    assert [one for one, _ in groupby(played)] == [one for one in story if one not in PASSING]
    assert GATEWAY in {file.sender for file in files}


def test_each_activated_hub_has_exactly_its_alerts_and_none_is_lost(
    files: list[WireFile], responsible: dict[str, set[str]]
) -> None:
    """Expected is what the CSPs reported, and what the inventory says of the hubs."""
    activated = outcomes(files, "ActivateFirmwareResponses", "Success")
    failed = [
        hub
        for body in ("ActivateFirmwareResponses", "DistributionOutcomes")
        for hub in outcomes(files, body, "Failure")
    ]
    for hubs, meant in ((activated, "N64"), (failed, "N71")):
        assert hubs
        expected = Counter((supplier, hub) for hub in hubs for supplier in responsible[hub])
        came = Counter((file.recipient, only(root, "DeviceID")) for file, root in alerts(files, meant))
        assert came == expected
    assert any(len(responsible[hub]) == 2 for hub in activated), "both suppliers of a split hub are in it"


def test_the_alerts_carry_the_version_and_a_supplier_on_5_0_gets_n999(files: list[WireFile]) -> None:
    seen = set()
    for file, root in alerts(files, "N64"):
        version = root.get("schemaVersion")
        assert texts(root, "FirmwareVersion") == [RELEASED]
        assert (file.kind == "N999") is (version == "5.0")
        assert file.sender == GATEWAY
        seen.add(version)
    assert seen == {"5.0", "5.4", "6.0"}
    told = [file for file in files if re.fullmatch(r"N[0-9]+", file.kind)]
    ids = [only(etree.fromstring(file.raw), "ResponseID") for file in told]
    assert len(ids) == len(set(ids))


def test_every_alert_verifies_with_two_other_implementations(
    files: list[WireFile], certificate: x509.Certificate
) -> None:
    """T11 to T32: signxml and libxmlsec know nothing of this project."""
    told = [file for file in files if file.kind in ("N64", "N999")]
    assert told
    for file in told:
        assert b"DCCAlertCode" in proven_by_signxml(file.raw, certificate)
        check_by_xmlsec(file.raw, certificate)


def test_every_alert_is_valid_by_the_published_schema(files: list[WireFile]) -> None:
    """N999 as well, once the FirmwareVersion that SECMP0024 asks for is taken out."""
    schema = published_schema()
    for file in files:
        if file.kind not in ("N64", "N999"):
            continue
        root = etree.fromstring(file.raw)
        for added in root.iterfind(f".//{{{SR}}}DCCAlertVersionMismatch/{{{SR}}}FirmwareVersion"):
            parent = added.getparent()
            assert parent is not None
            parent.remove(added)
        schema.assertValid(root)


def test_no_white_space_stands_between_the_elements_of_what_the_gateway_sends(files: list[WireFile]) -> None:
    """DCC's own tool drops it before digesting, so that an indented message would fail there."""
    for file in files:
        if file.sender == GATEWAY and file.raw.startswith((b"<sr:Response", b"<Message")):
            assert not re.search(rb">\s+<", file.raw), file.path.name


def test_a_demonstration_that_is_ended_takes_its_processes_with_it(tmp_path: Path) -> None:
    """By SIGTERM, as a job is that has run out of time: a receiver that stayed would hold its port for ever."""
    words = ("--workdir", str(tmp_path / "work"), "--hubs", "2000", "--suppliers", "4")
    with subprocess.Popen(
        [sys.executable, "-m", "duis_gateway", "demo", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "processes listen" not in process.stdout.readline():
            assert process.poll() is None
        again = demo(tmp_path / "work", "--force")
        assert again.returncode == 2
        assert "a demonstration runs in" in again.stderr
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.terminate()
        assert process.wait(60) == -signal.SIGTERM
        assert "interrupted" in process.stderr.read()
    assert not psutil.wait_procs(children, 20)[1]


@pytest.mark.every_python
def test_a_small_demonstration_replaces_an_older_one_and_stays_to_be_looked_at(tmp_path: Path) -> None:
    workdir = tmp_path / "work"
    for name in ("gateway.toml", "inventory.csv", "pki/old", "logs/old"):
        (workdir / name).parent.mkdir(parents=True, exist_ok=True)
        (workdir / name).touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DUIS_GATEWAY_")}
    words = ("--workdir", str(workdir), "--hubs", "2000", "--suppliers", "4", "--force", "--keep-running")
    with subprocess.Popen(
        [sys.executable, "-m", "duis_gateway", "demo", *words],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = ""
        while "what was sent:" not in told and (line := process.stdout.readline()):
            told += line
        console = re.search(r"the console: (\S+)", told)
        assert console, told
        with urllib.request.urlopen(console[1], timeout=20) as page:
            assert b"<html" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, told
    assert "-> all held" in told
    assert not (workdir / "pki" / "old").exists()


def test_a_folder_that_is_not_empty_is_left_as_it_is(left: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in left.rglob("*")}
    again = demo(left)
    assert again.returncode == 2
    (line,) = again.stderr.strip().splitlines()
    assert "not empty" in line
    assert {path: path.stat().st_mtime_ns for path in left.rglob("*")} == before


@pytest.mark.parametrize("words", [(), ("--force",)])
def test_force_is_offered_for_and_removes_nothing_but_what_a_demonstration_left(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").touch()
    refused = demo(tmp_path / "work", *words)
    assert refused.returncode == 2
    assert "not what a demonstration left: it is kept; give another --workdir" in refused.stderr
    assert "--force" not in refused.stderr
    assert (tmp_path / "work" / "thesis.txt").exists()


def test_too_small_a_story_is_refused(tmp_path: Path) -> None:
    done = demo(tmp_path / "work", "--hubs", "10")
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]
    assert "'--hubs': 10 is not a whole number from 2,000 to 15,000,000: the story has a pilot in every region" in said
    assert not (tmp_path / "work").exists()
