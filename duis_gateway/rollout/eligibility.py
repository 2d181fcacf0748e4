"""Which hubs a release may be applied to, and who is responsible for a hub: each rule once, in Python and in SQL.

Design section 7, "Eligible" and "Who is told". The twins stand side by side, and a property test holds them together;
nothing outside this module spells these rules (`tests/test_architecture.py`). The SQL twins are conditions on the
table `hub`.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, or_

from duis_gateway.rollout.hubs.device_models import model_number
from duis_gateway.rollout.hubs.records import Hub, NamedHub
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.store.tables import hub as hub_table

COMMUNICATIONS_HUB = "CHF"
"""The device type of a Communications Hub in the inventory."""

COMMISSIONED = "Commissioned"
"""The one inventory status in which a hub takes part in a roll-out."""


# --- eligible -----------------------------------------------------------------------------------------------------


class Unfit(StrEnum):
    """Why a release may not be applied to a hub, in words; of several reasons the first counts."""

    NO_HUB = "not a Communications Hub in the inventory"
    NOT_COMMISSIONED = "not commissioned"
    OTHER_MODEL = "of another device model"
    ACTIVE = "already runs the version"
    LATER_VERSION = "runs the version of a later release"
    NOT_PERMITTED = "runs a version that the release does not permit as a predecessor"


def is_hub(hub: Hub | NamedHub) -> bool:
    """Whether the device is a Communications Hub (CHF)."""
    return hub.device_type == COMMUNICATIONS_HUB


def is_hub_sql() -> ColumnElement[bool]:
    """Return the condition of `is_hub`."""
    return hub_table.c.device_type == COMMUNICATIONS_HUB


def in_use(hub: Hub | NamedHub) -> bool:
    """Whether the device is a commissioned Communications Hub, as every hub is that takes part in a roll-out."""
    return is_hub(hub) and hub.status == COMMISSIONED


def unfit(hub: Hub | NamedHub | None, release: Release) -> Unfit | None:
    """Return why the release may not be applied to the hub as it is now, or None if it may.

    A hub never goes back: it keeps the version of a release that was approved later. Where the release names
    permitted predecessors (MP231), the hub runs one of them.
    """
    if hub is None or hub.device_type != COMMUNICATIONS_HUB:
        return Unfit.NO_HUB
    if hub.status != COMMISSIONED:
        return Unfit.NOT_COMMISSIONED
    if hub.model != release.model or hub.manufacturer != release.manufacturer:
        return Unfit.OTHER_MODEL
    version = hub.firmware_version
    if version == release.firmware_version:
        return Unfit.ACTIVE
    if version in release.later_versions:
        return Unfit.LATER_VERSION
    if release.permitted_predecessors and version not in release.permitted_predecessors:
        return Unfit.NOT_PERMITTED
    return None


def fits(hub: Hub | NamedHub, release: Release) -> bool:
    """Whether the release may be applied to the hub as it is now: whether the hub is eligible."""
    return unfit(hub, release) is None


def awaits_dcc(hub: Hub | NamedHub, release: Release) -> bool:
    """Whether a hub could move again by a release whose pilot a successor has invalidated, if DCC decides so."""
    return release.state is ReleaseState.INVALIDATED and fits(hub, release)


def runs(hub: Hub | NamedHub, release: Release) -> bool:
    """Whether the device is active under the release: of its model, and with its version, in whatever status."""
    same_model = hub.model == release.model and hub.manufacturer == release.manufacturer
    return same_model and hub.firmware_version == release.firmware_version


def fits_sql(release: Release) -> ColumnElement[bool]:
    """Return the condition of `fits`."""
    return and_(_of_model_in_use(release), _may_leave_its_version(release))


def fits_or_active_sql(release: Release) -> ColumnElement[bool]:
    """Return the condition that `unfit` finds nothing, or only that the hub is active under this release already.

    It is what a supplier's obligations to a pilot are counted from.
    """
    runs_it = hub_table.c.firmware_version == release.firmware_version
    return and_(_of_model_in_use(release), or_(runs_it, _may_leave_its_version(release)))


def active_sql(release: Release) -> ColumnElement[bool]:
    """Return the condition of `unfit` being `Unfit.ACTIVE`: a commissioned hub that runs the release's version."""
    return and_(_of_model_in_use(release), hub_table.c.firmware_version == release.firmware_version)


def later_sql(release: Release) -> ColumnElement[bool]:
    """Return the condition of `unfit` being `Unfit.LATER_VERSION`: a later release's version runs on the hub."""
    later = sorted(release.later_versions - {release.firmware_version})
    return and_(_of_model_in_use(release), hub_table.c.firmware_version.in_(later))


def _of_model_in_use(release: Release) -> ColumnElement[bool]:
    return and_(
        hub_table.c.model_id == model_number(release.manufacturer, release.model).scalar_subquery(),
        is_hub_sql(),
        hub_table.c.status == COMMISSIONED,
    )


def _may_leave_its_version(release: Release) -> ColumnElement[bool]:
    version = hub_table.c.firmware_version
    may = version.not_in(sorted({release.firmware_version, *release.later_versions}))
    permitted = release.permitted_predecessors
    return and_(may, version.in_(permitted)) if permitted else may


# --- responsible --------------------------------------------------------------------------------------------------


def roles(hub: Hub | NamedHub, supplier: int) -> tuple[bool, bool]:
    """Whether the supplier is the hub's Import Supplier, and whether it is its Gas Supplier."""
    return hub.import_supplier == supplier, hub.gas_supplier == supplier


def roles_sql(supplier: int | ColumnElement[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the two of `roles`: a hub without a supplier in a role is nobody's in it, and not unknown."""
    imports, gas = ROLES
    return func.coalesce(imports == supplier, False), func.coalesce(gas == supplier, False)


def responsible(hub: Hub | NamedHub, supplier: int) -> bool:
    """Whether the supplier is the hub's Import or Gas Supplier."""
    return supplier in (hub.import_supplier, hub.gas_supplier)


def responsible_sql(supplier: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition of `responsible`."""
    return func.coalesce(or_(*(role == supplier for role in ROLES)), False)


def split_sql() -> ColumnElement[bool]:
    """Return the condition that a hub has two suppliers."""
    imports, gas = ROLES
    return imports != gas


def passes_sql(supplier: int | ColumnElement[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of two queries that find, one after the other, each hub of a supplier's exactly once.

    They are the condition of `responsible` for reading or counting a supplier's estate: each query is answered from
    the index of one role, in the order of `ROLES`; a condition over both roles would read the whole inventory.
    """
    imports, gas = ROLES
    return imports == supplier, and_(gas == supplier, imports.is_distinct_from(supplier))


ROLES = (hub_table.c.import_supplier, hub_table.c.gas_supplier)
"""The columns of the Responsible Suppliers: of the import meter and of the gas meter."""
