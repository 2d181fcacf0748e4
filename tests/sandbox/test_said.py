"""What the sandbox says for its parties and of them is what has happened there."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import html

from duis_gateway.namespaces import SR
from tests.support.asked import exchange
from tests.support.cli import done, refused, run
from tests.support.gateway_process import wait_until
from tests.support.sandboxes import RunningSandbox

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-3")]


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


def test_what_a_csp_was_not_told_is_said_not_to_be_told(town: RunningSandbox) -> None:
    """Beside a hub of the other CSP it was said of these that they were not planned now: "hub 2, 3, as it is ..."."""
    town.do("csp", name="south", behaviour="down")
    helps = "`sandbox csp south --behaviour normal`, then give this command again"
    said = f"south, which behaves down, has not been told yet (2 messages wait for it): {helps}"
    assert town.do("activate", hub=[1, 2, 3])["notes"] == [f"hubs 2 and 3 are left: {said}"]
    again = town.do("activate", hub=[2])
    assert again["failed"].startswith("DCC has instructed hub 2, but south, which behaves down, has not been told yet")
    town.do("csp", name="south", behaviour="normal")
    assert town.do("activate", hub=[2, 3])["notes"] == []


def test_of_a_hub_that_dcc_cannot_instruct_only_the_answer_says_why(town: RunningSandbox) -> None:
    """After the reason it was said that nothing is planned for it, as if planning it could help."""
    town.do("activate", hub=[1])

    def reasons(*hub: int) -> list[str]:
        result = town.do("activate", hub=hub)
        assert (result["notes"], result["failed"]) == ([], None)
        return [item["reason"] for one in result["answers"] for item in one.get("refused", ())]

    runs, not_commissioned = "already runs the version", "not commissioned"
    assert reasons(1) == [runs]
    assert sorted(reasons(1, 40, 2)) == [runs, not_commissioned]
    town.do("csp", name="south", behaviour="down")
    late = town.do("activate", hub=[1, 3])["failed"]
    assert late.startswith("DCC has instructed hub 3, but south, which behaves down, has not been told yet")


def test_a_refused_request_is_answered_in_the_words_that_the_gateway_has_for_it(town: RunningSandbox) -> None:
    """All that its code can stand for was said: too late, or a wrong period, or hubs under way (they are listed)."""

    def answered(command: str, **members: object) -> str:
        (answer,) = town.do(command, supplier="you", **members)["answers"]
        assert answer["status"] == "Refused"
        *_, message = [one for one in town.remote.get("/v1/messages") if one["from"] == "you"]
        assert message["said"] == f"{answer['code']}: {answer['text']}"
        assert answer["text"] in words(page(town, f"/messages/{message['number']}").get_element_by_id("message"))
        return str(answer["text"])

    of_group = "the period of the group GROUP-1/Pilot"
    backwards = "it starts on 2027-01-12 09:00 UTC and ends on 2027-01-05 09:00 UTC"
    assert (
        answered("instruct", hub=[7], start="+8d", end="+1d") == f"{of_group} does not end after it starts: {backwards}"
    )
    assert answered("instruct", hub=[7], start="-8d", end="-1d").startswith(f"{of_group} was over when the request")
    assert answered("instruct", hub=[7], end="+400d").startswith(f"{of_group} does not end before the automatic date")
    assert answered("cancel", group="G7") == "nothing is cancelled: the group G7/Pilot is not known"


def test_whose_group_it_is_is_said_only_of_one_that_the_supplier_does_not_have(town: RunningSandbox) -> None:
    """Of a group that was refused for its new period, another supplier was suggested."""
    town.do("choose", supplier="you", hub=[7])
    town.do("instruct", supplier="you", hub=[7], group="G1")
    result = town.do("group", group="G1", decision="amended", start="+8d", end="+1d")
    assert [one["status"] for one in result["answers"]] == ["Refused"]
    assert result["notes"] == []


def test_on_the_command_line_what_it_takes_has_its_names_there(town: RunningSandbox) -> None:
    """`supplier` was said to name another's group, where the option is --supplier; the API's name is another."""
    at = ("--port", str(town.port))
    of_whom = "it was taken for a group of you, and there is none of this name; `{}` names another's"
    assert town.do("group", group="G1", decision="accepted")["notes"] == [of_whom.format("supplier")]
    assert of_whom.format("--supplier") in run("sandbox", "group", "G1", "accepted", *at).output
    assert of_whom.format("supplier") in run("sandbox", "group", "G1", "accepted", "--json", *at).output
    assert "`--least` says how a threshold counts: give `--threshold`, too" in refused(
        2, "sandbox", "announce", "--least", "2", *at
    )
    assert "a delay needs `--until`" in refused(2, "sandbox", "decide", "delay", *at)
    assert "one of `HUB` is empty" in refused(2, "sandbox", "activate", "", *at)
    assert "say needs `FILE`: the document" in refused(2, "sandbox", "say", "dcc", "/dev/null", *at)
    assert "With `--threshold`: how many" in " ".join(done("sandbox", "announce", "--help").split())


def test_what_a_document_lacks_to_be_said_is_told_with_what_helps(town: RunningSandbox, tmp_path: Path) -> None:
    document = tmp_path / "request.xml"
    document.write_text('<sr:Request schemaVersion="6.0"/>', encoding="utf-8")
    said = refused(2, "sandbox", "say", "you", document, "--port", str(town.port))
    assert f'line 1, column 32: the prefix sr is not declared: add xmlns:sr="{SR}" where Request begins' in said


def test_what_is_tried_again_just_now_waits_as_well(town: RunningSandbox) -> None:
    """While a party's only message was tried again, nothing waited for it on the page, and no page said why."""
    town.do("csp", name="south", behaviour="down")
    town.do("decide", action="pause")
    town.do("csp", name="south", behaviour="slow", delay=300)

    def tried() -> list[dict[str, Any]]:
        sent = town.remote.get("/v1/messages")
        return [one for one in sent if one["to"] == "south" and one["state"] == "in_flight" and one["cause"]]

    wait_until(lambda: bool(tried()), "its message is tried again", 60)
    (message,) = tried()
    root = page(town)
    (waiting,) = root.xpath("//section[@id='parties']//tbody/tr[td[1]='south']/td[7]")
    assert words(waiting) == "1"
    (link,) = waiting.xpath("a/@href")
    place = urlsplit(link)
    listed = exchange(f"{place.scheme}://{place.netloc}", "GET", f"{place.path}?{place.query}", None, {}).root
    assert "RolloutDecision" in words(listed.find(".//tbody"))
    assert "It is being delivered now, again: the last attempt failed" in words(
        page(town, f"/messages/{message['number']}").get_element_by_id("why")
    )
    town.do("csp", name="south", behaviour="normal")


def test_dcc_decides_on_an_invalidated_pilot_by_the_buttons_of_its_row(town: RunningSandbox) -> None:
    """The page said that it was DCC's turn, and had nothing to do it with; `supersede` took the successor itself."""

    def does(button: str) -> str:
        (form,) = page(town).xpath(f"//section[@id='releases']//tbody/tr//form[button='{button}']")
        fields = {str(one.get("name")): str(one.get("value")) for one in form.xpath(".//input")}
        said = town.do(fields.pop("do"), **fields)
        assert [one["status"] for one in said["answers"]] == ["Accepted"]
        return next(str(one["state"]) for one in town.status()["releases"] if one["release"] == "SEC-2027-A")

    def invalidated() -> None:
        town.do("reset")
        town.do("announce", release="X", model="433100AC", version="9002")
        assert "dcc: decide on invalidated pilot" in words(page(town).get_element_by_id("releases"))

    invalidated()
    assert does("Proceed") == "safe_launch"
    invalidated()
    assert does("Let X supersede it") == "superseded"
    invalidated()
    assert does("Withdraw") == "withdrawn"
    for command, members in (("decide", {"action": "proceed"}), ("supersede", {"successor": "X"})):
        invalidated()
        said = town.do(command, **members)
        assert [(one["release"], one["status"]) for one in said["answers"]] == [("SEC-2027-A", "Accepted")]


def test_a_command_says_how_a_hub_stands_why_and_what_to_do(town: RunningSandbox) -> None:
    """It stood on the page and in the API alone."""
    at = ("--port", str(town.port))
    town.do("activate", hub=[1])
    assert done("sandbox", "hub", "1", *at).startswith("00-DB-12-34-56-00-00-01: activated under SEC-2027-A\nwhy ")
    for name in ("2", "00-DB-12-34-56-00-00-02"):
        found = town.remote.get(f"/v1/hubs/{name}")
        said = f"{found['device']}: planned under SEC-2027-A\nwhy         {found['why']}\n"
        assert done("sandbox", "hub", name, *at) == f"{said}what to do  {found['next_step']}\n"
        assert json.loads(done("sandbox", "hub", name, "--json", *at)) == found
    for wrong in ("0", "121", "abc"):
        assert "there is no such hub: hubs are 1 to 120" in refused(2, "sandbox", "hub", wrong, *at)


def test_whose_turn_it_is_names_the_groups_owner_and_how_much_more_there_is(town: RunningSandbox) -> None:
    town.do("choose", supplier="you", hub=[1, 2])
    town.do("instruct", supplier="you", hub=[1], group="G")
    (turns,) = page(town).xpath("//section[@id='releases']//tbody/tr[contains(., 'SEC-2027-A')]/td[@class='turns']")
    (north,) = [words(one) for one in turns.xpath("ul/li") if words(one).startswith("north: ")]
    assert north.startswith("north: decide on group G of you, 1 hub - ")
    assert re.search("and [0-9]+ more tasks?$", north)
