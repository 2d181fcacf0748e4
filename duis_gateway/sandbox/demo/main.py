"""`duis-gateway demo`: build the world, play the story, check what went over the wire, and say what was left."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from duis_gateway.config.database import open_store
from duis_gateway.duis.identifiers import format_eui_plain
from duis_gateway.errors import ConfigurationError
from duis_gateway.rollout.hubs.inventory_file import load_csv
from duis_gateway.sandbox.demo import cast
from duis_gateway.sandbox.demo.checks import Checks, WireMessage, read_messages
from duis_gateway.sandbox.demo.play import Screen
from duis_gateway.sandbox.demo.processes import Processes
from duis_gateway.sandbox.demo.story import Expected, play_story
from duis_gateway.sandbox.demo.world import World
from duis_gateway.store.engine import Store

FEWEST_SUPPLIERS, FEWEST_HUBS = 4, 2000


def run(workdir: Path, suppliers: int, hubs: int, screen: Screen) -> bool:
    """Play the demonstration and return whether every step and check held.

    Raises:
        ConfigurationError: the folder is not empty, or there are too few suppliers or hubs for the story.
        DemoFailed: a process ended, or something did not come about in time.
    """
    _check(workdir, suppliers, hubs)
    workdir.mkdir(parents=True, exist_ok=True)
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
            screen.line(_who(world))
            expected = play_story(world, screen, store)
            processes.check()
        messages = _gather(world)
        checks = _checks(world, store, messages, expected)
    finally:
        store.close()
    return _conclude(world, messages, expected, checks, screen)


def _check(workdir: Path, suppliers: int, hubs: int) -> None:
    if workdir.exists() and any(workdir.iterdir()):
        raise ConfigurationError(f"{workdir} is not empty: give another --workdir, or remove it")
    if suppliers < FEWEST_SUPPLIERS:
        raise ConfigurationError(f"the story needs at least {FEWEST_SUPPLIERS} suppliers")
    if hubs < FEWEST_HUBS:
        raise ConfigurationError(f"the story needs at least {FEWEST_HUBS} hubs")


def _load(world: World, store: Store, screen: Screen) -> None:
    with screen.bar("loading the inventory", 100) as bar:
        shown = 0

        def report(done: int, whole: int) -> None:
            nonlocal shown
            percent = 100 * done // max(whole, 1)
            bar.update(percent - shown)
            shown = percent

        load_csv(store, world.inventory, report)


def _who(world: World) -> str:
    names = [f"gateway {world.urls[cast.GATEWAY]}", f"DCC {world.urls[cast.DCC]}"]
    names += [f"CSP {world.urls[eui]}" for eui in cast.REGIONS]
    names += [f"{one.name} on DUIS {one.duis_version} {world.urls[one.eui]}" for one in world.suppliers]
    return f"{len(names)} processes listen:\n  " + "\n  ".join(names)


def _gather(world: World) -> list[WireMessage]:
    """Put the parties' records into one folder, numbered in the order in which they were written."""
    folder = world.workdir / "messages"
    folder.mkdir()
    records = sorted(world.wire.glob("*/*.?ml"), key=lambda path: (int(path.name.partition("-")[0]), path.name))
    for number, path in enumerate(records, 1):
        path.rename(folder / f"{number:04}-{path.name.partition('-')[2]}")
    for emptied in sorted(world.wire.iterdir()):
        emptied.rmdir()
    world.wire.rmdir()
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
        screen.line(f"{'held    ' if held else 'NOT HELD'}  {name}")
    summary = {
        "messages": [
            {"from": sender, "to": recipient, "kind": kind, "count": number}
            for (sender, recipient, kind), number in sorted(sent.items())
        ],
        "steps": [{"step": name, "held": held} for name, held in expected.steps],
        "checks": [{"check": name, "held": held} for name, held in checks],
        "activated": [format_eui_plain(d) for d in sorted(expected.activated)],
        "failed": [format_eui_plain(d) for d in sorted(expected.failed)],
    }
    (world.workdir / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    good = all(held for _, held in (*expected.steps, *checks))
    screen.line(f"{len(expected.steps)} steps and {len(checks)} checks: {'all held' if good else 'NOT all held'}.")
    screen.line(
        f"Left in {world.workdir}: pki/, gateway.toml, gateway.db, inventory.csv, logs/, "
        f"messages/ ({len(messages)} files), summary.json"
    )
    return good


def _table(world: World, sent: Counter[tuple[str, str, str]], screen: Screen) -> None:
    names = {format_eui_plain(cast.GATEWAY): "gateway", format_eui_plain(cast.DCC): "DCC"}
    north, south = map(format_eui_plain, cast.REGIONS)
    names |= {north: "CSP North", south: "CSP C+S"}
    names |= {one.name: f"supplier {one.name[8:12]} ({one.duis_version})" for one in world.suppliers}
    screen.line("")
    screen.line(f"{'from':<22}{'to':<22}{'what':<30}{'messages':>9}")
    for (sender, recipient, kind), number in sorted(sent.items()):
        who, whom = names.get(sender, sender), names.get(recipient, recipient)
        screen.line(f"{who:<22}{whom:<22}{kind:<30}{number:>9}")
    screen.line("")
