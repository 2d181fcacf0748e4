"""An inventory of 300,000 hubs, and commands whose memory is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.hubs.inventory_lines import HEADER
from tests.support.fault_world import OLD_SUPPLIER, RUNNING, SUPPLIER, FaultWorld, hub_id
from tests.support.processes import ROOT

HUBS = 300_000
MOST_BYTES = 300 * 1024 * 1024
FOREIGN, UNCOMMISSIONED = range(7, 10), 6
"""Of ten hubs in a row: those of the other supplier alone, and the one that is not commissioned yet."""

_BLOCK = 256


def inventory_lines(count: int) -> Iterator[str]:
    """Yield the lines of an inventory file of so many hubs, by a fixed pattern."""
    yield ",".join(HEADER) + "\n"
    common = {digit: _common(digit) for digit in range(10)}
    for start in range(0, count, _BLOCK):
        block = format_eui(hub_id(start))[:-2]
        for number in range(start, min(start + _BLOCK, count)):
            yield f"{block}{hub_id(number) & 0xFF:02X},{common[number % 10]}"


def _common(digit: int) -> str:
    status = "InstalledNotCommissioned" if digit == UNCOMMISSIONED else "Commissioned"
    owner = format_eui(OLD_SUPPLIER if digit in FOREIGN else SUPPLIER)
    return f"CHF,106C,433100AC,{RUNNING},{status},North,{owner},{owner}\n"


def own_hubs(inventory: int, count: int) -> list[int]:
    """Return the numbers of so many hubs that the supplier may have in its pilot, spread over the whole inventory."""
    good = [number for number in range(inventory) if number % 10 not in (*FOREIGN, UNCOMMISSIONED)]
    return good[:: len(good) // count][:count]


def load(world: FaultWorld, hubs: int) -> None:
    """Load an inventory of so many hubs as an operator does, in little memory."""
    file = world.folder / "inventory.csv"
    with file.open("w", encoding="ascii") as out:
        out.writelines(inventory_lines(hubs))
    assert run_measured("inventory", "load", str(file), "--config", str(world.config)) < MOST_BYTES


_MEASURED = """
import sys
from duis_gateway.cli.main import main
from tests.support.million import most_memory
try:
    main(sys.argv[1:])
finally:
    print(most_memory("self"), file=sys.stderr)
"""


def run_measured(*words: str) -> int:
    """Run a command of the gateway that must succeed, and return the most bytes of memory that it had.

    What it prints, which may be a whole estate, is thrown away.
    """
    command = [sys.executable, "-c", _MEASURED, *words]
    with Path(os.devnull).open("wb") as nowhere:
        ran = subprocess.run(command, cwd=ROOT, stdout=nowhere, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return int(ran.stderr.split()[-1])


def most_memory(process: int | str) -> int:
    """Return the most bytes of memory that a running process has had."""
    # Not getrusage: what that says of a child begins with the memory of the parent.
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
