"""Dear work of a listener, in turns: nobody waits behind all that somebody else wants."""

from __future__ import annotations

import asyncio
from functools import partial

from duis_gateway.doors.turns import Turns


def test_each_address_has_its_turn_and_who_has_gone_costs_none() -> None:
    async def play() -> tuple[list[str], list[str]]:
        loop = asyncio.get_running_loop()
        turns = Turns(loop)
        done: list[str] = []
        between: list[str] = []

        def work(name: str, there: bool) -> bool:
            if there:
                done.append(name)
            return there

        def turn() -> None:
            between.append(" ".join(done))
            if len(done) < 5:
                loop.call_soon(turn)

        for number in range(3):
            turns.wait("10.0.0.1", partial(work, f"flood {number}", True))
        for number in range(1000):
            turns.wait("10.0.0.2", partial(work, f"gone {number}", False))
        turns.wait("10.0.0.3", partial(work, "honest", True))
        turns.wait("10.0.0.3", partial(work, "honest again", True))
        loop.call_soon(turn)
        while len(done) < 5:
            await asyncio.sleep(0)
        return done, between

    done, between = asyncio.run(play())
    assert done == ["flood 0", "honest", "flood 1", "honest again", "flood 2"]
    assert "flood 0" in between, "others had their turn between two pieces"
