"""What became of the firmware at single hubs (X01, X02; FIA-1, FIA-2, PIA-6, BR-2.5, BR-5.6; FIA table 2 for N64)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.activations.rules import (
    CLOCK_TOLERANCE,
    Flag,
    JudgedOutcome,
    OutcomeJudgement,
    hub_after,
    judge_outcome,
    judge_outcomes,
    may_be_old,
)
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Release, ReleaseState
from tests.support.rules import NEW, NOW, OLD, OURS, THEIRS, hub, release

NORTH = frozenset({"North", "4G North"})
MINUTE = timedelta(minutes=1)


def outcome(  # the fields of one outcome, with a success of version 2 now as the standard
    device_id: int = 1,
    version: str = NEW,
    at: datetime = NOW,
    success: bool = True,
    stage: OutcomeStage = OutcomeStage.ACTIVATION,
) -> HubOutcome:
    return HubOutcome(device_id, stage, success, version, at, None if success else "timeout")


def judge(
    reported: HubOutcome,
    of: Hub | None,
    terms: Release | None = None,
    requested: bool = True,
    distributed_at: datetime | None = None,
) -> OutcomeJudgement:
    """Judge as the CSP North's report, for a known release unless another is given."""
    return judge_outcome(reported, of, NORTH, terms or release(), requested, NOW, distributed_at)


@pytest.mark.requirement("BR-5.6", "X01")
def test_a_success_with_a_new_version_changes_the_inventory_and_is_told() -> None:
    """FIA-1, FIA-2, BR-5.6."""
    assert judge(outcome(), hub()) == OutcomeJudgement(new_version=True, tell=True, suppliers=(OURS,))


def test_all_responsible_suppliers_are_told_once_each() -> None:
    """FIA-2: all Responsible Suppliers; one party in both roles is one."""
    assert judge(outcome(), hub(gas_supplier=THEIRS)).suppliers == tuple(sorted((OURS, THEIRS)))
    assert judge(outcome(), hub(import_supplier=THEIRS)).suppliers == tuple(sorted((OURS, THEIRS)))
    assert judge(outcome(), hub(gas_supplier=None)).suppliers == (OURS,)
    assert judge(outcome(), hub(import_supplier=None, gas_supplier=None)).suppliers == ()


def test_the_version_that_was_told_already_raises_nothing() -> None:
    judged = judge(outcome(version=OLD), hub())
    assert (judged.recorded, judged.new_version, judged.tell, judged.failed) == (True, False, False, False)


def test_a_version_that_the_inventory_learnt_otherwise_is_still_told() -> None:
    """An inventory update may come before the hub's answer; the suppliers were not told by it."""
    judged = judge(outcome(), hub(firmware_version=NEW, told_version=OLD))
    assert (judged.new_version, judged.tell) == (False, True)


def test_a_hub_of_which_nothing_was_told_is_compared_with_the_inventory() -> None:
    assert judge(outcome(), hub(told_version=None)).tell
    assert not judge(outcome(version=OLD), hub(told_version=None)).tell


def test_going_back_to_an_older_version_is_told_too() -> None:
    """FIA-1: the version now active, whichever it is."""
    assert judge(outcome(version="00000000"), hub()).tell


def test_an_older_outcome_than_recorded_is_ignored() -> None:
    known = hub(firmware_version=NEW, told_version=NEW, completed_at=NOW)
    assert judge(outcome(version=OLD, at=NOW - MINUTE), known) == OutcomeJudgement(ignored=True)
    assert judge(outcome(success=False, at=NOW - MINUTE), known) == OutcomeJudgement(ignored=True)


@pytest.mark.parametrize("success", [True, False])
def test_the_same_outcome_again_raises_nothing(success: bool) -> None:
    known = hub()
    first = judge(outcome(success=success), known)
    assert first.tell or first.failed
    again = judge(outcome(success=success), hub_after(outcome(success=success), known, first))
    assert (again.tell, again.failed, again.new_version) == (False, False, False)


def test_another_version_at_the_same_time_counts() -> None:
    """The order of arrival decides where the times are equal."""
    assert judge(outcome(), hub(completed_at=NOW)).tell


def test_a_success_at_the_time_of_a_failure_counts_and_the_failure_after_it_does_not() -> None:
    failed = hub_after(outcome(success=False), hub(), judge(outcome(success=False), hub()))
    assert judge(outcome(), failed).tell
    active = hub_after(outcome(), hub(), judge(outcome(), hub()))
    assert judge(outcome(success=False), active).ignored


def test_a_failed_activation_is_told_and_changes_no_version() -> None:
    """X02."""
    reported = outcome(success=False)
    judged = judge(reported, hub())
    assert judged == OutcomeJudgement(failed=True, suppliers=(OURS,))
    assert hub_after(reported, hub(), judged) == hub(completed_at=NOW)


def test_a_distribution_is_progress_and_its_failure_is_told() -> None:
    """BR-2.5."""
    done = outcome(stage=OutcomeStage.DISTRIBUTION)
    judged = judge(done, hub(), requested=False)
    assert judged == OutcomeJudgement(suppliers=(OURS,))
    assert judged.recorded
    assert hub_after(done, hub(), judged) == hub()
    assert judge(replace(done, success=False), hub(), requested=False) == OutcomeJudgement(
        failed=True, suppliers=(OURS,)
    )


def test_a_distribution_failure_known_already_or_overtaken_by_an_activation_is_ignored() -> None:
    lost = outcome(stage=OutcomeStage.DISTRIBUTION, success=False)
    assert judge(lost, hub(), distributed_at=NOW).ignored
    assert judge(lost, hub(), distributed_at=NOW - MINUTE).failed
    assert judge(lost, hub(completed_at=NOW + MINUTE), distributed_at=NOW - MINUTE).ignored


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (None, "unknown hub"),
        (hub(device_type="ESME"), "unknown hub"),
        (hub(csp_region="South"), "the hub is outside this CSP's regions"),
    ],
)
def test_a_csp_speaks_only_for_known_hubs_of_its_regions(of: Hub | None, reason: str) -> None:
    """Design section 6."""
    assert judge(outcome(), of) == OutcomeJudgement(refused=reason)


def test_an_outcome_from_the_future_is_refused() -> None:
    """It would make every later one of that hub old; a clock may be a little ahead."""
    assert judge(outcome(at=NOW + CLOCK_TOLERANCE), hub()).tell
    late = outcome(at=NOW + CLOCK_TOLERANCE + timedelta(seconds=1))
    assert judge(late, hub()) == OutcomeJudgement(refused="CompletedAt is in the future")


@pytest.mark.parametrize(
    ("terms", "requested", "flags"),
    [
        (release(), True, ()),
        (release(), False, (Flag.UNMATCHED,)),
        (release(paused=True), True, (Flag.PAUSED_RELEASE,)),
        (release(state=ReleaseState.WITHDRAWN), True, (Flag.HALTED_RELEASE,)),
        (release(state=ReleaseState.CLOSED), True, ()),
        (None, False, (Flag.UNMATCHED, Flag.UNKNOWN_RELEASE)),
    ],
)
def test_what_is_odd_is_flagged_to_the_operator_and_told_all_the_same(
    terms: Release | None, requested: bool, flags: tuple[str, ...]
) -> None:
    """FIA-2: an unmatched response counts, and is flagged."""
    judged = judge_outcome(outcome(), hub(), NORTH, terms, requested, NOW)
    assert (judged.tell, judged.flags) == (True, flags)


def fold(outcomes: list[HubOutcome], *hubs: Hub, recorded: Iterable[HubOutcome] = ()) -> list[JudgedOutcome]:
    """Judge one message of CSP North."""
    known = {of.device_id: of for of in hubs}
    terms = {("106C", "433100AC", NEW): release()}
    requested = {(of.device_id, NEW) for of in hubs}
    return judge_outcomes(outcomes, known, NORTH, terms, requested, NOW, recorded=recorded)


def test_a_hub_twice_in_a_message_is_judged_against_its_own_earlier_outcome() -> None:
    judged = fold([outcome(), outcome(2), outcome(), outcome(at=NOW - MINUTE, version=OLD)], hub(1), hub(2))
    assert [item.judgement.tell for item in judged] == [True, True, False, False]
    assert judged[3].judgement.ignored
    assert judged[3].hub == hub(1, firmware_version=NEW, told_version=NEW, completed_at=NOW)


def test_what_contradicts_what_is_recorded_is_refused_and_a_repeat_of_it_is_not() -> None:
    active, failed = outcome(), outcome(success=False)
    known = hub(firmware_version=NEW, told_version=NEW, completed_at=NOW)
    stage = OutcomeStage.DISTRIBUTION

    def why(reported: HubOutcome, *recorded: HubOutcome) -> str | None:
        (judged,) = fold([reported], known, recorded=recorded)
        assert judged.judgement.ignored
        return judged.judgement.refused

    against_success = "contradicts the success recorded for 2026-03-02T09:00:00Z"
    assert why(failed, active) == why(outcome(success=False, at=NOW - MINUTE), active) == against_success
    assert why(outcome(at=NOW - MINUTE), failed) == "contradicts the failure recorded for 2026-03-02T09:00:00Z"
    assert why(failed, failed, active) is None, "a repeat"
    assert why(outcome(at=NOW - MINUTE), active) is None, "it says the same"
    assert why(outcome(success=False, version=OLD), active) is None, "of another version"
    assert why(outcome(success=False, stage=stage, at=NOW - MINUTE), active) is None, "distributed again, and activated"
    assert why(failed) is None, "nothing is known to stand"


def test_outcomes_of_one_message_that_contradict_each_other() -> None:
    judged = fold([outcome(), outcome(success=False), outcome()], hub())
    assert [item.judgement.refused is None for item in judged] == [True, False, True]


def test_only_hubs_of_which_something_not_newer_is_reported_are_looked_up() -> None:
    known = {1: hub(1, completed_at=NOW), 2: hub(2), 3: hub(3, completed_at=NOW - MINUTE)}
    assert may_be_old([outcome(1), outcome(2), outcome(3), outcome(4)], known, {}) == {1}


def test_a_distribution_failure_twice_in_a_message_is_told_once() -> None:
    lost = outcome(stage=OutcomeStage.DISTRIBUTION, success=False)
    assert [item.judgement.failed for item in fold([lost, lost], hub())] == [True, False]


def test_each_hub_is_matched_with_the_release_of_its_own_model() -> None:
    judged = fold([outcome(1), outcome(2), outcome(3)], hub(1), hub(2, model="other"))
    assert [item.judgement.flags for item in judged] == [(), (Flag.UNKNOWN_RELEASE,), ()]
    assert (judged[2].judgement.refused, judged[2].hub) == ("unknown hub", None)


def test_the_hubs_handed_in_are_left_as_they_are() -> None:
    known = {1: hub(1)}
    judge_outcomes([outcome()], known, NORTH, {}, (), NOW)
    assert known == {1: hub(1)}


reports = st.lists(
    st.builds(
        outcome,
        st.integers(1, 4),
        st.sampled_from([OLD, NEW, "00000003"]),
        st.integers(-5, 0).map(lambda minutes: NOW + minutes * MINUTE),
        st.booleans(),
        st.sampled_from(OutcomeStage),
    ),
    max_size=20,
)
ESTATE = {1: hub(1), 2: hub(2, gas_supplier=THEIRS), 3: hub(3, csp_region="South")}


@given(reports)
def test_the_versions_told_end_in_the_inventory_and_none_is_told_twice_in_a_row(outcomes: list[HubOutcome]) -> None:
    judged = fold(outcomes, *ESTATE.values())
    for device_id in (1, 2):
        mine = [item for item in judged if item.outcome.device_id == device_id]
        told = [OLD, *(item.outcome.firmware_version for item in mine if item.judgement.tell)]
        assert all(one != other for one, other in pairwise(told))
        final = mine[-1].hub if mine else ESTATE[device_id]
        assert final is not None
        assert final.firmware_version == final.told_version == told[-1]


@given(reports)
def test_recorded_times_never_go_back_and_the_newest_success_stands(outcomes: list[HubOutcome]) -> None:
    judged = [item for item in fold(outcomes, hub(1)) if item.outcome.device_id == 1]
    times = [item.hub.completed_at for item in judged if item.hub is not None and item.hub.completed_at is not None]
    assert times == sorted(times)
    assert all(item.judgement.ignored for item in judged if item.judgement.refused)


@given(reports)
def test_a_message_sent_again_raises_no_second_n64(outcomes: list[HubOutcome]) -> None:
    judged = fold(outcomes, *ESTATE.values())
    after = dict(ESTATE)
    after.update((item.hub.device_id, item.hub) for item in judged if item.hub is not None)
    again = fold(outcomes, *after.values())
    for device_id in (1, 2):
        versions = {
            item.outcome.firmware_version
            for item in judged
            if item.outcome.device_id == device_id and item.outcome.completed_at == after[device_id].completed_at
        }
        if len(versions) <= 1:
            assert not any(item.judgement.tell for item in again if item.outcome.device_id == device_id)


@given(reports)
def test_one_message_or_many_make_no_difference(outcomes: list[HubOutcome]) -> None:
    together = fold(outcomes, *ESTATE.values())
    estate = dict(ESTATE)
    recorded: list[HubOutcome] = []
    for reported, expected in zip(outcomes, together, strict=True):
        if reported.stage is OutcomeStage.DISTRIBUTION:
            continue
        alone = fold([reported], *estate.values(), recorded=recorded)[0]
        assert alone == expected
        if alone.judgement.recorded:
            recorded.append(reported)
        if alone.hub is not None:
            estate[alone.hub.device_id] = alone.hub
