"""Eligible, and responsible: the one definition of each, held together in Python and in SQL (design section 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Connection, delete, select

from duis_gateway.rollout.eligibility import (
    Unfit,
    active_sql,
    fits,
    fits_or_active_sql,
    fits_sql,
    passes_sql,
    responsible,
    responsible_sql,
    runs,
    unfit,
)
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.store.bulk import id_list
from duis_gateway.store.engine import Store
from duis_gateway.store.rollout_tables import release_event
from duis_gateway.store.tables import hub as hub_table
from duis_gateway.store.tables import release as release_table
from tests.support.estate import ALPHA, BETA, HIGH, NOW, TOP, fill, hub, release

VERSIONS = st.sampled_from(["1", "2", "3"])
SUPPLIERS = (ALPHA, BETA, HIGH)
MAYBE_SUPPLIER = st.sampled_from([None, *SUPPLIERS])
HOUR = timedelta(hours=1)


@st.composite
def estates(draw: st.DrawFn) -> list[Hub]:
    return [
        Hub(
            TOP + number,
            draw(st.sampled_from(["CHF", "CHF", "GPF"])),
            draw(st.sampled_from(["Acme", "Other"])),
            "Hub1",
            draw(VERSIONS),
            draw(st.sampled_from(["Commissioned", "Commissioned", "Decommissioned"])),
            "North",
            draw(MAYBE_SUPPLIER),
            draw(MAYBE_SUPPLIER),
        )
        for number in range(-4, 8)
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Release, bool]]:
    """Up to three releases of one model, each with whether DCC approved it; two may be notified at one moment."""
    return [
        (
            replace(
                release(f"R{9 - number}", version=draw(VERSIONS), state=draw(st.sampled_from(ReleaseState))),
                notified_at=NOW + draw(st.integers(0, 2)) * HOUR,
                permitted_predecessors=draw(st.frozensets(VERSIONS, max_size=2)),
            ),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 3)))
    ]


def approve(connection: Connection, one: Release) -> None:
    history.record(connection, ReleaseEvent(one.release_id, NOW, "approved", ReleaseState.APPROVED, False, "DCC"))


def emptied(connection: Connection) -> None:
    for table in (release_event, release_table, hub_table):
        connection.execute(delete(table))


def found(connection: Connection, condition: ColumnElement[bool]) -> list[int]:
    return sorted(connection.execute(select(hub_table.c.device_id).where(condition)).scalars())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(estate=estates(), announced=histories())
def test_python_and_sql_say_the_same(store: Store, estate: list[Hub], announced: list[tuple[Release, bool]]) -> None:
    with store.write() as connection:
        emptied(connection)
        fill(connection, estate, (one for one, _ in announced))
        for one, approved in announced:
            if approved:
                approve(connection, one)
        for number, (one, _) in enumerate(announced):
            loaded = releases.find(connection, one.release_id)
            assert loaded is not None
            after = [
                other.firmware_version
                for at, (other, approved) in enumerate(announced)
                if approved and (other.notified_at, at) > (one.notified_at, number)
            ]
            assert loaded == replace(one, later_versions=frozenset(after))
            reasons = {of.device_id: unfit(of, loaded) for of in estate}
            assert found(connection, fits_sql(loaded)) == [d for d in sorted(reasons) if reasons[d] is None]
            assert found(connection, fits_or_active_sql(loaded)) == [
                d for d in sorted(reasons) if reasons[d] in (None, Unfit.ACTIVE)
            ]
            active = [d for d in sorted(reasons) if reasons[d] is Unfit.ACTIVE]
            assert found(connection, active_sql(loaded)) == active
            assert all(runs(of, loaded) for of in estate if reasons[of.device_id] is Unfit.ACTIVE)
        for supplier in SUPPLIERS:
            own = sorted(of.device_id for of in estate if responsible(of, supplier))
            assert found(connection, responsible_sql(supplier)) == own
            assert sorted(d for one_role in passes_sql(supplier) for d in found(connection, one_role)) == own
            whose = id_list(connection, [supplier])
            assert found(connection, select(whose).where(responsible_sql(whose.c.value)).exists()) == own


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (hub(1), None),
        (replace(hub(1), device_type="GPF"), Unfit.NO_HUB),
        (replace(hub(1), status="Pending"), Unfit.NOT_COMMISSIONED),
        (hub(1, model="Hub2"), Unfit.OTHER_MODEL),
        (hub(1, version="01020305"), Unfit.ACTIVE),
        (hub(1, version="9003"), Unfit.LATER_VERSION),
        (hub(1, version="7"), Unfit.NOT_PERMITTED),
        (replace(hub(1, version="9003"), device_type="GPF", status="Pending"), Unfit.NO_HUB),  # the first one counts
    ],
)
def test_why_a_hub_is_not_eligible(device: Hub, why: Unfit | None) -> None:
    one = replace(release(), later_versions=frozenset({"9003"}), permitted_predecessors=frozenset({"01020304", "9003"}))
    assert unfit(device, one) is why
    assert fits(device, one) is (why is None)
    assert unfit(None, one) is Unfit.NO_HUB


def test_a_release_that_names_no_predecessors_permits_all_but_later_ones() -> None:
    assert fits(hub(1, version="7"), release())
    assert not fits(hub(1, version="7"), replace(release(), later_versions=frozenset({"7"})))


def test_a_hub_without_suppliers_is_nobody_s() -> None:
    assert not any(responsible(hub(1, None, None), supplier) for supplier in SUPPLIERS)
