"""The demonstration's story: a release's whole life in four acts, over real HTTP between real processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duis_gateway.sandbox.demo import cast
from duis_gateway.sandbox.demo.acts.closure import closure
from duis_gateway.sandbox.demo.acts.notification import notification
from duis_gateway.sandbox.demo.acts.piloting import piloting
from duis_gateway.sandbox.demo.acts.safe_launch import safe_launch
from duis_gateway.sandbox.demo.cast import PILOTED
from duis_gateway.sandbox.demo.play import Play, Screen
from duis_gateway.sandbox.demo.world import World
from duis_gateway.store.engine import Store

ACTS = (notification, piloting, safe_launch, closure)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the story has brought about, for the checks to hold against the messages on the wire."""

    activated: frozenset[int]
    failed: frozenset[int]
    steps: tuple[tuple[str, bool], ...]


def play_story(world: World, screen: Screen, store: Store, check: Callable[[], None]) -> Expected:
    """Play all acts, and return what the wire must show now; `check` raises where a process has ended."""
    hubs = [hub for hub in cast.hubs(world.hubs, world.suppliers) if hub.model == PILOTED.model]
    play = Play(world, screen, store, check, hubs=hubs)
    for act in ACTS:
        act(play)
    return Expected(frozenset(play.activated), frozenset(play.failed), tuple(play.steps))
