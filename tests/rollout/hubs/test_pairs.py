"""A Communications Hub is two devices: which pairs can be, and what a GPF has of its hub."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duis_gateway.rollout.hubs.pairs import parted, resolved, unpairable, with_gpfs
from duis_gateway.rollout.hubs.records import NO_GPF, Hub
from tests.support.estate import ALPHA, BETA
from tests.support.estate import hub as plain


def hub(device_id: int, gpf: int | None = None) -> Hub:
    return replace(plain(device_id), gpf_device_id=gpf)


def gpf(device_id: int) -> Hub:
    return replace(plain(device_id), device_type="GPF")


def refused(said: Iterable[Hub], *known: Hub) -> set[int]:
    found = {one.device_id: one for one in known}
    return set(unpairable(list(said), found, {one.gpf: one for one in known if one.gpf is not None}))


def test_what_is_not_said_stays() -> None:
    assert resolved(hub(1), hub(1, 11)).gpf == 11
    assert resolved(replace(hub(1), gpf_device_id=NO_GPF), hub(1, 11)).gpf_device_id is None
    assert resolved(hub(1, 12), hub(1, 11)).gpf == 12
    assert resolved(hub(1), None).gpf is None
    assert resolved(gpf(1), hub(1, 11)).gpf is None, "only a hub has one"


@pytest.mark.parametrize(
    ("said", "known", "bad"),
    [
        ([hub(1, 11), hub(2, 12)], [], set()),
        ([hub(1, 11)], [gpf(11)], set()),
        ([hub(1, 1)], [], {1}),
        ([hub(1, 11)], [hub(11)], {1}),
        ([hub(1, 11)], [replace(hub(11), device_type="ESME")], {1}),
        ([hub(1, 2), hub(2)], [], {1}),
        ([hub(1, 11), hub(2, 11)], [], {2}),
        ([hub(2, 11)], [hub(1, 11)], {2}),
        ([hub(2, 11), hub(1, 11)], [hub(1, 11)], {2}),
        ([hub(2, 11), hub(1)], [hub(1, 11)], set()),
        ([hub(1, 12), hub(2, 11)], [hub(1, 11), hub(2, 12)], set()),
        ([hub(1, 1), hub(2, 11), hub(3, 12)], [hub(1, 11), hub(2, 12)], {1, 2, 3}),
    ],
    ids=[
        "new",
        "a known GPF",
        "itself",
        "a hub",
        "another type of device",
        "a hub in this message",
        "one of two",
        "another hub's",
        "who has it keeps it",
        "given up",
        "exchanged",
        "who is refused keeps its own",
    ],
)
def test_a_gpf_is_one_hub_s_and_no_hub_itself(said: list[Hub], known: list[Hub], bad: set[int]) -> None:
    assert refused(said, *known) == bad


PAIRS = st.dictionaries(st.integers(1, 5), st.sampled_from([None, 11, 12, 13, 14]), max_size=5)


@settings(max_examples=300)
@given(PAIRS, PAIRS)
def test_what_is_accepted_leaves_no_gpf_with_two_hubs(were: dict[int, int | None], said: dict[int, int | None]) -> None:
    known: dict[int, Hub] = {}
    for device_id, its in were.items():
        known[device_id] = hub(device_id, its if its not in [one.gpf for one in known.values()] else None)
    given_now = [hub(device_id, its) for device_id, its in said.items()]
    bad = refused(given_now, *known.values())
    after = known | {one.device_id: one for one in given_now if one.device_id not in bad}
    held = [one.gpf for one in after.values() if one.gpf is not None]
    assert len(held) == len(set(held))


def test_a_gpf_has_what_its_hub_has_but_for_its_status() -> None:
    now = replace(
        hub(1, 11), firmware_version="9", model="M", csp_region="South", gas_supplier=BETA, status="Suspended"
    )
    expected = replace(now, device_id=11, device_type="GPF", gpf_device_id=None)
    assert with_gpfs([now], {}, {}) == [now, expected]
    was = replace(gpf(11), status="Pending")
    assert with_gpfs([now], {11: was}, {11: now}) == [now, replace(expected, status="Pending")]
    given_too = replace(gpf(11), status="Recovery", import_supplier=ALPHA)
    assert with_gpfs([given_too, now], {11: was}, {}) == [replace(expected, status="Recovery"), now]
    assert with_gpfs([given_too], {11: was}, {11: now}) == [replace(expected, status="Recovery")]


def test_a_hub_loses_the_gpf_that_another_gets_or_that_is_none_any_more() -> None:
    owners = {11: hub(1, 11), 12: hub(2, 12)}
    assert parted([hub(1, 12), hub(2, 11)], owners) == {11, 12}
    assert parted([hub(3, 11)], owners) == {11}
    assert parted([replace(gpf(12), device_type="ESME")], owners) == {12}
    assert parted([hub(1, 11), gpf(12)], owners) == set()
