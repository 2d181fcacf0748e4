"""An instruction of a split hub counts until its period ends: who is told then, and of what (X06, X09)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from lxml import etree
from sqlalchemy import delete, select, text

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.store.migrate import configuration
from duis_gateway.store.rollout_tables import told_plan
from duis_gateway.store.tables import outbox
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.steering import HUBS, NORTH, OWN_NORTH, OWN_SOUTH, SPLIT, WEEK, Steering, steering

DAY = timedelta(days=1)
OF_PILOT = Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK)
LATER = Period(PILOT.start + 3 * WEEK, PILOT.start + 4 * WEEK)

pytestmark = pytest.mark.requirement("X06", "X09", "BR-3.3")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; one supplier has instructed its own hub and the split one in one group."""
    with steering(request.param, tmp_path) as made:
        made.announces()
        made.approves()
        lists(made, OURS, OWN_NORTH, SPLIT)
        lists(made, THEIRS, SPLIT)
        instructs(made, OURS, OF_PILOT, OWN_NORTH, SPLIT)
        made.passes(PILOT.start)
        yield made


def lists(dcc: Steering, supplier: int, *ids: int) -> None:
    assert not dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, ids)).startswith("E")


def instructs(dcc: Steering, supplier: int, period: Period, *ids: int) -> None:
    group = DeploymentGroup("G1", Stage.PILOT, ids, period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def said(dcc: Steering, supplier: int, since: int, element: str, word: str) -> list[tuple[str, str]]:
    """What the alerts to a supplier after that row say in these elements: a word, and of which hubs."""
    query = select(outbox.c.content).where(
        outbox.c.recipient == supplier, outbox.c.id > since, outbox.c.channel == "http"
    )
    with dcc.store.read() as conn:
        roots = [etree.fromstring(row.content) for row in conn.execute(query.order_by(outbox.c.id))]
    found = [one for root in roots for one in root.iter(f"{{*}}{element}")]
    return [(one.findtext(f"{{*}}{word}") or "", one.findtext("{*}DeviceIDList") or "") for one in found]


def second(dcc: Steering, supplier: int, since: int) -> list[str]:
    return [word for word, _ in said(dcc, supplier, since, "SplitSupplierInstruction", "OtherSupplier")]


def void(dcc: Steering, supplier: int, since: int) -> list[str]:
    """Of which hubs a supplier was told that their period is over."""
    return sorted(
        device
        for reason, ids in said(dcc, supplier, since, "Void", "Reason")
        for device in ids.split(",")
        if reason == "PeriodEnded"
    )


def eui(*ids: int) -> list[str]:
    return [f"00-00-00-00-00-00-00-{one:02X}" for one in ids]


def test_whose_period_ends_before_the_second_supplier_instructs_is_told(dcc: Steering) -> None:
    """Before, the supplier was told so of the other hubs of its group alone."""
    before = dcc.last_row()
    dcc.passes(OF_PILOT.end)
    assert void(dcc, OURS, before) == eui(OWN_NORTH, SPLIT)
    assert void(dcc, THEIRS, before) == [], "it had instructed nothing"
    assert second(dcc, THEIRS, before) == ["NotInstructed"]
    assert second(dcc, OURS, before) == []
    assert ("http", "PlanDeviation") in dcc.outbox(NORTH, before), "of the hub that was planned"
    with dcc.store.read() as conn:
        rows = history_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), SPLIT)
    assert next(row["what"] for row in rows) == "void: PeriodEnded"
    before = dcc.last_row()
    dcc.passes(OF_PILOT.end + WEEK)
    assert void(dcc, OURS, before) == second(dcc, THEIRS, before) == [], "once"


def test_an_ended_instruction_is_not_told_as_standing(dcc: Steering) -> None:
    """Before, a list that changed a group of which the period was over told the second supplier `Instructed`."""
    dcc.passes(OF_PILOT.end)
    before = dcc.last_row()
    lists(dcc, OURS, SPLIT)
    assert second(dcc, THEIRS, before) == second(dcc, OURS, before) == []
    instructs(dcc, THEIRS, LATER, SPLIT)
    assert second(dcc, THEIRS, before) == ["NotInstructed"]
    assert second(dcc, OURS, before) == ["Instructed"]


def decides(dcc: Steering, decision: GroupDecision, reason: str | None = None) -> None:
    body = csp.ScheduleDecision("R1", OURS, "G1", decision, reason=reason)
    assert dcc.says(body, by=NORTH, door=Door.CSP).status == "Accepted"


@pytest.mark.requirement("X07")
def test_a_half_that_the_csp_refuses_is_told_as_not_instructed(dcc: Steering) -> None:
    """Before, the second supplier's last word was `Instructed`, of a half that moves nothing."""
    before = dcc.last_row()
    decides(dcc, GroupDecision.REFUSED, "no capacity")
    decides(dcc, GroupDecision.REFUSED, "no capacity")
    assert second(dcc, THEIRS, before) == ["NotInstructed"], "once"
    assert second(dcc, OURS, before) == []
    instructs(dcc, THEIRS, LATER, SPLIT)
    assert second(dcc, THEIRS, before) == ["NotInstructed", "NotInstructed"], "nor is it when it instructs itself"
    before = dcc.last_row()
    decides(dcc, GroupDecision.ACCEPTED)
    assert second(dcc, THEIRS, before) == ["Instructed"]
    assert second(dcc, OURS, before) == ["Instructed"]


@pytest.mark.requirement("X07")
def test_a_refused_half_is_instructed_again_when_it_is_sent_again(dcc: Steering) -> None:
    decides(dcc, GroupDecision.REFUSED, "no capacity")
    before = dcc.last_row()
    lists(dcc, OURS, SPLIT)
    assert second(dcc, THEIRS, before) == []
    instructs(dcc, OURS, LATER, SPLIT)
    assert second(dcc, THEIRS, before) == ["Instructed"]


@pytest.mark.requirement("X07")
def test_a_refused_half_of_a_hub_that_comes_to_another_csp_is_instructed_again(dcc: Steering) -> None:
    decides(dcc, GroupDecision.REFUSED, "no capacity")
    (split,) = (one for one in HUBS if one.device_id == SPLIT)
    before = dcc.last_row()
    dcc.says(esi.InventoryUpdate((replace(split, csp_region="South"),)))
    assert second(dcc, THEIRS, before) == ["Instructed"]


@pytest.mark.requirement("BR-6.5")
def test_a_half_that_a_revision_makes_void_is_told_as_not_instructed(dcc: Steering) -> None:
    before = dcc.last_row()
    terms = PilotTerms(Period(PILOT.start, OF_PILOT.end - DAY), limit=10)
    assert dcc.announces(revision=2, pilot=terms).status == "Accepted"
    assert second(dcc, THEIRS, before) == ["NotInstructed"]
    assert second(dcc, OURS, before) == []


@pytest.mark.requirement("X08")
def test_the_end_is_told_of_what_dcc_chose_for_longer_than_the_supplier_had_instructed(dcc: Steering) -> None:
    """Before, nobody was told: only the end of the supplier's own half was looked at, as that counted first."""
    assert dcc.says(esi.PilotSelection("R1", OURS, (SPLIT,), LATER)).status == "Accepted"
    before = dcc.last_row()
    dcc.passes(OF_PILOT.end)
    assert void(dcc, OURS, before) == eui(OWN_NORTH), "the half stands still, as DCC chose it"
    dcc.passes(LATER.end)
    assert void(dcc, OURS, before) == eui(OWN_NORTH, SPLIT)
    assert second(dcc, THEIRS, before) == ["NotInstructed"]


@pytest.mark.requirement("X07")
def test_the_end_is_told_of_a_group_that_the_csp_takes_after_all_when_another_has_the_hub(dcc: Steering) -> None:
    """The brother, with two standing groups of one supplier: that of the first to end is no end of the half."""
    decides(dcc, GroupDecision.REFUSED, "no capacity")
    sooner = DeploymentGroup("G2", Stage.PILOT, (SPLIT,), Period(PILOT.start + DAY, PILOT.start + 2 * DAY))
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (sooner,))).startswith("E")
    taken = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.AMENDED, LATER.start, LATER.end)
    assert dcc.says(taken, by=NORTH, door=Door.CSP).status == "Accepted"
    before = dcc.last_row()
    dcc.passes(sooner.period.end)
    assert void(dcc, OURS, before) == second(dcc, THEIRS, before) == [], "the half stands still, by the first group"
    dcc.passes(LATER.end)
    assert void(dcc, OURS, before) == eui(OWN_NORTH, SPLIT)
    assert second(dcc, THEIRS, before) == ["NotInstructed"]


def anew(dcc: Steering, supplier: int) -> list[object]:
    """How many hubs a supplier is to instruct anew as their period has ended."""
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, Party(supplier, PartyKind.SUPPLIER, ""), dcc.clock.now())
    return [row["hubs"] for row in rows if (row["task"], row["subject"]) == ("instruct_anew", "PeriodEnded")]


@pytest.mark.requirement("BR-5.4")
def test_a_hub_is_to_be_instructed_anew_by_whoever_s_period_has_ended(dcc: Steering) -> None:
    """Before, the split hub was in no line once the second supplier had instructed it."""
    dcc.passes(OF_PILOT.end)
    assert (anew(dcc, OURS), anew(dcc, THEIRS)) == ([2], [])
    instructs(dcc, THEIRS, LATER, SPLIT)
    assert (anew(dcc, OURS), anew(dcc, THEIRS)) == ([2], [])
    instructs(dcc, OURS, LATER, OWN_NORTH, SPLIT)
    assert (anew(dcc, OURS), anew(dcc, THEIRS)) == ([], [])


def amends(dcc: Steering, supplier: int, period: Period) -> None:
    body = csp.ScheduleDecision("R1", supplier, "G1", GroupDecision.AMENDED, period.start, period.end)
    assert dcc.says(body, by=NORTH, door=Door.CSP).status == "Accepted"


@pytest.mark.requirement("X07", "PIA-C2")
def test_an_instruction_counts_until_the_end_that_the_csp_fixed(dcc: Steering) -> None:
    """Before, N73 told one as standing until the end that was asked for, where the CSP had fixed an earlier one."""
    amends(dcc, OURS, Period(OF_PILOT.start, OF_PILOT.end - DAY))
    before = dcc.last_row()
    dcc.passes(OF_PILOT.end - DAY)
    assert (void(dcc, OURS, before), second(dcc, THEIRS, before)) == (eui(OWN_NORTH, SPLIT), ["NotInstructed"])
    before = dcc.last_row()
    instructs(dcc, THEIRS, LATER, SPLIT)
    assert second(dcc, THEIRS, before) == ["NotInstructed"]
    lists(dcc, OURS, SPLIT)
    assert second(dcc, THEIRS, before) == ["NotInstructed"], "nothing that counted is taken back"


@pytest.mark.requirement("X07", "PIA-C2")
def test_a_later_end_that_the_csp_fixed_counts_whatever_else_the_supplier_sends(dcc: Steering) -> None:
    """Before, the second supplier was told `NotInstructed` of a group that nobody had touched."""
    amends(dcc, OURS, Period(OF_PILOT.start, OF_PILOT.end + WEEK))
    dcc.passes(OF_PILOT.end + DAY)
    before = dcc.last_row()
    lists(dcc, OURS, SPLIT, OWN_NORTH, OWN_SOUTH)
    other = DeploymentGroup("G2", Stage.PILOT, (OWN_SOUTH,), LATER)
    assert dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (other,))) == "I99"
    assert second(dcc, THEIRS, before) == []
    instructs(dcc, THEIRS, LATER, SPLIT)
    assert second(dcc, THEIRS, before) == ["Instructed"]


def test_what_waited_before_the_upgrade_is_told_too(dcc: Steering) -> None:
    """Instructions given to a version that did not look at their ends: the migration to this one has them looked at."""
    instructs(dcc, OURS, OF_PILOT, SPLIT)
    amends(dcc, OURS, Period(OF_PILOT.start, OF_PILOT.end + WEEK))
    with dcc.store.write() as conn:
        conn.execute(delete(told_plan))
        newest = conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        conn.execute(text("UPDATE alembic_version SET version_num = '0021_since'"))
        command.upgrade(configuration(conn), "0022_waiting")
        conn.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
    before = dcc.last_row()
    dcc.passes(OF_PILOT.end)
    assert (void(dcc, OURS, before), second(dcc, THEIRS, before)) == ([], []), "the CSP gave it more time"
    dcc.passes(OF_PILOT.end + WEEK)
    assert (void(dcc, OURS, before), second(dcc, THEIRS, before)) == (eui(SPLIT), ["NotInstructed"])


def test_a_period_that_both_wait_for_ends_as_before(dcc: Steering) -> None:
    instructs(dcc, THEIRS, LATER, SPLIT)
    before = dcc.last_row()
    dcc.passes(OF_PILOT.end)
    assert void(dcc, OURS, before) == eui(OWN_NORTH), "the joint period is still to come"
    assert second(dcc, THEIRS, before) == []
