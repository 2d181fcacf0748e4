"""What the console's pages say: true, once, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import NEW, OLD
from tests.support.steering import NORTH, OWN_NORTH, steering

DAY = timedelta(days=1)


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    """A release whose pilot has begun."""
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        with pages_over(dcc) as made:
            yield made


def reports(pages: Pages, *, success: bool) -> str:
    """The CSP reports how the activation of a hub ended just now; return the time as pages have it."""
    now = pages.dcc.clock.now()
    outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, success, NEW, now, None if success else "noImageHeld")
    said = pages.dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP)
    assert said.status == "Accepted"
    return f"{now:%Y-%m-%d %H:%M:%S}"


def test_a_failed_attempt_completes_nothing_that_suppliers_were_told_of(pages: Pages) -> None:
    """After a failure the page said of the version before it that it was "completed" at the time of the failure."""

    def told_of() -> str:
        path = "//dt[.='Suppliers were last told of']/following-sibling::dd[1]"
        return pages.words(f"/hubs/{format_eui(OWN_NORTH)}", part=path)

    reports(pages, success=False)
    assert told_of() == OLD
    pages.dcc.clock.instant += DAY
    done = reports(pages, success=True)
    assert told_of() == f"{NEW}, activated {done}"
    pages.dcc.clock.instant += DAY
    reports(pages, success=False)
    pages.dcc.clock.instant += DAY
    reports(pages, success=True)
    assert told_of() == f"{NEW}, activated {done}", "a repeat raises no N64"
