"""The demonstration's story is the scenario `demo`, each step of which is played at the demonstration's own size.

The scenario has the order, the acts and the answers that the gateway must give; `acts` has what is done for a step over
real HTTP between real processes, with an inventory of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duis_gateway.sandbox.demo import cast
from duis_gateway.sandbox.demo.acts.closure import CLOSURE
from duis_gateway.sandbox.demo.acts.notification import NOTIFICATION
from duis_gateway.sandbox.demo.acts.piloting import PILOTING
from duis_gateway.sandbox.demo.acts.safe_launch import SAFE_LAUNCH
from duis_gateway.sandbox.demo.cast import PILOTED
from duis_gateway.sandbox.demo.play import Play, Played, Screen
from duis_gateway.sandbox.demo.world import World
from duis_gateway.sandbox.scenario import read_scenario
from duis_gateway.store.engine import Store

SCENARIO = "demo"
PARTS = {**NOTIFICATION, **PILOTING, **SAFE_LAUNCH, **CLOSURE}
"""What is done for each step of the scenario, by the step's id."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the story has brought about, for the checks to hold against the messages on the wire."""

    activated: frozenset[int]
    failed: frozenset[int]
    steps: tuple[Played, ...]


def play_story(world: World, screen: Screen, store: Store, check: Callable[[], None]) -> Expected:
    """Play the scenario, and return what the wire must show now; `check` raises where a process has ended."""
    hubs = [hub for hub in cast.hubs(world.hubs, world.suppliers) if hub.model == PILOTED.model]
    steps = read_scenario(SCENARIO).steps
    play = Play(world, screen, store, check, steps[0], hubs=hubs)
    for step in steps:
        play.begin(step)
        PARTS[step.id](play)
    return Expected(frozenset(play.activated), frozenset(play.failed), tuple(play.steps))
