"""The steps of the feature files: each says or looks at one thing on the wire of a running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pytest_bdd import given, parsers, then, when

from tests.support import dcc_play, schedules_play
from tests.support.installation import REGIONS, Installation
from tests.support.mail_relay import Relay
from tests.support.play import DAY, NOW, Group, Outcome
from tests.support.scene import ALERTS, PARTIES, Scene, mailed_installation
from tests.support.wire_client import devices, texts

PARTY = (
    r"(?P<party>DCC|CSP North|CSP South|Supplier [AB]|the supplier on 5\.\d|the supplier with the published schema"
    "|the suspended supplier)"
)
"""No party's name begins another's, so that a step means one thing."""


def step(pattern: str) -> parsers.re:
    """Return a step's pattern, where `{party}` is a party and `{name}` is words."""
    words = pattern.replace("{party}", PARTY)
    for name in (
        "hubs",
        "kind",
        "value",
        "version",
        "what",
        "decision",
        "stage",
        "result",
        "reason",
        "first",
        "last",
        "field",
    ):
        words = words.replace("{" + name + "}", f"(?P<{name}>.+?)")
    return parsers.re(f"^{words}$")


@pytest.fixture(scope="session")
def mailed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Relay]]:
    """One installation for all features that a process plays."""
    with mailed_installation(tmp_path_factory.mktemp("features")) as made:
        yield made


@pytest.fixture
def scene(mailed: tuple[Installation, Relay]) -> Iterator[Scene]:
    """A scenario's own release and hubs."""
    yield Scene(*mailed)
    mailed[0].end_releases()


# --- how things stand ---------------------------------------------------------------------------------------------


@given(step("a release is in its {stage}"))
def _(scene: Scene, stage: str) -> None:
    {"pilot": dcc_play.piloting, "safe launch": dcc_play.launching}[stage](scene)


@given("a release in its pilot that holds the plan at the first hub that fails")
def _(scene: Scene) -> None:
    assert scene.announce(marks=dcc_play.threshold(share=1, least=1, hold=True)).code == "Accepted"
    assert dcc_play.approve(scene).code == "Accepted"
    scene.forget()


@given(step("DCC has announced a release"))
def _(scene: Scene) -> None:
    assert scene.announce().code == "Accepted"
    scene.forget()


@given(step("a release whose pilot begins in 20 days and that excludes {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    marks = devices("esi:ExcludedDeviceIDList", scene.hubs(hubs))
    assert scene.announce(revision=2, pilot=(NOW - DAY, NOW + 60 * DAY), marks=marks).code == "Accepted"
    scene.forget()


@given(step("a release in safe launch whose automatic time is {value}"))
def _(scene: Scene, value: str) -> None:
    scene.announce(pilot=(NOW - 30 * DAY, NOW - DAY), automatic=datetime.fromisoformat(value))
    assert dcc_play.approve(scene).code == "Accepted"
    scene.forget()


@given(step("the CSP has sent CS06 to {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    for csp in REGIONS:
        if own := scene.lot.of_csp(csp, scene.hubs(hubs)):
            assert dcc_play.batch(scene, own, period=dcc_play.open_now()).code == "Accepted"
            assert scene.requested(csp, own).code == "Accepted"
    scene.forget()


@given(step("the CSP has reported {hubs} active on version {version}"))
def _(scene: Scene, hubs: str, version: str) -> None:
    scene.before = {version: scene.on_version("Supplier A", version)}
    activate(scene, hubs, version)
    scene.forget()


@given(step("{party} has submitted a preferred pilot list of {hubs}"))
def _(scene: Scene, party: str, hubs: str) -> None:
    assert scene.pilot_list(PARTIES[party], scene.hubs(hubs)).code == "I99"
    scene.forget()


@given(step("{party} has submitted a SafeLaunch group of {hubs}"))
def _(scene: Scene, party: str, hubs: str) -> None:
    assert scene.pilot_schedule(PARTIES[party], Group.launch("G", scene.hubs(hubs))).code == "I99"
    scene.forget()


@given(step("{party} protects {hubs}"))
def _(scene: Scene, party: str, hubs: str) -> None:
    assert scene.party_door(party).protect(scene.hubs(hubs)) == len(scene.hubs(hubs))


@when(step("{party} protects no hub any more"))
def _(scene: Scene, party: str) -> None:
    assert scene.party_door(party).protect(()) == 0


# --- DCC ----------------------------------------------------------------------------------------------------------


@when("DCC announces a release")
def _(scene: Scene) -> None:
    assert scene.announce().code == "Accepted"


@when("DCC announces a release for hubs that run another version")
def _(scene: Scene) -> None:
    assert scene.announce(predecessors=("8888",)).code == "Accepted"


@when("DCC announces revision 2 of the release")
def _(scene: Scene) -> None:
    assert scene.announce(revision=2).code == "Accepted"


@when("DCC announces its successor")
def _(scene: Scene) -> None:
    pilot = (NOW + DAY, NOW + 30 * DAY)
    assert scene.announce(release=scene.successor, firmware="9003", pilot=pilot).code == "Accepted"


@when("DCC approves its successor")
def _(scene: Scene) -> None:
    assert dcc_play.approve(scene, scene.successor).code == "Accepted"


@when("DCC approves the release")
def _(scene: Scene) -> None:
    assert dcc_play.approve(scene).code == "Accepted"


@when(step("DCC reports the {result} of the {stage}"))
def _(scene: Scene, result: str, stage: str) -> None:
    name = {"pilot": "Pilot", "safe launch": "SafeLaunch"}[stage]
    assert dcc_play.outcome(scene, name, result == "success").code == "Accepted"


@when("DCC closes the release")
def _(scene: Scene) -> None:
    assert dcc_play.tell(scene, "Closure").code == "Accepted"


@when("DCC supersedes the release by its successor")
def _(scene: Scene) -> None:
    scene.announce(release=scene.successor, firmware="9003")
    scene.forget()
    assert dcc_play.tell(scene, "Supersession", successor=scene.successor).code == "Accepted"


@when(parsers.re(r"^DCC decides to (?P<decision>\w+), (?P<standing>confirmed|provisional)$"))
def _(scene: Scene, decision: str, standing: str) -> None:
    date = NOW + 400 * DAY if decision == "Delay" else None
    assert dcc_play.decide(scene, decision, standing.capitalize(), date).code == "Accepted"


@when(step("DCC forwards an incident of {party} with a request for an emergency stop"))
def _(scene: Scene, party: str) -> None:
    reference = f"INC-{scene.lot.release}"
    said = dcc_play.tell(scene, "Incident", reference=reference, supplier=scene[PARTIES[party]].eui)
    assert said.code == "Accepted"


@when(step("DCC instructs a batch of {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    assert dcc_play.batch(scene, scene.hubs(hubs)).code == "Accepted"


@when(step("DCC chooses {hubs} on behalf of {party}"))
def _(scene: Scene, hubs: str, party: str) -> None:
    assert dcc_play.select(scene, PARTIES[party], scene.hubs(hubs)).code == "Accepted"


# --- CSPs ---------------------------------------------------------------------------------------------------------


def activate(scene: Scene, hubs: str, version: str, at: datetime = NOW - timedelta(minutes=5)) -> None:
    """Let each CSP report success at its hubs."""
    for csp in REGIONS:
        if own := scene.lot.of_csp(csp, scene.hubs(hubs)):
            assert scene.responded(csp, *(Outcome(hub, version=version, at=at) for hub in own)).code == "Accepted"


@when(parsers.re(r"^the CSP reports (?P<hubs>.+) active on version (?P<version>\d+)(?P<again> again)?$"))
def _(scene: Scene, hubs: str, version: str, again: str | None) -> None:
    activate(scene, hubs, version, NOW if again else NOW - timedelta(minutes=5))


@when(step("the CSP says that it sends CS06 to {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    (hub,) = scene.hubs(hubs)
    (csp,) = (name for name in REGIONS if scene.lot.of_csp(name, (hub,)))
    scene.answer = scene.requested(csp, (hub,))


@then(parsers.re(r'^the CSP is told to stop for (?P<hubs>.+), as it is "(?P<reason>\w+)"$'))
def _(scene: Scene, hubs: str, reason: str) -> None:
    stopped = {hub: why.partition(":")[0] for hub, why in scene.answer.refused_items.items()}
    assert stopped == dict.fromkeys(scene.hubs(hubs), reason)


@when(parsers.re(r'^the CSP reports that (?P<what>\w+) failed at (?P<hubs>.+) by "(?P<reason>\w+)"$'))
def _(scene: Scene, what: str, hubs: str, reason: str) -> None:
    report = scene.distributed if what == "distribution" else scene.responded
    (hub,) = scene.hubs(hubs)
    (csp,) = (name for name in REGIONS if scene.lot.of_csp(name, (hub,)))
    assert report(csp, Outcome(hub, success=False, reason=reason)).code == "Accepted"


@when(step("the CSP uploads a default pilot list of {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    for csp, regions in REGIONS.items():
        for region in regions:
            if own := scene.lot.within(region, of=scene.hubs(hubs)):
                assert scene.default_list(csp, region, own).code == "Accepted"


@when(step("CSP North uploads a default pilot list of {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    scene.answer = scene.default_list("north", "North", scene.hubs(hubs))


@then(step("the CSP is told that {hubs} are not taken"))
def _(scene: Scene, hubs: str) -> None:
    assert set(scene.answer.refused_items) == set(scene.hubs(hubs))


@when(step("CSP North uploads a default pilot schedule of {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    assert scene.default_schedule("north", "North", [Group("G", scene.hubs(hubs))]).code == "Accepted"


@when(step("CSP North uploads a safe launch schedule of {hubs}"))
def _(scene: Scene, hubs: str) -> None:
    assert schedules_play.safe_launch(scene, "north", "North", [Group("G", scene.hubs(hubs))]).code == "Accepted"


@when(step("CSP North says {decision} on the group of {party}"))
def _(scene: Scene, decision: str, party: str) -> None:
    reason = "" if decision == "Accepted" else "no capacity"
    assert schedules_play.say(scene, "north", PARTIES[party], "G", decision, reason=reason).code == "Accepted"


@when(step("CSP North says {decision} on one hub of the group of {party}"))
def _(scene: Scene, decision: str, party: str) -> None:
    hubs = scene.hubs(f"one hub of {party}")
    assert schedules_play.say(scene, "north", PARTIES[party], "G", decision, hubs=hubs).code == "Accepted"


# --- suppliers ----------------------------------------------------------------------------------------------------


@when(step("{party} submits a preferred pilot list of {hubs}"))
def _(scene: Scene, party: str, hubs: str) -> None:
    scene.answer = scene.pilot_list(PARTIES[party], scene.hubs(hubs))


@when(
    parsers.re(
        rf"^{PARTY} submits a (?P<stage>Pilot|SafeLaunch) group of (?P<hubs>.+?)"
        r"(?: from day (?P<first>\d+) to day (?P<last>\d+))?$"
    )
)
def _(scene: Scene, party: str, stage: str, hubs: str, first: str | None, last: str | None) -> None:
    start, end = NOW + int(first or 2) * DAY, NOW + int(last or 9) * DAY
    scene.answer = scene.pilot_schedule(PARTIES[party], Group("G", scene.hubs(hubs), stage, start, end))


@when(parsers.re(rf"^{PARTY} takes its SafeLaunch group back$"))
def _(scene: Scene, party: str) -> None:
    scene.answer = scene.pilot_schedule(PARTIES[party], cancelled=[("G", "SafeLaunch")])


@when(step("{party} asks what a preferred pilot list of {hubs} would be answered"))
def _(scene: Scene, party: str, hubs: str) -> None:
    prepared = scene.prepare(lambda: scene.pilot_list(PARTIES[party], scene.hubs(hubs)))
    scene.told = scene.party_door(party).check(prepared.unsigned)


# --- what is seen -------------------------------------------------------------------------------------------------


@then(step(r"the answer is (?P<code>\w+)"))
def _(scene: Scene, code: str) -> None:
    assert scene.answer.code == code


@then(step("the answer lists {hubs} under {kind}"))
def _(scene: Scene, hubs: str, kind: str) -> None:
    assert scene.answer.lists[kind] == list(scene.hubs(hubs))


@then(step(r"it would be answered (?P<code>\w+)"))
def _(scene: Scene, code: str) -> None:
    assert (scene.told.code, scene.told.accepted) == (code, code[0] != "E")


@then(step("the answer would list {hubs} under {kind}"))
def _(scene: Scene, hubs: str, kind: str) -> None:
    assert list(map(str, scene.told.warning[kind])) == list(scene.hubs(hubs))


@then("nobody is told anything")
def _(scene: Scene) -> None:
    assert [(name, one.kind) for name in PARTIES.values() for one in scene.received(name)] == []


@then(step("the protection list of {party} has {hubs}"))
def _(scene: Scene, party: str, hubs: str) -> None:
    assert set(scene.hubs(hubs)) <= set(map(str, scene.party_door(party).protected_hubs()))


@then(parsers.re(rf"^a preferred pilot list of {PARTY} is answered (?P<code>\w+)$"))
def _(scene: Scene, party: str, code: str) -> None:
    assert scene.pilot_list(PARTIES[party], scene.hubs("the hubs of Supplier A")).code == code


@then(parsers.re(rf"^{PARTY} gets (?P<kind>\w+) for (?P<hubs>.+)$"))
def _(scene: Scene, party: str, kind: str, hubs: str) -> None:
    assert scene.told_about(party, kind) == scene.concerned(party, scene.hubs(hubs))


@then(parsers.re(rf"^{PARTY} gets (?P<kind>\w+)(?: once)?$"))
def _(scene: Scene, party: str, kind: str) -> None:
    scene.the(party, kind)


@then(parsers.re(rf"^{PARTY} does not get (?P<kind>\w+)$"))
def _(scene: Scene, party: str, kind: str) -> None:
    assert scene.received(PARTIES[party], kind) == []


@then(parsers.re(rf"^{PARTY} gets the email (?P<kind>\w+)(?P<twice> twice, for .+)?$"))
def _(scene: Scene, party: str, kind: str, twice: str | None) -> None:
    assert len(scene.emails(party, kind)) == (2 if twice else 1)


@then("nobody gets an alert")
def _(scene: Scene) -> None:
    assert [(name, one.kind) for name in PARTIES.values() for one in scene.received(name, *ALERTS)] == []


@then(parsers.re(rf'^the (?P<kind>\w+) to {PARTY} says (?P<field>\w+) "(?P<value>.+)"$'))
def _(scene: Scene, kind: str, party: str, field: str, value: str) -> None:
    assert scene.the(party, kind).text(field) == value


@then(parsers.re(rf"^the (?P<kind>\w+) to {PARTY} has no (?P<field>\w+)$"))
def _(scene: Scene, kind: str, party: str, field: str) -> None:
    assert texts(scene.the(party, kind).root, field) == []


@then(parsers.re(rf"^the N72 to {PARTY} tells what becomes of pending requests$"))
def _(scene: Scene, party: str) -> None:
    assert "ending requests" in scene.the(party, "N72").text("EffectOnPendingRequests")


@then(parsers.re(r"^no message to (?P<one>Supplier [AB]) names (?P<other>Supplier [AB])$"))
def _(scene: Scene, one: str, other: str) -> None:
    secret = scene[PARTIES[other]].eui.encode()
    assert all(secret not in delivery.raw for delivery in scene.received(PARTIES[one]))


@then(step("the inventory has {hubs} on version {version}"))
def _(scene: Scene, hubs: str, version: str) -> None:
    assert {scene.version(hub) for hub in scene.hubs(hubs)} == {version}


@then(step("a Read Inventory of {hubs} by {party} shows version {version}"))
def _(scene: Scene, hubs: str, party: str, version: str) -> None:
    answer = scene.read_inventory(PARTIES[party], scene.hubs(hubs)[0])
    assert version in texts(answer.root, "DeviceFirmwareVersion") + texts(answer.root, "FirmwareVersion")


@then("the release is invalidated")
def _(scene: Scene) -> None:
    assert scene.state() == "invalidated, not paused"


@then("the release is in safe launch")
def _(scene: Scene) -> None:
    assert scene.state() == "safe_launch, not paused"


@then(parsers.re(r"^the release is piloting, (?P<held>paused|not paused)$"))
def _(scene: Scene, held: str) -> None:
    assert scene.state() == f"piloting, {held}"


@then(step("the automatic date is {value}"))
def _(scene: Scene, value: str) -> None:
    assert str(scene.plan("one hub of Supplier A")["due"]).startswith(value)


@then(parsers.re(r"^the plan of (?P<hubs>.+) is (?P<no>not )?the automatic date$"))
def _(scene: Scene, hubs: str, no: str | None) -> None:
    assert (scene.plan(hubs)["basis"] == "automatic_date") is not bool(no)


@then(parsers.re(r"^the plan of (?P<hubs>.+) names the (?P<role>\w+ Supplier) as the one that is missing$"))
def _(scene: Scene, hubs: str, role: str) -> None:
    assert f"{role} has not instructed" in scene.plan(hubs)["explanation"]


@then(parsers.re(r"^the plan of (?P<hubs>.+) is from day (?P<first>\d+) to day (?P<last>\d+)$"))
def _(scene: Scene, hubs: str, first: str, last: str) -> None:
    plan = scene.plan(hubs)
    period = [datetime.fromisoformat(plan[name]) for name in ("earliest_start", "latest_end")]
    assert period == [NOW + int(first) * DAY, NOW + int(last) * DAY]


@then(parsers.re(r"^the email (?P<kind>\w+) to (?P<party>Supplier [AB]) lists (?P<hubs>.+)$"))
def _(scene: Scene, kind: str, party: str, hubs: str) -> None:
    assert sorted(row["device_id"] for row in scene.attached(party, kind)) == sorted(scene.hubs(hubs))


@then("the email A01 to Supplier B calls it Gas Supplier and not Import Supplier of each")
def _(scene: Scene) -> None:
    assert {(row["import"], row["gas"]) for row in scene.attached("Supplier B", "A01")} == {("false", "true")}


@then(parsers.re(r"^the eligible hubs of (?P<party>Supplier [AB]) are (?P<hubs>.+)$"))
def _(scene: Scene, party: str, hubs: str) -> None:
    rows = scene.ask_party_door(party, f"eligible-hubs?release={scene.lot.release}")
    assert sorted(row["device_id"] for row in rows) == sorted(scene.hubs(hubs))


@then(step("the status of Supplier A counts one more hub on version {version} than before it"))
def _(scene: Scene, version: str) -> None:
    assert scene.on_version("Supplier A", version) == scene.before[version] + 1


@then(step("the deadlines of {party} have a task of its own with the time left"))
def _(scene: Scene, party: str) -> None:
    own = [one for one in scene.ask_party_door(party, "deadlines") if one["whose"] == "own"]
    assert any(one["release"] == scene.lot.release and one["seconds_left"] > 0 for one in own)


@then(step("the deadlines of {party} have a next action of the others"))
def _(scene: Scene, party: str) -> None:
    rows = [one for one in scene.ask_party_door(party, "deadlines") if one["release"] == scene.lot.release]
    assert any(one["whose"] != "own" and one["due"] for one in rows)
