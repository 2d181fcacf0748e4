"""Where suppliers' alerts go: to the address that was set, and while somebody listens, to who began last.

An address of who listens is passing: at its end the alerts go to who listened before, or where they went before
anybody did. Of those that end without a word nothing is left either: where nothing listens any more is seen.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

from duis_gateway.outbox.guard import AddressRefused, check_url, parse_url
from duis_gateway.outbox.senders import URL_REMEMBERED
from duis_gateway.parties import store as parties
from duis_gateway.sandbox.cast import BY_NAME, Member
from duis_gateway.sandbox.parameters import WrongCommand
from duis_gateway.sandbox.world import World

_PASSING = "passing"
_SECONDS = 1.0


def put(world: World, supplier: Member, url: str | None) -> str:
    """Let a supplier's alerts go there from now on, None: to the sandbox's adapter; return where they went."""
    before = _url(world, supplier)
    _go(world, supplier, [url])
    return before


def begin(world: World, supplier: Member, url: str) -> str:
    """Let them go there for as long as something listens there; return where they went."""
    before = _url(world, supplier)
    found = _stack(world, supplier)
    _go(world, supplier, [*(one for one in found if one != url), url])
    return before


def end(world: World, supplier: Member, url: str) -> None:
    """Let them go where they went before this one began, or stay where they are if that is another."""
    first, *passing = _stack(world, supplier)
    _go(world, supplier, [first, *(one for one in passing if one != url)])


def are_passing(world: World, supplier: Member) -> bool:
    """Tell whether they go to somebody who listens for a while."""
    return len(_stack(world, supplier)) > 1


def drop_dead(world: World) -> None:
    """End those that have ended without a word."""
    for supplier in (BY_NAME[name] for name in world.folder.remembered().get(_PASSING, {})):
        for one in list(_dead(world, supplier)):
            end(world, supplier, one)


def _dead(world: World, supplier: Member) -> Iterator[str]:
    for url in _stack(world, supplier)[1:]:
        target = parse_url(url or "")
        try:
            socket.create_connection((target.host, target.port), timeout=_SECONDS).close()
        except ConnectionRefusedError:
            yield url or ""
        except OSError:
            continue


def _stack(world: World, supplier: Member) -> list[str | None]:
    """Return where they go without anybody who listens (None: to the sandbox's adapter), and who listens, newest last.

    What somebody has changed by other means since then is what holds.
    """
    url = _url(world, supplier)
    found: list[str | None] = world.folder.remembered().get(_PASSING, {}).get(supplier.name, [])
    own = world.players[supplier.name].url
    return found if found and found[-1] == url else [None if url == own else url]


def _go(world: World, supplier: Member, stack: list[str | None]) -> None:
    remembered = world.folder.remembered()
    passing = {name: urls for name, urls in remembered.get(_PASSING, {}).items() if name != supplier.name}
    if len(stack) > 1:
        passing[supplier.name] = stack
    world.folder.remember({**remembered, _PASSING: passing})
    set_url(world, supplier, stack[-1] or world.players[supplier.name].url)


def resolves(world: World, url: str) -> bool:
    """Return whether the host of a URL is known here.

    Raises:
        WrongCommand: the gateway would never send there.
    """
    try:
        return check_url(url, world.config.delivery.allowed_networks)
    except AddressRefused as error:
        raise WrongCommand(f"{error}; a program on this machine is under http://127.0.0.1") from None


def set_url(world: World, supplier: Member, url: str) -> None:
    """Register this as the supplier's URL, and nothing else."""
    with world.store.write() as conn:
        known = parties.find(conn, supplier.eui)
        assert known is not None, "every supplier of the sandbox is registered"
        parties.update(conn, replace(known, url=url))
    if known.url != url:
        time.sleep(URL_REMEMBERED)  # until then what is sent may go where it went


def _url(world: World, supplier: Member) -> str:
    with world.store.read() as conn:
        known = parties.find(conn, supplier.eui)
        assert known is not None, "every supplier of the sandbox is registered"
        return known.url
