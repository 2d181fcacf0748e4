"""The targets of fuzzing hold for what they begin with, and for what hypothesis makes of it in every run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bending import bend
from tests.fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_hold(name: str) -> None:
    begun = seeds(name)
    assert len(begun) > 2
    for seed in begun:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@given(st.data())
def test_a_seed_that_was_bent_is_good_or_refused(name: str, data: st.DataObject) -> None:
    """T10, T25, T32, T50, T57, T59: octets changed, taken out and put in; nothing but a declared error comes of it."""
    seed = data.draw(st.sampled_from(seeds(name)))
    at = data.draw(st.integers(0, len(seed)))
    until = data.draw(st.integers(at, min(len(seed), at + 20)))
    TARGETS[name](seed[:at] + data.draw(st.binary(max_size=20)) + seed[until:])


@pytest.mark.parametrize("name", TARGETS)
@given(st.binary(max_size=200))
def test_anything_is_good_or_refused(name: str, raw: bytes) -> None:
    TARGETS[name](raw)


@pytest.mark.parametrize("name", ["message", "soap"])
@given(st.data(), st.integers(0, 2**32 - 1))
def test_a_document_that_was_bent_is_good_or_refused(name: str, data: st.DataObject, seed: int) -> None:
    """T19, T44, T57: a text changed, or an element doubled, moved or gone, as fuzzing does it."""
    drawn = data.draw(st.binary(max_size=20))
    TARGETS[name](bend(data.draw(st.sampled_from(seeds(name))), seed, lambda part: part[: len(part) // 2] + drawn))
