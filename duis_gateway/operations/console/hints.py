"""What in a form there is not, where nothing was found by it; and words that are fixed, in whatever case."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Connection, select

from duis_gateway.duis.identifiers import eui_as_typed, format_eui
from duis_gateway.duis.responses import DEVICE_STATUSES
from duis_gateway.errors import meant
from duis_gateway.operations.console.hub_list import OF_PARTIES, releases_in
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import CSP_REGIONS
from duis_gateway.rollout.audience import suppliers_of_model
from duis_gateway.rollout.eligibility import ROLES
from duis_gateway.rollout.hubs.device_models import model_names
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.tables import hub

_WORDS = {"status": DEVICE_STATUSES, "csp_region": CSP_REGIONS}


def with_fixed_words(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields with each status and region as DUIS writes it, in whatever case it was typed."""
    written = {name: {one.casefold(): one for one in words} for name, words in _WORDS.items()}
    return {name: written.get(name, {}).get(value.casefold(), value) for name, value in fields.items()}


def hints(conn: Connection, fields: Mapping[str, str], supplier: int | None = None) -> list[str]:
    """Return what is asked for that there is not, in sentences: for when nothing was found.

    `supplier`: who asks. What it has no hubs of reads as what there is not; None: whoever may read all asks.
    """
    return list(_hints(conn, {name: value for name, value in fields.items() if value}, supplier))


def _hints(conn: Connection, given: Mapping[str, str], supplier: int | None) -> Iterator[str]:
    asked = [given["release"]] if "release" in given else []
    asked += releases_in(given)
    if asked:
        own = _releases(conn, supplier)
        yield from (_unknown("release", one, own) for one in dict.fromkeys(asked) if one not in own)
    if "manufacturer" in given or "model" in given:
        pairs = _models(conn, supplier)
        for place, name in enumerate(("manufacturer", "model")):
            known = {pair[place] for pair in pairs}
            if name in given and given[name] not in known:
                yield _unknown(name, given[name], known)
    for name, called in (("status", "status"), ("csp_region", "region")):
        if name in given and given[name] not in _WORDS[name]:
            yield _unknown(called, given[name], _WORDS[name], "; there are {}")
    for name in ("party", *OF_PARTIES) if supplier is None else ():
        eui = eui_as_typed(given.get(name, ""))
        if eui is not None and parties.find(conn, eui) is None:
            yield f"No party is registered with the EUI-64 {format_eui(eui)}."


def _unknown(what: str, word: str, known: Collection[str], otherwise: str = "") -> str:
    said = f"No {what} is called {word[:80]}{meant(word, sorted(known), otherwise=otherwise)}"
    return said if said.endswith("?") else f"{said}."


def _releases(conn: Connection, supplier: int | None) -> frozenset[str]:
    every = releases.all_releases(conn)
    if supplier is not None:
        every = [one for one in every if supplier in suppliers_of_model(conn, one.manufacturer, one.model)]
    return frozenset(one.release_id for one in every)


def _models(conn: Connection, supplier: int | None) -> list[tuple[str, str]]:
    """Return the device models; a supplier's are looked up one by one in the index of its role."""
    names = model_names(conn)
    if supplier is None:
        return list(names.values())
    return [pair for number, pair in names.items() if _has_one(conn, supplier, number)]


def _has_one(conn: Connection, supplier: int, model: int) -> bool:
    first = (select(hub.c.device_id).where(role == supplier, hub.c.model_id == model).limit(1) for role in ROLES)
    return any(conn.execute(query).first() is not None for query in first)
