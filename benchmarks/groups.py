"""What it costs that a list of hubs stands in many groups: each question that looks for them, beside one group.

    python -m benchmarks.groups [HUBS] [GROUPS] [sqlite|postgresql]

HUBS (50,000) of one supplier are instructed in one group in one database, in GROUPS (500) in another. Each question is
asked about the whole list in both, in turns; of three rounds the least counts. The databases have no statistics:
PostgreSQL plans as in the minutes after an installation, or after a release that it has not met. A ratio near one says
that it looks for hubs by a key, one near GROUPS that it goes through the list for each group. Needs the extra `test`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from sqlalchemy import Connection

from benchmarks.arguments import numbers
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import Instruction, Period, Release, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database, opened
from tests.support.estate import ALPHA, BETA, NOW, fill, hub, release

ROUNDS = 3
PERIOD = Period(NOW + timedelta(days=1), NOW + timedelta(days=10))
Question = Callable[[Connection, Sequence[int]], object]


def main(count: int = 50_000, groups: int = 500, database: str = "postgresql") -> None:
    """Measure and print."""
    ids = range(1000, 1000 + count)
    older = release()
    with tempfile.TemporaryDirectory() as here, ExitStack() as stack:
        one, many = (stack.enter_context(_instructed(Path(here), database, older, ids, n)) for n in (1, groups))
        print(f"{'':>34} {'one group':>12} {f'{groups:,} groups':>12}")
        for name, question in _questions(older).items():
            times = [(_asked(one, question, ids), _asked(many, question, ids)) for _ in range(ROUNDS)]
            few, more = (min(column) for column in zip(*times, strict=True))
            print(f"{name:>34} {few:12.3f} {more:12.3f} s: {more / few:.1f} times", flush=True)


@contextmanager
def _instructed(folder: Path, database: str, older: Release, ids: Sequence[int], groups: int) -> Iterator[Store]:
    with fresh_database(database, folder) as url, opened(url) as store:
        with store.write(alone=True) as conn:
            if not store.is_sqlite:
                for table in ("hub", "instruction", "instruction_hub"):
                    conn.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            fill(conn, (hub(one, ALPHA, BETA) for one in ids), [older, replace(older, release_id="R2")])
            share = max(1, len(ids) // groups)
            lists = (ids[start : start + share] for start in range(0, len(ids), share))
            schedules.put_instructions(conn, (_group(older, number, each) for number, each in enumerate(lists)))
        yield store


def _group(older: Release, number: int, ids: Sequence[int]) -> Instruction:
    return Instruction(older.release_id, ALPHA, f"G{number}", Stage.SAFE_LAUNCH, PERIOD, NOW, tuple(ids))


def _questions(older: Release) -> dict[str, Question]:
    return {
        "a list under another release": lambda conn, ids: hubs.named(conn, ids, "R2", ALPHA, NOW),
        "who has instructed": lambda conn, ids: schedules.instructing(conn, older.release_id, ids, NOW),
        "whom the other has instructed": lambda conn, ids: schedules.instructed_by_other(
            conn, older.release_id, BETA, ids, NOW
        ),
        "the plans": lambda conn, ids: plans.kinds(conn, plans.of_release(conn, older, NOW), ids),
        "protected, and instructed": lambda conn, ids: protection.instructed(conn, ALPHA, ids),
    }


def _asked(store: Store, question: Question, ids: Sequence[int]) -> float:
    with store.read() as conn:
        began = perf_counter()
        question(conn, ids)
        return perf_counter() - began


if __name__ == "__main__":
    main(*numbers(hubs=1, groups=1), *sys.argv[3:4])
