"""How a hub stands in a roll-out, in one word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from duis_gateway.rollout.estate.rules import HubState, Prospect, next_prospect, state_of
from duis_gateway.rollout.plans.rules import Basis, HubPlan
from duis_gateway.rollout.releases.records import ReleaseState
from tests.support.rules import AUTOMATIC, PILOT, release

OLDER, NEWER = release(), release(release_id="R2", firmware_version="00000003")


def plan(basis: Basis, days: int = 0) -> HubPlan:
    return HubPlan(basis, "", due=PILOT.end + timedelta(days=days))


@pytest.mark.parametrize(
    ("basis", "failed", "state"),
    [
        (Basis.ACTIVE, False, HubState.ACTIVATED),
        (Basis.ACTIVE, True, HubState.ACTIVATED),  # it runs the version by now
        (Basis.INSTRUCTED, False, HubState.INSTRUCTED),
        (Basis.INSTRUCTED, True, HubState.FAILED),
        (Basis.BATCH, False, HubState.BATCH),
        (Basis.BATCH, True, HubState.FAILED),
        (Basis.AUTOMATIC_DATE, False, HubState.PLANNED),
        (Basis.AUTOMATIC_DATE, True, HubState.FAILED),
        (Basis.NOT_PLANNED, False, HubState.NOT_PLANNED),
        (Basis.NOT_PLANNED, True, HubState.NOT_PLANNED),  # nothing is tried again
    ],
)
def test_the_state_follows_from_the_plan_and_from_whether_an_attempt_failed(
    basis: Basis, failed: bool, state: HubState
) -> None:
    assert state_of(Prospect(OLDER, plan(basis), failed)) is state


def test_without_a_live_release_nothing_is_ahead() -> None:
    assert next_prospect([]) is None


def test_the_release_whose_date_comes_first_has_a_hub_that_nothing_is_instructed_for() -> None:
    """The notice of a newer release takes nothing from an older one."""
    older = Prospect(OLDER, plan(Basis.AUTOMATIC_DATE))
    assert next_prospect([Prospect(NEWER, plan(Basis.AUTOMATIC_DATE, 1)), older]) is older
    assert next_prospect([newer := Prospect(NEWER, plan(Basis.AUTOMATIC_DATE, -1)), older]) is newer
    assert next_prospect([Prospect(NEWER, plan(Basis.NOT_PLANNED)), older]) is older


def test_at_one_date_a_release_that_is_merely_announced_takes_nothing_from_one_that_is_approved() -> None:
    announced, approved = (
        Prospect(replace(release, state=state), plan(Basis.AUTOMATIC_DATE))
        for release, state in ((NEWER, ReleaseState.NOTIFIED), (OLDER, ReleaseState.APPROVED))
    )
    assert next_prospect([announced, approved]) is approved
    newer = Prospect(replace(NEWER, state=ReleaseState.APPROVED), plan(Basis.AUTOMATIC_DATE))
    assert next_prospect([newer, approved]) is newer


def test_a_hub_on_which_the_newer_release_is_active_is_no_more_the_older_ones() -> None:
    newer, older = Prospect(NEWER, plan(Basis.ACTIVE)), Prospect(OLDER, plan(Basis.AUTOMATIC_DATE))
    assert next_prospect([newer, older]) is newer
    ahead = Prospect(NEWER, plan(Basis.AUTOMATIC_DATE))
    assert next_prospect([ahead, Prospect(OLDER, plan(Basis.ACTIVE))]) is ahead


def test_a_hub_is_activated_under_the_release_that_is_approved_where_another_brings_the_same_version() -> None:
    """Before, an announcement had a hub that was activated before it came, as "not approved yet"."""
    announced, approved, newer = (
        Prospect(release(release_id=name, state=state), plan(Basis.ACTIVE))
        for name, state in (
            ("R2", ReleaseState.NOTIFIED),
            ("R1", ReleaseState.PILOTING),
            ("R3", ReleaseState.APPROVED),
        )
    )
    assert next_prospect([announced, approved]) is approved
    assert next_prospect([newer, announced, approved]) is newer
    assert next_prospect([announced]) is announced


@pytest.mark.parametrize("basis", [Basis.INSTRUCTED, Basis.BATCH])
def test_what_is_instructed_under_an_older_release_comes_first(basis: Basis) -> None:
    newer, older = Prospect(NEWER, plan(Basis.AUTOMATIC_DATE)), Prospect(OLDER, plan(basis))
    assert next_prospect([newer, older]) is older


def test_of_two_instructions_the_earlier_counts_and_of_equals_the_newer_release() -> None:
    newer, older = Prospect(NEWER, plan(Basis.INSTRUCTED, 1)), Prospect(OLDER, plan(Basis.BATCH))
    assert next_prospect([newer, older]) is older
    assert next_prospect([Prospect(NEWER, plan(Basis.BATCH)), older]) != older
    undated = Prospect(NEWER, HubPlan(Basis.BATCH, ""))
    assert next_prospect([undated, older]) is older
    assert undated.release.automatic_date == AUTOMATIC
