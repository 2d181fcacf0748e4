"""What the page of flags says that is to be done."""

from __future__ import annotations

import pytest

from duis_gateway.operations.console.flag_words import TO_DO, about
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.rollout.releases.records import ReleaseState
from tests.support.rules import NOW, release


@pytest.mark.parametrize("kind", ["pause proposed", "decision outstanding", "missed obligation"])
def test_of_a_release_that_is_over_nothing_is_asked_any_more(kind: str) -> None:
    """It sent the operator to DCC for a decision that the gateway would have refused."""
    flag = OperatorFlag(kind, "R1", "", NOW)
    assert about(flag, {"R1": release(release_id="R1")}).to_do == TO_DO[kind]
    stopped = release(release_id="R1", state=ReleaseState.STOPPED)
    assert about(flag, {"R1": stopped}).to_do == "Nothing any more: R1 is stopped."
