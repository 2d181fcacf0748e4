"""`duis-gateway demo`: build the world, play the story, check what went over the wire, and say what was left."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from duis_gateway.config.database import open_store
from duis_gateway.config.signing_key import SigningKeyFile
from duis_gateway.duis.identifiers import format_eui, format_eui_plain
from duis_gateway.errors import ConfigurationError
from duis_gateway.rollout.hubs.inventory_file import load_csv
from duis_gateway.rollout.moments import Moments
from duis_gateway.sandbox.demo import cast
from duis_gateway.sandbox.demo.checks import Checks, WireMessage, read_messages
from duis_gateway.sandbox.demo.play import Screen
from duis_gateway.sandbox.demo.processes import Processes
from duis_gateway.sandbox.demo.story import Expected, play_story
from duis_gateway.sandbox.demo.world import World
from duis_gateway.store.engine import Store

FEWEST_SUPPLIERS, FEWEST_HUBS = 4, 2000
WHY_SUPPLIERS = "the story tells them apart by DUIS version and role"
WHY_HUBS = "the story has a pilot in every region, with hubs that two suppliers share, and a large list beside it"
_ALWAYS_LEFT = ("gateway.toml", "inventory.csv", "pki", "logs")


def run(
    workdir: Path,
    suppliers: int,
    hubs: int,
    screen: Screen,
    *,
    force: bool = False,
    stay: Callable[[], None] | None = None,
) -> bool:
    """Play the demonstration and return whether every step and check held.

    Args:
        workdir: an empty folder, or one that is not there yet.
        suppliers: how many take part.
        hubs: how many Communications Hubs there are.
        screen: where it is told.
        force: put what an earlier demonstration left in the folder away first.
        stay: leave everything running until this returns, for people to look around.

    Raises:
        ConfigurationError: the folder is not empty, or there are too few suppliers or hubs for the story.
        DemoFailed: a process ended, or something did not come about in time.
    """
    if suppliers < FEWEST_SUPPLIERS:
        raise ConfigurationError(f"there must be at least {FEWEST_SUPPLIERS} suppliers: {WHY_SUPPLIERS}")
    if hubs < FEWEST_HUBS:
        raise ConfigurationError(f"there must be at least {FEWEST_HUBS:,} hubs: {WHY_HUBS}")
    _make_room(workdir, force=force)
    workdir.mkdir(parents=True, exist_ok=True)
    with _taken(workdir):
        return _play(workdir, suppliers, hubs, screen, stay)


def _play(workdir: Path, suppliers: int, hubs: int, screen: Screen, stay: Callable[[], None] | None) -> bool:
    world = World(workdir.resolve(), cast.suppliers(suppliers), hubs)
    screen.line(f"A PKI, a configuration and an inventory of {hubs:,} hubs in {workdir}/")
    world.build()
    store = open_store(world.config(), check=False)
    try:
        store.migrate()
        _load(world, store, screen)
        with Processes(workdir / "logs") as processes:
            world.start(processes)
            world.register(store)
            _tell_who(world, screen)
            expected = play_story(world, screen, store, processes.check)
            processes.check()
            if stay is not None:
                good = _judge(world, store, expected, screen)
                _tell_what_to_look_at(world, screen)
                stay()
        if stay is None:
            good = _judge(world, store, expected, screen)
    finally:
        store.close()
    return good


def _make_room(workdir: Path, *, force: bool) -> None:
    if not workdir.exists() or not any(workdir.iterdir()):
        return
    if not all((workdir / name).exists() for name in _ALWAYS_LEFT):
        raise ConfigurationError(
            f"{workdir} is not empty, and not what a demonstration left: it is kept; give another --workdir"
        )
    if not force:
        raise ConfigurationError(f"{workdir} is not empty: give another --workdir, or --force to replace it")
    with _taken(workdir):
        shutil.rmtree(workdir)


@contextmanager
def _taken(workdir: Path) -> Iterator[None]:
    """Have the folder for this demonstration alone (ConfigurationError: another runs in it)."""
    folder = os.open(workdir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationError(f"a demonstration runs in {workdir}: end it, or give another --workdir") from None
    else:
        yield
    finally:
        os.close(folder)


def _load(world: World, store: Store, screen: Screen) -> None:
    config = world.config()
    moments = Moments(store, config.clock.open(), SigningKeyFile(config), config.limits.alert_bytes)
    with screen.bar("loading the inventory", "B") as tell:
        load_csv(moments, world.inventory, tell)


def _tell_who(world: World, screen: Screen) -> None:
    names = [f"gateway {world.urls[cast.GATEWAY]}", f"DCC {world.urls[cast.DCC]}"]
    names += [f"CSP {world.urls[eui]}" for eui in cast.REGIONS]
    names += [f"{one.name} on DUIS {one.duis_version} {world.urls[one.eui]}" for one in world.suppliers]
    screen.line(f"{len(names)} processes listen:")
    for name in names:
        screen.line(f"  {name}", indent=4)


def _tell_what_to_look_at(world: World, screen: Screen) -> None:
    """Say where what is still running can be looked at."""
    config, first = f"--config {shlex.quote(str(world.config_file))}", format_eui(world.suppliers[0].eui)
    screen.title("Everything is still running, until Ctrl-C")
    for what, where in (
        ("the console", world.operations),
        ("the gateway's doors", world.urls[cast.GATEWAY]),
        ("the releases", f"duis-gateway release list {config}"),
        ("one supplier's hubs", f"duis-gateway status --party {first} {config}"),
        ("what was sent", f"duis-gateway outbox list {config}"),
    ):
        screen.line(f"  {what}: {where}", indent=4)


def _judge(world: World, store: Store, expected: Expected, screen: Screen) -> bool:
    messages = _gather(world)
    return _conclude(world, messages, expected, _checks(world, store, messages, expected), screen)


def _gather(world: World) -> list[WireMessage]:
    """Put the parties' records into one folder, numbered in the order in which they were written.

    Those who are still running go on recording in the folders that they have.
    """
    folder = world.workdir / "messages"
    folder.mkdir()
    records = sorted(world.wire.glob("*/*.?ml"), key=lambda path: (int(path.name.partition("-")[0]), path.name))
    for number, path in enumerate(records, 1):
        path.rename(folder / f"{number:04}-{path.name.partition('-')[2]}")
    return read_messages(folder)


def _checks(world: World, store: Store, messages: list[WireMessage], expected: Expected) -> list[tuple[str, bool]]:
    piloted = (hub for hub in cast.hubs(world.hubs, world.suppliers) if hub.model == cast.PILOTED.model)
    return Checks(
        messages=[message for message in messages if not message.is_email],
        emails=[message for message in messages if message.is_email],
        trust=world.pki,
        store=store,
        suppliers={one.eui: one for one in world.suppliers},
        inventory=cast.hubs(world.hubs, world.suppliers),
        piloted={hub.device_id: hub for hub in piloted},
        activated=expected.activated,
        failed=expected.failed,
    ).all()


def _conclude(
    world: World, messages: list[WireMessage], expected: Expected, checks: list[tuple[str, bool]], screen: Screen
) -> bool:
    sent = Counter(
        (message.sender, message.recipient, f"{message.kind} by email" if message.is_email else message.kind)
        for message in messages
    )
    _table(world, sent, screen)
    for name, held in checks:
        screen.step("", name, "held" if held else "NOT HELD", good=held)
    summary = {
        "messages": [
            {"from": sender, "to": recipient, "kind": kind, "count": number}
            for (sender, recipient, kind), number in sorted(sent.items())
        ],
        "steps": [{"scenario": one.of, "step": one.what, "held": one.held} for one in expected.steps],
        "checks": [{"check": name, "held": held} for name, held in checks],
        "activated": [format_eui_plain(d) for d in sorted(expected.activated)],
        "failed": [format_eui_plain(d) for d in sorted(expected.failed)],
    }
    (world.workdir / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    good = all(one.held for one in expected.steps) and all(held for _, held in checks)
    told = f"{len(expected.steps)} steps and {len(checks)} checks"
    screen.step("", told, "all held" if good else "NOT all held", good=good)
    screen.line(
        f"Left in {world.workdir}: pki/, gateway.toml, gateway.db, inventory.csv, logs/, "
        f"messages/ ({len(messages)} files), summary.json"
    )
    return good


def _table(world: World, sent: Counter[tuple[str, str, str]], screen: Screen) -> None:
    """Tell who sent whom how many of what: a paragraph a pair, so that it fits whatever the terminal's width."""
    names = {format_eui_plain(cast.GATEWAY): "gateway", format_eui_plain(cast.DCC): "DCC"}
    north, south = map(format_eui_plain, cast.REGIONS)
    names |= {north: "CSP North", south: "CSP Central and South"}
    names |= {one.name: f"supplier {one.name} (DUIS {one.duis_version})" for one in world.suppliers}
    screen.title("Messages on the wire")
    pairs: dict[tuple[str, str], list[str]] = {}
    for (sender, recipient, kind), number in sorted(sent.items()):
        pairs.setdefault((names.get(sender, sender), names.get(recipient, recipient)), []).append(
            f"{number} {kind}".replace(" ", "\N{NO-BREAK SPACE}")
        )
    for (sender, recipient), kinds in pairs.items():
        screen.line(f"{sender} to {recipient}:")
        screen.line(f"    {', '.join(kinds)}", indent=4)
    screen.title("Checks")
