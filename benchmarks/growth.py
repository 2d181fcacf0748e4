"""Work on long lists grows with their length and no faster: ten times the hubs, side by side in one run.

    python -m benchmarks.growth

For each step that looks at every hub of a list: the time for 5,000 and for 50,000 hubs (best of several rounds), and
their ratio, which is 10 where the work is linear. Needs the extra `test`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import csp_mgmt_gw.messages as csp
from benchmarks.arguments import numbers
from duis_gateway.duis.device_lists import parse_device_list
from duis_gateway.duis.identifiers import format_euis
from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.device_lists import classify
from tests.support.rules import NEW, OURS, by_id, named, release

FEW, MANY, ROUNDS = 5_000, 50_000, 7
FIRST = 0x00DB123456000000
CSP = 0x90B3D51F30000007
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def reading_a_list(hubs: int) -> Callable[[], object]:
    """Return the reading of a DeviceIDList."""
    text = format_euis(range(FIRST, FIRST + hubs))
    return lambda: parse_device_list(text)


def judging_a_list(hubs: int) -> Callable[[], object]:
    """Return the rule that sorts the hubs of a list into the good and the others."""
    known = by_id(*(named(FIRST + number) for number in range(hubs)))
    return lambda: classify(known, known, release(), OURS)


def parsing_outcomes(hubs: int) -> Callable[[], object]:
    """Return the guarded parsing of a message with a fifth as many outcomes."""
    raw = _outcomes(hubs // 5)
    return lambda: parse_document(raw, ShapeLimits(), csp.ELEMENT_CAPS)


def reading_outcomes(hubs: int) -> Callable[[], object]:
    """Return the reading of a message with a fifth as many outcomes."""
    root = parse_trusted(_outcomes(hubs // 5))
    return lambda: csp.read_message(root)


def _outcomes(hubs: int) -> bytes:
    outcomes = tuple(
        HubOutcome(FIRST + number, OutcomeStage.ACTIVATION, True, NEW, NOW, None, None) for number in range(hubs)
    )
    return csp.render_message("m-1", CSP, NOW, csp.ActivateFirmwareResponses(outcomes))


def best(work: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the fastest of several rounds."""
    times = []
    for _ in range(rounds):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return min(times)


def main(rounds: int = ROUNDS) -> None:
    """Measure and print."""
    for made in (reading_a_list, judging_a_list, parsing_outcomes, reading_outcomes):
        few, many = best(made(FEW), rounds), best(made(MANY), rounds)
        name = made.__name__.replace("_", " ")
        print(f"{name:>20}: {few * 1000:8.2f} ms for {FEW:,}, {many * 1000:8.2f} ms for {MANY:,}: {many / few:5.1f}")


if __name__ == "__main__":
    main(*numbers(rounds=1))
