"""What the sandbox says for its parties and of them is what has happened there."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator

import pytest
from lxml import html

from tests.support.sandboxes import RunningSandbox, sandbox

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-3")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with sandbox(tmp_path_factory.mktemp("said") / "work") as one:
        yield one


@pytest.fixture
def town(running: RunningSandbox) -> RunningSandbox:
    """The sandbox as it is at first."""
    running.do("reset")
    return running


def raw(town: RunningSandbox, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", town.port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200, path
    content = answer.read().decode()
    connection.close()
    return content


def page(town: RunningSandbox, path: str = "/") -> html.HtmlElement:
    return html.document_fromstring(raw(town, path))


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def counts(town: RunningSandbox, kind: str) -> tuple[int, ...]:
    """The hubs that DCC's newest verdict of a kind names: meant, active and failed."""
    number = max(one["number"] for one in town.remote.get("/v1/messages") if one["kind"] == kind)
    said = raw(town, f"/v1/messages/{number}")
    found = re.search("<HubsTargeted>([0-9]+)</HubsTargeted>.*>([0-9]+)</HubsActivated>.*>([0-9]+)</HubsFailed>", said)
    assert found is not None, said
    return tuple(map(int, found.groups()))


def test_dccs_verdict_has_the_numbers_of_what_happened(town: RunningSandbox) -> None:
    """It had as many as run the version, all of them meant to, and none that failed."""

    def far() -> list[tuple[int, ...]]:
        """What the page says of all hubs and of the pilot's: all, active and failed."""
        (shown,) = page(town).xpath("//section[@id='releases']//tbody/tr[contains(., 'SEC-2027-A')]/td[@class='far']")
        found = re.findall("([0-9]+) of ([0-9]+), ([0-9]+) failed", words(shown))
        return [(int(every), int(active), int(failed)) for active, every, failed in found]

    town.do("activate", hub=[3, 61], release="SEC-2027-A")
    town.do("fail", hub=[4, 5, 81], release="SEC-2027-A")
    town.do("outcome", result="failure", release="SEC-2027-A")
    whole, pilot = far()
    assert whole[1:] == (2, 3)
    assert pilot[2] > 0
    assert counts(town, "PilotOutcome") == pilot
    town.do("clock", to="+61d")
    town.do("fail", hub=[82], release="SEC-2027-A")
    town.do("outcome", result="success", release="SEC-2027-A", stage="safe-launch")
    whole, pilot = far()
    assert counts(town, "SafeLaunchOutcome") == tuple(a - b for a, b in zip(whole, pilot, strict=True))
