"""Who hears what, about which of its hubs (design section 7, "Who is told"; PIA-D1, PIA-S1): nowhere else.

A hub's Responsible Suppliers hear of it, each about its own hubs alone; each CSP hears of the hubs in its regions. A
supplier that is responsible for a hub concerned and is not registered cannot be told: the operator is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Column, Connection, Select, exists, func, select

from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.reply import Alert, PartnerSend
from duis_gateway.flow.tx import Moment
from duis_gateway.machine.identities import new_identity
from duis_gateway.operations import flags
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import Part, PartnerBody, split_list
from duis_gateway.rollout.eligibility import ROLES
from duis_gateway.rollout.hubs.device_models import model_number
from duis_gateway.rollout.hubs.records import Hub, NamedHub
from duis_gateway.store.tables import hub as hub_table

UNREGISTERED_SUPPLIER = "unregistered supplier"
"""The flag for a supplier that is responsible for a hub concerned by a release, and cannot be told of it."""

Located = tuple[int, str | None]
"""A hub and its CSP region, if it has one; a `HubInRegion` is one."""


# --- suppliers ----------------------------------------------------------------------------------------------------


def by_supplier(hubs: Iterable[Hub | NamedHub]) -> dict[int, list[int]]:
    """Return, for each supplier responsible for at least one of the hubs, its own hubs in their order."""
    told: dict[int, list[int]] = {}
    for hub in hubs:
        for supplier in hub.suppliers:
            told.setdefault(supplier, []).append(hub.device_id)
    return dict(sorted(told.items()))


def to_suppliers(
    own: Mapping[int, Sequence[int]],
    body: Callable[[tuple[int, ...]], AlertBody | None],
    release_id: str,
    moment: Moment,
) -> Iterator[Alert]:
    """Yield an alert for each supplier about its own hubs; `body` makes it of them, or returns None for none."""
    for supplier, party in registered(own, release_id, moment).items():
        alert = body(tuple(own[supplier]))
        if alert is not None:
            yield Alert(party, alert, release_id)


def registered(suppliers: Iterable[int], release_id: str | None, moment: Moment) -> dict[int, Party]:
    """Return those of the suppliers that are registered, in the order of their EUIs.

    The operator is shown the others, once for each release.
    """
    wanted = sorted(set(suppliers))
    found = known(moment.conn, wanted)
    for supplier in wanted:
        if supplier not in found:
            subject = " ".join(filter(None, (release_id, format_eui(supplier))))
            text = "responsible for hubs that are concerned, but not registered as a supplier: it is told nothing"
            flags.raise_once(moment.conn, UNREGISTERED_SUPPLIER, subject, moment.now, text)
    return found


def known(connection: Connection, suppliers: Iterable[int]) -> dict[int, Party]:
    """Return those of the suppliers that are registered, in the order of their EUIs, and tell nobody of the others."""
    found = parties.find_many(connection, suppliers)
    return {eui: found[eui] for eui in sorted(found) if found[eui].kind is PartyKind.SUPPLIER}


def suppliers_of_model(
    connection: Connection, manufacturer: str, model: str, csp_region: str | None = None
) -> frozenset[int]:
    """Return the suppliers responsible for at least one hub of this model (in this region), registered or not.

    Each supplier's first hub, and its first of the model, are found in an index: millions of hubs are never looked
    through.
    """
    number = model_number(manufacturer, model).scalar_subquery()
    concerned = [hub_table.c.model_id == number]
    if csp_region is not None:
        concerned.append(hub_table.c.csp_region == csp_region)
    found: set[int] = set()
    for role in ROLES:
        named = _named_in(role).subquery()
        has_hub = exists().where(role == named.c.supplier, *concerned)
        found.update(connection.execute(select(named.c.supplier).where(has_hub)).scalars())
    return frozenset(found)


def who_can_instruct(connection: Connection) -> Mapping[int, bool]:
    """Return the suppliers that are registered, and whether each can instruct: whether its DUIS has 11.5 and 11.6."""
    return {one.eui: one.can_instruct for one in parties.all_parties(connection, PartyKind.SUPPLIER)}


def unable_of_model(connection: Connection, manufacturer: str, model: str) -> frozenset[int]:
    """Return those of the suppliers of this model that cannot instruct: their DUIS is older, or they are unregistered.

    A split hub of theirs moves before the automatic date only if DCC instructs it, or chooses it for them.
    """
    can = who_can_instruct(connection)
    return frozenset(one for one in suppliers_of_model(connection, manufacturer, model) if not can.get(one, False))


def _named_in(role: Column[int]) -> Select[int]:
    """Each supplier that the inventory names in a role, by stepping through its index from one to the next."""
    each = select(func.min(role).label("supplier")).cte(recursive=True)
    others = hub_table.alias().c[role.name]
    following = select(func.min(others)).where(others > each.c.supplier).scalar_subquery()
    each = each.union_all(select(following).where(each.c.supplier.is_not(None)))
    return select(each.c.supplier).where(each.c.supplier.is_not(None))


# --- CSPs ---------------------------------------------------------------------------------------------------------


def within_regions(located: Iterable[Located], regions: frozenset[str]) -> tuple[int, ...]:
    """Return the hubs that lie in one of a CSP's regions, in their order."""
    return tuple(device_id for device_id, region in located if region in regions)


def to_csps(
    located: Iterable[Located],
    body: Callable[[tuple[int, ...], Part | None], PartnerBody],
    release_id: str,
    moment: Moment,
    before: Iterable[Located] = (),
) -> Iterator[PartnerSend]:
    """Yield the messages for each CSP about the hubs in its regions, in parts where they are too many for one.

    Args:
        located: the hubs.
        body: makes the message of a CSP's hubs, or of a part of them.
        release_id: the release concerned.
        moment: the transaction.
        before: the hubs until now: a CSP that had some and has none any more is told so.
    """
    here, there = tuple(located), tuple(before)
    for party in moment.registered(PartyKind.CSP):
        own = within_regions(here, party.regions)
        if own or within_regions(there, party.regions):
            for part, ids in split_list(new_identity(), own):
                yield PartnerSend(party, body(ids, part), release_id)
