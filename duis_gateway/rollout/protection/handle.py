"""A supplier's list is changed: by the party door, or by an operator for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import HttpRefused
from duis_gateway.rollout.eligibility import responsible
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.gpfs import whose
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.plans.held import held_plans
from duis_gateway.rollout.plans.replan import lock_releases_of, releases_of, replan_hubs
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.second_suppliers.handle import alerts_on_protection
from duis_gateway.store.bulk import portions
from duis_gateway.text.tabular import Rows

COLUMNS = ("device_id",)


@dataclass(frozen=True, slots=True)
class ProtectionLists:
    """The suppliers' lists; what a change of one does to plans is told in the same transaction (X09)."""

    moments: Moments

    def rows(self, supplier: int) -> Rows:
        """Return a supplier's list, written while it is read."""
        return Rows(COLUMNS, self._rows(supplier))

    def _rows(self, supplier: int) -> Iterator[Mapping[str, object]]:
        with self.moments.store.read() as conn:
            for device_id in protection.listed(conn, supplier):
                yield {"device_id": format_eui(device_id)}

    def replace(self, supplier: int, ids: Collection[int]) -> int:
        """Make these hubs a supplier's list, and return how many they are.

        A hub may be named that is not, or not yet, the supplier's own: it counts when it is.

        Raises:
            HttpRefused: one of them is the GPF of a hub that is the supplier's own; no list keeps that hub.
            NotDurable: it cannot be stored, or what is to be told of it cannot be signed.
        """
        wanted = frozenset(ids)
        self._refuse_gpfs(supplier, wanted)
        self._change(supplier, lambda standing: (wanted - standing, standing - wanted))
        return len(wanted)

    def _refuse_gpfs(self, supplier: int, ids: frozenset[int]) -> None:
        with self.moments.store.read() as conn:
            named = {gpf: hub for few in portions(sorted(ids)) for gpf, hub in hubs.by_gpf(conn, few).items()}
        for gpf, hub in sorted(named.items()):
            if responsible(hub, supplier):
                raise HttpRefused(f"{format_eui(gpf)} cannot be protected: {whose(hub.device_id)}")

    def remove(self, supplier: int, ids: Collection[int]) -> int:
        """Take these hubs off a supplier's list, and return how many of them were on it (NotDurable as `replace`)."""
        given = frozenset(ids)
        return len(self._change(supplier, lambda standing: (frozenset(), standing & given))[1])

    def _change(
        self, supplier: int, changed: Callable[[frozenset[int]], tuple[frozenset[int], frozenset[int]]]
    ) -> tuple[frozenset[int], frozenset[int]]:
        self.moments.require_signer()
        with self.moments.open(accepting=True, long=True) as moment:
            moment.exclude_others(f"protected hubs of {format_eui(supplier)}")
            added, removed = changed(frozenset(protection.listed(moment.conn, supplier)))
            changes = sorted(added | removed)
            models = {model for few in portions(changes) for model in hubs.models_of(moment.conn, few)}
            lock_releases_of(moment, models)
            ids, live = protection.instructed(moment.conn, supplier, changes), releases_of(moment, models)
            held = {one.release_id: held_plans(moment, one, ids) for one in live}
            protection.add(moment.conn, supplier, added)
            protection.remove(moment.conn, supplier, removed)
            for release in live:
                moment.send(alerts_on_protection(release, supplier, added, removed, moment))
            replan_hubs(moment, models, ids, held=held)
        return added, removed
