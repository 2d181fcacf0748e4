"""Fuzz a target with atheris, which is led by what each input reaches: `tox -e fuzz -- message -max_total_time=1800`.

The target's seeds, and what was found to reach more, are in `build/fuzz/<target>`; an input that made it fail is kept
as `build/fuzz/<target>.crash-...`. Options are libFuzzer's.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["duis_gateway", "csp_mgmt_gw", "esi"]):
    from tests.fuzz.targets import TARGETS, seeds

from tests.fuzz.bending import bend

CORPORA = Path("build") / "fuzz"


def bent(data: bytes, most: int, seed: int) -> bytes:
    """Change a document so that it stays one, most of the time."""
    return bend(data, seed, lambda part: bytes(atheris.Mutate(part, len(part) + 64)))[:most]


def main() -> None:
    """Put the seeds in place, and fuzz until the time is over or the target fails."""
    name, *options = sys.argv[1:]
    corpus = CORPORA / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds(name):
        (corpus / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    logging.disable()
    of_xml = {"custom_mutator": bent} if name in ("message", "soap") else {}
    atheris.Setup([sys.argv[0], str(corpus), f"-artifact_prefix={corpus}.", *options], TARGETS[name], **of_xml)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
