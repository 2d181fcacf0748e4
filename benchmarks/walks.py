"""How many files a message crosses: `python -m benchmarks.walks [--list]`.

Two messages are sent to a gateway over HTTP, and every call and return of the project's own functions in the gateway's
threads is traced: an 11.5 of three hubs, from the socket to the commit; and an `ActivateFirmwareResponses` of one hub,
from the socket until its N64 is posted. Each is sent twice, and the second is counted, when everything that is made
once has been made. A hop is a step from a function of one file to one of another, there or back; the same step again
(for each hub of a list, for each value of a row) counts once.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway import client
from duis_gateway.app import Gateway
from duis_gateway.cli.main import program
from duis_gateway.config.settings import load_config
from duis_gateway.machine.signals import Stop
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType

ROOT = Path(__file__).resolve().parents[1]
OURS = tuple(str(ROOT / package) for package in ("duis_gateway", "csp_mgmt_gw", "esi", "schemas"))
HUBS = ("00-DB-12-34-56-00-00-01", "00-DB-12-34-56-00-00-02", "00-DB-12-34-56-00-00-03")
SUPPLIER, CSP, DCC = "90-B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-00-00-07", "90-B3-D5-1F-30-00-00-0A"
LATE = 30.0
DOORS = ("http-", "doors")
DELIVERY = ("deliver",)
"""How the names of the threads begin that take a message in, and that send one."""


@dataclass
class Trace:
    """What the gateway's threads call, while it is wanted."""

    wanted: bool = False
    events: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        if self.wanted and event in ("call", "return"):
            file = frame.f_code.co_filename
            if file.startswith(OURS):
                target = frame.f_back if event == "return" else frame
                while target is not None and not target.f_code.co_filename.startswith(OURS):
                    target = target.f_back
                if target is not None:
                    code = target.f_code
                    step = (str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname)
                    self.events.setdefault(threading.current_thread().name, []).append(step)

    @contextmanager
    def walk(self) -> Iterator[None]:
        self.events.clear()
        self.wanted = True
        yield
        self.wanted = False


@dataclass(frozen=True)
class Walk:
    files: tuple[str, ...]
    functions: int
    hops: int

    @classmethod
    def of(cls, trace: Trace, *threads: str, until: str = "") -> Walk:
        """Count the threads whose names begin so; `until` is the function at whose call a thread's walk is over."""
        files: dict[str, None] = {}
        functions: set[tuple[str, str]] = set()
        hops: set[tuple[tuple[str, str], tuple[str, str]]] = set()
        for name, events in sorted(trace.events.items()):
            if not name.startswith(threads):
                continue
            names = [function for _, function in events]
            steps = events[: names.index(until)] if until in names else events
            hops.update((one, other) for one, other in pairwise(steps) if one[0] != other[0])
            files.update(dict.fromkeys(file for file, _ in steps))
            functions.update(steps)
        return cls(tuple(files), len(functions), len(hops))


@dataclass(frozen=True)
class Party:
    """A party that speaks and listens."""

    identity: client.Identity
    receiver: client.Receiver
    serving: client.Serving


class World:
    """A gateway in this process, and the parties that it knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "gateway.toml"
        _command("init", str(folder))
        self.trust = client.Trust.folder(folder / "pki")

    def party(self, eui: str, kind: str, *more: str) -> Party:
        """Register a party that listens, and return it."""
        pki = self.folder / "pki"
        _command("certificate", "make", eui, "--role", "87", "--pki", str(pki))
        stem = pki / f"{eui.replace('-', '')}-87"
        identity = client.Identity.load(f"{stem}.key", f"{stem}.pem")
        receiver = client.Receiver(identity, self.trust)
        serving = receiver.serve()
        words = ("--kind", kind, "--url", serving.url, "--certificate", f"{stem}.pem", "--config", str(self.config))
        _command("party", "add", eui, *words, *more)
        return Party(identity, receiver, serving)

    def inventory(self) -> None:
        """Load the hubs, all of the one supplier."""
        table = self.folder / "hubs.csv"
        head = (
            "device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier"
        )
        rows = [f"{hub},CHF,106C,433100AC,9001,Commissioned,North,{SUPPLIER},{SUPPLIER}" for hub in HUBS]
        table.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
        _command("inventory", "load", str(table), "--config", str(self.config))


def _command(*words: str) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        program.main(args=list(words), standalone_mode=False)


def measured() -> dict[str, Walk]:
    """Send both messages twice, and count the second time."""
    trace = Trace()
    environ = {
        "DUIS_GATEWAY_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DUIS_GATEWAY_SERVER_PORT": "0",
        "DUIS_GATEWAY_OPERATIONS_PORT": "0",
    }
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch) / "try")
        roles = ("--role", "IS", "--role", "GS", "--duis-version", "6.0")
        parties = (
            world.party(SUPPLIER, "supplier", *roles),
            world.party(CSP, "csp", "--region", "North"),
            world.party(DCC, "dcc"),
        )
        world.inventory()
        threading.setprofile(trace)
        gateway = Gateway(load_config(world.config, environ))
        stop = Stop()
        running = threading.Thread(target=gateway.serve, args=(stop,), name="main")
        running.start()
        try:
            return _played(gateway.servers[0].port, trace, world.trust, *parties)
        finally:
            stop.tell()
            running.join()
            threading.setprofile(None)
            for party in parties:
                party.serving.close()


def _played(port: int, trace: Trace, trust: client.Trust, supplier: Party, north: Party, dcc: Party) -> dict[str, Walk]:
    url = f"http://127.0.0.1:{port}"
    as_supplier, as_north, as_dcc = (
        client.Gateway(url, identity=who.identity, trust=trust) for who in (supplier, north, dcc)
    )
    told = threading.Semaphore(0)
    supplier.receiver.on(client.Alert.N64)(lambda _alert: told.release())
    now = datetime.now(UTC).replace(microsecond=0)
    pilot = PilotTerms(Period(now + timedelta(days=30), now + timedelta(days=60)), limit=100)
    kind = ReleaseType.SEC_RELEASE
    as_dcc.send(
        esi.FirmwareRelease("R1", 1, kind, "106C", "433100AC", "9002", "notes", "high", "normal", pilot=pilot),
        patience=LATE,
    )
    walks = {}
    for _ in range(2):
        with trace.walk():
            as_supplier.send(client.PreferredPilotList("R1", "9002", devices=HUBS))
        walks["11.5, socket to commit"] = Walk.of(trace, *DOORS, until="failpoint")
    for hub in HUBS[:2]:
        outcome = HubOutcome(client.Eui(hub), OutcomeStage.ACTIVATION, True, "9002", now)
        time.sleep(2)  # whatever came before has been sent by now
        with trace.walk():
            as_north.send(csp.ActivateFirmwareResponses((outcome,)))
            assert told.acquire(timeout=LATE)
        walks["ActivateFirmwareResponses, socket to posted N64"] = Walk.of(trace, *DOORS, *DELIVERY)
    return walks


def main() -> None:
    """Print both walks; with `--list` the files, too."""
    for name, walk in measured().items():
        print(f"{name}: {len(walk.files)} files, {walk.functions} functions, {walk.hops} hops")
        if "--list" in sys.argv:
            print("".join(f"    {file}\n" for file in walk.files), end="")


if __name__ == "__main__":
    main()
